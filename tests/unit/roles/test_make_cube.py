"""The synthetic cube: what its header says, what is in it, and that a seed decides all of it."""

from __future__ import annotations

import array
import statistics
import sys

import pytest

from orchestrator.catalogue.fitsheader import read_header
from orchestrator.catalogue.needs import need_of
from orchestrator.catalogue.rules import check_rules
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from tests.programs import load_program


@pytest.fixture(scope="module")
def shape():
    return {"pixels": 40, "channels": 48}


@pytest.fixture
def cubes():
    return load_program("hi_friends/files/laid_over/orchestrator/make_cube.py")


@pytest.fixture
def made(cubes, tmp_path, shape):
    """A small cube on disk, its values and the rows of its truth table."""
    arguments = [f"--{name}={value}" for name, value in shape.items()]
    cube, truth = tmp_path / "a/cube.fits", tmp_path / "b/truth.csv"
    assert cubes.main([str(cube), str(truth), "--sources=4", *arguments]) == 0
    values = array.array("f", cube.read_bytes()[2880 * 2 :][: 4 * 40 * 40 * 48])
    if sys.byteorder == "little":
        values.byteswap()
    head, *rows = [line.split() for line in truth.read_text().splitlines()]
    return cube, values, [dict(zip(head, map(float, row), strict=True)) for row in rows]


def test_the_header_has_what_the_workflow_reads(made):
    cube, _values, _rows = made
    header = read_header(cube)
    assert header["CTYPE3"] == "FREQ"
    assert header["BUNIT"] == "JY/BEAM"
    assert (header["NAXIS1"], header["NAXIS2"], header["NAXIS3"]) == ("40", "40", "48")
    assert float(header["BMAJ"]) == pytest.approx(7 / 3600)
    assert cube.stat().st_size % 2880 == 0


def test_the_use_case_takes_its_own_cube(made, tmp_path):
    use_case = find_use_case("hi_friends", use_case_folders(tmp_path))
    parameters = {one.name: one.default for one in use_case.parameters}
    given = parameters | {"profile": "custom", "cube": str(made[0])}
    check_rules(use_case, given, need_of(use_case, given))


def test_each_galaxy_is_where_the_truth_says_with_the_flux_it_says(made, cubes, shape):
    _cube, values, rows = made
    noise = 1.4826 * statistics.median(abs(value) for value in values)
    assert noise == pytest.approx(cubes.NOISE, rel=0.1)
    assert len(rows) == 4
    for row in rows:
        x, y = pixel_of(cubes, row, shape["pixels"])
        z = (row["central_freq"] - cubes.FIRST) / cubes.CHANNEL
        box = [
            values[(k * 40 + j) * 40 + i]
            for k in range(max(0, round(z) - 16), min(48, round(z) + 17))
            for j in range(max(0, round(y) - 8), min(40, round(y) + 9))
            for i in range(max(0, round(x) - 8), min(40, round(x) + 9))
        ]
        beam = 7.0**2 * 3.14159 / 4 / 0.693147 / 2.8**2
        flux = sum(box) / beam * cubes.CHANNEL
        assert flux == pytest.approx(row["line_flux_integral"], rel=0.25)


def pixel_of(cubes, row, pixels) -> tuple[float, float]:
    """The pixel whose place on the sky is that of a row, looked for in steps."""
    x = y = (pixels - 1) / 2
    shape = cubes.Shape(pixels, 1)
    for _ in range(4):
        ra, dec = cubes.world(x, y, shape)
        east = (row["ra"] - ra) * 0.8660254  # cos(-30 degrees)
        x, y = x - east / cubes.PIXEL, y + (row["dec"] - dec) / cubes.PIXEL
    return x, y


def test_the_sky_is_as_wide_as_its_pixels(cubes):
    shape = cubes.Shape(101, 1)
    assert cubes.world(50, 50, shape) == pytest.approx(cubes.CENTRE)
    west, east = cubes.world(60, 50, shape)[0], cubes.world(40, 50, shape)[0]
    assert (east - west) * 0.8660254 * 3600 == pytest.approx(20 * 2.8, rel=1e-3)


def test_galaxies_keep_clear_of_the_lines_where_the_cube_is_split(cubes):
    shape = cubes.Shape(64, 64)
    for seed in range(20):
        for x, y, _channel in cubes.placed(16, shape, cubes.random.Random(seed)):
            assert min(abs(x - 32), abs(y - 32)) > 5


def test_a_seed_decides_all_and_what_is_there_is_kept(cubes, made, tmp_path):
    cube = made[0]
    again = cubes.make_cube(cubes.Shape(40, 48), 4, 2022)
    assert again[0] == cube.read_bytes()
    other = cubes.make_cube(cubes.Shape(40, 48), 5, 7)
    assert other[0] != again[0]
    before = cube.stat().st_mtime_ns
    assert cubes.main([str(cube), str(tmp_path / "b/truth.csv"), "--seed=9"]) == 0
    assert cube.stat().st_mtime_ns == before


def test_each_galaxy_lies_on_the_relation_by_which_the_workflow_filters(cubes):
    _content, galaxies = cubes.make_cube(cubes.Shape(40, 48), 5, 1)
    log10 = cubes.math.log10
    for one in galaxies:
        redshift = cubes.HI_LINE / one.central_freq - 1
        distance = cubes.LIGHT * (1 - one.central_freq / cubes.HI_LINE) / cubes.HUBBLE
        per_hertz = cubes.LIGHT * (1 + redshift) ** 2 / cubes.HI_LINE
        mass = 235_600 * one.line_flux_integral * per_hertz * distance**2
        size = one.hi_size * cubes.kpc_per_arcsec(redshift)
        assert log10(size) == pytest.approx(0.506 * log10(mass) - 3.293, abs=0.01)
