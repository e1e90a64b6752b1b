"""orchestrator catalogue"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.catalogue.refreshing import Change, Refreshed, Report

ADDRESS = "https://egi.eu"


@pytest.fixture
def refreshed(monkeypatch):
    """Let a refresh end in the given way; the sources are read in tests/contract."""

    def end(*reports: Report, change: Change | None = None) -> list[dict]:
        asked: list[dict] = []

        def refresh(cache, *, timeout):
            asked.append({"cache": cache, "timeout": timeout})
            return Refreshed(reports=reports, sites=25, vos=72, change=change or Change())

        monkeypatch.setattr("orchestrator.catalogue.refreshing.refresh", refresh)
        return asked

    return end


def good(**more) -> Report:
    return Report(
        source="gocdb",
        title="GOCDB",
        address=ADDRESS,
        renewed=True,
        at=datetime.now(UTC),
        sites=30,
        **{"change": Change(), **more},
    )


def kept(at: datetime | None) -> Report:
    return Report(
        source="infosystem",
        title="is.cloud.egi.eu",
        address=ADDRESS,
        renewed=False,
        at=at,
        sites=20 if at else 0,
        vos=60 if at else 0,
        problem="HTTP 500",
    )


def test_each_source_is_a_line_with_what_came(command, refreshed, world):
    asked = refreshed(good(), kept(datetime.now(UTC) - timedelta(days=3)))
    ended = command("catalogue", "refresh", "--timeout", "7")
    assert ended.code == 0
    assert asked == [{"cache": world.folders.cache, "timeout": 7.0}]
    gocdb, infosystem = ended.out.splitlines()[1:3]
    assert gocdb.split() == ["GOCDB", "30", "renewed:", "as", "before"]
    assert infosystem.startswith("is.cloud.egi.eu   20      60    not renewed, the copy of ")
    assert infosystem.endswith(" stays (3 days old): HTTP 500")
    assert "Together 25 sites and 72 VOs." in ended.out


def test_what_changed_is_told_by_site(command, refreshed):
    change = Change(
        new_sites=("NEW",),
        gone_sites=("OLD",),
        new_shares=(("NEW", "vo.a"), ("SCAI", "vo.b"), ("SCAI", "vo.c")),
        gone_shares=(("OLD", "vo.a"), ("CENI", "vo.d")),
    )
    refreshed(good(change=change, warnings=("X.yaml: HTTP 500",)), change=change)
    out = command("catalogue", "refresh").out
    assert "renewed: 1 new, 1 gone, 3 VOs new at a site, 2 VOs gone from a site" in out
    assert "  GOCDB: X.yaml: HTTP 500" in out
    assert [line.split() for line in out.splitlines()[-4:]] == [
        ["new", "NEW"],
        ["gone", "OLD"],
        ["VO", "new", "SCAI:", "vo.b,", "vo.c"],
        ["VO", "gone", "CENI:", "vo.d"],
    ]


def test_where_nothing_could_be_renewed_the_code_is_5(command, refreshed):
    refreshed(kept(None))
    ended = command("catalogue", "refresh")
    assert ended.code == 5
    assert "not renewed, and there is no older copy: HTTP 500" in ended.out


def test_a_first_copy_has_nothing_to_be_compared_with(command, refreshed):
    refreshed(good(change=None))
    assert "renewed: the first copy" in command("catalogue", "refresh").out


def test_programs_get_the_whole_report(command, refreshed):
    refreshed(good(), kept(None))
    value = command("catalogue", "refresh", "--json").value
    assert value["renewed"] is True
    assert [report["source"] for report in value["reports"]] == ["gocdb", "infosystem"]
    assert value["reports"][1]["problem"] == "HTTP 500"


def test_the_group_lists_its_commands(command):
    ended = command("catalogue", "--help")
    assert ended.code == 0
    assert "refresh" in ended.out


def test_an_unknown_subcommand_is_a_mistake_of_the_person(command):
    assert command("catalogue", "refrehs").code == 1
