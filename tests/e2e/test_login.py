"""Logging in at the sandbox's Keycloak: device code as far as no browser is needed, then refresh."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import requests

from orchestrator.auth import device
from orchestrator.auth.choosing import choose_source, issuer_of
from orchestrator.auth.issuer import SCOPES
from orchestrator.auth.refreshing import KeptLogin, RefreshTokens, logout
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.errors import LoginError
from orchestrator.paths import SANDBOX
from orchestrator.settings import Settings

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Catalogue.usual(tmp_path_factory.mktemp("config")).find("SANDBOX")


@pytest.fixture
def refresh_token(site):
    """A refresh token as a device login would give it."""
    password = json.loads((SANDBOX / "secrets" / "passwords.json").read_text())["operator"]
    answer = requests.post(
        f"{site.issuer}/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": site.client_id,
            "username": "operator",
            "password": password,
            "scope": SCOPES,
        },
        verify=str(site.ca_bundle),
        timeout=20,
    )
    return answer.json()["refresh_token"]


def test_a_device_code_is_given_and_expires_unused(site, tmp_path):
    told, slept = [], []
    clock = device.Clock(now=lambda: sum(slept) * 200, sleep=lambda s: slept.append(s))
    with pytest.raises(LoginError):
        device.login(issuer_of(site), RefreshTokens(folder=tmp_path), tell=told.append, clock=clock)
    assert told[0].url.startswith(site.issuer)
    assert told[0].code in told[0].url_with_code


def test_a_kept_login_is_refreshed_until_it_is_ended(site, tmp_path, refresh_token):
    issuer, tokens = issuer_of(site), RefreshTokens(folder=tmp_path)
    tokens.keep(issuer, refresh_token)
    token = KeptLogin(issuer=issuer, tokens=tokens).access_token()
    assert (token.username, token.issuer) == ("operator", site.issuer)
    kept = tokens.read(issuer)
    assert logout(issuer, tokens)
    tokens.keep(issuer, kept)
    with pytest.raises(LoginError, match="has ended"):
        KeptLogin(issuer=issuer, tokens=tokens).access_token()


def test_a_kept_login_is_chosen_where_nothing_else_is(site, tmp_path, refresh_token):
    plain = replace(site, token_command=())
    RefreshTokens(folder=tmp_path).keep(issuer_of(plain), refresh_token)
    source = choose_source(Settings(), site=plain, tokens=tmp_path)
    assert source.access_token().username == "operator"
