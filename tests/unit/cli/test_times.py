"""Times as they are written and read."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from orchestrator.cli import times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("30 min", 1800), ("2h", 7200), ("7d", 604800), ("5s", 5), ("1w", 604800)],
)
def test_a_length_of_time(text, seconds):
    assert times.Span().convert(text, None, None) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "0m", "m", "half an hour", "-5m"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(click.BadParameter, match="write 30m, 2h or 7d"):
        times.Span().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T14:00", datetime(2026, 11, 20, 14, tzinfo=UTC)),
        ("2026-11-20T14:00+01:00", datetime(2026, 11, 20, 13, tzinfo=UTC)),
    ],
)
def test_a_date(text, day):
    assert times.Moment().convert(text, None, None) == day


def test_a_date_as_so_long_ago():
    found = times.Moment().convert("7d", None, None)
    assert abs(datetime.now(UTC) - timedelta(days=7) - found) < timedelta(seconds=5)


def test_what_is_no_date():
    with pytest.raises(click.BadParameter, match="write 2026-11-20"):
        times.Moment().convert("yesterday", None, None)


def test_a_moment_reads_short():
    assert times.moment(datetime(2026, 11, 3, 4, 5, tzinfo=UTC)) == "3 Nov 2026, 04:05 UTC"
