"""The command itself, in this process, on the simulated site."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON value that was written."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def values(self) -> list[dict[str, Any]]:
        """The JSON objects that were written, one per line."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(one, dict) for one in found)
        return found


@pytest.fixture
def command(world, monkeypatch, capsys):
    """Run `orchestrator` as ada with a token in her environment."""
    for name, value in {
        "ORCHESTRATOR_HOME": str(world.home),
        "OIDC_ACCESS_TOKEN": world.token(),
        "PATH": world.environment["PATH"],
        "LOGNAME": "ada",
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("orchestrator.cli.doctor.SANDBOX", world.home / "no-sandbox")

    def run(*words: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["orchestrator", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return Ended(code=ended.value.code, out=out, err=err)

    return run


@pytest.fixture
def sky(command):
    """A ready deployment named sky."""
    assert command("deploy", "toy", "--site", "SIM", "--name", "sky").code == 0
    return "sky"


@pytest.fixture
def failed(command, world):
    """A deployment named sky whose playbook failed."""
    world.playbook_error = "the mirror is silent"
    assert command("deploy", "toy", "--site", "SIM", "--name", "sky").code == 6
    world.playbook_error = None
    return "sky"
