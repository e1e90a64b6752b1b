"""What the shipped workflow use cases refuse, and what they need for what a person says."""

from __future__ import annotations

import pytest

from orchestrator.catalogue.needs import need_of
from orchestrator.catalogue.parameters import Spoken, read_parameters
from orchestrator.catalogue.rules import check_rules
from orchestrator.catalogue.usecases import find_use_case, use_case_folders
from orchestrator.errors import RequestError

URLS = "[{url: 'https://x/c.fits', path: c.fits}]"


@pytest.fixture
def ask(tmp_path):
    """Ask for a use case as a command line does; return its need, or what is refused."""

    def asked(name: str, **given: str):
        use_case = find_use_case(name, use_case_folders(tmp_path))
        spoken = {key: Spoken(value) for key, value in given.items()}
        parameters = read_parameters(use_case, spoken)
        need = need_of(use_case, parameters)
        try:
            check_rules(use_case, parameters, need)
        except RequestError as error:
            return error.facts
        return need

    return asked


def test_the_check_of_hi_friends_needs_nothing_but_itself(ask):
    need = ask("hi_friends")
    assert (need.vcpus, need.ram_mb, need.disk_gb, need.volume_gb) == (2, 4096, 12, 0)


@pytest.mark.parametrize(
    ("given", "vcpus", "volume"),
    [
        ({"profile": "dev-small", "cube_urls": URLS, "cube_gb": "10"}, 8, 60),
        ({"profile": "dev-large", "cube_urls": URLS, "cube_gb": "40"}, 16, 150),
        ({"profile": "custom", "cube_urls": URLS}, 4, 60),
        ({"profile": "custom", "cube_urls": URLS, "vcpus": "32", "volume_gb": "500"}, 32, 500),
    ],
)
def test_a_profile_asks_for_its_machine_and_its_volume(ask, given, vcpus, volume):
    need = ask("hi_friends", **given)
    assert (need.vcpus, need.volume_gb) == (vcpus, volume)


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"num_subcubes": "35"}, "num_subcubes", "25 or 36 is"),
        ({"pixel_overlap": "10"}, "pixel_overlap", "clear of the edges"),
        ({"profile": "dev-small"}, "cube, cube_urls", "one of them is needed"),
        (
            {"profile": "dev-small", "cube_urls": URLS, "snakemake_backend": "pip"},
            "pixel_overlap",
            "empty subcubes",
        ),
        ({"profile": "dev-small", "cube_urls": URLS, "cube_gb": "40"}, "disk", "on the volume"),
        (
            {"profile": "custom", "cube_urls": URLS, "cube_gb": "20", "num_subcubes": "4"},
            "memory",
            "in 4 parts wants 22.0 GB",
        ),
    ],
)
def test_hi_friends_refuses_what_cannot_work(ask, given, key, said):
    assert said in ask("hi_friends", **given)[key]


def test_a_cube_that_lacks_header_keys_is_refused(ask, tmp_path):
    cube = tmp_path / "cube.fits"
    cards = ["SIMPLE  = T", "CTYPE3  = 'WAVE'", "NAXIS1  = 8", "NAXIS2  = 9", "END"]
    cube.write_bytes("".join(card.ljust(80) for card in cards).ljust(2880).encode())
    said = ask("hi_friends", profile="custom", cube=str(cube))["cube"]
    assert "BMAJ is missing" in said
    assert "CTYPE3 is 'WAVE'" in said
    assert "not the same" in said


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, "snakemake_workflow, snakemake_archive, snakemake_archive_url"),
        ({"snakemake_workflow": "https://x/y.git"}, "snakemake_commit"),
        ({"snakemake_archive_url": "https://x/y.zip"}, "snakemake_archive_sha256"),
    ],
)
def test_a_workflow_has_one_source_and_that_is_pinned(ask, given, key):
    assert key in ask("snakemake", **given)


def test_a_workflow_of_one_commit_is_taken(ask):
    assert (
        ask("snakemake", snakemake_workflow="https://x/y.git", snakemake_commit="0a1b2c3").vcpus
        == 2
    )
