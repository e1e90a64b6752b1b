#!/usr/bin/python3
"""Makes a small HI data cube with galaxies that are known, and the table that says where they are.

The standard library alone: it runs with the system's Python before anything is installed. The
same seed gives the same cube, byte for byte. The header has the keys that HI-FRIENDS and SoFiA
read, and each galaxy lies on the relation of size and mass by which HI-FRIENDS filters.
"""

from __future__ import annotations

import argparse
import array
import math
import random
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

LIGHT = 299_792.458  # km/s
HI_LINE = 1_420_405_751.786  # Hz
HUBBLE = 70.0  # km/s/Mpc
PIXEL = 2.8 / 3600  # degrees, as in the cubes of the challenge
BEAM = 7.0 / 3600  # degrees, full width at half maximum
CHANNEL = 30_000.0  # Hz
FIRST = 1.10e9  # Hz, of the first channel
CENTRE = (180.0, -30.0)  # right ascension and declination, degrees
NOISE = 1.5e-5  # Jy/beam in one channel
COLUMNS = "id ra dec hi_size line_flux_integral central_freq pa i w20"


@dataclass(frozen=True)
class Galaxy:
    """A galaxy as the truth table says it, in the units of the final catalogue."""

    id: int
    ra: float
    dec: float
    hi_size: float  # arcsec
    line_flux_integral: float  # Jy Hz
    central_freq: float  # Hz
    pa: float  # degrees
    i: float  # degrees
    w20: float  # km/s


@dataclass(frozen=True)
class Shape:
    """A cube's sides."""

    pixels: int
    channels: int


def world(x: float, y: float, shape: Shape) -> tuple[float, float]:
    """Return right ascension and declination of a pixel counted from 0 (orthographic projection)."""
    ra0, dec0 = (math.radians(angle) for angle in CENTRE)
    middle = (shape.pixels - 1) / 2
    east = math.radians(-(x - middle) * PIXEL)
    north = math.radians((y - middle) * PIXEL)
    depth = math.sqrt(1 - east**2 - north**2)
    dec = math.asin(north * math.cos(dec0) + depth * math.sin(dec0))
    ra = ra0 + math.atan2(east, depth * math.cos(dec0) - north * math.sin(dec0))
    return math.degrees(ra) % 360, math.degrees(dec)


def kpc_per_arcsec(redshift: float) -> float:
    """Return the scale at a redshift in a flat universe with 30 % of matter."""
    steps = 200
    total = sum(
        1 / math.sqrt(0.3 * (1 + redshift * (step + 0.5) / steps) ** 3 + 0.7)
        for step in range(steps)
    )
    comoving = LIGHT / HUBBLE * total * redshift / steps  # Mpc
    return comoving * 1000 / (1 + redshift) * math.radians(1 / 3600)


def galaxy_at(
    number: int, x: float, y: float, channel: float, shape: Shape, dice: random.Random
) -> Galaxy:
    """Return a galaxy whose size, flux and width belong together."""
    log_mass = dice.uniform(10.25, 10.6)
    frequency = FIRST + channel * CHANNEL
    redshift = HI_LINE / frequency - 1
    size = 10 ** (0.506 * log_mass - 3.293) / kpc_per_arcsec(redshift)
    distance = LIGHT * (1 - frequency / HI_LINE) / HUBBLE
    flux = 10**log_mass / (235_600 * distance**2)  # Jy km/s
    ra, dec = world(x, y, shape)
    inclination = dice.uniform(35, 70)
    width = 2 * dice.uniform(90, 130) * math.sin(math.radians(inclination))
    return Galaxy(
        id=number,
        ra=ra,
        dec=dec,
        hi_size=size,
        line_flux_integral=flux * HI_LINE / (LIGHT * (1 + redshift) ** 2),
        central_freq=frequency,
        pa=dice.uniform(10, 350),
        i=inclination,
        w20=width,
    )


def placed(count: int, shape: Shape, dice: random.Random) -> list[tuple[float, float, float]]:
    """Return places that are apart from each other and from the middle lines, where cubes are split."""
    side = max(2, math.ceil(math.sqrt(count)))
    side += side % 2
    cell, margin = shape.pixels / side, 0.12
    cells = [(column, row) for row in range(side) for column in range(side)]
    dice.shuffle(cells)
    return [
        (
            (column + 0.5 + dice.uniform(-margin, margin)) * cell,
            (row + 0.5 + dice.uniform(-margin, margin)) * cell,
            shape.channels * dice.uniform(0.3, 0.7),
        )
        for column, row in cells[:count]
    ]


