"""Asks the services themselves whether they are well."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.services import Service
from sandbox.shell import last_lines

PATIENCE = 180


def answers(service: Service, layout: Layout) -> bool:
    """Say whether a service answers where it should; one without a place is not asked."""
    if service.socket:
        return _connects(service.socket)
    if service.path:
        return _responds(service, layout.ca)
    return not service.port or _greets(service)


def _connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            return False
    return True


def _greets(service: Service) -> bool:
    greeting = service.greeting
    try:
        with socket.create_connection((service.address, service.port), timeout=10) as connection:
            return not greeting or connection.recv(len(greeting)) == greeting
    except OSError:
        return False


def _responds(service: Service, ca: Path) -> bool:
    try:
        context = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection(
            service.address, service.port, timeout=10, context=context
        )
        connection.request("GET", service.path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False


def wait(name: str, well: Callable[[], bool], log: Path, *, patience: float = PATIENCE) -> None:
    """Return as soon as a check holds; when it never does, show the end of the log."""
    end = time.monotonic() + patience
    while not well():
        if time.monotonic() > end:
            text = log.read_text(errors="replace") if log.is_file() else ""
            raise SandboxError(
                f"{name} is not well after {patience:.0f} s:\n{last_lines(text)}\n  log: {log}"
            )
        time.sleep(0.2)
