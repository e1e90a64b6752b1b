"""What the sandbox offers, collected, looked at, searched and compared by its operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from openstack.connection import Connection

from tests.e2e.people import Person, token_of

pytestmark = pytest.mark.e2e

VO = "vo.access.egi.eu"
FLAVOR = "zz.collect-test"


@pytest.fixture
def passing(admin: Connection) -> Iterator[str]:
    """The name of a flavor that is not there before, and not afterwards."""
    remove(admin, FLAVOR)
    yield FLAVOR
    remove(admin, FLAVOR)


def remove(admin: Connection, name: str) -> None:
    found = admin.compute.find_flavor(name)
    if found is not None:
        admin.compute.delete_flavor(found.id)


def collect(person: Person, *words: str) -> str:
    return person.run("catalogue", "collect", "--vo", VO, "--site", "SANDBOX", *words).stdout


def catalogue(person: Person, *words: str) -> object:
    return json.loads(person.run("catalogue", *words, "--json").stdout)


def test_what_was_collected_is_shown_without_asking_the_site(person):
    assert "1 of 1 collected" in collect(person)
    told = person.run("catalogue", "show", "sandbox", HTTPS_PROXY="http://127.0.0.1:1").stdout
    assert f"SANDBOX for {VO}, as collected" in told
    assert "the site was not asked now" in told
    for name in ("ext-2083", "m1.medium", "debian 12", "floating ips"):
        assert name in told


def test_a_search_finds_the_flavor_and_the_image(person):
    collect(person)
    words = ("search", "--vcpus", "2", "--ram", "4G", "--image", "debian:12")
    (match,) = catalogue(person, *words)["matches"]
    assert (match["site"], match["vo"]) == ("SANDBOX", VO)
    assert match["flavor"]["vcpus"] >= 2
    assert match["image"]["properties"]["os_distro"] == "debian"
    (gpu,) = catalogue(person, "search", "--gpu", "1")["matches"]
    assert gpu["flavor"]["name"] == "g1.medium"
    assert person.run("catalogue", "search", "--vcpus", "512", code=5).stdout.startswith("No site")


def test_a_flavor_that_comes_and_goes_is_told(person, admin, passing):
    collect(person)
    assert "changed: flavors" not in collect(person)
    before = datetime.now(UTC).isoformat()
    admin.compute.create_flavor(name=passing, vcpus=64, ram=65536, disk=40)
    assert "changed: flavors" in collect(person)
    (found,) = catalogue(person, "diff", "SANDBOX", "--since", before)
    (change,) = [one for one in found["changes"] if one["name"] == passing]
    assert (change["kind"], change["what"]) == ("flavor", "new")
    assert change["detail"] == "64 vCPU, memory 65536 MB, disk 40 GB"
    assert change["at"] > before.replace("T", " ")

    during = datetime.now(UTC).isoformat()
    remove(admin, passing)
    collect(person)
    told = person.run("catalogue", "diff", "SANDBOX", "--since", during).stdout
    (row,) = [line.split() for line in told.splitlines() if passing in line]
    assert row[3:6] == ["flavor", "gone", passing]
    (found,) = catalogue(person, "diff", "SANDBOX", "--since", before)
    assert passing not in [one["name"] for one in found["changes"]]


def test_a_site_that_is_silent_costs_the_others_nothing_and_keeps_its_cause(person):
    folder = person.folders.config / "sites"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CLOSED.yaml").write_text(
        f"gocdb: CLOSED\nendpoint: https://127.0.0.1:1/v3\nvos: [{{name: {VO}, auth: {{project_id: p}}}}]\n"
    )
    words = ("catalogue", "collect", "--vo", VO, "--site", "SANDBOX", "--site", "CLOSED")
    told = person.run(*words, OIDC_ACCESS_TOKEN="").stdout
    assert "1 of 2 collected" in told
    shown = person.run("catalogue", "show", "CLOSED", code=1).stderr
    assert "nothing has been collected yet of CLOSED" in shown


def test_a_member_without_the_role_is_told_and_nothing_is_kept(person):
    words = ("catalogue", "collect", "--vo", VO, "--site", "SANDBOX")
    told = person.run(*words, code=4, ORCHESTRATOR_ACCESS_TOKEN=token_of("member")).stdout
    assert "only the role vm_operator" in told
