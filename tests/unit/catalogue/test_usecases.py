"""Use cases: which folder wins, what a file may say, what a parameter may be."""

from __future__ import annotations

import pytest
import yaml

from orchestrator.catalogue.usecases import (
    find_use_case,
    load_use_cases,
    read_parameters,
    use_case_folders,
)
from orchestrator.errors import RequestError

GOOD = {
    "title": "T",
    "description": "D",
    "version": "1.0",
    "needs": {
        "vcpus": 1,
        "ram_mb": 512,
        "disk_gb": 4,
        "image": {"distribution": "Debian", "version": "12"},
    },
    "parameters": {
        "desktop": {"type": "boolean", "default": True, "help": "h"},
        "cores": {"type": "integer", "default": 2, "help": "h"},
        "source": {"type": "string", "default": "a", "choices": ["a", "b"], "help": "h"},
    },
    "nodes": [{"name": "one", "groups": ["all_of_them"]}],
    "roles": ["docker"],
    "checks": [{"kind": "service", "title": "t", "name": "s"}],
}


def write(folder, name, content):
    (folder / name).mkdir(parents=True)
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (folder / name / "usecase.yaml").write_text(text)
    (folder / name / "playbook.yml").write_text("")


def test_the_shipped_use_cases_are_sound(tmp_path):
    found = load_use_cases(use_case_folders(tmp_path))
    assert found["docker"].need.image.version == "12"


def test_the_users_folder_wins(tmp_path):
    write(tmp_path / "usecases", "docker", GOOD)
    assert find_use_case("docker", use_case_folders(tmp_path)).title == "T"


def test_a_name_that_is_near_is_offered(tmp_path):
    with pytest.raises(RequestError) as caught:
        find_use_case("dokcer", use_case_folders(tmp_path))
    assert caught.value.facts["did you mean"] == "docker"


@pytest.mark.parametrize("name", ["../sites", "", "docker/../docker", "${x}", "-h"])
def test_a_hostile_name_finds_nothing(tmp_path, name):
    with pytest.raises(RequestError, match="no use case"):
        find_use_case(name, use_case_folders(tmp_path))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"needs": {"vcpus": 0}}, "needs.vcpus"),
        ({"titel": "x"}, "titel"),
        ({"roles": ["../evil"]}, "roles.0"),
        ({"checks": [{"kind": "magic", "title": "t"}]}, "checks.0"),
        ({"checks": [{"kind": "service", "title": "t"}]}, "checks.0.service.name"),
        ({"nodes": [{"name": "a b", "groups": ["x"]}]}, "nodes.0.name"),
        ({"parameters": {"x": {"type": "integer", "default": "2", "help": "h"}}}, "parameters.x"),
    ],
)
def test_an_error_names_the_file_and_the_place_in_it(tmp_path, change, place):
    write(tmp_path, "mine", GOOD | change)
    with pytest.raises(RequestError, match=r"mine/usecase\.yaml") as caught:
        find_use_case("mine", [tmp_path])
    assert place in caught.value.facts


@pytest.mark.parametrize(
    "content",
    [
        "a: &a [x, x]\nb: [*a, *a]",
        "a: !!python/object/apply:os.system [id]",
        "title: [",
        "x: " + "y" * 70_000,
        "just text",
        "",
    ],
    ids=["aliases", "objects", "not YAML", "huge", "text", "empty"],
)
def test_a_hostile_file_is_refused(tmp_path, content):
    write(tmp_path, "mine", content)
    with pytest.raises(RequestError, match="mine"):
        find_use_case("mine", [tmp_path])


def test_a_use_case_without_a_playbook_is_refused(tmp_path):
    write(tmp_path, "mine", GOOD)
    (tmp_path / "mine" / "playbook.yml").unlink()
    with pytest.raises(RequestError, match=r"no playbook\.yml"):
        find_use_case("mine", [tmp_path])


@pytest.fixture
def use_case(tmp_path):
    write(tmp_path, "mine", GOOD)
    return find_use_case("mine", [tmp_path])


def test_text_of_a_command_line_becomes_typed(use_case):
    given = {"desktop": "no", "cores": "4"}
    assert read_parameters(use_case, given) == {"desktop": False, "cores": 4, "source": "a"}


@pytest.mark.parametrize(
    "given",
    [
        {"cores": "many"},
        {"cores": True},
        {"cores": 1.5},
        {"desktop": "2"},
        {"source": "c"},
        {"x": 1},
    ],
)
def test_what_a_parameter_cannot_be_is_refused(use_case, given):
    with pytest.raises(RequestError):
        read_parameters(use_case, given)
