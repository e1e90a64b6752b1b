"""Text tables without frames."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.plaintext import one_line


def render(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return headings and rows as aligned columns; no cell begins a row of its own."""
    lines = [headings, *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
