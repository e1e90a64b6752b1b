"""Text of others: read as it is, and acting on nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plaintext import lines, one_line
from tests.mutating import acts

ANY = st.text() | st.text(alphabet="\x1b\x9b[]0;31mJH\x07\x08\r\n\t\x00\ud800\u202e\u2066\u2028a")


@pytest.mark.parametrize("text", ["café №1", "名前\u3000一", "a\u00a0b", "naïve: 100 % 🛰"])
def test_what_people_write_stays_as_it_is(text):
    assert one_line(text) == lines(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "�[31mred"),
        ("\x1b]0;title\x07", "�]0;title�"),
        ("a\nb", "a�b"),
        ("a\r\x08b", "a��b"),
        ("half \ud800 a sign", "half � a sign"),
        ("\u202egnp.exe", "�gnp.exe"),
    ],
)
def test_a_sign_that_acts_is_shown_as_one_that_does_not(text, shown):
    assert one_line(text) == shown


@given(ANY)
def test_every_text_becomes_one_line_of_the_same_length_that_can_be_written(text):
    shown = one_line(text)
    assert len(shown) == len(text)
    assert not acts(shown)
    assert len(f"x{shown}x".splitlines()) == 1
    assert shown.encode().decode() == shown


@given(ANY)
def test_lines_stay_lines(text):
    assert lines(text).count("\n") == text.count("\n")
    assert [one_line(line.replace("\t", " ")) for line in lines(text).split("\n")] == [
        line.replace("\t", " ") for line in lines(text).split("\n")
    ]
