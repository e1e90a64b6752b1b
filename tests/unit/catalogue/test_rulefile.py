"""Rules and needs in a usecase.yaml: what they may name, and what they change."""

from __future__ import annotations

import re

import pytest
import yaml

from orchestrator.catalogue.needs import need_of
from orchestrator.catalogue.usecases import find_use_case
from orchestrator.errors import RequestError

GOOD = {
    "title": "T",
    "description": "D",
    "version": "1.0",
    "needs": {
        "vcpus": 1,
        "ram_mb": 512,
        "disk_gb": 4,
        "image": {"distribution": "debian", "version": "12"},
    },
    "needs_when": {"size": {"big": {"vcpus": 8, "volume_gb": 50}}},
    "needs_from": {"vcpus": "cores", "volume_gb": "volume"},
    "parameters": {
        "size": {"type": "string", "default": "small", "choices": ["small", "big"], "help": "h"},
        "cores": {"type": "integer", "default": 0, "help": "h"},
        "volume": {"type": "integer", "default": 0, "help": "h"},
    },
    "rules": [{"kind": "square", "parameter": "cores", "when": {"size": ["big"]}}],
    "nodes": [{"name": "one", "groups": ["all_of_them"]}],
    "checks": [{"kind": "service", "title": "t", "name": "s"}],
}


@pytest.fixture
def read(tmp_path):
    """Read the good use case with some keys changed."""

    def reading(**changes):
        folder = tmp_path / "mine"
        folder.mkdir(exist_ok=True)
        (folder / "usecase.yaml").write_text(yaml.safe_dump(GOOD | changes))
        (folder / "playbook.yml").write_text("")
        return find_use_case("mine", [tmp_path])

    return reading


@pytest.mark.parametrize(
    ("given", "vcpus", "volume"),
    [
        ({"size": "small", "cores": 0, "volume": 0}, 1, 0),
        ({"size": "big", "cores": 0, "volume": 0}, 8, 50),
        ({"size": "big", "cores": 16, "volume": 0}, 16, 50),
        ({"size": "small", "cores": 0, "volume": 20}, 1, 20),
    ],
)
def test_a_parameter_that_is_the_need_itself_comes_last(read, given, vcpus, volume):
    need = need_of(read(), given)
    assert (need.vcpus, need.volume_gb) == (vcpus, volume)


def test_a_rule_travels_with_its_settings(read):
    (rule,) = read().rules
    assert rule.kind == "square"
    assert rule.settings == {"parameter": "cores", "when": {"size": ["big"]}, "because": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"rules": [{"kind": "square", "parameter": "corse"}]},
        {"rules": [{"kind": "square", "parameter": "cores", "when": {"sise": ["big"]}}]},
        {"rules": [{"kind": "one_of", "parameters": ["cores", "nothing"]}]},
        {"needs_from": {"vcpus": "corse"}},
    ],
)
def test_a_parameter_that_does_not_exist_is_refused(read, changes):
    with pytest.raises(RequestError, match="not a use case") as caught:
        read(**changes)
    assert "there are: cores, size, volume" in " ".join(caught.value.facts.values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rules": [{"kind": "square", "parameter": "size"}]}, "the rule square takes .* integer"),
        ({"rules": [{"kind": "room", "parameter": "cores", "disk_times": 1}]}, "type file"),
        ({"rules": [{"kind": "fits_header", "parameter": "size", "keys": ["A"]}]}, "type file"),
        ({"needs_from": {"vcpus": "size"}}, "needs_from takes .* integer, size is of type string"),
    ],
)
def test_a_parameter_of_another_type_is_refused(read, changes, said):
    with pytest.raises(RequestError, match="not a use case") as caught:
        read(**changes)
    assert re.search(said, " ".join(caught.value.facts.values()))


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"kind": "magic"}, "rules.0"),
        ({"kind": "square"}, "rules.0.square.parameter"),
        ({"kind": "room", "parameter": "cores", "disk_times": -1}, "rules.0.room.disk_times"),
        (
            {"kind": "fits_header", "parameter": "size", "keys": ["no key"]},
            "rules.0.fits_header.keys.0",
        ),
        ({"kind": "square", "parameter": "cores", "size": 1}, "rules.0.square.size"),
    ],
)
def test_a_rule_of_another_form_is_refused_by_its_place(read, rule, place):
    with pytest.raises(RequestError) as caught:
        read(rules=[rule])
    assert place in caught.value.facts


@pytest.mark.parametrize("key", ["gpus", "image"])
def test_only_sizes_come_from_parameters(read, key):
    with pytest.raises(RequestError, match="not a use case"):
        read(needs_from={key: "cores"})
