"""Kept logins: readable by one person, keyed by issuer and client."""

import stat
import time

import pytest

from orchestrator.auth.issuer import Issuer, RefusedGrantError
from orchestrator.auth.refreshing import KeptLogin, RefreshTokens, logout
from orchestrator.errors import LoginError, SiteError
from tests.unit.tokens import jwt

ISSUER = Issuer(url="https://i.eu/realms/egi", client_id="c")


class Realm(Issuer):
    """An issuer that knows one refresh token and gives a new one each time."""

    good = "r1"
    revoked: tuple[str, ...] = ()

    def refresh(self, refresh_token):
        if refresh_token != Realm.good:
            raise RefusedGrantError(code="invalid_grant", description="Token is not active")
        Realm.good = "r2"
        return {"access_token": jwt(), "refresh_token": "r2"}

    def revoke(self, refresh_token):
        raise SiteError("the issuer is down")


@pytest.fixture
def realm(monkeypatch):
    monkeypatch.setattr(Realm, "good", "r1")
    return Realm(url=ISSUER.url, client_id=ISSUER.client_id)


@pytest.fixture
def tokens(tmp_path):
    return RefreshTokens(folder=tmp_path / "tokens")


def test_a_kept_token_is_for_one_person(tokens):
    tokens.keep(ISSUER, "r1")
    (path,) = tokens.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.folder.stat().st_mode) == 0o700
    assert tokens.read(ISSUER) == "r1"


def test_another_client_or_issuer_is_another_login(tokens):
    tokens.keep(ISSUER, "r1")
    assert not tokens.has(Issuer(url=ISSUER.url, client_id="other"))
    assert not tokens.has(Issuer(url="https://j.eu/realms/egi", client_id="c"))
    assert tokens.has(Issuer(url=ISSUER.url + "/", client_id="c"))


def test_a_refresh_gives_a_token_and_keeps_the_new_one(tokens, realm):
    tokens.keep(realm, "r1")
    assert KeptLogin(issuer=realm, tokens=tokens).access_token().subject == "abc@egi.eu"
    assert tokens.read(realm) == "r2"


def test_a_login_that_ended_says_so(tokens, realm):
    tokens.keep(realm, "old")
    with pytest.raises(LoginError, match="has ended: Token is not active") as caught:
        KeptLogin(issuer=realm, tokens=tokens).access_token()
    assert caught.value.way_out == ("orchestrator login",)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        # Made an hour ago by the clock here, for the hour that is over.
        ({"left": -7, "iat": time.time() - 3607}, "this machine is 60 min ahead of that of https"),
        # The issuer gives less than is needed: no clock is to blame.
        ({"left": 20, "iat": time.time() - 10}, "the issuer's answer expires in"),
        ({"left": -7}, "the issuer's answer expired"),
    ],
)
def test_a_clock_that_is_ahead_is_told_and_no_login_is_asked_for(
    tokens, realm, monkeypatch, claims, said
):
    monkeypatch.setattr(Realm, "refresh", lambda *_: {"access_token": jwt(**claims)})
    tokens.keep(realm, "r1")
    with pytest.raises(LoginError, match=said) as caught:
        KeptLogin(issuer=realm, tokens=tokens).access_token()
    assert ("timedatectl" in caught.value.way_out[0]) is ("ahead" in said)


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json"])
def test_a_broken_file_is_no_login(tokens, content):
    tokens.keep(ISSUER, "r1")
    next(tokens.folder.iterdir()).write_text(content)
    with pytest.raises(LoginError, match="no login"):
        tokens.read(ISSUER)


def test_logging_out_works_without_the_issuer(tokens, realm):
    tokens.keep(realm, "r1")
    assert logout(realm, tokens)
    assert not tokens.has(realm)
    assert not logout(realm, tokens)
