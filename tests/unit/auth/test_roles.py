"""Who may make VMs, by EGI's table; what the table lacks is unknown."""

import pytest

from orchestrator import paths
from orchestrator.auth.roles import Entitlement, missing_role, read_mappings
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.layers import SiteFolder

URN = "urn:mace:egi.eu:group:{}#aai.egi.eu"
VO = "vo.access.egi.eu"


def test_every_shipped_mapping_can_be_read():
    mappings = read_mappings()
    assert len(mappings) == 67
    assert all(Entitlement.read(urn) for urn in mappings.values())


@pytest.mark.parametrize(
    ("vo", "held"),
    [
        (VO, [f"{VO}:role=vm_operator"]),
        ("vo.imagine-ai.eu", ["vo.imagine-ai.eu:role=vm_operator"]),  # a stray space in the table
        ("demo.fedcloud.egi.eu", ["demo.fedcloud.egi.eu:vm_operator:role=member"]),
        ("vo.notebooks.egi.eu", ["vo.notebooks.egi.eu:role=admin"]),
        ("no.such.vo", []),
    ],
)
def test_who_has_the_role_or_an_unknown_vo_is_not_refused(vo, held):
    assert missing_role(vo, [URN.format(group) for group in held]) is None


def test_a_token_that_does_not_tell_is_not_refused():
    assert missing_role(VO, None) is None


def test_a_member_is_told_which_role_to_ask_for():
    refusal = missing_role(VO, [URN.format(f"{VO}:role=member")])
    assert refusal.message == (
        f"you are a member of {VO}, but only the role vm_operator of {VO} may make VMs."
    )
    assert refusal.exit_code == 4
    assert f"the role vm_operator of {VO}" in refusal.way_out[0]


def test_a_stranger_is_told_that_he_is_one():
    refusal = missing_role("demo.fedcloud.egi.eu", [URN.format(f"{VO}:role=vm_operator")])
    assert "not a member of demo.fedcloud.egi.eu" in refusal.message
    assert "role member of demo.fedcloud.egi.eu:vm_operator" in refusal.message


@pytest.mark.parametrize(
    "urn",
    ["", "urn:", "urn:mace:egi.eu:group:", "urn:geant:x:group:a:role=b", 7, None, "\x00", "#"],
)
def test_a_malformed_entitlement_counts_for_nothing(urn):
    assert Entitlement.read(urn) is None
    assert missing_role(VO, [urn]) is not None


def test_near_urns_are_not_the_role():
    near = (f"{VO}:role=vm_operators", f"{VO}:sub:role=vm_operator", f"x.{VO}:role=vm_operator")
    for group in near:
        assert missing_role(VO, [URN.format(group)]) is not None


MAPPINGS = read_mappings()


def wanted(vo):
    return Entitlement.read(MAPPINGS[vo])


@pytest.mark.parametrize("vo", MAPPINGS)
def test_the_exact_holder_passes_for_every_entry(vo):
    role = wanted(vo)
    exact = URN.format(f"{':'.join(role.groups)}:role={role.role}")
    assert missing_role(vo, [exact]) is None
    # As the table itself writes it, stray spaces and all.
    assert missing_role(vo, [MAPPINGS[vo]]) is None


@pytest.mark.parametrize("vo", MAPPINGS)
def test_a_plain_member_is_refused_in_the_right_words_where_more_is_wanted(vo):
    role = wanted(vo)
    refusal = missing_role(vo, [URN.format(f"{role.vo}:role=member")])
    if role == Entitlement(groups=(role.vo,), role="member"):
        assert refusal is None
        return
    words = f"the role {role.role} of {':'.join(role.groups)}"
    assert refusal.message == f"you are a member of {role.vo}, but only {words} may make VMs."
    assert refusal.way_out[0] == f"ask for {words}: https://aai.egi.eu/registry/ (VO {role.vo})"
    assert refusal.facts == {f"you have in {role.vo}": "member"}


@pytest.mark.parametrize("vo", MAPPINGS)
def test_an_entitlement_without_a_role_is_a_membership(vo):
    role = wanted(vo)
    bare = URN.format(":".join(role.groups))
    assert (missing_role(vo, [bare]) is None) == (role.role == "member")


@pytest.mark.parametrize("vo", MAPPINGS)
def test_a_stranger_is_refused_by_every_entry(vo):
    refusal = missing_role(vo, [URN.format("vo.of.somebody.else:role=vm_operator")])
    assert refusal.message.startswith(f"you are not a member of {vo}: ")


@pytest.mark.parametrize("vo", MAPPINGS)
def test_the_role_in_a_group_of_the_same_beginning_is_another_role(vo):
    role = wanted(vo)
    near = (f"{role.vo}x", *role.groups[1:])
    assert missing_role(vo, [URN.format(f"{':'.join(near)}:role={role.role}")]) is not None


def test_the_entries_that_are_not_the_usual_ones_are_these():
    unusual = {vo: (*wanted(vo).groups, wanted(vo).role) for vo in MAPPINGS}
    usual = {vo for vo, found in unusual.items() if found == (vo, "vm_operator")}
    assert {vo: found for vo, found in unusual.items() if vo not in usual} == {
        "/biomed/vip": ("biomed", "vm_operator"),
        "/vo.lifewatch.eu/openbiomap": ("vo.lifewatch.eu", "vm_operator"),
        "aquamonitor.c-scale.eu": ("aquamonitor.c-scale.eu", "member"),
        "culturalheritage.vo.egi.eu": (
            "culturalheritage.vo.egi.eu",
            "CH-cloud_operators",
            "member",
        ),
        "demo.fedcloud.egi.eu": ("demo.fedcloud.egi.eu", "vm_operator", "member"),
        "lagoproject.net": ("lagoproject.net", "member"),
        "sage.greendealdata.eu": ("sage.greendealdata.eu", "infra-deployments", "user"),
        "vo.eurosea.marine.ie": ("vo.eurosea.marine.ie", "member"),
        "vo.notebooks.egi.eu": ("vo.notebooks.egi.eu", "admin"),
        "vo.protocoast.eu": ("vo.protocoast.eu", "CP-cloud_operator", "member"),
        "vo.usegalaxy.eu": ("vo.usegalaxy.eu", "vm_operator", "member"),
    }


SHIPPED = Catalogue.load([SiteFolder(path=paths.TEMPLATES / "sites", trusted=False)])
SERVED = set(SHIPPED.vos())


@pytest.mark.parametrize("vo", sorted(SERVED - MAPPINGS.keys()))
def test_a_served_vo_without_an_entry_is_never_refused(vo):
    assert missing_role(vo, []) is None
    assert missing_role(vo, [URN.format(f"{vo}:role=member")]) is None


def test_18_served_vos_have_no_entry():
    assert len(SERVED - MAPPINGS.keys()) == 18


@pytest.mark.parametrize("entry", ["urn:geant:other:group:vo.x", "rubbish", "", None, 5, ["a"]])
def test_an_entry_that_cannot_be_read_is_unknown_and_refuses_nobody(entry):
    assert missing_role("vo.x", [], mappings={"vo.x": entry}) is None


def test_a_space_anywhere_in_an_entry_changes_nothing():
    spaced = {"vo.x": " urn:mace:egi.eu: group: vo.x :role= vm_operator #aai.egi.eu\n"}
    held = URN.format("vo.x:role=vm_operator")
    assert missing_role("vo.x", [held], mappings=spaced) is None
    assert missing_role("vo.x", [], mappings=spaced) is not None
