"""Asks the supervisor to start and stop programs, over its socket."""

import http.client
import socket
import time
import xmlrpc.client
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError

# The supervisor itself ends by force what takes longer.
PATIENCE = 25


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket in the file system."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """Return a connection to the socket, whatever the host's name."""
        return _SocketConnection(self._path)


@dataclass(frozen=True, slots=True)
class Program:
    """A program as the supervisor sees it; its pid counts inside the sandbox."""

    name: str
    state: str
    pid: int


class Supervisor:
    """The running supervisor behind a socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _call(self, method: str, *arguments: Any) -> Any:
        # One proxy for each call: steps in several threads ask at once.
        with xmlrpc.client.ServerProxy("http://localhost", _SocketTransport(self._path)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def is_running(self) -> bool:
        """Say whether a supervisor answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False

    def programs(self) -> dict[str, Program]:
        """Return all programs by name."""
        return {
            info["name"]: Program(info["name"], info["statename"], info["pid"])
            for info in self._call("getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        """Start a program unless it runs."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise SandboxError(f"{name} does not start: {fault.faultString}") from fault

    def stop(self, names: Collection[str]) -> None:
        """Stop programs side by side and wait for their end."""
        for name in names:
            # It may have ended already, which is what we want.
            with suppress(xmlrpc.client.Fault):
                self._call("stopProcess", name, False)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            # A sandbox of older sources does not know all the names.
            stopping = {name for name, own in self.programs().items() if own.state == "STOPPING"}
            if stopping.isdisjoint(names):
                return
            time.sleep(0.1)

    def reload_configuration(self) -> None:
        """Take in a changed file: changed programs are stopped, new ones added."""
        (changes,) = self._call("reloadConfig")
        added, changed, removed = changes
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*changed, *added):
            self._call("addProcessGroup", name)

    def shut_down(self) -> None:
        """Ask the supervisor to stop all programs and end; does not wait."""
        self._call("shutdown")
