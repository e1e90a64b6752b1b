"""The steps of the tests' workflow, each a function; written for these tests, with the standard library alone."""

from __future__ import annotations

import json
import math
import struct
import sys
import zlib
from pathlib import Path

LIGHT = 299_792.458  # km/s
HI_LINE = 1_420_405_751.786  # Hz
RAW = [
    "id_subcube",
    "ra",
    "dec",
    "hi_size",
    "line_flux_integral",
    "central_freq",
    "pa",
    "i",
    "w20",
    "rms",
    "subcube",
]
FINAL = ["id", "ra", "dec", "hi_size", "line_flux_integral", "central_freq", "pa", "i", "w20"]
Header = dict[str, str]


def read_header(path: Path) -> tuple[Header, int]:
    """Return a FITS header and where the data begins."""
    header: Header = {}
    with path.open("rb") as content:
        while not (line := content.read(80).decode("ascii")).startswith("END "):
            if line[8:10] == "= ":
                header[line[:8].strip()] = line[10:].partition(" /")[0].strip().strip("'").strip()
        return header, -(-content.tell() // 2880) * 2880


def number(header: Header, name: str) -> float:
    return float(header[name])


def define_chunks(cube: str, count: str, overlap: str, target: str) -> None:
    """Write the corners of each subcube, in pixels."""
    side = round(math.sqrt(int(count)))
    header, _ = read_header(Path(cube))
    pixels, margin = int(header["NAXIS1"]), int(overlap) // 2
    step = pixels // side
    rows = ["xlo,ylo,xhi,yhi"]
    for x in range(side):
        for y in range(side):
            low = [max(0, place * step - margin) for place in (x, y)]
            high = [min(pixels, (place + 1) * step + margin) for place in (x, y)]
            rows.append(",".join(str(value) for value in (*low, *high)))
    write(target, "\n".join(rows) + "\n")


def split_subcube(cube: str, corners: str, index: str, target: str) -> None:
    """Cut one subcube out of the cube."""
    line = Path(corners).read_text().splitlines()[1 + int(index)]
    xlo, ylo, xhi, yhi = (int(value) for value in line.split(","))
    header, start = read_header(Path(cube))
    nx, ny, nz = (int(header[f"NAXIS{axis}"]) for axis in (1, 2, 3))
    parts = []
    with Path(cube).open("rb") as content:
        for z in range(nz):
            for y in range(ylo, yhi):
                content.seek(start + 4 * ((z * ny + y) * nx + xlo))
                parts.append(content.read(4 * (xhi - xlo)))
        content.seek(0)
        head = content.read(start).decode("ascii")
    new = {
        "NAXIS1": f"{xhi - xlo:>20}",
        "NAXIS2": f"{yhi - ylo:>20}",
        "CRPIX1": f"{number(header, 'CRPIX1') - xlo!r:>20}",
        "CRPIX2": f"{number(header, 'CRPIX2') - ylo!r:>20}",
    }
    lines = [head[place : place + 80] for place in range(0, len(head), 80)]
    kept = [
        f"{line[:10]}{new[line[:8].strip()]}".ljust(80) if line[:8].strip() in new else line
        for line in lines
    ]
    data = b"".join(parts)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_bytes("".join(kept).encode() + data + bytes(-len(data) % 2880))


def world(header: Header, x: float, y: float) -> tuple[float, float]:
    """Return the place on the sky of a pixel counted from 0."""
    ra0, dec0 = (math.radians(number(header, f"CRVAL{axis}")) for axis in (1, 2))
    east, north = (
        math.radians((place + 1 - number(header, f"CRPIX{axis}")) * number(header, f"CDELT{axis}"))
        for axis, place in ((1, x), (2, y))
    )
    depth = math.sqrt(1 - east**2 - north**2)
    dec = math.asin(north * math.cos(dec0) + depth * math.sin(dec0))
    ra = ra0 + math.atan2(east, depth * math.cos(dec0) - north * math.sin(dec0))
    return math.degrees(ra), math.degrees(dec)


def sofia2cat(cube: str, catalogue: str, index: str, target: str) -> None:
    """Give the sources of one subcube in the units of the final catalogue."""
    header, _ = read_header(Path(cube))
    pixel, channel = (abs(number(header, name)) for name in ("CDELT2", "CDELT3"))
    beam = math.pi * number(header, "BMAJ") * number(header, "BMIN") / (4 * math.log(2)) / pixel**2
    lines = Path(catalogue).read_text().splitlines()
    names = lines[10].split()[1:]
    rows = [" ".join(RAW)]
    for line in lines[11:]:
        if line.startswith("#"):
            continue
        row = {
            name: field for name, field in zip(names, line.split(), strict=True) if name != "name"
        }
        value = {name: float(field) for name, field in row.items()}
        if value["kin_pa"] <= 0:
            continue
        ra, dec = world(header, value["x"], value["y"])
        tilt = math.degrees(math.acos(min(1.0, value["ell_min"] / value["ell_maj"])))
        width = value["w20"] * channel / HI_LINE * LIGHT
        size = value["ell_maj"] * pixel * 3600
        rows.append(" ".join(str(one) for one in (
            int(value["id"]), ra, dec, size, value["f_sum"] / beam * channel, value["freq"],
            value["kin_pa"], tilt, width, value["rms"], index,
        )))  # fmt: skip
    write(target, "\n".join(rows) + "\n")


def concatenate_catalogs(target: str, *sources: str) -> None:
    """Put all rows below one head."""
    rows = [line for source in sources for line in Path(source).read_text().splitlines()[1:]]
    write(target, "\n".join([" ".join(RAW), *rows]) + "\n")


def eliminate_duplicates(source: str, target: str) -> None:
    """Keep the brighter one of two rows at one place."""
    rows = [
        dict(zip(RAW, line.split(), strict=True))
        for line in Path(source).read_text().splitlines()[1:]
    ]
    kept: list[dict[str, str]] = []
    for row in sorted(rows, key=lambda one: -float(one["line_flux_integral"])):
        if not any(same(row, other) for other in kept):
            kept.append({**row, "id": str(len(kept) + 1)})
    lines = [" ".join(row[name] for name in FINAL) for row in kept]
    write(target, "\n".join([" ".join(FINAL), *lines]) + "\n")


def same(one: dict[str, str], other: dict[str, str]) -> bool:
    """Tell whether two rows are of one source: within a beam and half a MHz."""
    near = all(abs(float(one[name]) - float(other[name])) < 7 / 3600 for name in ("ra", "dec"))
    return near and abs(float(one["central_freq"]) - float(other["central_freq"])) < 5e5


def final_catalog(source: str, target: str) -> None:
    """Leave out what is too faint to be believed."""
    head, *lines = Path(source).read_text().splitlines()
    bright = [line for line in lines if float(line.split()[FINAL.index("line_flux_integral")]) > 10]
    write(target, "\n".join([head, *bright]) + "\n")


def visualize(source: str, plot: str, notebook: str) -> None:
    """Draw where the sources are, and write a notebook that says how many."""
    rows = [line.split() for line in Path(source).read_text().splitlines()[1:]]
    side = 64
    picture = [bytearray(b"\xff" * side) for _ in range(side)]
    places = [(float(row[1]), float(row[2])) for row in rows]
    for ra, dec in places:
        spread = (
            max((max(abs(r - places[0][0]), abs(d - places[0][1])) for r, d in places), default=0)
            or 1
        )
        x, y = (
            int((side - 1) * (0.5 + 0.5 * (v - w) / spread))
            for v, w in ((ra, places[0][0]), (dec, places[0][1]))
        )
        picture[side - 1 - y][x] = 0
    body = zlib.compress(b"".join(b"\0" + line for line in picture))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", body),
        (b"IEND", b""),
    )
    png = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts
    )
    Path(plot).parent.mkdir(parents=True, exist_ok=True)
    Path(plot).write_bytes(b"\x89PNG\r\n\x1a\n" + png)
    cell = {"cell_type": "markdown", "metadata": {}, "source": [f"{len(rows)} sources"]}
    write(
        notebook, json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )


def write(target: str, text: str) -> None:
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(text)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
