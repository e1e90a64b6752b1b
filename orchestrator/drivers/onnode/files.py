"""Lists, sends and takes files on a node. It runs there as root, by `python3 -c`; see drivers/transfer.py."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

CHUNK = 1 << 20


def listing() -> None:
    """Write a line for everything below each folder that is named in a line of JSON."""
    for root in json.loads(sys.stdin.buffer.readline()):
        for line in walk(root):
            say(root=root, **line)
    say(end=True)


def walk(root: str) -> Iterator[dict[str, Any]]:
    """Tell of each thing below a folder; a file is told as the one thing in itself."""
    if not os.path.lexists(root):
        yield {"kind": "missing", "path": ""}
        return
    if not os.path.isdir(root) or os.path.islink(root):
        yield about(root, "")
        return
    for folder, folders, names in os.walk(root):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(names + links):
            path = os.path.join(folder, name)
            yield about(path, os.path.relpath(path, root))


def about(path: str, name: str) -> dict[str, Any]:
    """Tell what a thing is; of a plain file also its size and checksum."""
    mode = os.lstat(path).st_mode
    if not stat.S_ISREG(mode):
        return {"kind": "link" if stat.S_ISLNK(mode) else "other", "path": name}
    with opened(path) as file:
        return {
            "kind": "file",
            "path": name,
            "size": os.fstat(file.fileno()).st_size,
            "sha256": checksum(file),
        }


def sending() -> None:
    """Write a part of each file that is named in a line of JSON: path, first byte, how many."""
    for path, offset, length in json.loads(sys.stdin.buffer.readline()):
        with opened(path) as file:
            file.seek(offset)
            if copy(file, sys.stdout.buffer, length) < length:
                sys.exit(f"{path} has become shorter")
    sys.stdout.buffer.flush()


def asking() -> None:
    """Tell how much of a file that is to come is here already, and how much room there is."""
    wanted = json.loads(sys.stdin.buffer.readline())
    folder = os.path.dirname(wanted["path"])
    os.makedirs(folder, exist_ok=True)
    part = part_of(wanted)
    complete = os.path.isfile(wanted["path"]) and checksum_of(wanted["path"]) == wanted["sha256"]
    have = os.path.getsize(part) if os.path.exists(part) else 0
    say(complete=complete, have=have, free=shutil.disk_usage(folder).free)


def taking() -> None:
    """Take the rest of a file, and put it in its place when its checksum is right."""
    wanted = json.loads(sys.stdin.buffer.readline())
    part, path = part_of(wanted), wanted["path"]
    with open(part, "ab") as file:
        file.truncate(wanted["offset"])
        taken = copy(sys.stdin.buffer, file, wanted["length"])
        file.flush()
        os.fsync(file.fileno())
    if taken < wanted["length"]:
        # The connection broke: the next run goes on from here.
        sys.exit("{} of {} bytes came".format(taken, wanted["length"]))
    right = checksum_of(part) == wanted["sha256"]
    if right:
        os.chmod(part, 0o644)
        os.replace(part, path)
        # Of a parameter there is one file: an earlier one would only fill the disk.
        for other in os.listdir(os.path.dirname(path)):
            if other != os.path.basename(path):
                os.remove(os.path.join(os.path.dirname(path), other))
    else:
        os.remove(part)
    say(right=right)


def part_of(wanted: dict[str, Any]) -> str:
    """Name the unfinished file after what it will be, so that it is never continued by another one."""
    return os.path.join(os.path.dirname(wanted["path"]), ".{}.part".format(wanted["sha256"]))


def opened(path: str) -> BinaryIO:
    """Open a file itself, never what a link leads to."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def copy(source: BinaryIO, target: BinaryIO, length: int) -> int:
    """Copy so many bytes, or what there is; return how many there were."""
    left = length
    while left:
        piece = source.read(min(CHUNK, left))
        if not piece:
            break
        target.write(piece)
        left -= len(piece)
    return length - left


def checksum_of(path: str) -> str:
    """Return the sha256 of a file."""
    with opened(path) as file:
        return checksum(file)


def checksum(file: BinaryIO) -> str:
    """Return the sha256 of what is left in an open file."""
    digest = hashlib.sha256()
    for piece in iter(lambda: file.read(CHUNK), b""):
        digest.update(piece)
    return digest.hexdigest()


def say(**words: Any) -> None:
    """Write a line of JSON."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


VERBS = {"listing": listing, "sending": sending, "asking": asking, "taking": taking}

if __name__ == "__main__":
    os.umask(0o022)
    VERBS[sys.argv[1]]()
