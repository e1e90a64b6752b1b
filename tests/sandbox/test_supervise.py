"""A supervisor that is not woken for what it no longer waits for."""

import os
import select

import pytest

from sandbox.supervise import forgetful


class Poller:
    """As supervisord's own: it waits for all that was ever registered."""

    def __init__(self) -> None:
        self.readables: set[int] = set()

    def unregister_all(self) -> None:
        self.readables = set()

    def poll(self, timeout: float) -> list[int]:
        return select.select(self.readables, [], [], timeout)[0]


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)


def test_what_was_registered_is_met_once(pipe):
    reader, writer = pipe
    poller, poll = Poller(), forgetful(Poller.poll)
    os.write(writer, b"x")
    poller.readables.add(reader)

    assert poll(poller, 0) == [reader]
    assert poll(poller, 0) == []
    os.close(reader)


def test_a_pipe_that_took_the_number_of_a_closed_one_wakes_nobody(pipe):
    reader, writer = pipe
    poller, poll = Poller(), forgetful(Poller.poll)
    poller.readables.add(writer)
    poll(poller, 0)
    # The other end closes: its writer would be ready, with an error, for ever.
    os.close(reader)

    assert poll(poller, 0) == []
    poller.readables.add(writer)
    assert Poller.poll(poller, 0) == [writer]


def test_a_poll_that_fails_forgets_as_well():
    poller, poll = Poller(), forgetful(Poller.poll)
    poller.readables.add(-1)

    with pytest.raises(ValueError, match="negative"):
        poll(poller, 0)
    assert poller.readables == set()
