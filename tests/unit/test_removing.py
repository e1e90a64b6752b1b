"""Destroy on a simulated site: what goes, by which way, and what a run that was cut short leaves to the next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.lifecycle import Phase
from tests.unit.simulations import FLOATING_IP, KEYPAIR, SERVER

WORKDIR_REMOVE = "orchestrator.workdir.Workdir.remove"


def test_a_destroyed_deployment_leaves_its_record_and_nothing_else(
    deployer, asked, world, record, folder
):
    deployer().deploy(asked())
    gone = deployer().destroy("sky")
    assert (gone.phase, gone.nodes) == (Phase.DESTROYED, ())
    assert world.resources == {}
    assert not folder().exists()
    assert deployer().deploy(asked()).deployment.id != gone.id


def test_destroying_a_plan_asks_nobody(deployer, asked, world, folder):
    deployer().plan(asked())
    assert deployer(access_token=None).destroy("sky").phase is Phase.DESTROYED
    assert not folder().exists()


@pytest.mark.parametrize("content", [None, "", '{"lineage": "one", "serial": 0, "resources": []}'])
def test_with_a_lost_state_a_destroy_goes_by_the_sites_listing(
    deployer, asked, world, folder, content
):
    deployer().deploy(asked())
    state = folder() / "terraform.tfstate"
    state.unlink()
    if content is not None:
        state.write_text(content)
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert world.resources == {}


@pytest.mark.parametrize("kind", [KEYPAIR, SERVER, FLOATING_IP])
def test_a_destroy_that_terraform_cannot_finish_goes_on_by_the_sites_listing(
    deployer, asked, world, kind
):
    deployer().deploy(asked())
    world.resources["server", "anothers"] = "other"
    world.destroy_breaks_at = kind
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert world.resources == {("server", "anothers"): "other"}


def test_a_destroy_works_where_terraform_is_gone(deployer, asked, world):
    deployer().deploy(asked())
    (world.home / "bin" / "terraform").unlink()
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert world.resources == {}


@pytest.mark.parametrize("state", ["whole", "gone", "cut"])
def test_a_destroy_that_was_killed_is_ended_by_the_next(
    deployer, asked, world, folder, record, monkeypatch, state
):
    deployer().deploy(asked())

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.removing.sweep" if state == "whole" else WORKDIR_REMOVE, killed)
        with pytest.raises(KeyboardInterrupt):
            deployer().destroy("sky")
    assert record().phase is Phase.DESTROYING
    if state == "gone":
        shutil.rmtree(folder())
    elif state == "cut":
        shutil.rmtree(folder() / "modules")
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert (world.resources, folder().exists()) == ({}, False)


def test_what_terraform_forgot_is_swept_away_and_others_stay(deployer, asked, world):
    mine = deployer().deploy(asked()).deployment
    world.resources["port", "stray"] = mine.id
    world.resources["server", "anothers"] = "other"
    deployer().destroy("sky")
    assert world.resources == {("server", "anothers"): "other"}


def test_what_stays_at_the_site_is_named_and_removed_to_the_end_later(
    deployer, asked, world, record
):
    mine = deployer().deploy(asked()).deployment
    world.resources["port", "stray"] = mine.id
    world.stuck = {"port"}
    with pytest.raises(DeploymentFailedError) as caught:
        deployer().destroy("sky")
    error = caught.value
    assert error.facts["still there"] == "port stray"
    assert not any("deploy" in step for step in error.way_out)
    assert record().phase is Phase.DESTROYING
    world.stuck = set()
    assert deployer().destroy("sky").phase is Phase.DESTROYED
    assert world.resources == {}


def test_what_is_being_removed_cannot_be_deployed(deployer, asked, world):
    mine = deployer().deploy(asked()).deployment
    world.resources["port", "stray"] = mine.id
    world.stuck = {"port"}
    with pytest.raises(DeploymentFailedError):
        deployer().destroy("sky")
    for verb in (deployer().deploy, deployer().plan):
        with pytest.raises(RequestError, match="is being removed") as caught:
            verb(asked())
        assert caught.value.way_out[0].startswith("make destroy NAME=sky")


def test_a_use_case_that_is_gone_does_not_stand_in_the_way(deployer, asked, world):
    deployer().deploy(asked())
    for file in world.use_case_folder.iterdir():
        file.unlink()
    assert deployer().destroy("sky").phase is Phase.DESTROYED


def test_a_vo_that_the_site_dropped_does_not_stand_in_the_way(deployer, asked, world):
    deployer().deploy(asked())
    _edit(world.folders.config / "sites" / "SIM.yaml", "vo.access.egi.eu", "vo.new.eu")
    assert deployer().destroy("sky").phase is Phase.DESTROYED


def test_a_deployment_stays_in_its_project_when_the_sites_file_names_another(
    deployer, asked, world
):
    deployer().deploy(asked())
    _edit(world.folders.config / "sites" / "SIM.yaml", "project_id: p1", "project_id: p9")
    deployer().destroy("sky")
    assert set(world.logins) == {"p1"}


def _edit(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))
