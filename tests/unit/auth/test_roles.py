"""Who may make VMs, by EGI's table; what the table lacks is unknown."""

import pytest

from orchestrator.auth.roles import Entitlement, missing_role, read_mappings

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
