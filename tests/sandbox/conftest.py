"""A running sandbox for the tests that look at it; `clean` comes last of all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_sandbox(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=check,
    )


@pytest.fixture
def sandbox() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs a command of the sandbox."""
    return run_sandbox


@pytest.fixture(scope="session")
def running() -> None:
    """Start the sandbox unless it is up."""
    done = run_sandbox("up", check=False)
    assert done.returncode == 0, done.stderr
