"""Between a deployment and its row: plain JSON in, frozen values out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from orchestrator.lifecycle import Phase
from orchestrator.model import Choice, Deployment, Node, Rival, Selection


def to_row(deployment: Deployment) -> dict[str, Any]:
    """Return the columns of a deployment."""
    row = {name: getattr(deployment, name) for name in deployment.__dataclass_fields__}
    row["phase"] = deployment.phase.value
    row["parameters"] = dict(deployment.parameters)
    row["versions"] = dict(deployment.versions)
    row["selection"] = asdict(deployment.selection) if deployment.selection else None
    row["nodes"] = [asdict(node) for node in deployment.nodes]
    gone = deployment.phase is Phase.DESTROYED
    row["living_name"] = None if gone else f"{deployment.owner}/{deployment.name}"
    return row


def from_row(row: Any) -> Deployment:
    """Return the deployment that a row holds."""
    columns = dict(row)
    columns.pop("living_name")
    columns["phase"] = Phase(columns["phase"])
    columns["selection"] = _selection(columns["selection"]) if columns["selection"] else None
    columns["nodes"] = tuple(_node(node) for node in columns["nodes"])
    return Deployment(**columns)


def _selection(stored: dict[str, Any]) -> Selection:
    keys = ("flavor", "image", "public_network")
    return Selection(**{**stored, **{key: _choice(stored[key]) for key in keys}})


def _choice(stored: dict[str, Any]) -> Choice:
    return Choice(**{**stored, "rivals": tuple(Rival(**rival) for rival in stored["rivals"])})


def _node(stored: dict[str, Any]) -> Node:
    lists = {key: tuple(stored[key]) for key in ("groups", "volumes")}
    return Node(**{**stored, **lists})
