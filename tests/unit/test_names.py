"""Names that every host, network and file can have."""

import pytest

from orchestrator.errors import RequestError
from orchestrator.names import check_name, in_url, make_name


@pytest.mark.parametrize("name", ["a", "sky-19", "docker-7k3f", "x" * 40])
def test_a_plain_name_is_taken_as_it_is(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-sky",
        "sky-",
        "Sky",
        "1sky",
        "sky_1",
        "sky 1",
        "../sky",
        "${file}",
        "%{if}",
        '"; rm',
        "$(id)",
        "sky\n",
        "ѕky",
        "x" * 41,
        "x" * 300,
    ],
)
def test_a_hostile_or_impossible_name_is_refused(name):
    with pytest.raises(RequestError, match="cannot be the name"):
        check_name(name)


@pytest.mark.parametrize("use_case", ["docker", "hi_friends", "Über Use Case", "x" * 80])
def test_a_made_name_is_a_good_one_and_tells_the_use_case(use_case):
    name = make_name(use_case)
    assert check_name(name) == name


def test_two_made_names_differ():
    assert len({make_name("docker") for _ in range(50)}) > 45


@pytest.mark.parametrize(
    ("host", "there"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("sky.vm.fedcloud.eu", "sky.vm.fedcloud.eu"),
        ("2001:db8::7", "[2001:db8::7]"),
    ],
)
def test_an_address_of_ipv6_stands_in_brackets_in_a_url(host, there):
    assert in_url(host) == there
