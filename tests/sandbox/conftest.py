"""A running sandbox for the tests that look at it; `clean` comes last of all."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.turns import turn

ROOT = Path(__file__).resolve().parents[2]


def run_sandbox(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox as a person does; with `check` it has to succeed."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not (check and done.returncode), f"sandbox {arguments}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture
def sandbox() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs a command of the sandbox."""
    return run_sandbox


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """Wait until no other test uses the sandbox."""
    with turn(alone=True):
        yield


@pytest.fixture(scope="module")
def running(alone: None) -> None:
    """Start the sandbox unless it is up: what one module broke is no failure of the next one."""
    run_sandbox("up")
