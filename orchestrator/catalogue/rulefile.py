"""The schema of the rules of a usecase.yaml: what has to hold before any machine is made."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

_Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_Key = Annotated[str, Field(strict=True, pattern=r"^[A-Z0-9_-]{1,8}$")]
_Value = StrictBool | StrictInt | StrictFloat | StrictStr
_Amount = Annotated[float, Field(ge=0)]


class _RuleFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    _takes: ClassVar[dict[str, tuple[str, ...]]] = {}

    when: dict[_Name, list[_Value]] = {}  # holds for these values of other parameters alone
    because: StrictStr | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """All but the kind."""
        return self.model_dump(exclude={"kind"})

    @property
    def names(self) -> list[str]:
        """The parameters it speaks of."""
        own = self.model_dump(include={"parameter", "or_gb", "ram_divided_by"}).values()
        several = self.model_dump(include={"parameters"}).get("parameters", [])
        return [*self.when, *several, *(name for name in own if name)]

    @property
    def types(self) -> dict[str, tuple[str, ...]]:
        """What a parameter has to be that it reckons with; any other one may be anything."""
        wanted = {getattr(self, key): types for key, types in self._takes.items()}
        return {name: types for name, types in wanted.items() if name}


class SquareRule(_RuleFile):
    """A whole number is a square: 0, 1, 4, 9."""

    _takes = {"parameter": ("integer",)}

    kind: Literal["square"]
    parameter: _Name


class OneOfRule(_RuleFile):
    """Exactly one of several parameters is given."""

    kind: Literal["one_of"]
    parameters: list[_Name] = Field(min_length=2)


class TogetherRule(_RuleFile):
    """Parameters are given all or not at all."""

    kind: Literal["together"]
    parameters: list[_Name] = Field(min_length=2)


class AllowedRule(_RuleFile):
    """A parameter has one of some values."""

    kind: Literal["allowed"]
    parameter: _Name
    values: list[_Value] = Field(min_length=1)


class FitsHeaderRule(_RuleFile):
    """A FITS file of the person's has what the use case reads in its header."""

    _takes = {"parameter": ("file",)}

    kind: Literal["fits_header"]
    parameter: _Name
    keys: list[_Key] = Field(min_length=1)
    values: dict[_Key, list[StrictStr]] = {}
    equal: list[_Key] = []


class RoomRule(_RuleFile):
    """Disk and memory are enough for the size of an input."""

    _takes = {
        "parameter": ("file",),
        "or_gb": ("integer", "number"),
        "ram_divided_by": ("integer",),
    }

    kind: Literal["room"]
    parameter: _Name  # a file, whose size is looked at
    or_gb: _Name | None = None  # a number, for an input that is not here
    disk_times: _Amount
    disk_plus_gb: _Amount = 0
    ram_times: _Amount = 0
    ram_divided_by: _Name | None = None
    ram_parts: Annotated[int, Field(strict=True, ge=1)] = 1  # where that parameter is 0
    ram_plus_gb: _Amount = 0


RuleFile = Annotated[
    SquareRule | OneOfRule | TogetherRule | AllowedRule | FitsHeaderRule | RoomRule,
    Field(discriminator="kind"),
]
