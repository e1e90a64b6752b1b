"""Lengths of time as a person says them."""

from datetime import timedelta

import pytest

from orchestrator.spans import span


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=146), "146 days"),
        (timedelta(hours=47), "47 h"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(seconds=-5), "0 s"),
        (899.9, "15 min"),
        (59.9, "60 s"),
    ],
)
def test_a_length_of_time_has_the_largest_unit_of_which_there_are_two(length, text):
    assert span(length) == text