def add(cube: array.array[float], galaxy: Galaxy, x0: float, y0: float, shape: Shape) -> None:
    """Add a rotating disc, seen through the beam, to the cube."""
    position, tilt = math.radians(galaxy.pa), math.radians(galaxy.i)
    blur = BEAM / PIXEL / 2.3548
    radius = galaxy.hi_size / 3600 / PIXEL / 2
    major = math.hypot(radius / 1.8, blur)
    minor = math.hypot(radius / 1.8 * max(math.cos(tilt), 0.2), blur)
    half = galaxy.w20 / LIGHT * galaxy.central_freq**2 / HI_LINE / CHANNEL / 2
    middle, spread = (galaxy.central_freq - FIRST) / CHANNEL, 1.5
    reach, deep = math.ceil(3 * major), math.ceil(half + 4 * spread)
    parts: list[tuple[int, float]] = []
    for y in range(max(0, int(y0) - reach), min(shape.pixels, int(y0) + reach + 1)):
        for x in range(max(0, int(x0) - reach), min(shape.pixels, int(x0) + reach + 1)):
            # The position angle goes from north through east, and east is towards lower x.
            along = -(x - x0) * math.sin(position) + (y - y0) * math.cos(position)
            across = (x - x0) * math.cos(position) + (y - y0) * math.sin(position)
            bright = math.exp(-0.5 * ((along / major) ** 2 + (across / minor) ** 2))
            line = middle - half * math.tanh(1.5 * along / major)
            for channel in range(
                max(0, int(middle) - deep), min(shape.channels, int(middle) + deep)
            ):
                value = bright * math.exp(-0.5 * ((channel - line) / spread) ** 2)
                parts.append(((channel * shape.pixels + y) * shape.pixels + x, value))
    beam_pixels = math.pi * BEAM**2 / (4 * math.log(2)) / PIXEL**2
    scale = galaxy.line_flux_integral / CHANNEL * beam_pixels / sum(value for _, value in parts)
    for index, value in parts:
        cube[index] += scale * value


def header(shape: Shape) -> bytes:
    """Return the FITS header."""
    middle = (shape.pixels + 1) / 2
    cards: list[tuple[str, object]] = [
        ("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 3),
        ("NAXIS1", shape.pixels), ("NAXIS2", shape.pixels), ("NAXIS3", shape.channels),
        ("BUNIT", "JY/BEAM"), ("EQUINOX", 2000.0), ("RADESYS", "FK5"), ("SPECSYS", "BARYCENT"),
        ("CTYPE1", "RA---SIN"), ("CUNIT1", "deg"), ("CRPIX1", middle), ("CRVAL1", CENTRE[0]), ("CDELT1", -PIXEL),
        ("CTYPE2", "DEC--SIN"), ("CUNIT2", "deg"), ("CRPIX2", middle), ("CRVAL2", CENTRE[1]), ("CDELT2", PIXEL),
        ("CTYPE3", "FREQ"), ("CUNIT3", "Hz"), ("CRPIX3", 1.0), ("CRVAL3", FIRST), ("CDELT3", CHANNEL),
        ("RESTFRQ", HI_LINE), ("BMAJ", BEAM), ("BMIN", BEAM), ("BPA", 0.0),
        ("OBJECT", "synthetic"), ("ORIGIN", "EGI orchestrator"),
    ]  # fmt: skip
    text = "".join(card(name, value) for name, value in cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880).encode("ascii")


def card(name: str, value: object) -> str:
    """Return one line of a FITS header."""
    if isinstance(value, bool):
        shown = ("T" if value else "F").rjust(20)
    elif isinstance(value, str):
        shown = f"'{value:<8}'"
    else:
        shown = (repr(value).upper()).rjust(20)
    return f"{name:<8}= {shown}".ljust(80)


def make_cube(shape: Shape, sources: int, seed: int) -> tuple[bytes, list[Galaxy]]:
    """Return a FITS file and what is in it."""
    dice = random.Random(seed)
    galaxies = []
    cube = array.array("d", bytes(8 * shape.pixels**2 * shape.channels))
    for number, (x, y, channel) in enumerate(placed(sources, shape, dice), start=1):
        galaxies.append(galaxy_at(number, x, y, channel, shape, dice))
        add(cube, galaxies[-1], x, y, shape)
    gauss = dice.gauss
    data = array.array("f", (value + gauss(0.0, NOISE) for value in cube))
    if sys.byteorder == "little":
        data.byteswap()
    content = header(shape) + data.tobytes()
    return content + bytes(-len(content) % 2880), galaxies


def truth(galaxies: list[Galaxy]) -> str:
    """Return the table of what is in the cube, with the columns of the final catalogue."""
    rows = (
        " ".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in astuple(one))
        for one in galaxies
    )
    return "\n".join([COLUMNS, *rows]) + "\n"


def main(arguments: list[str]) -> int:
    """Write a cube and its truth table, unless both are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cube", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--sources", type=int, default=16)
    parser.add_argument("--seed", type=int, default=2022)
    given = parser.parse_args(arguments)
    if given.cube.is_file() and given.truth.is_file():
        return 0
    content, galaxies = make_cube(Shape(given.pixels, given.channels), given.sources, given.seed)
    for path, text in ((given.cube, content), (given.truth, truth(galaxies).encode())):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(text)
        fresh.replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
