"""When Terraform has to stop for a new login."""

import pytest

from orchestrator.drivers.loginclock import LoginClock

SERVER = "openstack_compute_instance_v2"


@pytest.fixture
def clock():
    """A login of an hour, and the time that has passed of it."""
    passed = [0.0]
    made = LoginClock(3600.0, clock=lambda: passed[0])

    def at(seconds):
        passed[0] = seconds
        return made.is_set()

    return made, at


def event(kind, type_, name="a"):
    resource = {"resource_type": type_, "addr": f"{type_}.{name}"}
    return {"type": kind, "hook": {"resource": resource}}


def test_it_is_time_in_the_last_sixth_and_not_before(clock):
    _, at = clock
    assert [at(seconds) for seconds in (0, 2999, 3000)] == [False, False, True]


def test_a_machine_on_its_way_is_waited_for_until_the_end_is_near(clock):
    watched, at = clock
    watched.watch(event("apply_start", SERVER))
    assert [at(seconds) for seconds in (3000, 3479, 3480)] == [False, False, True]


@pytest.mark.parametrize("end", ["apply_complete", "apply_errored"])
def test_a_machine_that_is_made_is_waited_for_no_longer(clock, end):
    watched, at = clock
    watched.watch(event("apply_start", SERVER, "a"))
    watched.watch(event("apply_start", SERVER, "b"))
    watched.watch(event(end, SERVER, "a"))
    assert not at(3000)
    watched.watch(event(end, SERVER, "b"))
    assert at(3000)


def test_quick_things_are_not_waited_for(clock):
    watched, at = clock
    watched.watch(event("apply_start", "openstack_networking_port_v2"))
    watched.watch({"type": "version", "terraform": "1.11.4"})
    assert at(3000)


def test_without_an_end_there_is_nothing_to_wait_for():
    assert not LoginClock().is_set()
