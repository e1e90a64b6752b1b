"""Site files: what is read, and what is said about those that cannot be."""

import pytest

from orchestrator import paths
from orchestrator.catalogue import sitefile


def written(tmp_path, text):
    path = tmp_path / "X.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted((paths.TEMPLATES / "sites").glob("*.yaml")), ids=str)
def test_every_official_file_is_read_without_a_word(path):
    read = sitefile.read(path)
    assert read.warnings == ()
    assert read.site.endpoint.endswith("/v3")
    assert read.site.vos


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a list", "mapping"),
        ("", "mapping"),
        ("gocdb: [", "X.yaml"),
        ("gocdb: X\nendpoint: 5", "endpoint"),
        ("gocdb: X\nendpoint: http://far.eu/v3", "not encrypted"),
        ("gocdb: X\nvos: [{auth: {}}]", "vos.0.name"),
        ("gocdb: X\ntoken_command: rm -rf /", "token_command"),
        ("gocdb: X\nca_bundle: ~nobody-here/ca.pem", "home folder that is not here"),
        ("gocdb: X\nvos: [{name: a, ssh_config: ~nobody-here/c}]", "home folder that is not here"),
        ("gocdb: !!python/object/apply:os.system [id]", "X.yaml"),
    ],
)
def test_a_broken_file_is_named_with_its_key(tmp_path, text, why):
    with pytest.raises(ValueError, match=why.replace(".", r"\.")) as caught:
        sitefile.read(written(tmp_path, text))
    assert "X.yaml" in str(caught.value)


def test_an_unknown_key_is_told_with_the_one_that_was_meant(tmp_path):
    read = sitefile.read(written(tmp_path, "gocdb: X\npublic_netwrok: a"))
    assert "did you mean public_network?" in read.warnings[0]


def test_a_relative_ca_lies_beside_the_file(tmp_path):
    read = sitefile.read(written(tmp_path, "gocdb: X\nca_bundle: ca.pem"))
    assert read.site.ca_bundle == tmp_path / "ca.pem"


def test_the_file_name_stands_in_for_a_missing_name(tmp_path):
    assert sitefile.read(written(tmp_path, "flavor: m1")).gocdb == "X"
