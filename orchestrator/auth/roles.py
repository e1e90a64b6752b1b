"""Which role of a VO lets a person make VMs, by EGI's table of entitlements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import paths
from orchestrator.errors import LoginError
from orchestrator.writtenfiles import load_yaml

_URN = re.compile(r"^urn:mace:egi\.eu:group:(?P<groups>[^#]+?)(?::role=(?P<role>[^#:]+))?(?:#.*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """A role in a group: the VO first, then its sub-groups."""

    groups: tuple[str, ...]
    role: str

    @property
    def vo(self) -> str:
        """The VO to which the group belongs."""
        return self.groups[0]

    @classmethod
    def read(cls, urn: str) -> Entitlement | None:
        """Read a URN; what is none of EGI's is None, since other entitlements are normal."""
        found = _URN.match("".join(urn.split())) if isinstance(urn, str) else None
        if found is None:
            return None
        groups = tuple(found["groups"].split(":"))
        return cls(groups=groups, role=found["role"] or "member")


def read_mappings(path: Path | None = None) -> Mapping[str, str]:
    """Return EGI's table: VO -> the entitlement that sites ask for."""
    content = load_yaml((path or paths.TEMPLATES / "vo-mappings.yaml").read_bytes())
    return dict(content["vos"])


def missing_role(
    vo: str, entitlements: Iterable[str] | None, *, mappings: Mapping[str, str] | None = None
) -> LoginError | None:
    """Return the refusal that a site would give, or None where it is not known to refuse.

    ``entitlements`` of None means that nobody has told; so does a VO that the table lacks:
    the site's own mapping decides then.
    """
    table = read_mappings() if mappings is None else mappings
    wanted = Entitlement.read(table[vo]) if vo in table else None
    if wanted is None or entitlements is None:
        return None
    held = [entitlement for urn in entitlements if (entitlement := Entitlement.read(urn))]
    if wanted in held:
        return None
    return _refusal(
        vo, wanted, [entitlement for entitlement in held if entitlement.vo == wanted.vo]
    )


def _refusal(vo: str, wanted: Entitlement, held: list[Entitlement]) -> LoginError:
    role = f"the role {wanted.role} of {':'.join(wanted.groups)}"
    if held:
        have = ", ".join(sorted({":".join((*e.groups[1:], e.role)) for e in held}))
        message = f"you are a member of {wanted.vo}, but only {role} may make VMs."
    else:
        have = "no role of it in this login"
        message = f"you are not a member of {vo}: making VMs needs {role}."
    return LoginError(
        message,
        facts={f"you have in {wanted.vo}": have},
        way_out=[
            f"ask for {role}: https://aai.egi.eu/registry/ (VO {wanted.vo})",
            "then log in again: the role comes with the next token",
        ],
    )
