"""What all tests share: guards against network, home and real tokens, and plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from orchestrator.lifecycle import Phase
from orchestrator.model import Choice, Deployment, Node, Selection
from orchestrator.store import Store

# The same examples each time: a ring that fails must fail again when it is run again.
# `make test` takes more of them, and `pytest tests/unit --hypothesis-profile=search` others each time.
_FIXED = settings(derandomize=True, deadline=None, database=None)
settings.register_profile("ring", _FIXED, max_examples=40)
settings.register_profile("whole", _FIXED, max_examples=200)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("ring")

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def guarded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Keep every test off the real home folder and the real tokens; unit tests off the network."""
    if request.node.get_closest_marker("e2e"):
        yield
        return
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("OIDC_SOCK", "OS_TOKEN", "OS_CLOUD", "ORCHESTRATOR_TOKEN", "ORCHESTRATOR_HOME"):
        monkeypatch.delenv(name, raising=False)
    if request.node.get_closest_marker("contract"):
        socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@dataclass
class Clock:
    """A clock that stands still until it is told to move."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, step: timedelta) -> None:
        self.at += step


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    opened = Store.in_folder(tmp_path)
    opened._clock = clock
    yield opened
    opened.close()


@pytest.fixture
def deployment() -> Deployment:
    return Deployment(
        id="0f3c",
        name="sky",
        owner="local:ada",
        site="SANDBOX",
        vo="vo.access.egi.eu",
        project_id="p1",
        use_case="docker",
        use_case_version="1",
        phase=Phase.REQUESTED,
        created_at=START,
        updated_at=START,
        expires_at=START + timedelta(days=7),
    )


@pytest.fixture
def selection() -> Selection:
    def choice(key: str, name: str) -> Choice:
        return Choice(
            key=key,
            value=name if key == "topology" else f"id-{name}",
            name=name,
            label=name,
            reason="only",
            candidates=1,
        )

    return Selection(
        flavor=choice("flavor", "m1.medium"),
        image=choice("image", "debian 12"),
        topology=choice("topology", "floating"),
        public_network=choice("public_network", "ext"),
    )


@pytest.fixture
def node() -> Node:
    return Node(
        name="sky",
        address="198.51.100.17",
        port=22,
        user="egi",
        groups=("docker",),
        private_ip="10.0.0.5",
    )


# Lanes: tests that one worker runs, in order. Two of them have the sandbox at the same time, each in
# projects of its own. The longer one is begun at once, beside the quick tests.
_LANES = {
    "tests/e2e/test_deploying_on_shapes.py": "shapes",
    "tests/e2e/test_services_of_use_cases.py": "shapes",
    "tests/e2e/": "sandbox",
    "tests/sandbox/": "sandbox",
}
_ORDER = ("sandbox", "unit", "contract", "shapes")


def _lane(nodeid: str) -> str | None:
    return next((lane for path, lane in _LANES.items() if nodeid.startswith(path)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which they are taken; in a lane, what removes the sandbox is last."""

    def rank(item: pytest.Item) -> tuple[int, bool, bool]:
        place = _lane(item.nodeid) or item.nodeid.split("/")[1]
        alone, clean = (item.get_closest_marker(one) for one in ("alone", "sandbox_clean"))
        return _ORDER.index(place), clean is not None, alone is not None

    items.sort(key=rank)


class _Lanes(LoadScopeScheduling):
    """Gives each lane to one worker, and the rest test by test to who has time.

    By a scope of our own: xdist's groups are part of a test's id, which pytest 9.2 no longer lets it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _lane(nodeid) or nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Replace the scheduler of ``--dist loadscope``."""
    return _Lanes(config, log) if config.getvalue("dist") == "loadscope" else None


class _AtOnce:
    """Tells a failure when it happens: a run that is stopped from outside comes to no summary."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.ensure_newline()
            self._terminal.write_line(f"{report.nodeid} ({report.when})\n{report.longreprtext}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell failures at once where workers run the tests."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("dist", "no") == "loadscope" and terminal is not None:
        session.config.pluginmanager.register(_AtOnce(terminal))
