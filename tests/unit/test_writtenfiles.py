"""Files that people write are read within bounds."""

import pytest

from orchestrator.errors import RequestError
from orchestrator.writtenfiles import line_of, read_yaml


def test_yaml_is_read(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: [1, b]\n")
    assert read_yaml(file, kind="use case") == {"a": [1, "b"]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: &x 1\nb: *x\n", "aliases .* are not allowed in a use case"),
        (b"a: " + b"x" * 70_000, "longer than 64 KB"),
        (b"\xff\xfe", "can't decode"),
        (b"a: !!python/object:os.system {}\n", "could not determine a constructor"),
        (b"[" * 60_000, "line 1 is nested too deep"),
        (b"a:\n" + b"- " * 30_000, "line 2 is nested too deep"),
        (b"a: 2026-13-45\n", "month must be in 1..12"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(tmp_path, content, said):
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=rf"a\.yaml: .*{said}"):
        read_yaml(file, kind="use case")


@pytest.mark.parametrize(
    ("place", "line"),
    [((), 1), (("a",), 1), (("b", "c"), 3), (("b", 0, "x"), 2), (("l", 1), 6), (("nope",), 1)],
)
def test_the_line_of_a_key_or_of_what_is_around_it(tmp_path, place, line):
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\nb:\n  c: {d: 2}\nl:\n  - x\n  - y\n")
    assert line_of(file, place) == line


def test_the_line_of_a_key_is_told_in_every_text_that_was_read(tmp_path):
    """The C parser takes a tab behind a word, the Python one does not."""
    file = tmp_path / "a.yaml"
    file.write_text(".\t")
    assert read_yaml(file, kind="use case") == "."
    assert line_of(file, ()) == 1
