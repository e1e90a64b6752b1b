"""orchestrator doctor"""

from __future__ import annotations

import pytest

from orchestrator.errors import SetupError


@pytest.fixture(autouse=True)
def whole(command, world, monkeypatch):
    """A machine that has all it needs but a sandbox."""
    (world.home / "bin" / "ssh").write_text("")
    (world.home / "bin" / "ssh").chmod(0o755)
    monkeypatch.setattr("orchestrator.cli.doctor.read_version", lambda _program, *, env: "1.11.4")


@pytest.fixture
def found(command):
    """Run the doctor; return its exit code and what it says of each thing."""

    def look():
        ended = command("doctor", "--json")
        return ended.code, {one["what"]: one for one in ended.value}

    return look


def test_a_machine_that_has_all_is_exit_code_0_also_without_a_sandbox(found):
    code, things = found()
    assert code == 0
    assert [what for what, one in things.items() if not one["well"]] == ["sandbox"]
    assert things["terraform"]["found"].startswith("1.11.4 at ")


def test_a_person_reads_a_table(command):
    ended = command("doctor")
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == ["WHAT", "FOUND"]
    assert "sandbox     missing   make sandbox" in ended.out


@pytest.mark.parametrize("program", ["terraform", "ssh"])
def test_a_missing_program_is_exit_code_1_with_how_to_get_it(found, world, program):
    (world.home / "bin" / program).unlink()
    code, things = found()
    assert code == 1
    assert "install" in things[program]["found"]


def test_a_terraform_that_is_too_old_is_told(found, monkeypatch):
    def read_version(_program, *, env):
        raise SetupError("Terraform 1.5.7 is too old: 1.9 or newer is needed")

    monkeypatch.setattr("orchestrator.cli.doctor.read_version", read_version)
    code, things = found()
    assert code == 1
    assert "too old" in things["terraform"]["found"]


def test_a_missing_provider_is_exit_code_1_with_how_to_get_it(found, monkeypatch):
    monkeypatch.setattr("orchestrator.drivers.provider.provider_ready", lambda _cache: False)
    code, things = found()
    assert code == 1
    assert things["provider"]["found"] == "orchestrator doctor --install"


def test_a_store_that_cannot_be_opened_is_told(found, world):
    world.folders.data.mkdir(parents=True, exist_ok=True)
    (world.folders.data / "store.sqlite").write_text("this is no database, and long enough")
    code, things = found()
    assert code == 1
    assert "cannot be opened" in things["store"]["found"]


@pytest.fixture
def installs(monkeypatch):
    """What an install does on a machine that has Terraform but no provider."""
    done = []

    def install_provider(cache, *, terraform, env, on_step):
        assert terraform == "terraform"
        assert not [name for name in env if "TOKEN" in name]
        done.append(cache)
        on_step("the OpenStack provider is installed")

    driver = "orchestrator.drivers.provider"
    monkeypatch.setattr(f"{driver}.install_terraform", lambda cache, *, env, on_step: "terraform")
    monkeypatch.setattr(f"{driver}.install_provider", install_provider)
    return done


def test_an_install_tells_its_steps_and_looks_afterwards(command, installs, world):
    ended = command("doctor", "--install")
    assert installs == [world.folders.cache]
    assert ended.out.startswith("install: the OpenStack provider is installed\nWHAT")


def test_a_quiet_install_shows_its_steps_alone(command, installs):
    ended = command("doctor", "--install", "--quiet")
    assert (ended.code, ended.out) == (0, "install: the OpenStack provider is installed\n")
