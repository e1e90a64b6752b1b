"""The end of machines and the mark of what outlives them, on a small project."""

from types import SimpleNamespace as Thing

import pytest

from orchestrator.drivers import openstack_ending as ending
from orchestrator.drivers.openstack_marks import KEPT


class ResourceTimeout(Exception):
    """What openstacksdk raises when the patience is over."""


class Project:
    """One server and one volume; it is all services at once."""

    def __init__(self, status="ACTIVE", *, late=False):
        self.server = Thing(id="s", status=status) if status else None
        self.late = late
        self.metadata = {"a": "b"}
        self.stops = 0
        self.compute = self.block_storage = self

    def find_server(self, server_id):
        assert server_id == "s"
        return self.server

    def stop_server(self, server):
        assert server.status == "ACTIVE", "Nova says 409"
        self.stops += 1

    def wait_for_server(self, server, status, wait):
        assert (status, wait > 60) == ("SHUTOFF", True)
        if self.late:
            raise ResourceTimeout
        server.status = status

    def set_volume_metadata(self, volume_id, **told):
        assert volume_id == "v"
        self.metadata |= told


def test_a_machine_that_runs_is_shut_down():
    project = Project()
    assert ending.stop(project, "s")
    assert (project.stops, project.server.status) == (1, "SHUTOFF")


@pytest.mark.parametrize("status", ["SHUTOFF", "ERROR", None])
def test_one_that_does_not_run_is_left_alone(status):
    project = Project(status)
    assert ending.stop(project, "s")
    assert project.stops == 0


def test_one_that_does_not_stop_in_time_is_told():
    assert not ending.stop(Project(late=True), "s")


def test_another_failure_is_one(monkeypatch):
    project = Project()
    monkeypatch.setattr(project, "wait_for_server", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ending.stop(project, "s")


def test_a_volume_is_marked_and_keeps_its_other_words():
    project = Project()
    ending.keep(project, "v")
    assert project.metadata == {"a": "b", KEPT: "true"}
