"""Deployment files: what they say, and what is told of a wrong one."""

import pytest

from orchestrator import requestfile
from orchestrator.errors import RequestError
from orchestrator.model import Request


def write(tmp_path, text):
    file = tmp_path / "sky.yaml"
    file.write_text(text)
    return file


def test_a_file_is_a_request_that_remembers_where_it_was_written(tmp_path):
    file = write(
        tmp_path,
        "use_case: docker\nsite: CESGA\nvo: v\nname: sky\ndays: 3\n"
        "parameters: {docker_source: docker}\nchoices: {public_network: ext-b}\n",
    )
    assert requestfile.read(file) == Request(
        use_case="docker",
        site="CESGA",
        vo="v",
        name="sky",
        lifetime_days=3,
        parameters={"docker_source": "docker"},
        written={"public_network": "ext-b"},
        file=str(file),
    )


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("use_case: docker\n", "site", "Field required"),
        ("use_case: d\nsite: s\nflavor: m1\n", "flavor", "did you mean flavor?"),
        ("use_case: d\nsite: s\ndays: 0\n", "days", "greater than or equal to 1"),
        ("use_case: d\nsite: [s]\n", "site", "valid string"),
    ],
)
def test_a_wrong_key_is_named(tmp_path, text, key, said):
    with pytest.raises(RequestError, match=r"sky.yaml is not a deployment file") as caught:
        requestfile.read(write(tmp_path, text))
    assert said in caught.value.facts[key]


def test_what_is_no_yaml_or_not_there_is_told(tmp_path):
    with pytest.raises(RequestError, match=r"sky.yaml: .*expected"):
        requestfile.read(write(tmp_path, "a: [b"))
    with pytest.raises(RequestError, match="No such file"):
        requestfile.read(tmp_path / "none.yaml")
