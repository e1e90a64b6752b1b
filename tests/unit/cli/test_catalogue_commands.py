"""orchestrator catalogue collect, show, search and diff, on the simulated site."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import SiteError
from orchestrator.model import Quota
from orchestrator.store import Store
from tests.whole import flavor, image, offer

VO = "vo.access.egi.eu"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def collect(command):
    """Collect from the simulated site."""
    return lambda *words: command("catalogue", "collect", "--site", "SIM", *words)


@pytest.fixture
def store(world):
    """The store of the person who runs the commands."""
    opened = Store.in_folder(world.folders.data)
    yield opened
    opened.close()


@pytest.fixture
def kept(store):
    """Keep offers as if they had been collected so many days ago."""

    def keep(site="A", vo=VO, days=0.0, **given):
        store.offers.record(vo, offer(site=site, collected_at=NOW - days * DAY, **given))

    return keep


# --- collect


def test_a_round_is_a_line_per_site_and_a_summary(collect):
    ended = collect()
    assert ended.code == 0
    assert "SIM  ·  vo.access.egi.eu  ·" in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("  SIM")]
    assert line.endswith("1 network, 2 flavors, 1 image")
    assert "1 of 1 collected" in ended.out


def test_the_second_round_tells_what_changed(collect, world):
    collect()
    assert "changed" not in collect().out
    world.quotas = (Quota(name="cores", used=1, limit=5),)
    assert "1 image; changed: quotas" in collect().out


def test_a_program_reads_an_event_per_line(collect):
    begun, site, ended = collect("--json").values
    assert begun["asked"] == [{"site": "SIM", "vo": VO}]
    assert (site["state"], site["counts"]["flavors"]) == ("changed", 2)
    assert (ended["collected"], ended["failed"], ended["next_at"]) == (1, 0, None)
    assert collect("--json").values[1]["state"] == "same"


def test_where_no_site_answers_the_code_and_the_cause_are_told(collect, world, monkeypatch):
    world.login_error = "SIM knows you and does not let you in."
    ended = collect()
    assert ended.code == 4
    assert "failed: SIM knows you and does not let you in." in ended.out
    assert "0 of 1 collected" in ended.out
    failed = collect("--json").values[1]
    assert (failed["state"], failed["error"]["kind"]) == ("failed", "LoginError")

    def down(*_, **__):
        raise SiteError("SIM did not answer in time.")

    monkeypatch.setattr("orchestrator.auth.keystone.login", down)
    assert collect().code == 5


def test_without_a_login_the_person_is_told_how_to_get_one(collect, monkeypatch):
    monkeypatch.delenv("OIDC_ACCESS_TOKEN")
    ended = collect()
    assert ended.code == 4
    assert "orchestrator login" in ended.err


def test_a_service_goes_on_until_sigterm_and_ends_well(collect, world, monkeypatch):
    logins = []
    usual = world.login

    def login(*args, **given):
        logins.append(1)
        if len(logins) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return usual(*args, **given)

    monkeypatch.setattr("orchestrator.auth.keystone.login", login)
    ended = collect("--every", "1s")
    assert ended.code == 0
    assert len(logins) == 2
    assert "The next round is at " in ended.out
    assert "stopping; what has been answered is kept." in ended.err


def test_a_single_round_that_is_stopped_ends_with_130(collect, monkeypatch, world):
    def login(*_, **__):
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("nobody waits for this answer")

    monkeypatch.setattr("orchestrator.auth.keystone.login", login)
    ended = collect()
    assert ended.code == 130
    assert "what had been answered by then is kept" in ended.err


def test_another_store_can_be_named(collect, command, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/other.sqlite"
    collect("--store", url)
    assert command("catalogue", "show", "SIM").code == 1
    assert command("catalogue", "show", "SIM", "--store", url).code == 0
    monkeypatch.setenv("ORCHESTRATOR_STORE", url)
    assert command("catalogue", "show", "SIM").code == 0


# --- show


def test_an_offer_is_shown_with_its_age_and_that_nobody_was_asked(command, kept):
    kept(days=2)
    kept(days=1 / 24, images=(image(status="deactivated"),))
    ended = command("catalogue", "show", "A")
    assert re.search(r"A for vo.access.egi.eu, as collected 6[0-9] min ago", ended.out)
    assert "the site was not asked now" in ended.out
    assert "FLAVORS   2, the same for 2 days" in ended.out
    assert re.search(r"IMAGES   1, the same for 6[0-9] min", ended.out)


def test_each_thing_is_a_row(command, kept):
    kept()
    rows = [line.split() for line in command("catalogue", "show", "A").out.splitlines()]
    assert ["ext", "external,", "default", "193.1.2.0/24,", "1", "hidden", "1442"] in rows
    assert ["g1", "2", "4", "GB", "20", "GB", "1", "by", "Accelerator:Type"] in rows
    assert ["Debian", "12", "debian", "12", "2026-11-18", "public"] in rows
    assert ["cores", "2", "20"] in rows
    assert ["ports", "1", "unlimited"] in rows


def test_an_image_that_cannot_be_used_says_why_and_a_gap_is_told(command, kept):
    kept(images=(image(status="deactivated"),))
    out = command("catalogue", "show", "A").out
    assert "is deactivated" in out
    assert "volume quotas could not be listed: HTTP 403" in out


def test_an_old_offer_is_marked_and_the_failure_since_then_told(command, kept, store):
    kept(days=3)
    cause = "A did not answer in time."
    store.offers.record_failure("A", VO, at=NOW - 2 * DAY, kind="SiteError", cause=cause)
    out = command("catalogue", "show", "A").out
    assert "as collected 3 days ago !" in out
    assert f"last tried 2 days ago !: {cause}" in out
    assert f"last tried 2 days ago !: {cause}" in command("catalogue", "diff", "--since", "1d").out
    assert "3 days ago !, not reached since" in command("catalogue", "search").out


def test_a_program_reads_the_offer_whole(command, kept):
    kept()
    value = command("catalogue", "show", "A", "--json").value
    assert value["offer"]["flavors"][0]["name"] == "m1"
    assert set(value["since"]) >= {"networks", "flavors", "images", "quotas"}


def test_what_was_never_collected_is_said_with_the_way_to_do_it(command):
    ended = command("catalogue", "show", "SIM")
    assert ended.code == 1
    assert "nothing has been collected yet of SIM" in ended.err
    assert "orchestrator catalogue collect --site SIM" in ended.err


# --- search


def test_who_has_it_is_a_row_and_who_has_not_says_why(command, kept, store):
    kept(
        "A", flavors=(flavor("big", vcpus=8, ram_mb=16384), flavor("vast", vcpus=64, ram_mb=65536))
    )
    kept("B")
    store.offers.record_failure("C", VO, at=NOW, kind="SiteError", cause="C is down.")
    words = ("--vcpus", "8", "--ram", "16G", "--image", "debian:12")
    ended = command("catalogue", "search", *words)
    rows = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert f"A {VO} big (8 vCPU, 16 GB, 20 GB) 1 more Debian 12, 2026-11-18" in rows[1]
    assert f"B {VO} no such flavor, the largest is m1 (2 vCPU, 4 GB)" in rows
    assert f"C {VO} never answered: C is down." in rows
    assert "no site was asked now" in ended.out
    assert ended.code == 0


def test_where_nobody_has_it_the_code_is_5(command, kept):
    kept()
    ended = command("catalogue", "search", "--gpu", "4")
    assert ended.code == 5
    assert "No site has that." in ended.out


def test_a_program_reads_the_flavor_and_the_image(command, kept):
    kept()
    value = command("catalogue", "search", "--image", "debian", "--vo", VO, "--json").value
    (match,) = value["matches"]
    assert (match["site"], match["flavor"]["name"], match["image"]["id"]) == (
        "A",
        "m1",
        "id-Debian 12",
    )
    assert value["misses"] == value["unknown"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ram", "much"), "write 16G or 512M"),
        (("--image", ":12"), "write debian:12"),
        (("--vcpus", "0"), "vcpus"),
    ],
)
def test_what_cannot_be_read_is_refused(command, words, said):
    ended = command("catalogue", "search", *words)
    assert ended.code == 1
    assert said in ended.err


@pytest.mark.parametrize(
    ("ram", "found"), [("4G", 0), ("4GiB", 0), ("4096M", 0), ("4", 0), ("4097M", 5), ("1T", 5)]
)
def test_sizes_are_written_in_many_ways(command, kept, ram, found):
    kept()
    assert command("catalogue", "search", "--ram", ram).code == found


# --- diff


def test_changes_read_as_a_list_with_the_time_of_each(command, kept):
    kept(days=3)
    kept(days=1, images=(image(status="deactivated"),), flavors=(flavor(), flavor("new")))
    kept("B", days=3)
    out = command("catalogue", "diff", "--vo", VO, "--since", "2d").out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    when = f"{NOW - DAY:%d %b %H:%M}"
    assert rows[0].startswith(f"A for {VO}, since ")
    assert f"{when} flavor new new 2 vCPU, memory 4096 MB, disk 20 GB" in rows
    assert (
        f"{when} flavor gone g1 2 vCPU, memory 4096 MB, disk 20 GB, extra specs Accelerator:Type=GPU"
        in rows
    )
    assert f"{when} image retired Debian 12 active, public -> deactivated, public" in rows
    assert [row for row in rows if row.startswith("Nothing has changed since")][0].endswith("at B.")
    assert "no site was asked now" in out


def test_a_site_that_was_first_collected_later_says_so(command, kept):
    kept(days=3)
    kept(days=1, flavors=())
    out = command("catalogue", "diff", "A", "--since", "30d").out
    assert "when it was first collected" in out.splitlines()[0]


def test_a_program_reads_the_changes(command, kept):
    kept(days=3)
    kept(days=1, quotas=(Quota(name="cores", used=2, limit=40),), gaps={})
    (value,) = command("catalogue", "diff", "A", "--since", "2d", "--json").value
    changes = {change["name"]: change for change in value["changes"]}
    assert changes["cores"]["detail"] == "20 -> 40"
    assert changes["ports"]["what"] == "gone"
    assert json.dumps(value["collected_at"])


def test_a_date_is_needed(command):
    ended = command("catalogue", "diff", "A")
    assert ended.code == 1
    assert "--since" in ended.err
