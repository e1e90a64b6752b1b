"""The watch finds a secret wherever a program shows it, and lets a program know what it may."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.secretwatch import CHECK_IN_TOKEN, KEYSTONE_TOKEN, Finding, SecretWatch

CANARY = "canary-4711"
SECRETS = {"the canary": CANARY}
PATH = {"PATH": "/usr/bin:/bin"}


def run(*argv, **env):
    subprocess.run(argv, env={**PATH, **env}, check=True)


def test_a_secret_in_a_command_line_is_found():
    with SecretWatch(SECRETS) as watch:
        run("sh", "-c", f"sleep 0.2; : {CANARY}")
    assert watch.found == {Finding("sh -c", "command line", "the canary")}


def test_a_secret_in_an_environment_is_found():
    with SecretWatch(SECRETS) as watch:
        run("sleep", "0.2", TOKEN=CANARY)
    assert watch.found == {Finding("sleep 0.2", "environment", "the canary")}


def test_a_program_may_know_what_it_is_allowed_but_not_say_it():
    with SecretWatch(SECRETS, may_know={"sleep": {"the canary"}}) as watch:
        run("sleep", "0.2", TOKEN=CANARY)
    assert watch.found == set()
    with SecretWatch(SECRETS, may_know={"sh": {"the canary"}}) as watch:
        run("sh", "-c", f"sleep 0.2; : {CANARY}")
    assert [one.where for one in watch.found] == ["command line"]


def test_grandchildren_are_looked_at_too():
    with SecretWatch(SECRETS) as watch:
        run("sh", "-c", "TOKEN=canary-47''11 sleep 0.2; true")
    assert watch.found == {Finding("sleep 0.2", "environment", "the canary")}


def test_what_outlives_its_parent_in_a_session_of_its_own_is_looked_at():
    waiting = "import os, time; time.sleep(0.3); os.execv('/bin/sh', {argv})"
    orphan = waiting.format(argv=["sh", "-c", "sleep 0.3; true", "canary"])
    start = (
        "import subprocess, sys, time;"
        f" subprocess.Popen([sys.executable, '-c', {orphan!r}], start_new_session=True);"
        " time.sleep(0.15)"
    )
    with SecretWatch({"the canary": r"\x00canary\x00"}) as watch:
        run(sys.executable, "-c", start)
        run("sleep", "0.6")
    assert watch.found == {Finding("sh -c", "command line", "the canary")}


def test_without_a_secret_there_is_nothing_to_find():
    with SecretWatch(SECRETS) as watch:
        run("sleep", "0.1")
    assert (watch.found, watch.programs) == (set(), {"sleep 0.1"})


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (KEYSTONE_TOKEN, "gAAAAABn" + "x" * 150),
        (CHECK_IN_TOKEN, f"eyJ{'a' * 30}.eyJ{'b' * 60}.{'c' * 40}"),
    ],
)
def test_tokens_are_known_by_their_shape(pattern, text):
    with SecretWatch({"a token": pattern}) as watch:
        run("sleep", "0.2", TOKEN=text)
    assert [one.secret for one in watch.found] == ["a token"]
