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


# Where a new run may begin again: it looks at the site first.
_NOTHING_YET = {Phase.REQUESTED, Phase.CHOSEN, Phase.PLANNED}
_AGAIN = {Phase.APPLYING, Phase.CONFIGURING, Phase.VERIFYING}


def is_allowed(before: Phase, after: Phase) -> bool:
    """Tell whether a deployment may go from one phase to the other.

    One that may hold resources never goes back to a phase that says it holds none.
    """
    if before is Phase.DESTROYED or (before is Phase.DESTROYING and after is not before):
        return before is Phase.DESTROYING and after is Phase.DESTROYED
    if after is Phase.DESTROYING or after is before or after in _FORWARD[before]:
        return True
    return after in (_NOTHING_YET if before in _NOTHING_YET else _AGAIN)
