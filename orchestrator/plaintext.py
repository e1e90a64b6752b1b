"""Text of others as it may be shown: nothing in it moves a cursor, colours, or begins a line of its own."""

from __future__ import annotations

import unicodedata

# What stands for a sign that is not shown.
HIDDEN = "\N{REPLACEMENT CHARACTER}"
# Controls, formats (which turn the direction of writing), halves of signs, ends of lines.
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LAYOUT = frozenset("\n\t")


def one_line(text: str) -> str:
    """Return a text in which no sign acts on what shows it, ends of lines included."""
    return _shown(text, frozenset())


def lines(text: str) -> str:
    """Return a text of several lines in which no other sign acts on what shows it."""
    return _shown(text, _LAYOUT)


def _shown(text: str, kept: frozenset[str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        HIDDEN if unicodedata.category(sign) in _ACTING and sign not in kept else sign
        for sign in text
    )
