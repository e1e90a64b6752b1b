"""The first header of a FITS file: its keys and their values as text."""

from __future__ import annotations

from pathlib import Path

_BLOCK = 2880
_CARD = 80
_MOST_BLOCKS = 350  # a megabyte: no header is longer that is one


def read_header(path: Path) -> dict[str, str]:
    """Return the keys of the first header; ValueError, as part of a sentence, for another file."""
    header: dict[str, str] = {}
    with path.open("rb") as content:
        for _ in range(_MOST_BLOCKS):
            block = content.read(_BLOCK)
            if len(block) < _BLOCK or (not header and not block.startswith(b"SIMPLE  =")):
                raise ValueError("is no FITS file")
            if _read_block(block.decode("ascii", "replace"), header):
                return header
    raise ValueError("is no FITS file: its header has no end")


def _read_block(block: str, header: dict[str, str]) -> bool:
    """Take the keys of a block; return whether the header ends in it."""
    for place in range(0, _BLOCK, _CARD):
        card = block[place : place + _CARD]
        key = card[:8].rstrip()
        if key == "END":
            return True
        if card[8:10] == "= ":
            header.setdefault(key, _value(card[10:]))
    return False


def _value(text: str) -> str:
    text = text.strip()
    if not text.startswith("'"):
        return text.partition("/")[0].strip()
    # Inside a text a quote is written twice.
    inner = text[1:].replace("''", "\0").partition("'")[0]
    return inner.replace("\0", "'").rstrip()
