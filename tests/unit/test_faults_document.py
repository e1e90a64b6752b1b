"""docs/faults.md speaks of every fault, and of tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in LINES
    if re.match(r"\| \d+ \|", line)
]
NAMED = re.compile(r"`([\w/.-]+\.py)::(\w+)`")


@cache
def defined_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_number_of_the_list_has_its_row():
    assert [int(row[0]) for row in ROWS] == list(range(1, 75))


def test_every_named_test_exists():
    named = [pair for row in ROWS for pair in NAMED.findall(row[2])]
    assert len(named) > 74
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or test not in defined_in(file)
    ]
    assert missing == []


def test_what_no_test_shows_says_why():
    silent = [row[0] for row in ROWS if not NAMED.search(row[2]) and not row[3]]
    assert silent == []


def test_nothing_in_a_row_is_lost_to_a_stray_bar():
    assert {len(row) for row in ROWS} == {4}
