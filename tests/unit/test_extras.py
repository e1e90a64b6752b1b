"""Extras of a use case: what they bring, when they are on, and that they go again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.catalogue.usecases import find_use_case, load_use_cases, use_case_folders
from orchestrator.errors import RequestError
from orchestrator.extras import (
    facts_of,
    page_facts,
    page_of,
    public_name,
    publishing,
    switched_on,
    with_extras,
)
from orchestrator.model import Check, Login, Site, Tunnel
from orchestrator.visiting import Visit

EXTRA = """\
title: A bell
parameters:
  bell: {type: boolean, default: false, help: put a bell on it}
  bell_tone: {type: string, default: high, help: how it sounds}
tunnels: [{name: bell, title: The bell, port: 9000}]
status: [{title: rung, argv: [cat, /run/bell]}]
checks: [{kind: service, title: the bell is on, name: bell}]
"""
ON, OFF = {"bell": True}, {"bell": False}


@pytest.fixture
def toy(world):
    """The toy with a bell that its own folder brings."""
    folder = world.use_case_folder / "extras" / "bell"
    folder.mkdir(parents=True)
    (folder / "extra.yaml").write_text(EXTRA)
    (folder / "playbook.yml").write_text("[]\n")
    file = world.use_case_folder / "usecase.yaml"
    file.write_text(file.read_text() + "extras: [bell]\n")
    world.playbook_starts = ("toy", "bell")
    return lambda: find_use_case("toy", [world.folders.config / "usecases"])


def change(world, before, after):
    for file in (
        world.use_case_folder / "usecase.yaml",
        world.use_case_folder / "extras" / "bell" / "extra.yaml",
    ):
        file.write_text(file.read_text().replace(before, after))


# --- what a use case gets


def test_parameters_come_with_the_extra_and_the_rest_when_it_is_on(toy):
    found = toy()
    assert [one.name for one in found.parameters][-2:] == ["bell", "bell_tone"]
    assert (switched_on(found, OFF), with_extras(found, OFF)) == ((), found)
    more = with_extras(found, ON)
    assert [one.name for one in more.tunnels] == ["bell"]
    assert [one.title for one in more.status] == ["rung"]
    assert [one.title for one in more.checks] == ["the toy plays", "the bell is on"]


def test_every_shipped_use_case_lets_people_in_by_token_when_asked(tmp_path):
    for found in load_use_cases(use_case_folders(tmp_path)).values():
        assert found.extras[0].name == "ssh_oidc"
        for extra in found.extras:
            switch = next(one for one in found.parameters if one.name == extra.name)
            assert (switch.type, switch.default) == ("boolean", False)
            assert extra.name in found.roles
            assert (extra.folder / "playbook.yml").is_file()


def test_every_shipped_use_case_with_a_page_shows_it_when_asked(tmp_path):
    for found in load_use_cases(use_case_folders(tmp_path)).values():
        shows = any(extra.publishes for extra in found.extras)
        assert shows == bool(found.tunnels)


def test_an_extra_that_is_not_there_is_named_with_those_that_are(toy, world):
    change(world, "extras: [bell]", "extras: [gong]")
    with pytest.raises(RequestError, match="takes an extra 'gong'") as caught:
        toy()
    assert caught.value.facts["there are"] == "https, ssh_oidc"


def test_a_parameter_that_both_have_is_refused(toy, world):
    change(world, "bell_tone", "colour")
    with pytest.raises(RequestError, match="has a parameter colour that its extra bell brings"):
        toy()


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("type: boolean, default: false", "type: string, default: a", "file"),
        ("default: false", "default: true", "file"),
        ("port: 9000", "port: 0", "tunnels.0.port"),
        ("title: A bell", "titel: A bell", "titel"),
    ],
)
def test_an_extra_that_is_wrong_is_told_by_its_own_file(toy, world, before, after, place):
    change(world, before, after)
    with pytest.raises(RequestError, match=r"bell/extra\.yaml is not an extra") as caught:
        toy()
    assert place in caught.value.facts


# --- a page for everybody

PAGE = Tunnel(name="page", title="The page", port=8000, login=Login(user="me", secret="word"))


@pytest.fixture
def shown(tmp_path):
    """A use case with a page, whose extra shows it."""
    asked = Check(kind="tunnel", title="it answers", settings={"tunnel": PAGE, "status": 200})
    closed = Check(kind="closed_ports", title="only SSH", settings={"tried": [80], "allowed": [22]})
    oligia = find_use_case("oligia", use_case_folders(tmp_path))
    return replace(oligia, tunnels=(PAGE,), checks=(asked, closed))


def test_a_page_that_is_not_asked_for_is_shown_to_nobody(shown, deployment, node):
    there = replace(deployment, nodes=(replace(node, name="sky-oligia"),))
    off = {"https": False, "dns_name": "sky.vm.fedcloud.eu"}
    assert publishing(shown, off) is None
    assert public_name(shown, off) == ""
    assert page_of(replace(there, parameters=off), shown) is None
    assert with_extras(shown, off).checks == shown.checks


def test_a_page_is_met_by_its_name_else_by_its_address(shown, deployment, node):
    there = replace(deployment, nodes=(replace(node, name="sky-oligia"),))
    named = {"https": True, "dns_name": "sky.vm.fedcloud.eu"}
    assert publishing(shown, named).ports == (80, 443)
    assert page_of(replace(there, parameters=named), shown) == "https://sky.vm.fedcloud.eu/"
    alone = replace(there, parameters={"https": True, "dns_name": ""})
    assert page_of(alone, shown) == "https://198.51.100.17/"
    six = replace(alone, nodes=(replace(there.nodes[0], address="2001:db8::7"),))
    assert page_of(six, shown) == "https://[2001:db8::7]/"
    assert page_of(replace(alone, nodes=()), shown) is None


def test_what_its_play_may_know_is_where_the_page_is(shown, deployment, node):
    there = replace(deployment, nodes=(replace(node, name="sky-oligia"),))
    assert page_facts(there, shown) == {
        "orchestrator_page_node": "sky-oligia",
        "orchestrator_page_port": 8000,
        "orchestrator_page_scheme": "http",
    }
    assert page_facts(there, replace(shown, tunnels=())) == {}


def test_over_tls_the_page_answers_as_through_its_tunnel_and_keeps_its_password(shown):
    through, closed, running, over_tls, unknown = with_extras(shown, {"https": True}).checks
    assert (through, running.settings) == (shown.checks[0], {"name": "nginx"})
    assert closed.settings == {"tried": [80], "allowed": [22, 80, 443]}
    assert "but for the page on 80, 443" in closed.title
    page = replace(PAGE, port=443, scheme="https")
    assert over_tls.settings == {"tunnel": page, "status": 200}
    assert unknown.settings["tunnel"] == replace(page, login=None)
    assert unknown.settings["status"] == 401


@pytest.mark.parametrize(
    ("publishes", "said"),
    [
        ("{ports: [443], name_from: bell_name}", "which is no parameter of text"),
        ("{ports: [443], name_from: bell}", "which is no parameter of text"),
        ("{ports: [], name_from: bell_tone}", "at least 1 item"),
        ("{ports: [443], name_from: bell_tone}", "has no page to show"),
    ],
)
def test_an_extra_that_cannot_show_a_page_is_refused(toy, world, publishes, said):
    change(world, "title: A bell\n", f"title: A bell\npublishes: {publishes}\n")
    with pytest.raises(RequestError) as caught:
        toy()
    assert said in f"{caught.value.message} {caught.value.facts}"


# --- in a deployment


def test_an_extra_is_played_while_it_is_on_and_once_when_it_was(deployer, asked, toy, world):
    assert deployer().deploy(asked(parameters=ON)).use_case.tunnels[0].name == "bell"
    assert world.extras_played == [["bell"]]
    assert world.playbooks[-1]["orchestrator_vo"] == "vo.access.egi.eu"
    outcome = deployer().deploy(asked(parameters=OFF))
    assert world.extras_played == [["bell"], ["bell"]]
    assert (world.playbooks[-1]["bell"], outcome.use_case.tunnels) == (False, ())
    deployer().deploy(asked(configure=True))
    assert world.extras_played == [["bell"], ["bell"], []]
    assert "orchestrator_vo" not in world.playbooks[-1]


def test_an_extra_that_was_half_set_up_is_taken_away_as_well(deployer, asked, toy, world):
    world.playbook_error = "boom"
    with pytest.raises(Exception, match="boom"):
        deployer().deploy(asked(parameters=ON))
    world.playbook_error = None
    deployer().deploy(asked(parameters=OFF))
    assert world.extras_played == [["bell"], ["bell"]]


def test_checks_of_an_extra_are_made_while_it_is_on(deployer, asked, toy, world):
    world.playbook_starts = ("toy",)
    deployer().deploy(asked(parameters=OFF))
    with pytest.raises(Exception, match="1 of its checks fail") as caught:
        deployer().deploy(asked(parameters=ON))
    assert "the bell is on" in caught.value.facts


def test_a_deployment_goes_by_its_own_copy_of_an_extra(deployer, asked, toy, world):
    ready = deployer().deploy(asked(parameters=ON)).deployment
    change(world, "The bell", "The gong")
    visit = Visit.of(ready, folders=world.folders, environment=world.environment)
    assert visit.tunnel("bell").title == "The bell"


# --- what a play may know

SITE = Site(name="S", endpoint="https://s/v3", shares=(), origin="s.yaml")


def test_facts_tell_vo_issuer_and_the_entitlement_of_the_table():
    facts = facts_of(SITE, "vo.access.egi.eu")
    assert facts == {
        "orchestrator_vo": "vo.access.egi.eu",
        "orchestrator_entitlement": "urn:mace:egi.eu:group:vo.access.egi.eu:role=vm_operator#aai.egi.eu",
        "orchestrator_issuer": "https://aai.egi.eu/auth/realms/egi",
        "orchestrator_authorities": "",
    }
    assert facts_of(SITE, "nobody.knows")["orchestrator_entitlement"] == ""


def test_facts_carry_the_certificates_of_the_site(tmp_path: Path):
    bundle = tmp_path / "ca.pem"
    site = replace(SITE, ca_bundle=bundle)
    with pytest.raises(RequestError, match="certificates of S cannot be read"):
        facts_of(site, "v")
    bundle.write_text("PEM\n")
    assert facts_of(site, "v")["orchestrator_authorities"] == "PEM\n"
