"""Values that a person fixed: found by id or name, refused when they do not exist."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from orchestrator.errors import AmbiguousChoiceError, RequestError
from orchestrator.model import Site

KEYS = (
    "flavor",
    "image",
    "topology",
    "public_network",
    "private_network",
    "floating_ip",
    "volume",
    "proxy_jump",
    "ssh_config",
)


# The layer of the files about a site: they speak of every topology, a person of this one run.
SITE = 99
# What YAML takes for a text without quotes around it: neither a number nor a word of its own.
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|null)$)[a-z][a-z0-9_./-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A fixed value, who fixed it, and the weaker ones that it beats."""

    value: str
    origin: str  # a file, or the command line
    beaten: tuple[tuple[str, str], ...] = ()  # origin and value
    layer: int = 0  # 0 is the strongest, SITE the weakest


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


_Listed = TypeVar("_Listed", bound=_Named)


def effective(
    layers: Sequence[tuple[str, Mapping[str, str]]], *, site: Site, vo: str
) -> dict[str, Override]:
    """Return the overrides that hold, each with those it beats.

    ``layers`` are origin and values of what a person gave, the strongest first; the site's own
    files come after all of them.
    """
    for origin, given in layers:
        require_known(origin, given)
    written = site.settings_of(vo)
    found = {}
    for key in KEYS:
        told = [
            (place, origin, given[key])
            for place, (origin, given) in enumerate(layers)
            if key in given
        ]
        told += [(SITE, setting.origin, setting.value) for setting in written.get(key, ())]
        if told:
            (layer, origin, value), *weaker = told
            beaten = tuple((origin, value) for _, origin, value in weaker)
            found[key] = Override(value=value, origin=origin, beaten=beaten, layer=layer)
    return found


def marks(override: Override | None) -> dict[str, Any]:
    """Return what a choice says about who fixed it."""
    return {"origin": override.origin, "beaten": override.beaten} if override else {}


def reference(one: _Named, listed: Sequence[_Named]) -> str:
    """Return what finds this one again and no other: its name, or its id where others share it."""
    shared = sum(one.name in (other.id, other.name) for other in listed) > 1
    return one.id if shared or not one.name.strip() else one.name


def option(key: str, value: str) -> str:
    """Return the option that fixes a choice for one run, as a shell takes it."""
    return f"--set {shlex.quote(f'{key}={value}')}"


def line(key: str, value: str) -> str:
    """Return the line of YAML that fixes a choice for good."""
    return f"{key}: {value if _PLAIN.fullmatch(value) else json.dumps(value)}"


def require_known(origin: str, given: Mapping[str, str]) -> None:
    """Raise RequestError for what cannot be fixed, or is given without a value."""
    for key, value in given.items():
        if not value.strip():
            raise RequestError(
                f"{key} is given without a value.",
                facts={"asked for in": origin},
                way_out=["say which, or leave it out to have one chosen"],
            )
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = {"did you mean": near[0]} if near else {"choices": ", ".join(KEYS)}
            raise RequestError(
                f"{key} is not a choice that can be fixed.", facts={"asked for in": origin, **hint}
            )


def find(listed: Sequence[_Listed], override: Override, *, key: str, site: str) -> _Listed:
    """Return the one thing of this id or name."""
    found = [one for one in listed if one.id == override.value] or [
        one for one in listed if one.name == override.value
    ]
    if len(found) == 1:
        return found[0]
    word = key.replace("_", " ")
    if found:
        found.sort(key=lambda one: one.id)
        raise AmbiguousChoiceError(
            f"{site} has {len(found)} {word}s named {override.value}.",
            facts={one.id: one.name for one in found},
            way_out=[f"give its id: {option(key, found[0].id)}"],
        )
    raise RequestError(
        f"{site} has no {word} {override.value} that this project may use.",
        facts={"asked for in": override.origin, **_near(listed, override.value)},
        way_out=[f"correct {key} there, or leave it out to have one chosen"],
    )


def _near(listed: Sequence[_Named], value: str) -> dict[str, str]:
    names = {one.casefold(): one for one in sorted({one.name or one.id for one in listed})}
    near = [names[n] for n in difflib.get_close_matches(value.casefold(), list(names), n=3)]
    if near:
        return {"did you mean": ", ".join(near)}
    shown = sorted(names.values())[:8]
    return {"there are": ", ".join(shown) + (", ..." if len(names) > len(shown) else "") or "none"}
