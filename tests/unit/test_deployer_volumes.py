"""Data volumes on a simulated site: made, mounted, kept at the end, taken by the next, deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator import datavolumes
from orchestrator.catalogue.parameters import Spoken
from orchestrator.errors import (
    AmbiguousChoiceError,
    DeploymentFailedError,
    RefusedError,
    RequestError,
    SiteError,
)
from orchestrator.expiring import Expiry
from orchestrator.lifecycle import Phase
from orchestrator.model import DataVolume, KeptVolume, Quota, Volume
from tests.unit.simulations import VOLUME

ADA = "local:ada"
KEPT = KeptVolume(id="volume-sky-toy", name="sky-toy", size_gb=20)
CUBE = Volume(id="v-cube", name="cube", size_gb=50, status="available")


@pytest.fixture
def roomy(world):
    """Let the toy ask for a data volume."""
    file = world.use_case_folder / "usecase.yaml"
    file.write_text(file.read_text().replace("disk_gb: 8,", "disk_gb: 8, volume_gb: 20,"))


@pytest.fixture
def ready(roomy, deployer, asked):
    return deployer().deploy(asked()).deployment


def test_a_volume_that_is_needed_is_made_and_mounted_before_the_playbook(ready, world):
    assert world.kinds == ["floating_ip", "keypair", "server", "volume"]
    disk = DataVolume(id="volume-sky-toy", size_gb=20, made=True)
    assert ready.volumes == (disk,)
    assert world.mounted == [{"sky-toy": ["volume-sky-toy"]}]
    assert len(world.playbooks) == 1


def test_without_a_volume_nothing_is_asked_or_done_about_volumes(
    deployer, asked, world, monkeypatch
):
    monkeypatch.setattr(
        "tests.unit.simulations.Cloud.volumes", lambda _: pytest.fail("listed volumes")
    )
    assert deployer().deploy(asked()).deployment.volumes == ()
    deployer().destroy("sky")
    assert (world.mounted, world.stopped, world.kept) == ([], [], [])


def test_a_site_without_volumes_is_told_before_anything_is_made(
    roomy, deployer, asked, world, monkeypatch
):
    def none(_cloud):
        raise SiteError("the block storage service of SIM is not in its catalogue.")

    monkeypatch.setattr("tests.unit.simulations.Cloud.volumes", none)
    with pytest.raises(SiteError, match="not in its catalogue"):
        deployer().deploy(asked())
    assert world.resources == {}


def test_a_volume_counts_among_the_limits(roomy, deployer, asked, world):
    world.quotas = (Quota(name="volume_gb", used=90, limit=100),)
    with pytest.raises(SiteError, match="no room left"):
        deployer().deploy(asked())


# --- the end


def test_at_the_end_the_volume_is_kept_and_its_machine_was_stopped_first(ready, deployer, world):
    gone = deployer().destroy("sky")
    assert (gone.phase, gone.kept) == (Phase.DESTROYED, (KEPT,))
    assert world.kinds == ["volume"]
    assert (world.stopped, world.kept) == (["sky-toy"], ["sky-toy"])


def test_what_is_kept_is_told(ready, deployer, store):
    deployer().destroy("sky")
    text = store.events(store.last("sky", owner=ADA))[-1].text
    assert text == (
        "nothing is left at the site but what is kept: volume sky-toy (20 GB, volume-sky-toy)"
    )


def test_the_data_goes_too_when_a_person_says_so(ready, deployer, world):
    gone = deployer().destroy("sky", delete_data=True)
    assert gone.kept == ()
    assert world.resources == {}
    assert world.stopped == []


def test_a_machine_that_does_not_stop_in_time_holds_up_nothing(ready, deployer, world):
    world.stops_late = True
    assert deployer().destroy("sky").kept == (KEPT,)


def test_a_volume_of_a_machine_that_nobody_was_given_goes_with_it(roomy, deployer, asked, world):
    world.apply_breaks_at = VOLUME
    with pytest.raises(SiteError):
        deployer().deploy(asked())
    assert ("volume", "sky-toy") in world.resources
    assert deployer().destroy("sky").kept == ()
    assert world.resources == {}


def test_a_record_that_knows_no_machines_keeps_what_one_uses_or_what_is_marked(
    ready, deployer, world, store
):
    store.update(ready, nodes=(), selection=None)
    world.resources["port", "stray"] = ready.id
    world.stuck = {"port"}
    with pytest.raises(DeploymentFailedError):
        deployer().destroy("sky")
    assert (world.kinds, world.stopped) == (["port", "volume"], ["sky-toy"])
    # Now no machine uses it any more, and the site's mark alone tells.
    world.stuck = set()
    assert deployer().destroy("sky").kept == (KEPT,)
    assert world.kinds == ["volume"]


@pytest.mark.parametrize("content", [None, ""])
def test_with_a_lost_state_the_volume_is_kept_all_the_same(ready, deployer, world, content):
    state = world.folders.deployments / ready.id / "terraform.tfstate"
    state.unlink()
    if content is not None:
        state.write_text(content)
    assert deployer().destroy("sky").kept == (KEPT,)
    assert world.kinds == ["volume"]


def test_a_destroy_that_broke_off_keeps_the_volume_when_it_is_finished(ready, deployer, world):
    world.resources["port", "stray"] = ready.id
    world.stuck = {"port"}
    with pytest.raises(DeploymentFailedError):
        deployer().destroy("sky")
    world.stuck = set()
    assert deployer().destroy("sky").kept == (KEPT,)
    assert world.kinds == ["volume"]


def test_a_destroy_that_broke_off_may_still_be_told_to_delete_the_data(ready, deployer, world):
    world.resources["port", "stray"] = ready.id
    world.stuck = {"port"}
    with pytest.raises(DeploymentFailedError):
        deployer().destroy("sky")
    world.stuck = set()
    assert deployer().destroy("sky", delete_data=True).kept == ()
    assert world.resources == {}


def test_what_is_being_removed_is_not_recovered(ready, deployer, world):
    world.resources["port", "stray"] = ready.id
    world.stuck = {"port"}
    with pytest.raises(DeploymentFailedError):
        deployer().destroy("sky")
    with pytest.raises(RequestError, match="is being removed"):
        deployer().recover("sky")


def test_a_lost_state_is_recovered_with_the_volume_and_its_place(ready, deployer, world):
    (world.folders.deployments / ready.id / "terraform.tfstate").unlink()
    before = dict(world.resources)
    found = deployer().recover("sky")
    assert "volume sky-toy" in found.taken_back
    assert found.rest.changes == ()
    assert world.resources == before


# --- one that exists


def test_a_volume_of_the_project_is_given_and_stays(deployer, asked, world):
    world.volumes = (CUBE,)
    ready = deployer().deploy(asked(overrides={"volume": "cube"})).deployment
    disk = DataVolume(id="v-cube", size_gb=50, made=False)
    assert ready.volumes == (disk,)
    assert (ready.selection.volume.value, ready.selection.volume_gb) == ("v-cube", 50)
    assert world.kinds == ["floating_ip", "keypair", "server"]
    assert world.mounted == [{"sky-toy": ["v-cube"]}]
    gone = deployer().destroy("sky")
    # It was never ours, so it is not ours to keep either.
    assert gone.kept == ()
    assert (world.stopped, world.resources) == (["sky-toy"], {})


def test_one_that_exists_takes_the_place_of_a_new_one(roomy, deployer, asked, world):
    world.volumes = (CUBE,)
    world.quotas = (Quota(name="volume_gb", used=100, limit=100),)
    deployer().deploy(asked(overrides={"volume": "v-cube"}))
    assert "volume" not in world.kinds


def test_another_volume_for_a_machine_that_exists_is_refused(ready, deployer, asked, world):
    world.volumes = (CUBE,)
    with pytest.raises(RequestError, match="has its choices already"):
        deployer().deploy(asked(overrides={"volume": "cube"}))


@pytest.fixture
def bare(deployer, asked, world):
    """A deployment without a data volume, of a use case that can be asked for one."""
    file = world.use_case_folder / "usecase.yaml"
    size = "  volume_gb: {type: integer, default: 0, minimum: 0, help: a data volume}\n"
    text = file.read_text().replace("parameters:\n", f"parameters:\n{size}")
    file.write_text(f"{text}needs_from: {{volume_gb: volume_gb}}\n")
    return deployer().deploy(asked()).deployment


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"parameters": {"volume_gb": Spoken("20")}}, "these parameters need another one"),
        ({"overrides": {"volume": "cube"}}, "has its choices already"),
    ],
)
def test_a_volume_for_a_machine_that_was_made_without_is_refused_and_changes_nothing(
    bare, deployer, asked, world, wanted, why
):
    world.volumes = (CUBE,)
    before = dict(world.resources)
    with pytest.raises(RequestError, match=why) as caught:
        deployer().deploy(asked(**wanted))
    assert caught.value.way_out[0] == "deploy under another name"
    assert (world.resources, world.mounted) == (before, [])


# --- what is left behind


def listed(store):
    return datavolumes.kept(store, owner=ADA)


def test_what_was_left_is_listed_with_who_uses_it_now(ready, deployer, asked, world, store):
    deployer().destroy("sky")
    (one,) = listed(store)
    assert (one.volume, one.origin.name, one.used_by) == (KEPT, "sky", None)
    world.volumes = (Volume(id=KEPT.id, name=KEPT.name, size_gb=20, status="available"),)
    deployer().deploy(asked(name="next", overrides={"volume": KEPT.id}))
    (one,) = listed(store)
    assert one.used_by == "next"
    with pytest.raises(RefusedError, match="is in use"):
        deployer().delete_volume(KEPT.id)
    assert ("volume", "sky-toy") in world.resources


@pytest.mark.parametrize("asked_as", [KEPT.id, KEPT.name])
def test_what_was_left_is_deleted_when_asked_to(ready, deployer, world, store, asked_as):
    deployer().destroy("sky")
    assert deployer().delete_volume(asked_as).volume == KEPT
    assert (world.resources, listed(store)) == ({}, [])


def test_one_that_was_deleted_by_hand_is_forgotten(ready, deployer, world, store):
    deployer().destroy("sky")
    del world.resources["volume", "sky-toy"]
    deployer().delete_volume(KEPT.id)
    assert listed(store) == []


def test_a_volume_that_nobody_left_is_not_deleted(deployer, world):
    with pytest.raises(RequestError, match="has left a volume"):
        deployer().delete_volume("v-cube")


def test_two_of_one_name_are_told_apart_by_their_ids(deployment, store):
    for number in ("1", "2"):
        store.add(
            _destroyed(deployment, number, KeptVolume(id=f"v{number}", name="data", size_gb=1))
        )
    with pytest.raises(AmbiguousChoiceError) as caught:
        datavolumes.find(listed(store), "data")
    assert set(caught.value.facts) == {"v1", "v2"}
    assert datavolumes.find(listed(store), "v2").volume.id == "v2"


def _destroyed(deployment, number, volume):
    return replace(deployment, id=number, phase=Phase.DESTROYED, kept=(volume,))


def test_an_end_that_has_come_keeps_the_data_and_says_so(ready, deployer, store):
    round_ = Expiry(
        deployer=deployer(),
        store=store,
        owner=ADA,
        now=lambda: ready.expires_at + timedelta(hours=1),
    )
    (ended,) = round_.run()
    assert (ended.what, ended.detail) == (
        "removed",
        "its data is kept: volume sky-toy (volume-sky-toy)",
    )
