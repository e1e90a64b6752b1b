"""Plans as values, and which of them are refused."""

from __future__ import annotations

import pytest

from orchestrator.errors import DeploymentFailedError, UnsafePlanError
from orchestrator.planning import read_plan

SERVER = 'module.nodes.openstack_compute_instance_v2.node["sky-docker"]'


def shown(*actions: str, before=None, after=None, **more):
    change = {"actions": list(actions), "before": before, "after": after, **more.pop("change", {})}
    resource = {
        "address": SERVER,
        "type": "openstack_compute_instance_v2",
        "mode": "managed",
        "change": change,
        **more,
    }
    return {"format_version": "1.2", "resource_changes": [resource]}


def test_a_create_is_safe():
    plan = read_plan(shown("create", after={"name": "sky-docker"}))
    assert plan.summary == "1 to create"
    assert plan.changes[0].name == "sky-docker"
    plan.raise_if_unsafe()


def test_what_stays_is_no_change():
    plan = read_plan(shown("no-op"))
    assert plan.changes == ()
    assert plan.summary == "nothing to do"


def test_data_sources_are_no_changes():
    assert read_plan(shown("read", mode="data")).changes == ()


def test_an_import_is_a_change_that_loses_nothing():
    plan = read_plan(shown("no-op", change={"importing": {"id": "i-1"}}))
    assert plan.counts == {"import": 1}
    plan.raise_if_unsafe()


def test_an_update_names_its_fields():
    plan = read_plan(shown("update", before={"name": "a", "x": 1}, after={"name": "b", "x": 1}))
    assert plan.changes[0].fields == ("name",)
    plan.raise_if_unsafe()


@pytest.mark.parametrize(
    "plan",
    [
        shown("delete", before={"name": "sky-docker"}),
        shown("delete", "create", before={"name": "sky-docker"}, after={}),
        shown("create", "delete", before={"name": "sky-docker"}, after={}),
        shown("update", before={"name": "sky-docker", "image_id": "a"}, after={"image_id": "b"}),
        shown(
            "update",
            before={"name": "sky-docker", "image_id": "a"},
            after={"name": "sky-docker"},
            change={"after_unknown": {"image_id": True}},
        ),
    ],
    ids=["delete", "replace", "create before delete", "rebuild", "rebuild with an unknown image"],
)
def test_what_loses_something_is_refused_until_agreed_to_by_address(plan):
    read = read_plan(plan)
    with pytest.raises(UnsafePlanError) as caught:
        read.raise_if_unsafe()
    assert "sky-docker" in caught.value.facts
    read.raise_if_unsafe(agreed=[SERVER])


def test_what_was_cut_short_is_told_apart():
    before = {"name": "sky-docker", "id": "s2"}
    plan = read_plan(
        shown("delete", "create", before=before, action_reason="replace_because_tainted")
    )
    assert plan.unfinished(finished=()) == (SERVER,)
    # The one that people had was removed by hand, and making it anew was cut short.
    assert plan.unfinished(finished={"s1"}) == (SERVER,)
    assert plan.unfinished(finished={"s1", "s2"}) == ()


def test_what_is_replaced_for_another_reason_was_not_cut_short():
    plan = read_plan(shown("delete", "create", before={"name": "sky-docker", "id": "s2"}))
    assert plan.unfinished(finished=()) == ()


@pytest.mark.parametrize(
    "broken", [{}, {"format_version": "2.0"}, shown("create") | {"errored": True}]
)
def test_a_plan_that_is_not_whole_is_no_plan(broken):
    with pytest.raises(DeploymentFailedError):
        read_plan(broken)


@pytest.mark.parametrize(
    "odd",
    [
        shown("delete", "forget"),
        shown("burn"),
        shown(),
        shown("delete", mode="heap"),
        shown("delete", mode=None),
        {"format_version": "1.2", "resource_changes": [None]},
        {"format_version": "1.2", "resource_changes": 7},
    ],
)
def test_what_is_not_known_is_never_taken_for_nothing(odd):
    with pytest.raises(DeploymentFailedError, match="plan is not as expected"):
        read_plan(odd)


def test_a_plan_is_a_value_for_json():
    assert read_plan(shown("create")).as_value()["counts"] == {"create": 1}


def test_a_port_of_a_page_is_closed_without_asking_and_that_of_ssh_is_not():
    page = 'module.access.openstack_networking_secgroup_rule_v2.page["443/IPv4"]'
    ssh = 'module.access.openstack_networking_secgroup_rule_v2.ssh["0.0.0.0/0"]'
    closed = read_plan(shown("delete", before={}, address=page))
    assert closed.closing == (page,)
    closed.raise_if_unsafe(agreed=closed.closing)
    other = read_plan(shown("delete", before={}, address=ssh))
    assert other.closing == ()
    with pytest.raises(UnsafePlanError):
        other.raise_if_unsafe(agreed=other.closing)
    assert read_plan(shown("create", after={}, address=page)).closing == ()
