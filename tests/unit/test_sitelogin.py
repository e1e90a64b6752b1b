"""Logins of a run: renewed when they end on the way, kept where there is no other, told when they are short."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import DeploymentFailedError, LoginError
from orchestrator.lifecycle import Phase
from orchestrator.settings import Settings
from tests.unit.simulations import CREDENTIAL_SECRET, FLOATING_IP, NAME, SERVER

ADA = "local:ada"


@pytest.fixture
def renewing(deployer, world):
    """A Deployer whose tokens are printed by a command, a new one each time."""

    def make(**options):
        printing = (sys.executable, "-c", f"print({world.token()!r})")
        return deployer(access_token=None, settings=Settings(token_command=printing), **options)

    return make


def test_a_login_that_ends_while_things_are_made_is_no_failure(renewing, asked, world, store):
    world.login_ends_at = [SERVER, FLOATING_IP]
    outcome = renewing().deploy(asked())
    assert outcome.deployment.phase is Phase.READY
    assert world.kinds == ["floating_ip", "keypair", "server"]
    assert not any("failed" in event.text for event in store.events(outcome.deployment))


def test_a_login_that_ends_while_things_are_removed_is_no_failure(renewing, asked, world):
    renewing().deploy(asked())
    world.login_ends_at = [SERVER]
    assert renewing().destroy("sky").phase is Phase.DESTROYED
    assert world.resources == {}


def test_without_another_login_what_exists_is_kept_and_the_same_command_goes_on(
    deployer, asked, world, store
):
    world.login_ends_at = [FLOATING_IP]
    begun = deployer(on_progress=lambda _: refuse_once_server_is_there(world))
    with pytest.raises(DeploymentFailedError, match="ended on the way") as caught:
        begun.deploy(asked())
    error = caught.value
    assert error.exit_code == 6
    assert error.facts["exists"] == "1 server, 1 key pair"
    assert error.way_out[0] == "orchestrator login"
    assert error.way_out[1].startswith("make deploy")
    world.login_error = None
    assert deployer().deploy(asked()).deployment.phase is Phase.READY


def refuse_once_server_is_there(world):
    if world.servers:
        world.login_error = "the token expired 3 s ago"


def test_a_site_that_takes_each_login_for_a_moment_only_is_not_asked_for_ever(
    renewing, asked, world
):
    world.login_ends_at = [SERVER] * 50
    with pytest.raises(DeploymentFailedError, match="for a moment only"):
        renewing().deploy(asked())
    assert len(world.logins) < 12


def test_a_token_that_died_before_the_apply_does_not_matter_while_the_sites_login_lives(
    deployer, asked, world
):
    told = []

    def watch(progress):
        told.append(progress.text)
        if (progress.phase, progress.state) == ("plan", "finished"):
            world.login_error = "the given token expired 3 s ago."

    assert deployer(on_progress=watch).deploy(asked()).deployment.phase is Phase.READY
    assert any("The login of before has" in text for text in told)


# --- a login that is too short for what comes


@pytest.fixture
def took(world, store, deployment, clock):
    """Remember that making the toy took so long lately."""

    def make(seconds):
        earlier = replace(deployment, id="earlier", name="earlier", site=NAME, use_case="toy")
        store.add(earlier)
        for step, phase in ((0, "plan"), (seconds - 1, "apply"), (1, "reach")):
            clock.forward(timedelta(seconds=step))
            store.note(earlier, phase=phase, text=phase)

    return make


def test_a_given_token_that_will_not_last_is_refused_before_anything_is_made(
    deployer, asked, world, took, store
):
    took(1500)
    world.login_seconds = 600.0
    short = deployer(access_token=world.token(left=930.0))
    with pytest.raises(LoginError, match="ends in 15 min and cannot be renewed") as caught:
        short.deploy(asked())
    assert "25 min lately" in caught.value.message
    assert world.kinds == []
    assert caught.value.way_out[0].startswith("orchestrator login")
    assert deployer().deploy(asked()).deployment.phase is Phase.READY


def test_where_no_token_would_last_it_is_only_said(deployer, asked, world, took):
    took(5000)
    told = []
    outcome = deployer(on_progress=lambda one: told.append(one.text)).deploy(asked())
    assert outcome.deployment.phase is Phase.READY
    assert any("83 min lately" in text and "the same command goes on" in text for text in told)


def test_a_source_that_renews_is_not_asked_how_long_it_lasts(renewing, asked, world, took):
    took(5000)
    told = []
    renewing(on_progress=lambda one: told.append(one.text)).deploy(asked())
    assert not any("lately" in text for text in told)


# --- the deployment's application credential


@pytest.fixture
def agreed(deployer):
    """Make a Deployer for a person who wants application credentials."""

    def make(**options):
        return deployer(settings=Settings(app_credential=True), **options)

    return make


def credential_files(world):
    return list(world.folders.deployments.rglob("application-credential.json"))


def test_none_is_made_unless_it_is_wanted(deployer, asked, world):
    deployer().deploy(asked())
    assert world.credentials == []


def test_one_is_made_for_the_deployment_and_kept_for_its_owner_alone(agreed, asked, world, store):
    ready = agreed().deploy(asked()).deployment
    (file,) = credential_files(world)
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["expires_at"] > ready.expires_at.isoformat()
    assert ready.id in world.credentials[0]
    others = [one for one in world.home.rglob("*") if one.is_file() and one != file]
    assert [one for one in others if CREDENTIAL_SECRET.encode() in one.read_bytes()] == []


def test_the_same_request_again_makes_no_second_one(agreed, asked, world):
    agreed().deploy(asked())
    assert not agreed().deploy(asked()).changed
    assert len(world.credentials) == 1


def test_another_end_takes_another_one_and_the_first_is_removed(agreed, asked, world, store):
    first = agreed().deploy(asked()).deployment
    store.update(first, expires_at=first.expires_at + timedelta(days=3))
    agreed().deploy(asked())
    (left,) = world.credentials
    assert left.startswith("c1-")


def test_a_site_that_gives_none_is_told_and_the_deployment_is_made(agreed, asked, world):
    world.credential_error = "SIM gives no application credentials"
    told = []
    outcome = agreed(on_progress=lambda one: told.append(one.text)).deploy(asked())
    assert outcome.deployment.phase is Phase.READY
    assert "no application credential: SIM gives no application credentials" in told


def test_without_any_token_the_credential_removes_the_deployment(agreed, asked, world):
    agreed().deploy(asked())
    told = []
    nobody = agreed(access_token=None, on_progress=lambda one: told.append(one.text))
    assert nobody.destroy("sky").phase is Phase.DESTROYED
    assert world.resources == {}
    assert any("by the deployment's application credential" in text for text in told)
    assert CREDENTIAL_SECRET not in repr(told)


def test_with_a_token_the_credential_is_removed_at_the_site_too(agreed, asked, world):
    agreed().deploy(asked())
    agreed().destroy("sky")
    assert world.credentials == []


def test_a_credential_that_is_refused_too_says_both(agreed, asked, world):
    agreed().deploy(asked())
    world.credential_error = "it was removed"
    with pytest.raises(LoginError, match="not logged in") as caught:
        agreed(access_token=None).destroy("sky")
    assert caught.value.facts["application credential"] == "it was removed"


def test_a_credential_that_cannot_be_read_keeps_nothing_from_being_removed(agreed, asked, world):
    agreed().deploy(asked())
    (file,) = credential_files(world)
    file.write_text("{")
    told = []
    agreed(on_progress=lambda one: told.append(one.text)).destroy("sky")
    assert world.resources == {}
    assert any("cannot be read" in text for text in told)
