"""The phases of a deployment and the steps allowed between them."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """How far a deployment has come; what failed is told by its ``failure`` beside it."""

    REQUESTED = "requested"  # a name is taken, nothing is chosen
    CHOSEN = "chosen"  # choices are stored, nothing exists at the site
    PLANNED = "planned"  # a plan is saved, nothing exists at the site
    APPLYING = "applying"  # from here on the site may hold resources
    APPLIED = "applied"  # all resources exist
    CONFIGURING = "configuring"
    VERIFYING = "verifying"
    READY = "ready"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


_FORWARD = {
    Phase.REQUESTED: {Phase.CHOSEN},
    Phase.CHOSEN: {Phase.PLANNED},
    Phase.PLANNED: {Phase.APPLYING},
    Phase.APPLYING: {Phase.APPLIED},
    Phase.APPLIED: {Phase.CONFIGURING},
    Phase.CONFIGURING: {Phase.VERIFYING},
    Phase.VERIFYING: {Phase.READY},
    Phase.READY: set(),
    Phase.DESTROYING: {Phase.DESTROYED},
    Phase.DESTROYED: set(),
}

# A run may start again from any of these: it looks at the site first.
_RESUMABLE = set(Phase) - {Phase.DESTROYING, Phase.DESTROYED}

MAY_HOLD_RESOURCES = frozenset(
    {
        Phase.APPLYING,
        Phase.APPLIED,
        Phase.CONFIGURING,
        Phase.VERIFYING,
        Phase.READY,
        Phase.DESTROYING,
    }
)


def is_allowed(before: Phase, after: Phase) -> bool:
    """Tell whether a deployment may go from one phase to the other."""
    if before is Phase.DESTROYED:
        return False
    if after is Phase.DESTROYING or after is before:
        return True
    if after in _FORWARD[before]:
        return True
    # A new run on an existing deployment plans and configures it again.
    return before in _RESUMABLE and after in (
        Phase.CHOSEN,
        Phase.PLANNED,
        Phase.CONFIGURING,
        Phase.VERIFYING,
    )
