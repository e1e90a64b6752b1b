"""What unit tests share: the folder of a deployment, a simulated site and a Deployer on it."""

from __future__ import annotations

import os
import sqlite3

import pytest
import sqlalchemy as sa

from orchestrator.deployer import Deployer
from orchestrator.model import Request
from orchestrator.settings import Settings
from orchestrator.workdir import Workdir
from tests.unit.simulations import World


@pytest.fixture(autouse=True)
def forgetful_disk(monkeypatch):
    """Wait for no disk: what a test writes need not outlive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    sa.event.listen(sa.Engine, "connect", _do_not_wait)
    yield
    sa.event.remove(sa.Engine, "connect", _do_not_wait)


def _do_not_wait(connection, _record) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def workdir(tmp_path) -> Workdir:
    """The folder of one deployment."""
    made = Workdir(tmp_path / "work")
    made.create()
    return made


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    made = World(home=tmp_path)
    made.prepare(monkeypatch)
    return made


@pytest.fixture
def deployer(world, store):
    """Make a Deployer for a person with a token, unless told otherwise."""

    def make(**options) -> Deployer:
        usual = {
            "folders": world.folders,
            "settings": Settings(),
            "store": store,
            "environment": world.environment,
            "owner": "local:ada",
            "access_token": world.token(),
            "reach_seconds": 5.0,
        }
        return Deployer(**(usual | options))

    return make


@pytest.fixture
def asked():
    """Make the request for a toy named sky, unless told otherwise."""

    def make(**given) -> Request:
        return Request(**{"use_case": "toy", "site": "SIM", "name": "sky", **given})

    return make


@pytest.fixture
def record(store):
    """Look a deployment up by name, a destroyed one too."""
    return lambda name="sky": store.last(name, owner="local:ada")


@pytest.fixture
def folder(world, record):
    """Where a deployment's work folder is, or was."""
    return lambda name="sky": world.folders.deployments / record(name).id
