"""Writes files so that a reader, or a killed writer, never meets half of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Replace a file in one step and say whether its content changed."""
    if path.is_file() and path.read_text() == text:
        path.chmod(mode)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    # The umask may have taken bits away that other users of the file need.
    fresh.chmod(mode)
    os.replace(fresh, path)
    return True


def folder(path: Path, *, mode: int = 0o755, owner: str | int | None = None) -> Path:
    """Make a folder with exactly this mode and owner."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    if owner is not None:
        shutil.chown(path, owner, owner)
    return path


@contextmanager
def built(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes the target only when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        yield fresh
        os.replace(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
