"""Who listens on a port of this machine."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

LISTEN = "0A"
LOOPBACK_OR_ANY = ("0100007F", "00000000", "0" * 32)


def listeners(table: str) -> dict[int, str]:
    """Return the socket's inode by port, from the text of /proc/net/tcp or tcp6."""
    found = {}
    for line in table.splitlines()[1:]:
        words = line.split()
        address, _, port = words[1].partition(":")
        if words[3] == LISTEN and address in LOOPBACK_OR_ANY:
            found[int(port, 16)] = words[9]
    return found


def taken_by_others(ports: Mapping[str, int], ours: Iterable[int]) -> list[str]:
    """Return a sentence for each port on which somebody else listens."""
    open_ports: dict[int, str] = {}
    for name in ("tcp6", "tcp"):
        table = Path(f"/proc/net/{name}")
        open_ports.update(listeners(table.read_text()) if table.is_file() else {})
    sentences = []
    for service, port in ports.items():
        if port in open_ports:
            holder = _holder(open_ports[port])
            if holder not in ours:
                sentences.append(f"port {port} ({service}) is taken by {_describe(holder)}")
    return sentences


def _holder(inode: str) -> int:
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == f"socket:[{inode}]":
                return int(link.parts[2])
        except OSError:
            continue
    return 0


def _describe(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return "another process"
    return f"process {pid} ({command[:80]}); end it and try again"
