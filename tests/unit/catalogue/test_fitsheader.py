"""The header of a FITS file, and what is none."""

from __future__ import annotations

import pytest

from orchestrator.catalogue.fitsheader import read_header


def block(*cards: str) -> bytes:
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode()


def test_values_come_without_quotes_and_comments(tmp_path):
    path = tmp_path / "cube.fits"
    path.write_bytes(
        block(
            "SIMPLE  =                    T / conforms",
            "CTYPE3  = 'FREQ    '           / axis",
            "OBJECT  = 'Barnard''s/star'    / a quote and a slash",
            "CDELT1  = -7.7777E-04",
            "COMMENT = is no value of COMMENT... but of this form it is read",
            "HISTORY nothing",
            "END",
        )
        + block("BMAJ    = 1.0")
    )
    header = read_header(path)
    assert header["SIMPLE"] == "T"
    assert header["CTYPE3"] == "FREQ"
    assert header["OBJECT"] == "Barnard's/star"
    assert float(header["CDELT1"]) == pytest.approx(-7.7777e-4)
    assert "BMAJ" not in header, "that is data"
    assert "HISTORY" not in header


def test_a_header_may_have_many_blocks(tmp_path):
    path = tmp_path / "cube.fits"
    cards = [f"KEY{number:<5}= {number}" for number in range(100)]
    path.write_bytes(block("SIMPLE  = T") + b"".join(block(card) for card in cards) + block("END"))
    assert read_header(path)["KEY99"] == "99"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no FITS file"),
        (b"SIMPLE  = T", "is no FITS file"),
        (b"\x89HDF" * 2880, "is no FITS file"),
        (block("SIMPLE  = T") * 400, "no end"),
    ],
    ids=["empty", "short", "HDF5", "endless"],
)
def test_another_file_is_refused(tmp_path, content, said):
    path = tmp_path / "cube.fits"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_header(path)
