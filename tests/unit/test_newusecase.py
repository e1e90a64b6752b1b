"""A new use case: it can be read as it is, and takes no name that is taken."""

from __future__ import annotations

import pytest

from orchestrator.errors import RequestError
from orchestrator.newusecase import make


def test_what_is_made_can_be_read_and_carries_its_name(tmp_path):
    made = make("spiral", tmp_path)
    assert made.folder == tmp_path / "usecases" / "spiral"
    assert made.results == ("/srv/spiral/results",)
    assert {file.name for file in made.folder.iterdir()} == {
        "usecase.yaml",
        "playbook.yml",
        "serve.py",
    }
    assert all("my_use_case" not in file.read_text() for file in made.folder.iterdir())


@pytest.mark.parametrize("name", ["", "A", "a-b", "../x", "1a", "a b", "x" * 32])
def test_what_cannot_be_a_name_is_refused(tmp_path, name):
    with pytest.raises(RequestError, match="cannot be the name"):
        make(name, tmp_path)
    assert not (tmp_path / "usecases").exists()


def test_neither_a_shipped_name_nor_ones_own_is_taken_twice(tmp_path):
    with pytest.raises(RequestError, match="there is a use case docker already"):
        make("docker", tmp_path)
    make("mine", tmp_path)
    with pytest.raises(RequestError, match="you have a use case mine already"):
        make("mine", tmp_path)
