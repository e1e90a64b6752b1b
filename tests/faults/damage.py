"""What is done to the files of a deployment: its state damaged, its disk full or read-only."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

_FILLER = "filler"


def damage(state: Path, how: str, *, older: str | None) -> None:
    """Damage a state, where there is one; ``older`` is what it was some time ago."""
    if state.exists():
        _DAMAGES[how](state, older)


def _truncate(state: Path, _older: str | None) -> None:
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])


def _roll_back(state: Path, older: str | None) -> None:
    if older:
        state.write_text(older)


_DAMAGES: dict[str, Callable[[Path, str | None], object]] = {
    "none": lambda _state, _older: None,
    "emptied": lambda state, _older: state.write_text(""),
    "truncated": _truncate,
    "deleted": lambda state, _older: state.unlink(),
    "rolled back": _roll_back,
}


class Disk:
    """A small filesystem of its own for one folder (root)."""

    def __init__(self, folder: Path, *, size: str = "8m") -> None:
        self._folder = folder
        self._size = size

    def __enter__(self) -> Disk:
        self._folder.mkdir(exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={self._size},mode=700", "trials")
        return self

    def __exit__(self, *_error: object) -> None:
        # What a killed run left at work may still use it.
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)

    def fill(self) -> None:
        """Leave no room on it."""
        file = os.open(self._folder / _FILLER, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            for piece in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(_FullError):
                    while True:
                        _write(file, bytes(piece))
        finally:
            os.close(file)

    def free(self) -> None:
        """Give the room back."""
        (self._folder / _FILLER).unlink(missing_ok=True)

    def set_writable(self, *, writable: bool) -> None:
        """Let nobody write on it, or everybody again."""
        self._mount("-o", f"remount,{'rw' if writable else 'ro'}", "trials")

    def _mount(self, *words: str) -> None:
        subprocess.run(["mount", *words, str(self._folder)], check=True, capture_output=True)


class _FullError(Exception):
    """There is no room for another piece."""


def _write(file: int, piece: bytes) -> None:
    try:
        written = os.write(file, piece)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _FullError from error
    if written < len(piece):
        raise _FullError
