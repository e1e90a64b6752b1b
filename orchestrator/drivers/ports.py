"""Which ports of a machine answer from here."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor


def answering_ports(address: str, ports: Sequence[int], *, timeout: float = 4.0) -> set[int]:
    """Return those of the ports on which something takes a connection."""

    def answers(port: int) -> bool:
        try:
            with socket.create_connection((address, port), timeout=timeout):
                return True
        except OSError:
            return False

    # All at once: a port that is filtered costs the whole timeout.
    with ThreadPoolExecutor(max_workers=16) as pool:
        return {
            port for port, is_open in zip(ports, pool.map(answers, ports), strict=True) if is_open
        }
