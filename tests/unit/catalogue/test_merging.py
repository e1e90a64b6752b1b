"""What a site's files settle: which word holds, and which were beaten."""

import pytest

from orchestrator.catalogue.layers import SiteFolder, read_entries
from orchestrator.model import SETTINGS, Setting

OFFICIAL = """\
gocdb: S
endpoint: https://s.eu:5000/v3/
public_network: shipped-net
vos:
- {name: a, auth: {project_id: p-a}, public_network: shipped-a}
- {name: b, auth: {project_id: p-b, region: north}}
"""


@pytest.fixture
def folders(tmp_path):
    made = []
    for name, trusted in (("user", True), ("sandbox", True), ("refreshed", False), ("old", False)):
        (tmp_path / name).mkdir()
        made.append(SiteFolder(path=tmp_path / name, trusted=trusted))
    (tmp_path / "old" / "S.yaml").write_text(OFFICIAL)
    return made


@pytest.fixture
def site(folders, tmp_path):
    """Read the site after writing what each folder says."""

    def read(**said):
        for folder, text in said.items():
            (tmp_path / folder / "S.yaml").write_text(text)
        entries, warnings = read_entries(folders)
        read.warnings = warnings
        (entry,) = entries
        return entry.site

    return read


def test_the_layers_come_from_the_strongest_to_the_weakest(site, tmp_path):
    found = site(
        user="public_network: mine\nvos: [{name: a, public_network: mine-a}]",
        sandbox="public_network: boxed",
    ).settings_of("a")["public_network"]
    assert [(one.value, one.vo) for one in found] == [
        ("mine-a", "a"),
        ("mine", None),
        ("boxed", None),
        ("shipped-a", "a"),
        ("shipped-net", None),
    ]
    assert found[0].origin == found[1].origin == str(tmp_path / "user" / "S.yaml")
    assert found[-1].origin == str(tmp_path / "old" / "S.yaml")


def test_another_vo_does_not_see_what_is_settled_for_one(site):
    found = site(user="vos: [{name: a, flavor: big}]")
    assert found.settings_of("b")["flavor"] == ()
    assert found.settings_of("b")["public_network"] == (
        Setting(value="shipped-net", origin=found.origin.split(", over ")[1]),
    )


def test_every_key_is_there_whether_settled_or_not(site):
    assert tuple(site().settings_of("none")) == SETTINGS


def test_each_key_can_be_settled_for_the_site_and_for_a_vo(site):
    values = {
        "flavor": "m1",
        "image": "debian",
        "public_network": "ext",
        "private_network": "net",
        "topology": "bastion",
        "proxy_jump": "ada@gate.eu:2222,gate2",
        "ssh_config": "/etc/ssh/extra",
    }
    lines = "\n".join(f"{key}: {value}" for key, value in values.items())
    entry = ", ".join(f"{key}: '{value}'" for key, value in values.items())
    found = site(user=f"{lines}\nvos: [{{name: a, {entry}}}]").settings_of("a")
    assert {key: [one.value for one in found[key][:2]] for key in SETTINGS} == {
        key: [values[key]] * 2 for key in SETTINGS
    }


def test_a_users_word_on_one_vo_keeps_its_project_and_the_other_vos(site):
    found = site(user="vos: [{name: a, flavor: m1}, {name: c, auth: {project_id: p-c}}]")
    assert {share.vo: share.project_id for share in found.shares} == {
        "a": "p-a",
        "b": "p-b",
        "c": "p-c",
    }
    assert found.share_of("b").region == "north"


def test_a_user_may_correct_the_project_of_a_vo(site):
    found = site(user="vos: [{name: b, auth: {project_id: other}}]").share_of("b")
    assert (found.project_id, found.region) == ("other", "north")


def test_a_vo_that_left_the_refreshed_list_does_not_come_back_from_the_shipped_one(site):
    found = site(refreshed="gocdb: S\nvos: [{name: a, auth: {project_id: p2}}]")
    assert [(share.vo, share.project_id) for share in found.shares] == [("a", "p2")]


def test_an_ssh_config_lies_beside_the_file_that_names_it(site, tmp_path):
    found = site(user="ssh_config: c\nvos: [{name: a, ssh_config: vo/c}]").settings_of("a")
    beside = tmp_path / "user"
    assert [one.value for one in found["ssh_config"]] == [str(beside / "vo/c"), str(beside / "c")]


def test_a_list_from_elsewhere_names_no_command_even_for_a_vo(site):
    evil = "gocdb: S\nssh_config: x\ntoken_command: [evil]\nvos: [{name: a, ssh_config: y}]"
    found = site(refreshed=evil)
    assert found.settings_of("a")["ssh_config"] == ()
    assert found.token_command == ()
    assert "ssh_config, token_command is ignored" in site.warnings[0]
    assert found.share_of("a").vo == "a"


@pytest.mark.parametrize(
    "wrong",
    [
        "topology: star",
        "proxy_jump: -oProxyCommand=id",
        "proxy_jump: 'a b'",
        "proxy_jump: ada@-x",
        "proxy_jump: 'gate,'",
        "flavor: 5",
        "vos: [{name: a, topology: star}]",
    ],
)
def test_a_setting_that_cannot_be_costs_its_file_and_says_so(site, wrong):
    found = site(user=wrong)
    assert found.settings_of("a")["public_network"][0].value == "shipped-a"
    assert "user/S.yaml" in site.warnings[0]


def test_a_misspelt_setting_of_a_vo_is_told_and_keys_of_egi_are_not(site):
    site(user="vos: [{name: a, public_netwrok: x, defaultNetwork: private}]")
    (warning,) = site.warnings
    assert "public_netwrok of a is not used, did you mean public_network?" in warning
