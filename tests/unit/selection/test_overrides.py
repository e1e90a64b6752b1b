"""Overrides: which one holds, what it finds, and how it is written down."""

import shlex
from dataclasses import replace

import pytest
import yaml

from orchestrator.errors import AmbiguousChoiceError, RequestError
from orchestrator.model import Setting
from orchestrator.selection import overrides
from orchestrator.selection.overrides import Override, effective, find, line, option, reference
from tests.unit.selection.offers import network, site

NETWORKS = (network("ext-a"), network("ext-b"), network("twin", id="1"), network("twin", id="2"))


def found(value, listed=NETWORKS):
    return find(listed, Override(value=value, origin="--set"), key="public_network", site="S")


def settled(*settings):
    written = replace(site(), settings={"public_network": settings})
    return written


def test_the_strongest_holds_and_the_others_are_kept_in_their_order():
    written = settled(
        Setting(value="c", origin="mine/S.yaml", vo="vo"),
        Setting(value="d", origin="shipped/S.yaml"),
        Setting(value="other", origin="mine/S.yaml", vo="another"),
    )
    layers = [("--set", {"public_network": "a"}), ("sky.yaml", {"public_network": "b"})]
    assert effective(layers, site=written, vo="vo") == {
        "public_network": Override(
            value="a",
            origin="--set",
            beaten=(("sky.yaml", "b"), ("mine/S.yaml", "c"), ("shipped/S.yaml", "d")),
        )
    }


def test_a_weaker_layer_holds_where_the_stronger_is_silent():
    written = settled(Setting(value="c", origin="shipped/S.yaml"))
    layers = [("--set", {"flavor": "m1"}), ("sky.yaml", {"image": "i"})]
    holding = effective(layers, site=written, vo="vo")
    assert {key: one.layer for key, one in holding.items()} == {
        "flavor": 0,
        "image": 1,
        "public_network": overrides.SITE,
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"flavour": "m1"}, "flavor"),
        ({"zzz": "m1"}, "public_network"),
    ],
)
def test_an_unknown_key_is_refused_with_what_there_is(given, words):
    with pytest.raises(RequestError, match="not a choice that can be fixed") as caught:
        effective([("--set", given)], site=site(), vo="vo")
    assert words in "".join(caught.value.facts.values())


@pytest.mark.parametrize("value", ["", "  "])
def test_a_key_without_value_is_refused(value):
    with pytest.raises(RequestError, match="image is given without a value"):
        effective([("--set", {"image": value})], site=site(), vo="vo")


def test_an_id_is_found_before_a_name():
    odd = (network("one", id="two"), network("two", id="three"))
    assert found("two", odd).name == "one"
    assert found("ext-b").id == "id-ext-b"


def test_a_name_of_two_is_refused_with_the_ids():
    with pytest.raises(AmbiguousChoiceError, match="2 public networks named twin") as caught:
        found("twin", NETWORKS[::-1])
    assert caught.value.facts == {"1": "twin", "2": "twin"}
    assert caught.value.way_out == ("give its id: --set public_network=1",)


@pytest.mark.parametrize(
    ("value", "listed", "fact"),
    [
        ("EXT-C", NETWORKS, ("did you mean", "ext-b, ext-a")),
        ("zzz", NETWORKS, ("there are", "ext-a, ext-b, twin")),
        ("zzz", (), ("there are", "none")),
        ("zzz", [network(f"n{n}") for n in range(9)], ("there are", "n0, n1, n2, n3, n4, n5, n6, n7, ...")),
    ],
)  # fmt: skip
def test_what_does_not_exist_brings_near_names(value, listed, fact):
    with pytest.raises(RequestError) as caught:
        found(value, listed)
    assert fact in caught.value.facts.items()
    assert caught.value.facts["asked for in"] == "--set"


def test_a_reference_finds_the_same_one_again():
    odd = (*NETWORKS, network("", id="9"), network("id-ext-a", id="8"))
    for one in odd:
        assert found(reference(one, odd), odd) is one
    assert reference(NETWORKS[0], NETWORKS) == "ext-a"
    assert reference(NETWORKS[2], NETWORKS) == "1"


@pytest.mark.parametrize("value", ["ext-net", "a b", "it's", "$(x)", "no", "2083", "a: b", "é#"])
def test_an_option_is_read_by_a_shell_and_a_line_by_yaml_as_they_are_meant(value):
    assert shlex.split(option("image", value)) == ["--set", f"image={value}"]
    assert yaml.safe_load(line("image", value)) == {"image": value}


def test_a_plain_value_is_written_plainly():
    assert option("image", "ext-net") == "--set image=ext-net"
    assert line("image", "ext-net") == "image: ext-net"


def test_a_choice_says_who_fixed_it():
    fixed = Override(value="a", origin="--set", beaten=(("S.yaml", "b"),))
    assert overrides.marks(fixed) == {"origin": "--set", "beaten": (("S.yaml", "b"),)}
    assert overrides.marks(None) == {}
