#!/usr/bin/python3
"""Runs as root what motley-cue asks for: accounts of its own people, and nothing else.

motley-cue speaks to the world, so it runs without any right. Its adapter wants useradd, usermod
and chage as root; each such command comes here by a socket and is run only when it is one of the
few that are known, about an account that belongs to one of the trusted issuers. The adapter's own
way, sudo, cannot tell these from `useradd -o -u 0`.
"""

from __future__ import annotations

import json
import pwd
import re
import subprocess
import sys
import urllib.parse
from typing import Any

NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
SUBJECT = re.compile(r"[A-Za-z0-9._~%+-]{1,255}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LONGEST = 16384


class RefusedError(Exception):
    """What was asked is not among what may be asked."""


def command_of(argv: list[str], settings: dict[str, Any]) -> list[str]:
    """Return the command to run for one that was asked for, or raise RefusedError."""
    known = {"useradd": _useradd, "usermod": _usermod, "chage": _chage}
    if len(argv) < 3 or argv[0] not in known:
        raise RefusedError(f"not a command that is run here: {' '.join(argv)[:200]!r}")
    return known[argv[0]](argv, settings)


def _useradd(argv: list[str], settings: dict[str, Any]) -> list[str]:
    identity, name = argv[2], argv[-1]
    expected = ["useradd", "--comment", identity, "-g", settings["group"]]
    expected += ["--shell", settings["shell"], "-b", settings["homes"], "-m", name]
    if argv != expected:
        raise RefusedError("not how an account is made here")
    if not _is_persons(identity, settings):
        raise RefusedError(f"not a person of a trusted issuer: {identity[:200]!r}")
    if not NAME.fullmatch(name) or _entry(name):
        raise RefusedError(f"not a name for a new account: {name[:80]!r}")
    return ["/usr/sbin/useradd", *argv[1:]]


def _usermod(argv: list[str], settings: dict[str, Any]) -> list[str]:
    if len(argv) != 4 or argv[1] != "--groups":
        raise RefusedError("only groups of an account are changed here")
    groups, name = argv[2:]
    if not set(groups.split(",")) <= set(settings["groups"]):
        raise RefusedError(f"not groups that people join here: {groups[:200]!r}")
    _require_ours(name, settings)
    return ["/usr/sbin/usermod", *argv[1:]]


def _chage(argv: list[str], settings: dict[str, Any]) -> list[str]:
    name, asked = argv[-1], argv[1:-1]
    to_end = len(asked) == 2 and asked[0] == "-E" and (asked[1] == "-1" or DATE.fullmatch(asked[1]))
    if asked != ["-l"] and not to_end:
        raise RefusedError("only the end of an account is asked for and changed here")
    _require_ours(name, settings)
    return ["/usr/bin/chage", *argv[1:]]


def _is_persons(identity: str, settings: dict[str, Any]) -> bool:
    """Tell whether this is how the adapter writes down a person of a trusted issuer."""
    subject, _, issuer = identity.rpartition("@")
    known = [urllib.parse.quote_plus(one) for one in settings["issuers"]]
    return bool(SUBJECT.fullmatch(subject)) and issuer.removesuffix("%2F") in [
        one.removesuffix("%2F") for one in known
    ]


def _require_ours(name: str, settings: dict[str, Any]) -> None:
    entry = _entry(name)
    if entry is None or entry.pw_uid < 1000 or not _is_persons(entry.pw_gecos, settings):
        raise RefusedError(f"not an account that was made here: {name[:80]!r}")


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def answer(line: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Do what a line of JSON asks for, and return how it ended."""
    try:
        argv = json.loads(line)
        if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
            raise RefusedError("not a list of words")
        command = command_of(argv, settings)
    except (ValueError, RefusedError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return {"code": 1, "stdout": "", "stderr": f"refused: {error}"}
    # Its words are read by the adapter, which knows them in English.
    done = subprocess.run(
        command, env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin"}, capture_output=True, text=True
    )
    print(f"{' '.join(command)}: {done.returncode}", file=sys.stderr)
    return {"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def main() -> None:
    """Answer the one request of standard input."""
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    print(json.dumps(answer(sys.stdin.readline(LONGEST), settings)))


if __name__ == "__main__":
    main()
