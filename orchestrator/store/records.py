"""Between a deployment and its row: plain JSON in, frozen values out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from orchestrator.lifecycle import Phase
from orchestrator.model import (
    Attachment,
    Choice,
    DataVolume,
    Deployment,
    Hop,
    JumpHost,
    KeptVolume,
    Node,
    Rival,
    Selection,
)


def to_row(deployment: Deployment) -> dict[str, Any]:
    """Return the columns of a deployment."""
    row = {name: getattr(deployment, name) for name in deployment.__dataclass_fields__}
    row["phase"] = deployment.phase.value
    row["parameters"] = dict(deployment.parameters)
    row["versions"] = dict(deployment.versions)
    row["selection"] = asdict(deployment.selection) if deployment.selection else None
    row["nodes"] = [asdict(node) for node in deployment.nodes]
    row["kept"] = [asdict(volume) for volume in deployment.kept]
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
    columns["kept"] = tuple(KeptVolume(**volume) for volume in columns["kept"] or ())
    return Deployment(**columns)


_CHOICES = (
    "flavor",
    "image",
    "topology",
    "public_network",
    "private_network",
    "floating_ip",
    "volume",
)


def _selection(stored: dict[str, Any]) -> Selection:
    made = {key: _choice(stored[key]) for key in _CHOICES if stored.get(key)}
    # Records from before there were topologies are all of this one.
    made.setdefault("topology", _FLOATING)
    attachment, jump_host = stored.get("attachment"), stored.get("jump_host")
    parts = {
        "attachment": Attachment(**attachment) if attachment else None,
        "jump_host": JumpHost(**jump_host) if jump_host else None,
    }
    return Selection(**{**stored, **made, **parts})


_FLOATING = Choice(
    key="topology",
    value="floating",
    name="floating",
    label="floating IPs",
    reason="the only one there was",
    candidates=1,
)


def _choice(stored: dict[str, Any]) -> Choice:
    rivals = tuple(Rival(**rival) for rival in stored["rivals"])
    beaten = tuple((origin, value) for origin, value in stored.get("beaten", ()))
    return Choice(**{**stored, "rivals": rivals, "beaten": beaten})


def _node(stored: dict[str, Any]) -> Node:
    volumes = tuple(_data_volume(**volume) for volume in stored["volumes"])
    hop = Hop(**stored["hop"]) if stored.get("hop") else None
    return Node(**{**stored, "groups": tuple(stored["groups"]), "volumes": volumes, "hop": hop})


def _data_volume(*, device: str = "", **stored: Any) -> DataVolume:
    # Records from before a volume was given with its server have the place that Nova told.
    return DataVolume(**stored)
