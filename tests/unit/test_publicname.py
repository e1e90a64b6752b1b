"""The name of a page: registered, led to its deployment, given back; and what happens on the way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from orchestrator.auth.token import AccessToken
from orchestrator.dyndns import DynamicDns, for_its_issuer
from orchestrator.errors import LoginError, RequestError, SetupError, SiteError
from orchestrator.journal import Journal
from orchestrator.model import Deployment
from orchestrator.publicname import PublicName
from orchestrator.settings import Settings
from orchestrator.workdir import Workdir
from tests.standins import dynamic_dns

SKY, MOON = "sky.vm.fedcloud.eu", "moon.vm.fedcloud.eu"
HERE, THERE = "198.51.100.17", "198.51.100.18"
OURS = "orchestrator deployment 0f3c"


@pytest.fixture
def service(socket_enabled):
    with dynamic_dns.running(lambda raw: "ada" if raw.count(".") == 2 else None) as found:
        yield found


@pytest.fixture
def told():
    return []


@pytest.fixture
def name_of(service, world, told, tmp_path):
    """Make the name of a deployment, as a run of it has it."""

    def make(deployment: Deployment, *, token: str | None = None) -> PublicName:
        workdir = Workdir(tmp_path / deployment.id)
        workdir.create()
        read = AccessToken.read(world.token())
        shown = replace(read, raw=token) if token else read
        return PublicName(
            workdir=workdir,
            owed=tmp_path / "owed",
            service=DynamicDns(token=lambda: shown, address=service.address),
            journal=Journal(told.append),
        )

    return make


@pytest.fixture
def name(name_of, deployment) -> PublicName:
    return name_of(deployment)


def secret_file(tmp_path, deployment):
    return tmp_path / deployment.id / "secrets" / "public-name.json"


def of_ada(service, *, comment: str, address: str = "192.0.2.1", name: str = SKY) -> None:
    service.register("ada", fqdn=name, ip=address, comment=comment)


# --- registered and led


def test_a_name_is_registered_for_the_deployment_with_its_address(
    name, service, deployment, tmp_path, told
):
    name.require_to_be_had(SKY, deployment)
    name.lead(SKY, HERE, deployment)
    entry = service.names[SKY]
    assert (entry.address, entry.comment, entry.owner) == (HERE, OURS, "ada")
    assert told[-1].text == f"{SKY} leads to {HERE}"
    file = secret_file(tmp_path, deployment)
    assert json.loads(file.read_text())["secret"] == entry.secret
    assert file.stat().st_mode & 0o777 == 0o600
    assert entry.secret not in str(told)


def test_the_same_again_asks_for_nothing(name, service, deployment):
    name.lead(SKY, HERE, deployment)
    before = len(service.asked)
    name.require_to_be_had(SKY, deployment)
    name.lead(SKY, HERE, deployment)
    assert len(service.asked) == before


def test_another_address_is_told_by_the_secret_alone(name, service, deployment):
    name.lead(SKY, HERE, deployment)
    name.lead(SKY, THERE, deployment)
    assert service.names[SKY].address == THERE
    assert service.asked[-1] == ("update", "Basic")
    assert [kind for _, kind in service.asked].count("Basic") == 1


def test_no_name_asks_for_nothing(name, service, deployment):
    name.require_to_be_had("", deployment)
    name.lead("", "", deployment)
    name.give_back(deployment)
    name.give_back_owed(deployment.owner)
    assert service.asked == []


def test_a_secret_that_was_made_anew_elsewhere_gives_way_to_the_token(name, service, deployment):
    name.lead(SKY, HERE, deployment)
    service.names[SKY].secret = "made anew"
    name.lead(SKY, THERE, deployment)
    assert service.names[SKY].address == THERE
    del service.names[SKY]
    name.lead(SKY, HERE, deployment)
    assert service.names[SKY].address == HERE


def test_a_name_that_a_killed_run_had_registered_is_gone_on_with(
    name, service, deployment, monkeypatch
):
    right = PublicName._led

    def registered_and_killed(*args):
        right(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(PublicName, "_led", registered_and_killed)
    with pytest.raises(KeyboardInterrupt):
        name.lead(SKY, HERE, deployment)
    monkeypatch.setattr(PublicName, "_led", right)
    name.lead(SKY, THERE, deployment)
    assert service.names[SKY].address == THERE
    name.give_back(deployment)
    assert service.names == {}


def test_another_name_takes_the_place_of_the_one_of_before(name, service, deployment):
    name.lead(SKY, HERE, deployment)
    name.lead(MOON, HERE, deployment)
    assert list(service.names) == [MOON]
    name.lead("", "", deployment)
    assert service.names == {}


def test_a_name_that_cannot_be_had_leaves_the_one_of_before(name, service, deployment):
    name.lead(SKY, HERE, deployment)
    with pytest.raises(RequestError, match=r"has no names in example\.org"):
        name.lead("moon.example.org", HERE, deployment)
    assert list(service.names) == [SKY]


# --- whose it is


def test_a_name_that_the_person_had_before_is_taken_over_and_stays_theirs(
    name, service, deployment, told
):
    of_ada(service, comment="my page")
    name.require_to_be_had(SKY, deployment)
    name.lead(SKY, HERE, deployment)
    assert service.names[SKY].address == HERE
    name.give_back(deployment)
    assert SKY in service.names
    assert "not this deployment" in told[-1].text


def test_a_name_of_another_deployment_is_refused(name, service, deployment):
    of_ada(service, comment="orchestrator deployment beef", address=THERE)
    for ask in (
        lambda: name.require_to_be_had(SKY, deployment),
        lambda: name.lead(SKY, HERE, deployment),
    ):
        with pytest.raises(RequestError, match="belongs to another deployment") as caught:
            ask()
        assert caught.value.facts == {"that is": "beef", "it leads to": THERE}
    assert service.names[SKY].address == THERE


def test_a_name_of_somebody_else_is_refused_and_never_given_back(name, service, deployment):
    service.register("bob", fqdn=SKY, ip="192.0.2.1")
    with pytest.raises(SiteError, match="does not register"):
        name.lead(SKY, HERE, deployment)
    name.give_back(deployment)
    assert service.names[SKY].owner == "bob"


def test_a_domain_without_names_is_refused_with_those_that_have(name, deployment):
    with pytest.raises(RequestError, match=r"no names in example\.org") as caught:
        name.require_to_be_had("sky.example.org", deployment)
    assert "vm.fedcloud.eu" in caught.value.facts["it has names in"]
    assert caught.value.way_out[0].startswith("take a name such as sky.")


# --- given back, whatever happens


@pytest.mark.parametrize("failure", ["silent", "refuses", "no login"])
def test_an_end_is_not_held_up_and_the_next_run_gives_the_name_back(
    name, name_of, service, deployment, told, tmp_path, failure
):
    name.lead(SKY, HERE, deployment)
    service.silent = failure == "silent"
    service.broken = {"unregister": "boom"} if failure == "refuses" else {}
    ending = name_of(deployment, token="expired") if failure == "no login" else name
    ending.give_back(deployment)
    assert "is not given back yet" in told[-1].text
    assert SKY in service.names
    assert not secret_file(tmp_path, deployment).exists()

    service.silent, service.broken = False, {}
    other = replace(deployment, id="1111", name="moon")
    name_of(other).give_back_owed("local:bob")
    assert SKY in service.names
    name_of(other).give_back_owed(other.owner)
    assert service.names == {}
    assert told[-1].text == f"{SKY} is given back"
    assert list((tmp_path / "owed").iterdir()) == []


def test_a_name_that_was_taken_again_since_is_left(name, name_of, service, deployment, told):
    name.lead(SKY, HERE, deployment)
    service.silent = True
    name.give_back(deployment)
    service.silent = False
    service.names[SKY].comment = "orchestrator deployment 2222"
    name_of(replace(deployment, id="2222")).give_back_owed(deployment.owner)
    assert SKY in service.names


def test_a_file_that_cannot_be_read_is_named_without_what_is_in_it(name, deployment, tmp_path):
    secret_file(tmp_path, deployment).write_text('{"secret": "sEcReT"')
    with pytest.raises(SetupError, match="is not known") as caught:
        name.lead(SKY, HERE, deployment)
    assert "sEcReT" not in f"{caught.value}{caught.value.facts}"


def test_the_token_of_another_issuer_is_not_sent(world):
    token = AccessToken.read(world.token())
    usual = Settings().dynamic_dns_issuer
    assert for_its_issuer(token, issuer=usual + "/", address="https://d") is token
    with pytest.raises(LoginError, match="is not sent there"):
        for_its_issuer(token, issuer="https://iam.example.org", address="https://d")


# --- taken over from another computer


def test_the_end_of_what_was_taken_over_gives_its_name_back(name, service, deployment, told):
    of_ada(service, comment="orchestrator deployment other", name=MOON)
    of_ada(service, comment=OURS)
    name.take_over(deployment)
    assert told[-1].text == f"{SKY} is its name, and is given back at its end"
    name.give_back(deployment)
    assert set(service.names) == {MOON}


def test_what_was_taken_over_without_a_name_gives_none_back(name, service, deployment, told):
    of_ada(service, comment="mine")
    name.take_over(deployment)
    name.give_back(deployment)
    assert (set(service.names), told) == ({SKY}, [])


def test_a_name_taken_over_leads_elsewhere_without_its_secret(name, service, deployment):
    of_ada(service, comment=OURS)
    name.take_over(deployment)
    name.lead(SKY, THERE, deployment)
    assert service.names[SKY].address == THERE


def test_a_service_that_is_down_stops_no_taking_over_and_says_what_may_be_left(
    name, service, deployment, told
):
    of_ada(service, comment=OURS)
    service.silent = True
    name.take_over(deployment)
    assert f"if {service.address} lists one as '{OURS}', unregister it there" in told[-1].text


# --- in a deployment

SHOWING = """\
title: A page for everybody
parameters:
  shown: {type: boolean, default: false, help: show it}
  dns_name: {type: string, default: "", help: its name}
