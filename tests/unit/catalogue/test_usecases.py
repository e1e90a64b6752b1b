"""Use cases: which folder wins, what a file may say, what a parameter may be."""

from __future__ import annotations

import pytest
import yaml

from orchestrator.catalogue.needs import in_words, need_of
from orchestrator.catalogue.usecases import (
    find_use_case,
    load_use_cases,
    read_use_cases,
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


# --- what a file may say beside the least


MORE = {
    "needs_when": {"source": {"b": {"vcpus": 4, "volume_gb": 20}}, "desktop": {False: {"gpus": 1}}},
    "secrets": ["password"],
    "tunnels": [
        {"name": "page", "title": "P", "port": 80, "login": {"user": "u", "secret": "password"}}
    ],
    "results": ["/srv/results"],
    "status": [{"title": "progress", "argv": ["cat", "/x"]}],
    "checks": [
        {"kind": "http", "title": "a", "url": "http://127.0.0.1/", "after_reboot": False},
        {"kind": "tunnel", "title": "b", "tunnel": "page"},
        {"kind": "unit_result", "title": "c", "name": "job.service"},
    ],
}


def test_every_key_comes_out_as_a_value(tmp_path):
    write(tmp_path, "mine", GOOD | MORE)
    found = find_use_case("mine", [tmp_path])
    (tunnel,) = found.tunnels
    assert (tunnel.port, tunnel.path, tunnel.scheme, tunnel.node) == (80, "/", "http", None)
    assert (tunnel.login.user, tunnel.login.secret) == ("u", "password")
    assert (found.secrets, found.results) == (("password",), ("/srv/results",))
    assert found.status[0].argv == ("cat", "/x")
    assert [check.after_reboot for check in found.checks] == [False, True, True]
    assert found.checks[1].settings["tunnel"] == tunnel


def test_needs_follow_the_parameters(tmp_path):
    write(tmp_path, "mine", GOOD | MORE)
    found = find_use_case("mine", [tmp_path])
    usual = need_of(found, {"source": "a", "desktop": True})
    assert usual == found.need
    other = need_of(found, {"source": "b", "desktop": False})
    assert (other.vcpus, other.ram_mb, other.volume_gb, other.gpus) == (4, 512, 20, 1)
    assert in_words(other) == "4 vCPU, 512 MB, 4 GB, 1 GPU, a volume of 20 GB, debian 12"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tunnels": [{"name": "a", "title": "t", "port": 1, "node": "two"}]}, "names 'two'"),
        (
            {
                "tunnels": [
                    {"name": "a", "title": "t", "port": 1, "login": {"user": "u", "secret": "x"}}
                ]
            },
            "names 'x', there are: none",
        ),
        ({"checks": [{"kind": "tunnel", "title": "t", "tunnel": "a"}]}, "names 'a'"),
        ({"needs_when": {"colour": {"red": {}}}}, "needs_when names 'colour'"),
        ({"needs_when": {"source": {"z": {}}}}, "is one of a, b, not 'z'"),
        ({"secrets": ["cores"]}, "a secret and a parameter"),
        ({"results": ["/a/out", "/b/out"]}, "out is there twice"),
        ({"results": ["/a/../etc"]}, "an absolute path"),
        ({"results": ["/"]}, "an absolute path"),
        ({"results": ["srv"]}, "pattern"),
        ({"nodes": [{"name": "a", "groups": ["x"]}, {"name": "a", "groups": ["y"]}]}, "a is there twice"),
        (
            {"checks": [{"kind": "http", "title": "t", "url": "http://x/", "user": "u"}]},
            "belong together",
        ),
        (
            {"parameters": {"x": {"type": "string", "default": "", "help": "h", "secret": True}}},
            "list its name under `secrets`",
        ),
        ({"parameters": {"x": {"type": "string", "default": "a", "help": "h", "minimum": 1}}}, "for numbers"),
        ({"parameters": {"x": {"type": "integer", "default": 1, "help": "h", "pattern": "a"}}}, "for texts"),
        ({"parameters": {"x": {"type": "string", "default": "a", "help": "h", "pattern": "("}}}, "cannot be read"),
        ({"parameters": {"x": {"type": "string", "default": "a", "help": "h", "pattern": "(" * 5000}}}, "cannot be read"),
        ({"parameters": {"x": {"type": "string", "default": "a", "help": "h", "pattern": "a{9999999999}"}}}, "cannot be read"),
        ({"parameters": {"x": {"type": "integer", "default": 1, "help": "h", "minimum": 10**400}}}, "at least"),
        ({"parameters": {"x": {"type": "file", "help": "h"}}, "needs_when": {"x": {7: {}}}}, "path of a file"),
        ({"parameters": {"x": {"type": "file", "default": "/a", "help": "h"}}}, "has no default"),
        ({"parameters": {"x": {"type": "integer", "help": "h"}}}, "is a whole number"),
        ({"tunels": []}, "did you mean tunnels"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(tmp_path, change, said):
    write(tmp_path, "mine", GOOD | change)
    with pytest.raises(RequestError, match="is not a use case") as caught:
        find_use_case("mine", [tmp_path])
    assert said in " ".join(caught.value.facts.values())


def test_an_error_names_the_line(tmp_path):
    text = yaml.safe_dump(GOOD, sort_keys=False).replace("disk_gb: 4", "disk_gb: four")
    write(tmp_path, "mine", text)
    with pytest.raises(RequestError) as caught:
        find_use_case("mine", [tmp_path])
    line = 1 + text.splitlines().index("  disk_gb: four")
    assert caught.value.facts["needs.disk_gb"].startswith(f"line {line}: ")


def test_a_broken_use_case_costs_none_of_the_others(tmp_path):
    write(tmp_path, "good", GOOD)
    write(tmp_path, "bad", {"title": "x"})
    found, (broken,) = read_use_cases([tmp_path])
    assert [one.name for one in found] == ["good"]
    assert "bad/usecase.yaml" in broken.message
