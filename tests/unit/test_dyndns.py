"""Names from a Dynamic DNS, asked of a small server with the answers of EGI's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator import dyndns
from orchestrator.auth.token import AccessToken
from orchestrator.dyndns import DynamicDns, Host, StaleSecretError
from orchestrator.errors import LoginError, RequestError, SiteError
from tests.conftest import START
from tests.standins import dynamic_dns

SKY = "sky.vm.fedcloud.eu"
PEOPLE = {"a.token.of-ada": "ada", "a.token.of-bob": "bob"}


@pytest.fixture
def service(socket_enabled: None) -> Iterator[dynamic_dns.Service]:
    with dynamic_dns.running(PEOPLE.get) as found:
        yield found


@pytest.fixture
def ada(service: dynamic_dns.Service) -> DynamicDns:
    return client(service, "ada")


def client(service: dynamic_dns.Service, who: str) -> DynamicDns:
    later = START + timedelta(hours=1)
    token = AccessToken(
        raw=f"a.token.of-{who}", issuer="https://aai.egi.eu", subject=who, expires_at=later
    )
    return DynamicDns(token=lambda: token, address=service.address)


def no_token() -> AccessToken:
    raise AssertionError("no token is needed for this")


def test_a_name_is_registered_with_its_address_and_given_back(ada: DynamicDns) -> None:
    assert ada.find(SKY) is None
    made = ada.register(SKY, "198.51.100.7", comment="deployment sky")
    assert made.secret
    assert ada.hosts() == [Host(name=SKY, address="198.51.100.7", comment="deployment sky")]
    ada.unregister(SKY)
    assert ada.hosts() == []


def test_its_secret_changes_a_name_without_any_token(
    service: dynamic_dns.Service, ada: DynamicDns
) -> None:
    secret = ada.register(SKY, "198.51.100.7", comment="").secret
    alone = DynamicDns(token=no_token, address=service.address)
    for address in ("198.51.100.8", "198.51.100.8", "2001:db8::8"):
        alone.update(SKY, address, secret=secret)
    assert service.names[SKY].address == "2001:db8::8"
    assert service.asked[-1] == ("update", "Basic")


def test_a_token_changes_a_name_whose_secret_is_not_known_here(
    service: dynamic_dns.Service, ada: DynamicDns
) -> None:
    ada.register(SKY, "198.51.100.7", comment="")
    ada.update(SKY, "198.51.100.8")
    assert service.names[SKY].address == "198.51.100.8"
    with pytest.raises(SiteError, match="answered badauth"):
        client(service, "bob").update(SKY, "192.0.2.1")
    assert service.names[SKY].address == "198.51.100.8"


def test_a_secret_that_opens_nothing_any_more_is_told_apart(
    service: dynamic_dns.Service, ada: DynamicDns
) -> None:
    with pytest.raises(StaleSecretError, match="answered nohost"):
        ada.update(SKY, "198.51.100.7", secret="old")
    ada.register(SKY, "198.51.100.7", comment="")
    with pytest.raises(StaleSecretError, match="answered badauth") as caught:
        ada.update(SKY, "198.51.100.8", secret="old")
    assert "old" not in f"{caught.value.facts}{caught.value.way_out}"


def test_domains_are_listed(ada: DynamicDns) -> None:
    assert ada.domains() == sorted(dynamic_dns.DOMAINS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("taken.vm.fedcloud.eu", "already exists"), ("sky.example.org", "Domain does not exist")],
)
def test_a_name_that_cannot_be_had_is_refused_in_the_words_of_the_service(
    service: dynamic_dns.Service, ada: DynamicDns, name: str, reason: str
) -> None:
    client(service, "bob").register("taken.vm.fedcloud.eu", "192.0.2.1", comment="")
    with pytest.raises(SiteError, match=f"does not register {name}") as caught:
        ada.register(name, "198.51.100.7", comment="sky")
    assert reason in caught.value.facts[f"{service.address} says"]


def test_the_name_of_somebody_else_is_not_given_back(
    service: dynamic_dns.Service, ada: DynamicDns
) -> None:
    client(service, "bob").register(SKY, "192.0.2.1", comment="")
    assert ada.find(SKY) is None
    with pytest.raises(SiteError, match="does not unregister"):
        ada.unregister(SKY)
    assert SKY in service.names


def test_a_word_of_the_protocol_is_explained(service: dynamic_dns.Service, ada: DynamicDns) -> None:
    ada.register(SKY, "192.0.2.1", comment="")
    service.word = "dnserr"
    with pytest.raises(SiteError, match="answered dnserr") as caught:
        ada.update(SKY, "198.51.100.7")
    assert "name server" in caught.value.facts["that is"]


@pytest.mark.parametrize("name", ["sky", "sky.eu", ".vm.fedcloud.eu", ""])
def test_a_name_without_a_domain_is_refused_here(name: str) -> None:
    with pytest.raises(RequestError, match="no name with a domain"):
        dyndns.domain_of(name)


def test_a_token_that_is_not_accepted_is_a_login_error(service: dynamic_dns.Service) -> None:
    with pytest.raises(LoginError, match="does not accept"):
        client(service, "mallory").hosts()


def test_a_service_that_breaks_off_is_named_and_no_login_is(
    service: dynamic_dns.Service, ada: DynamicDns
) -> None:
    service.silent = True
    for ask in (ada.hosts, lambda: ada.update(SKY, "192.0.2.1", secret="sEcReT")):
        with pytest.raises(SiteError, match="does not answer") as caught:
            ask()
        assert caught.value.way_out
        told = f"{caught.value.message}{caught.value.facts}{ada!r}"
        assert "a.token.of-ada" not in told
        assert "sEcReT" not in told


def test_a_secret_is_not_shown_by_what_carries_it() -> None:
    assert "sEcReT" not in repr(dyndns.Registered(name=SKY, secret="sEcReT"))
