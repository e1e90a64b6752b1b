"""Explanations as rows, as values and as Markdown."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator import explanation
from orchestrator.explanation import Explanation
from orchestrator.model import Rival
from orchestrator.selection.quotas import QuotaLine

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
FULL = QuotaLine(name="cores", needed=2, used=19, limit=20)
ROOM = QuotaLine(name="floating_ips", needed=1, used=0, limit=None)


@pytest.fixture
def explained(selection):
    return Explanation(
        use_case="docker", site="S", vo="v", at=AT, selection=selection, quotas=(FULL, ROOM)
    )


def test_limits_say_needed_used_and_allowed():
    assert explanation.quota_rows((FULL, ROOM)) == [
        ("cores", "2", "19", "20", "too small"),
        ("floating IPs", "1", "0", "none", ""),
    ]


def test_what_is_short_is_known(explained):
    assert explained.short == (FULL,)


def test_only_what_a_person_fixed_has_a_precedence(selection):
    fixed = replace(
        selection.flavor, confidence="fixed", origin="--set", beaten=(("sites/S.yaml", "m9"),)
    )
    assert explanation.precedence_rows(replace(selection, flavor=fixed)) == [
        ("flavor", "m1.medium  (holds)", "--set"),
        ("flavor", "m9", "sites/S.yaml"),
    ]


def test_programs_read_what_fits(explained):
    value = explained.as_value()
    assert [line["fits"] for line in value["quotas"]] == [False, True]
    assert value["choices"][0]["reason"] == "only"


def test_a_name_from_the_site_cannot_break_the_table(selection, explained):
    rival = Rival(value="x", label="a|b\n<script>[l](http://x)`", why_not="larger")
    hostile = replace(selection, flavor=replace(selection.flavor, rivals=(rival,)))
    text = explanation.markdown(replace(explained, selection=hostile))
    (line,) = [line for line in text.splitlines() if "larger" in line]
    assert line == r"| flavor | a\|b \<script\>\[l\](http://x)\` | larger |"


def test_every_confidence_has_a_meaning(selection):
    assert {choice.confidence for choice in selection.choices} <= set(explanation.CONFIDENCE)
