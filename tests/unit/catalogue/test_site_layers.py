"""Folders over folders: the user's word over the sandbox's over the shipped list."""

import pytest

from orchestrator.catalogue.layers import SiteFolder, read_entries

OFFICIAL = "gocdb: S\nendpoint: https://s.eu:5000/v3/\nvos: [{name: a, auth: {project_id: p}}]\n"


@pytest.fixture
def folders(tmp_path):
    made = []
    for name, trusted in (("user", True), ("official", False)):
        (tmp_path / name).mkdir()
        made.append(SiteFolder(path=tmp_path / name, trusted=trusted))
    return made


def test_a_users_file_changes_only_what_it_says(folders):
    (folders[1].path / "S.yaml").write_text(OFFICIAL)
    (folders[0].path / "S.yaml").write_text("public_network: ext-a")
    entries, warnings = read_entries(folders)
    (site,) = (entry.site for entry in entries)
    assert (site.public_network, site.endpoint) == ("ext-a", "https://s.eu:5000/v3")
    assert site.share_of("a").project_id == "p"
    assert site.origin == f"{folders[0].path}/S.yaml, over {folders[1].path}/S.yaml"
    assert warnings == []


def test_a_command_is_taken_from_trusted_folders_only(folders):
    (folders[1].path / "S.yaml").write_text(OFFICIAL + "token_command: [evil]\n")
    entries, warnings = read_entries(folders)
    assert entries[0].site.token_command == ()
    assert "token_command is ignored" in warnings[0]
    (folders[0].path / "S.yaml").write_text("gocdb: S\ntoken_command: [oidc-token, egi]")
    entries, _ = read_entries(folders)
    assert entries[0].site.token_command == ("oidc-token", "egi")


def test_a_broken_file_stops_no_other(folders):
    (folders[1].path / "S.yaml").write_text(OFFICIAL)
    (folders[1].path / "A.yaml").write_text("gocdb: [")
    (folders[0].path / "B.yaml").write_text("flavor: m1")
    entries, warnings = read_entries(folders)
    assert [entry.site.name for entry in entries] == ["S"]
    assert [text.rsplit("/", 1)[1][:6] for text in warnings] == ["A.yaml", "B.yaml"]


def test_a_second_endpoint_of_one_name_goes_by_its_file(folders):
    (folders[1].path / "S-2.yaml").write_text(OFFICIAL.replace("s.eu", "t.eu"))
    (folders[1].path / "S.yaml").write_text(OFFICIAL)
    entries, _ = read_entries(folders)
    found = {entry.site.name: (entry.site.endpoint, entry.gocdb) for entry in entries}
    assert found == {"S": ("https://s.eu:5000/v3", "S"), "S-2": ("https://t.eu:5000/v3", "S")}


def test_a_missing_folder_is_an_empty_one(tmp_path):
    assert read_entries([SiteFolder(path=tmp_path / "none", trusted=True)]) == ([], [])
