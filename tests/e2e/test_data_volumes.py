"""What is written to a data volume outlives the machine, and the next machine finds it."""

from __future__ import annotations

import json

import pytest
from openstack.connection import Connection

from tests.e2e.people import Person, at_the_site

# Slow: two machines one after the other.
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NAMES = ("first-with-data", "second-with-data")
WRITE = "sudo sh -c 'echo 42 > /srv/answer' && findmnt --noheadings --output FSTYPE /srv"


def test_data_outlive_their_machine_and_the_next_one_finds_them(
    person: Person, admin: Connection
) -> None:
    before = at_the_site(admin)
    first, second = NAMES
    request = ["deploy", "machine", "--site", "SANDBOX"]
    person.run(*request, "--name", first, "--param", "volume_gb=1", timeout=1200)
    assert person.run("ssh", first, "--", WRITE).stdout.strip() == "ext4"
    again = person.run(*request, "--name", first, "--configure", "--json", timeout=900)
    assert ", 0 changed" in again.stdout

    said = person.run("destroy", first).stdout
    (kept,) = json.loads(person.run("volumes", "--json").stdout)
    assert kept["id"] in said
    (volume,) = at_the_site(admin) - before
    assert kept["id"] in volume

    person.run(*request, "--name", second, "--set", f"volume={kept['id']}", timeout=1200)
    assert person.run("ssh", second, "--", "cat /srv/answer").stdout.strip() == "42"
    person.run("destroy", second)
    assert at_the_site(admin) == before | {volume}

    person.run("volumes", "--delete", kept["id"])
    assert at_the_site(admin) == before
