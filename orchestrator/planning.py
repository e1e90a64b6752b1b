"""What an apply would do, as a value; making one changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.errors import DeploymentFailedError, UnsafePlanError

# Another image is shown as an update in place, and wipes the root disk.
DESTRUCTIVE = frozenset({"delete", "replace", "rebuild"})

VOLUME = "openstack_blockstorage_volume_v3"
# The rules that open the ports of a page, by how their addresses begin.
PAGE = "module.access.openstack_networking_secgroup_rule_v2.page["

_ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
    ("no-op",): "",
}
# What is only read is never lost.
_READ_ONLY = ("data", "ephemeral")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One resource that an apply would touch."""

    address: str  # module.nodes.openstack_compute_instance_v2.node["sky-docker"]
    type: str  # openstack_compute_instance_v2
    name: str  # its name at the site; its address where it has none
    action: str  # create, update, delete, replace, rebuild, import, forget
    fields: tuple[str, ...] = ()  # what an update would change
    tainted: bool = False  # its making was cut short
    before: str = ""  # the id of what is there now

    @property
    def is_destructive(self) -> bool:
        """Whether something at the site would be lost."""
        return self.action in DESTRUCTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an apply would do; making one changes nothing."""

    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many changes of each action there are."""
        return dict(Counter(change.action for change in self.changes))

    @property
    def summary(self) -> str:
        """The counts in words: 11 to create, 1 to update."""
        counts = sorted(self.counts.items())
        return ", ".join(f"{count} to {action}" for action, count in counts) or "nothing to do"

    def unfinished(self, *, finished: Collection[str]) -> tuple[str, ...]:
        """Return the addresses of what would be made anew because its making was cut short.

        What has one of the ids of ``finished`` was in use since, whatever the state says of it.
        """
        return tuple(
            change.address
            for change in self.changes
            if change.tainted and change.before not in finished
        )

    def as_value(self) -> dict[str, Any]:
        """Return the plan for JSON."""
        return {
            "summary": self.summary,
            "counts": self.counts,
            "changes": [asdict(change) for change in self.changes],
        }

    @property
    def counts_by_type(self) -> dict[str, int]:
        """How many resources of each type change."""
        return dict(Counter(change.type for change in self.changes))

    @property
    def destructive(self) -> tuple[Change, ...]:
        """The changes by which something would be lost."""
        return tuple(change for change in self.changes if change.is_destructive)

    @property
    def closing(self) -> tuple[str, ...]:
        """The addresses of the ports of a page that would be closed: nothing is lost by that."""
        return tuple(
            change.address
            for change in self.changes
            if change.action == "delete" and change.address.startswith(PAGE)
        )

    @property
    def deleted_volumes(self) -> tuple[Change, ...]:
        """The changes by which a volume, and the data on it, would be lost."""
        return tuple(change for change in self.destructive if change.type == VOLUME)

    def raise_if_unsafe(self, agreed: Collection[str] = ()) -> None:
        """Raise UnsafePlanError when something would be lost that nobody agreed to by address."""
        lost = [change for change in self.destructive if change.address not in agreed]
        if not lost:
            return
        verbs = {"delete": "destroyed", "replace": "destroyed and made anew", "rebuild": "wiped"}
        raise UnsafePlanError(
            f"the plan would lose {len(lost)} of what exists, and nobody agreed to it",
            facts={change.name: f"{change.type}, {verbs[change.action]}" for change in lost},
            way_out=["nothing was changed; look at the plan, and agree to each by name"],
        )


def read_plan(shown: Mapping[str, Any]) -> Plan:
    """Return the plan that `terraform show -json PLANFILE` printed.

    Raises DeploymentFailedError where it is not whole, or says something that is not known here:
    what is passed over could be what destroys.
    """
    try:
        return _read(shown)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DeploymentFailedError(
            f"Terraform's plan is not as expected: {type(error).__name__}: {error}"
        ) from error


def _read(shown: Mapping[str, Any]) -> Plan:
    version = str(shown.get("format_version", ""))
    if version.partition(".")[0] != "1" or shown.get("errored"):
        raise DeploymentFailedError(
            "Terraform's plan is incomplete"
            if shown.get("errored")
            else f"Terraform's plan has the unknown format {version!r}",
        )
    found = (_change(resource) for resource in shown.get("resource_changes", ()))
    return Plan(changes=tuple(change for change in found if change is not None))


def _change(resource: Mapping[str, Any]) -> Change | None:
    """Return what happens to a managed resource, None where nothing does."""
    if resource["mode"] in _READ_ONLY:
        return None
    change = resource["change"]
    action = _action(resource)
    before, after = change.get("before") or {}, change.get("after") or {}
    if not action:
        if change.get("importing") is None:
            return None
        action = "import"
    fields = _changed(before, after, change) if action == "update" else ()
    if {"image_id", "image_name"} & set(fields):
        action = "rebuild"
    address = str(resource["address"])
    return Change(
        address=address,
        type=str(resource["type"]),
        name=str(after.get("name") or before.get("name") or address),
        action=action,
        fields=fields,
        tainted=resource.get("action_reason") == "replace_because_tainted",
        before=str(before.get("id") or ""),
    )


def _action(resource: Mapping[str, Any]) -> str:
    """Return the word for what Terraform does, empty where it does nothing."""
    actions = tuple(resource["change"]["actions"])
    if resource["mode"] != "managed" or actions not in _ACTIONS:
        raise ValueError(f"{resource['address']} ({resource['mode']}): {actions}")
    return _ACTIONS[actions]


def _changed(
    before: Mapping[str, Any], after: Mapping[str, Any], change: Mapping[str, Any]
) -> tuple[str, ...]:
    unknown = {
        name for name, is_unknown in (change.get("after_unknown") or {}).items() if is_unknown
    }
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return tuple(sorted(differing | unknown))
