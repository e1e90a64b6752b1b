"""What the command line takes from its surroundings."""

from __future__ import annotations

import pytest

from orchestrator.cli import context, main

NAMES = ("ORCHESTRATOR_ACCESS_TOKEN", "OIDC_ACCESS_TOKEN", "FEDCLOUD_OIDC_ACCESS_TOKEN")


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_token_is_given_by_any_of_three_names_and_kept_from_children(monkeypatch, name):
    monkeypatch.setenv(name, " canary\n")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert context.given_token() == "canary"
    passed = context.child_environment()
    assert passed["HTTPS_PROXY"] == "http://proxy"
    assert not [value for value in passed.values() if "canary" in value]


def test_our_own_name_beats_the_others_and_an_empty_one_is_none(monkeypatch):
    monkeypatch.setenv("OIDC_ACCESS_TOKEN", "theirs")
    monkeypatch.setenv("ORCHESTRATOR_ACCESS_TOKEN", "")
    assert context.given_token() == "theirs"
    monkeypatch.setenv("ORCHESTRATOR_ACCESS_TOKEN", "ours")
    assert context.given_token() == "ours"


def test_without_a_token_there_is_none():
    assert context.given_token() is None


def test_all_folders_lie_below_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "here"))
    assert context.folders().data == tmp_path / "here" / "data"


def test_a_relative_folder_is_meant_from_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRATOR_HOME", "here")
    assert context.folders().state == tmp_path / "here" / "state"


def test_deployments_belong_to_the_person_of_this_machine(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    assert context.owner() == "local:ada"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself(command, name):
    ended = command(name, "--help")
    assert ended.code == 0
    assert f" {name} [OPTIONS]" in ended.out.splitlines()[0]


def test_an_unknown_command_is_refused(command):
    ended = command("deplyo")
    assert ended.code == 1
    assert "deplyo" in ended.err


def test_the_version_is_told(command):
    assert command("--version").out.startswith("orchestrator")