publishes: {ports: [80, 443], name_from: dns_name}
"""
ON = {"shown": True, "dns_name": SKY}


@pytest.fixture
def toy(world):
    """The toy with a page that an extra of its own shows."""
    folder = world.use_case_folder / "extras" / "shown"
    folder.mkdir(parents=True)
    (folder / "extra.yaml").write_text(SHOWING)
    (folder / "playbook.yml").write_text("[]\n")
    file = world.use_case_folder / "usecase.yaml"
    page = "tunnels: [{name: page, title: The page, port: 8000}]\n"
    file.write_text(file.read_text() + page + "extras: [shown]\n")


@pytest.fixture
def deploy(deployer, asked, service, toy):
    """Deploy the toy, with these parameters, where names are had from the small server."""
    settings = Settings(dynamic_dns=service.address)

    def make(**parameters):
        return deployer(settings=settings).deploy(asked(parameters=parameters))

    make.destroy = lambda: deployer(settings=settings).destroy("sky")
    return make


def test_a_deployment_has_its_page_at_its_name_until_its_end(deploy, service, world):
    outcome = deploy(**ON)
    assert outcome.page == f"https://{SKY}/"
    assert service.names[SKY].address == HERE
    assert world.playbooks[-1]["orchestrator_page_port"] == 8000
    assert service.names[SKY].secret not in json.dumps(world.playbooks[-1], default=str)
    deploy.destroy()
    assert service.names == {}


def test_switched_off_the_name_is_given_back_and_the_page_shown_no_more(deploy, service, world):
    deploy(**ON)
    outcome = deploy(shown=False)
    assert (service.names, outcome.page) == ({}, None)
    assert world.extras_played == [["shown"], ["shown"]]


def test_a_name_that_cannot_be_had_is_refused_before_there_is_a_machine(deploy, world, service):
    with pytest.raises(RequestError, match="has no names in"):
        deploy(shown=True, dns_name="sky.example.org")
    assert world.resources == {}


def test_a_service_that_is_down_stops_a_deployment_until_the_same_command(deploy, world, service):
    service.broken = {"register": "the database is down"}
    with pytest.raises(SiteError, match=f"does not register {SKY}") as caught:
        deploy(**ON)
    assert "database is down" in str(caught.value.facts)
    assert any("goes on from there" in way for way in caught.value.way_out)
    service.broken = {}
    assert deploy(**ON).page == f"https://{SKY}/"


def test_a_service_that_is_down_stops_no_end(deploy, world, service):
    deploy(**ON)
    service.silent = True
    deploy.destroy()
    assert world.resources == {}
    service.silent = False
    deploy()
    assert service.names == {}
