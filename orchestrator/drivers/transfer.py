"""Files to and from a node over our SSH, by a small program that the node's own Python runs.

rsync would do: but it has to be installed on both sides, which it is not by default, and a client of it
believes the names that a server sends. Python is on every node, since Ansible needs it.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from orchestrator.drivers import onnode, process, ssh
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import DeploymentFailedError, SetupError
from orchestrator.model import Node
from orchestrator.workdir import Workdir

_PROGRAM = Path(onnode.__file__).with_name("files.py")
_LONGEST_LINE = 64 * 1024
_MOST_LINES = 500_000


class Stream(Protocol):
    """What comes from a node."""

    def read(self, size: int) -> bytes:
        """Return so many bytes and never fewer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFiles:
    """The files of one node."""

    node: Node
    workdir: Workdir
    env: Mapping[str, str]

    def listing(self, roots: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Return what is below some folders, line by line as the node finds it."""
        with self._started("listing") as talk:
            talk.say(roots)
            for _ in range(_MOST_LINES):
                told = talk.answer()
                if told.get("end"):
                    return
                yield told
        raise DeploymentFailedError(f"{self.node.name} lists more files than are taken")

    @contextlib.contextmanager
    def stream(self, wanted: Sequence[tuple[str, int, int]]) -> Iterator[Stream]:
        """Give parts of files one behind the other: path, first byte, how many."""
        with self._started("sending") as talk:
            talk.say(wanted)
            yield talk

    def ask(self, path: str, sha256: str) -> Mapping[str, Any]:
        """Return whether a file is complete on the node, how much of it is there, and the room."""
        with self._started("asking") as talk:
            talk.say({"path": path, "sha256": sha256})
            return talk.answer()

    @contextlib.contextmanager
    def putting(self, path: str, sha256: str, *, offset: int, length: int) -> Iterator[Talk]:
        """Give what takes the rest of a file, and then answers whether its checksum is right."""
        with self._started("taking") as talk:
            talk.say({"path": path, "sha256": sha256, "offset": offset, "length": length})
            yield talk

    @contextlib.contextmanager
    def _started(self, verb: str) -> Iterator[Talk]:
        source = _PROGRAM.read_text(encoding="utf-8")
        line = shlex.join(["sudo", "-n", "python3", "-c", source, verb])
        argv = ssh.ssh_argv(self.node, workdir=self.workdir, command=[line])
        with tempfile.TemporaryFile() as complaints:
            child = _start([argv[0], "-oBatchMode=yes", *argv[1:]], self.env, complaints)
            try:
                yield Talk(self.node, child, complaints)
            finally:
                process.end(child, grace=2.0)
                for pipe in (child.stdin, child.stdout):
                    with contextlib.suppress(OSError):
                        pipe.close() if pipe else None


class Talk:
    """What is said to the program on the node and what it answers; DeploymentFailedError when it ends early."""

    def __init__(self, node: Node, child: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("a program was started without pipes")
        self._node = node
        self._child = child
        self._complaints = complaints
        self._in: IO[bytes] = child.stdin
        self._out: IO[bytes] = child.stdout

    def say(self, words: object) -> None:
        """Write a line of JSON."""
        self.write(json.dumps(words).encode() + b"\n")

    def write(self, piece: bytes) -> None:
        """Write bytes."""
        try:
            self._in.write(piece)
            self._in.flush()
        except BrokenPipeError as error:
            raise self._broken() from error

    def answer(self) -> Mapping[str, Any]:
        """Return the next line, which is an object of JSON."""
        line = self._out.readline(_LONGEST_LINE)
        try:
            told = json.loads(line) if line else None
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise self._broken()
        return told

    def read(self, size: int) -> bytes:
        """Return so many bytes and never fewer."""
        found = self._out.read(size)
        if len(found) < size:
            raise self._broken()
        return found

    def _broken(self) -> DeploymentFailedError:
        process.end(self._child, grace=2.0)
        self._complaints.seek(0)
        words = self._complaints.read(_LONGEST_LINE).decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(words) if line.strip()), "nothing")
        return DeploymentFailedError(
            f"the connection to {self._node.name} ended before all had been transferred",
            facts={"it says": last[:300]},
            way_out=["the same command again: it goes on from there"],
        )


def _start(
    argv: Sequence[str], env: Mapping[str, str], complaints: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            env=child_environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise SetupError(
            "there is no ssh on this machine", way_out=["apt-get install openssh-client"]
        ) from error
