"""Parameters: who has the last word, what each type takes, what a command line may say."""

from __future__ import annotations

import pytest

from orchestrator.catalogue.parameters import Spoken, read_parameters
from orchestrator.errors import RequestError
from orchestrator.model import (
    ImageNeed,
    Need,
    NodeGroup,
    Parameter,
    Share,
    Site,
    UseCase,
    UseCaseDefaults,
)


def parameter(name, type, default, **limits):
    return Parameter(name=name, type=type, default=default, help="h", **limits)


@pytest.fixture
def use_case(tmp_path):
    return UseCase(
        name="mine",
        version="1",
        title="T",
        description="D",
        need=Need(
            vcpus=1, ram_mb=1, disk_gb=1, image=ImageNeed(distribution="debian", version="12")
        ),
        parameters=(
            parameter("desktop", "boolean", True),
            parameter("cores", "integer", 2, minimum=1, maximum=64),
            parameter("source", "string", "a", choices=("a", "b")),
            parameter("tag", "string", "v1", pattern="v[0-9]+"),
            parameter("overlap", "number", 0.5, maximum=1),
            parameter("cube", "file", ""),
            parameter("jobs", "yaml", []),
        ),
        nodes=(NodeGroup(name="one", groups=("all_of_them",)),),
        roles=(),
        checks=(),
        folder=tmp_path,
    )


@pytest.fixture
def site():
    def of(*defaults):
        return Site(
            name="S",
            endpoint="https://k/v3",
            shares=(Share(vo="v", project_id="p"),),
            origin="S.yaml",
            use_cases=tuple(
                UseCaseDefaults(use_case=name, parameters=values, origin="S.yaml", vo=vo)
                for name, vo, values in defaults
            ),
        )

    return of


def test_without_a_word_the_defaults_hold(use_case):
    assert read_parameters(use_case, {}) == {
        "desktop": True,
        "cores": 2,
        "source": "a",
        "tag": "v1",
        "overlap": 0.5,
        "cube": "",
        "jobs": [],
    }


def test_text_of_a_command_line_becomes_typed(use_case):
    given = {"desktop": "no", "cores": "4", "overlap": "1", "jobs": "{a: [1, x]}", "tag": "v2"}
    read = read_parameters(use_case, {name: Spoken(text) for name, text in given.items()})
    assert read["jobs"] == {"a": [1, "x"]}
    assert (read["desktop"], read["cores"], read["overlap"]) == (False, 4, 1)
    assert type(read["tag"]) is str


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cores": "many"}, "is a whole number, not 'many'"),
        ({"cores": True}, "is a whole number"),
        ({"cores": 1.5}, "is a whole number"),
        ({"cores": 0}, "is 1 at least"),
        ({"cores": "65"}, "is 64 at most"),
        ({"overlap": "nan"}, "is a number"),
        ({"overlap": 1.5}, "is 1 at most"),
        ({"desktop": "2"}, "is true or false"),
        ({"source": "c"}, "is one of a, b"),
        ({"source": 1}, "is a text"),
        ({"tag": "v2\n"}, "is a text like"),
        ({"tag": "xv2"}, "is a text like"),
        ({"tag": "v2\0"}, "is a text without NUL"),
        ({"tag": "v2\ud800"}, "is a text of whole signs"),
        ({"jobs": {"a": "\ud800"}}, "is YAML of texts"),
        ({"overlap": 10**400}, "is a number"),
        ({"overlap": "1" * 400}, "is a number"),
        ({"cores": 10**400}, "is 64 at most"),
        ({"cube": Spoken("~nobody-here/cube")}, "a home folder that is not here"),
        ({"jobs": Spoken("@~nobody-here/jobs")}, "a home folder that is not here"),
        ({"cube": "/does/not/exist"}, "a file that exists here"),
        ({"cube": "x" * 300}, "a file that exists here"),
        ({"jobs": Spoken("@" + "x" * 300)}, "xx: .Errno 36. File name too long"),
        ({"cube": 7}, "is the path of a file"),
        ({"jobs": {"a": float("inf")}}, "is YAML of texts"),
        ({"x": 1}, "has no parameter 'x'"),
    ],
)  # fmt: skip
def test_what_a_parameter_cannot_be_is_refused(use_case, given, said):
    with pytest.raises(RequestError, match=said):
        read_parameters(use_case, given)


@pytest.mark.parametrize("text", ["[", "&a [*a]", "2026-01-01", "!!python/name:os.system"])
def test_yaml_that_is_broken_or_more_than_data_is_refused(use_case, text):
    with pytest.raises(RequestError):
        read_parameters(use_case, {"jobs": Spoken(text)})


def test_a_command_line_alone_may_name_a_file_of_yaml(use_case, tmp_path):
    file = tmp_path / "jobs.yaml"
    file.write_text("- {image: debian}\n")
    spoken = read_parameters(use_case, {"jobs": Spoken(f"@{file}")})
    assert spoken["jobs"] == [{"image": "debian"}]
    assert read_parameters(use_case, {"jobs": f"@{file}"})["jobs"] == f"@{file}"


def test_a_file_lies_beside_the_deployment_file_or_where_one_stands(
    use_case, tmp_path, monkeypatch
):
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
        (folder / "cube.fits").write_text("x")
    monkeypatch.chdir(here)
    written = read_parameters(use_case, {"cube": "cube.fits"}, base=beside)
    spoken = read_parameters(use_case, {"cube": Spoken("cube.fits")}, base=beside)
    assert written["cube"] == str(beside / "cube.fits")
    assert spoken["cube"] == str(here / "cube.fits")


def test_a_site_settles_what_nobody_gives_and_its_vo_more_than_itself(use_case, site):
    there = site(
        ("mine", "v", {"cores": 8}), ("mine", None, {"cores": 4, "source": "b"}), ("other", None, {"z": 1})
    )  # fmt: skip
    assert read_parameters(use_case, {}, site=there, vo="v")["cores"] == 8
    assert read_parameters(use_case, {}, site=there, vo="w")["cores"] == 4
    given = read_parameters(use_case, {"cores": 2}, site=there, vo="v")
    assert (given["cores"], given["source"]) == (2, "b")


def test_a_mistake_in_a_sites_file_names_it(use_case, site):
    with pytest.raises(RequestError, match="no parameter 'coers'") as caught:
        read_parameters(use_case, {}, site=site(("mine", None, {"coers": 1})))
    assert caught.value.facts == {"did you mean": "cores", "said by": "S.yaml"}


def test_an_optional_file_may_be_taken_back(use_case):
    assert read_parameters(use_case, {"cube": Spoken("")})["cube"] == ""
