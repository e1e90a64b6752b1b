"""The check of the final catalogue: its columns, its rows, the known galaxies."""

from __future__ import annotations

import json

import pytest

from tests.programs import load_program

HEAD = "id ra dec hi_size line_flux_integral central_freq pa i w20"
ROWS = [
    "1 180.01 -30.01 20 300 1100900000.0 50 60 150",
    "2 179.99 -29.98 20 300 1101200000.0 50 60 150",
    "3 179.97 -30.03 20 300 1101500000.0 50 60 150",
]


@pytest.fixture
def checker():
    return load_program("hi_friends/files/laid_over/orchestrator/check_catalogue.py")


@pytest.fixture
def settings(tmp_path):
    """Results as the workflow leaves them, with all three galaxies in them."""
    for name in ("plots/output_params_distribution.png", "notebooks/sdc2_hi-friends.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x")
    write(tmp_path / "catalogs/final_catalog.csv", HEAD, *ROWS)
    write(tmp_path / "truth.csv", HEAD, *ROWS)
    return {
        "results": str(tmp_path),
        "truth": str(tmp_path / "truth.csv"),
        "at_least": 0.5,
        "job_done": "",
    }


def write(path, *lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def test_all_known_galaxies_are_found(checker, settings):
    assert checker.check(settings) == "3 of 3 known galaxies found, 3 sources in all"


def test_without_a_truth_the_rows_are_counted(checker, settings):
    assert checker.check(settings | {"truth": ""}) == "3 sources"


@pytest.mark.parametrize(
    ("moved", "found"),
    [
        ("1 180.01 -30.0125 20 300 1100900000.0 50 60 150", 3),  # 9 arcsec
        ("1 180.01 -30.015 20 300 1100900000.0 50 60 150", 2),  # 18 arcsec
        ("1 180.01 -30.01 20 300 1102200000.0 50 60 150", 2),  # 1.3 MHz
    ],
)
def test_a_galaxy_is_found_where_it_is_and_at_its_frequency(
    checker, settings, tmp_path, moved, found
):
    write(tmp_path / "catalogs/final_catalog.csv", HEAD, moved, *ROWS[1:])
    assert checker.check(settings).startswith(f"{found} of 3 known")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HEAD], "no row"),
        ([HEAD.replace("w20", "w50"), *ROWS], "no column w20"),
        ([HEAD, ROWS[0], "2 179.99"], "line 3 is not a row"),
        ([HEAD, ROWS[0].replace("300", "many")], "line 2 is not a row"),
        ([], "no column id, ra"),
        ([HEAD, ROWS[0]], "1 of 3 known galaxies found, 1 sources in all: at least 2"),
    ],
    ids=["no rows", "columns", "short row", "no number", "empty", "too few"],
)
def test_a_catalogue_that_is_not_good_is_told(checker, settings, tmp_path, lines, said):
    write(tmp_path / "catalogs/final_catalog.csv", *lines)
    with pytest.raises(checker.CatalogueError, match=said):
        checker.check(settings)


@pytest.mark.parametrize("name", ["catalogs/final_catalog.csv", "notebooks/sdc2_hi-friends.ipynb"])
def test_what_is_missing_is_named(checker, settings, tmp_path, name):
    (tmp_path / name).unlink()
    with pytest.raises(checker.CatalogueError, match=name):
        checker.check(settings)


def test_its_exit_code_and_a_job_that_goes_on(checker, settings, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(checker, "SETTINGS", tmp_path / "settings.json")
    done = tmp_path / "done"
    checker.SETTINGS.write_text(json.dumps(settings | {"job_done": str(done), "at_least": 1.1}))
    assert checker.main() == 0
    assert "not ended yet" in capsys.readouterr().out
    done.touch()
    assert checker.main() == 1
    assert "at least 4 were expected" in capsys.readouterr().out
    checker.SETTINGS.write_text(json.dumps(settings))
    assert checker.main() == 0
