"""Secrets of a deployment: made once, for their owner alone."""

from __future__ import annotations

import pytest

from orchestrator.errors import RequestError
from orchestrator.passwords import make_missing, read_all, read_one


def test_a_secret_is_made_once_and_is_24_letters_and_digits(workdir):
    assert make_missing(workdir, ["a", "b"])
    first = read_all(workdir, ["a", "b"])
    assert all(len(value) == 24 and value.isalnum() for value in first.values())
    assert first["a"] != first["b"]
    assert not make_missing(workdir, ["a", "b"])
    assert read_all(workdir, ["a", "b"]) == first


def test_its_file_is_its_owners_alone(workdir):
    make_missing(workdir, ["a"])
    (file,) = workdir.secrets.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_one_that_is_not_made_yet_says_when_it_is(workdir):
    with pytest.raises(RequestError, match="has not been made yet"):
        read_one(workdir, "a")
