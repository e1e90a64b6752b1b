"""From options to a request."""

from __future__ import annotations

import click
import pytest

from orchestrator.cli import requests
from orchestrator.errors import RequestError
from orchestrator.model import Request


def read(*words):
    """Return the request that a command with these words makes."""
    seen = []

    @click.command()
    @requests.request_options
    def command(**options):
        seen.append(requests.read_request(**options))

    command.main(list(words), standalone_mode=False)
    return seen[0]


def test_a_use_case_and_a_site_are_enough():
    assert read("docker", "--site", "SIM") == Request(use_case="docker", site="SIM")


def test_every_option_has_its_place_in_the_request():
    words = "docker --site SIM --vo v --name sky --days 3 --set flavor=m1 --param a=1 --param b=2"
    assert read(*words.split()) == Request(
        use_case="docker",
        site="SIM",
        vo="v",
        name="sky",
        lifetime_days=3,
        overrides={"flavor": "m1"},
        parameters={"a": "1", "b": "2"},
    )


def test_a_value_may_hold_an_equals_sign_spaces_or_nothing():
    asked = read("docker", "--site", "S", "--param", "a=b=c d", "--param", "e=")
    assert asked.parameters == {"a": "b=c d", "e": ""}


def test_an_ssh_config_is_one_of_the_folder_that_the_person_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = read("docker", "--site", "S", "--set", "ssh_config=my/config")
    assert asked.overrides == {"ssh_config": str(tmp_path / "my/config")}


@pytest.mark.parametrize("option", ["--set", "--param"])
@pytest.mark.parametrize("text", ["flavor", "=m1"])
def test_what_is_no_pair_is_refused_with_an_example(option, text):
    with pytest.raises(RequestError, match=f"{option} {text} has no value") as caught:
        read("docker", "--site", "S", option, text)
    assert caught.value.way_out == (f"{option} KEY=VALUE",)


@pytest.mark.parametrize(
    ("words", "missing"), [(["docker"], "the site"), (["--site", "S"], "the use case")]
)
def test_a_request_without_a_use_case_or_a_site_is_refused(words, missing):
    with pytest.raises(RequestError, match=f"{missing} is missing"):
        read(*words)


def test_an_ssh_config_of_nobody_is_refused():
    with pytest.raises(RequestError, match="home folder that is not here"):
        read("docker", "--site", "S", "--set", "ssh_config=~nobody-here/config")


def test_days_out_of_range_are_a_usage_error():
    with pytest.raises(click.UsageError):
        read("docker", "--site", "S", "--days", "0")


def test_options_beat_what_the_file_says(tmp_path):
    file = tmp_path / "sky.yaml"
    file.write_text(
        "use_case: docker\nsite: S\nname: sky\ndays: 3\n"
        "parameters: {a: x, b: y}\nchoices: {flavor: m1}\n"
    )
    asked = read("--file", str(file), "--site", "T", "--param", "b=z", "--set", "image=i")
    assert (asked.use_case, asked.site, asked.name, asked.lifetime_days) == (
        "docker",
        "T",
        "sky",
        3,
    )
    assert asked.parameters == {"a": "x", "b": "z"}
    assert (asked.overrides, asked.written, asked.file) == (
        {"image": "i"},
        {"flavor": "m1"},
        str(file),
    )
