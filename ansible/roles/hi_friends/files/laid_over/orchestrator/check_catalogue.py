#!/usr/bin/python3
"""Looks at what HI-FRIENDS leaves: the catalogue, its columns, its rows, and whether the known galaxies are in it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

SETTINGS = Path(__file__).with_name("expected.json")
COLUMNS = ["id", "ra", "dec", "hi_size", "line_flux_integral", "central_freq", "pa", "i", "w20"]
CATALOGUE = "catalogs/final_catalog.csv"
ALSO = ("plots/output_params_distribution.png", "notebooks/sdc2_hi-friends.ipynb")
NEAR = 14.0  # arcsec: two beams
NEAR_FREQUENCY = 1.0e6  # Hz: half the width of a broad line


class CatalogueError(Exception):
    """The catalogue is not what it should be."""


def read_table(path: Path) -> list[dict[str, float]]:
    """Return the rows of a table whose columns are separated by blanks."""
    if not path.is_file():
        raise CatalogueError(f"{path} is not there")
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines[0].split() if lines else []
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        raise CatalogueError(f"{path} has no column {', '.join(missing)}")
    wanted = [head.index(name) for name in COLUMNS]
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split()
        try:
            values = [float(fields[place]) for place in wanted]
        except (IndexError, ValueError) as error:
            raise CatalogueError(
                f"{path}, line {number} is not a row of it: {line[:80]!r}"
            ) from error
        rows.append(dict(zip(COLUMNS, values)))
    return rows


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the distance of two galaxies on the sky, in arcsec."""
    ra1, dec1, ra2, dec2 = (
        math.radians(row[name]) for row in (one, other) for name in ("ra", "dec")
    )
    half = math.sin((dec2 - dec1) / 2) ** 2
    half += math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(half))) * 3600


def found_of(known: list[dict[str, float]], rows: list[dict[str, float]]) -> int:
    """Return how many of the known galaxies have a row near them."""
    return sum(
        any(
            apart(galaxy, row) < NEAR
            and abs(galaxy["central_freq"] - row["central_freq"]) < NEAR_FREQUENCY
            for row in rows
        )
        for galaxy in known
    )


def check(settings: dict[str, Any]) -> str:
    """Return what was found in words; raise CatalogueError when it is too little."""
    results = Path(settings["results"])
    catalogue = results / CATALOGUE
    rows = read_table(catalogue)
    if not rows:
        raise CatalogueError(f"{catalogue} has no row: no source was found")
    for name in ALSO:
        if not (results / name).is_file():
            raise CatalogueError(f"{results / name} is not there")
    if not settings["truth"]:
        return f"{len(rows)} sources"
    known = read_table(Path(settings["truth"]))
    found, wanted = found_of(known, rows), math.ceil(settings["at_least"] * len(known))
    said = f"{found} of {len(known)} known galaxies found, {len(rows)} sources in all"
    if found < wanted:
        raise CatalogueError(f"{said}: at least {wanted} were expected")
    return said


def main() -> int:
    """Check the catalogue, once there has to be one."""
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))
    if settings["job_done"] and not Path(settings["job_done"]).is_file():
        print("the workflow has not ended yet: nothing to check")
        return 0
    try:
        print(check(settings))
    except CatalogueError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
