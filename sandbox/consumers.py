"""Waits until somebody consumes the queues that agents send their first words to.

A message to a queue that nobody has made yet is lost, and its sender waits a minute
for the answer. Runs in the control plane's Python, inside the sandbox's network, with
the address of the broker on the standard input: `consumers.py QUEUE ...`.
"""

import sys
import time
from importlib import import_module
from typing import Any

PATIENCE = 180


def has_consumer(connection: Any, queue: str) -> bool:
    """Say whether a queue is there and somebody reads from it."""
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue, passive=True).consumer_count) > 0
    except connection.channel_errors:
        return False
    finally:
        channel.close()


def main(address: str, queues: list[str]) -> None:
    """Return when all queues have a consumer."""
    kombu = import_module("kombu")
    end = time.monotonic() + PATIENCE
    with kombu.Connection(address.replace("rabbit://", "amqp://")) as connection:
        # Beside other work the broker itself takes 16 s and more to start. A step of 0, since with
        # kombu's own steps and a short interval the number of retries is over within seconds.
        connection.ensure_connection(timeout=PATIENCE, interval_start=0.2, interval_step=0)
        while missing := [queue for queue in queues if not has_consumer(connection, queue)]:
            if time.monotonic() > end:
                sys.exit(f"nobody reads from the queues {', '.join(missing)}")
            time.sleep(0.2)


if __name__ == "__main__":
    main(sys.stdin.read(), sys.argv[1:])
