#!/usr/bin/python3 -I
"""Stands where motley-cue's adapter looks for sudo, and asks the unit motley-cue-accounts instead."""

from __future__ import annotations

import json
import socket
import sys

PLACE = "/run/motley-cue-accounts.socket"
OPTIONS = ["-n", "--"]  # with which the adapter calls sudo


def main(argv: list[str], place: str = PLACE) -> int:
    """Ask for one command; write what it wrote, and return its exit code."""
    if argv[: len(OPTIONS)] != OPTIONS:
        print("this is no sudo: it knows `sudo -n -- COMMAND` alone", file=sys.stderr)
        return 2
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(60)
        asked.connect(place)
        asked.sendall(json.dumps(argv[len(OPTIONS) :]).encode() + b"\n")
        with asked.makefile() as told:
            done = json.loads(told.readline())
    sys.stdout.write(done["stdout"])
    sys.stderr.write(done["stderr"])
    return int(done["code"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
