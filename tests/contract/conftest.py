"""Real programs without a cloud: the provider's mirror is made once per checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.drivers import provider
from orchestrator.model import Site
from orchestrator.paths import Folders
from tests.contract import checkin, sshd
from tests.contract.onnode import OnNode, node_on_this_machine

# Before the guard moves the home folder: the mirror that `make install` has made.
CACHE = Folders.default().cache
# Before any test's guard takes the home folder away: Go keeps its sources there.
ENVIRONMENT = dict(os.environ)


@pytest.fixture(scope="session")
def terraform_program() -> Path:
    found = provider.find_terraform(CACHE, env=ENVIRONMENT)
    if found is None:
        pytest.fail("these tests need terraform on the PATH")
    return found


@pytest.fixture(scope="session")
def installed_provider(terraform_program: Path) -> provider.Provider:
    return provider.install_provider(CACHE, terraform=terraform_program, env=ENVIRONMENT)


@pytest.fixture(scope="session")
def sshd_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sshd.find(tmp_path_factory.mktemp("openssh-server"))


@pytest.fixture
def on_node(tmp_path: Path, sshd_program: Path) -> Iterator[OnNode]:
    """A node that is this machine, reached by a real sshd with the deployment's key."""
    with node_on_this_machine(tmp_path, program=sshd_program) as found:
        yield found


@pytest.fixture
def cloud() -> Iterator[checkin.Cloud]:
    """A Keystone that trusts a Check-in, both on this machine."""
    with checkin.running() as running:
        yield running


@pytest.fixture
def site(cloud: checkin.Cloud) -> Site:
    """The site that the cloud is, as a file would describe it."""
    return Site(
        name="S",
        endpoint=f"{cloud.url}/v3",
        shares=(),
        origin="S.yaml",
        issuer=f"{cloud.url}/realms/egi",
    )
