"""Text tables without frames."""

from __future__ import annotations

from collections.abc import Sequence


def render(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return headings and rows as aligned columns."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
