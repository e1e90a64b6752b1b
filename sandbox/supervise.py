"""Starts supervisord with a poller that remembers nothing from one round to the next.

supervisord names its descriptors anew in each round and still keeps the old ones. When the
number of a closed one went to a pipe whose other end is closed, such as the input of a program
that reads none, it would be woken for ever. Takes the arguments of supervisord.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

Poll = Callable[[Any, float], Any]


def forgetful(poll: Poll) -> Poll:
    """Return a poll after which nothing is registered."""

    def once(poller: Any, timeout: float) -> Any:
        try:
            return poll(poller, timeout)
        finally:
            poller.unregister_all()

    return once


def main() -> None:
    """Run supervisord to its end."""
    poller: Any = import_module("supervisor.poller")
    poller.SelectPoller.poll = forgetful(poller.SelectPoller.poll)
    poller.Poller = poller.SelectPoller
    import_module("supervisor.supervisord").main()


if __name__ == "__main__":
    main()
