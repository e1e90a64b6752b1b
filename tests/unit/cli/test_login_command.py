"""login and logout: what a person is told, and what is kept."""

from __future__ import annotations

import json

import pytest

from orchestrator.auth.issuer import Issuer, RefusedGrantError
from tests.unit.tokens import EGI, jwt


@pytest.fixture(autouse=True)
def issuer(monkeypatch):
    """An issuer at which a person agrees at once; it knows its refresh tokens."""
    known = set()

    def start_device(self):
        return {
            "device_code": f"d {self.url}",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://i.eu/device",
            "verification_uri_complete": "https://i.eu/device?code=ABCD-EFGH",
            "interval": 0,
            "expires_in": 600,
        }

    def poll_device(self, device_code):
        assert device_code == f"d {self.url}"
        known.add("refresh-canary")
        token = jwt(iss=self.url, preferred_username="ada")
        return {"access_token": token, "refresh_token": "refresh-canary"}

    def revoke(self, refresh_token):
        if refresh_token not in known:
            raise RefusedGrantError(code="invalid_grant", description="")
        known.remove(refresh_token)

    for double in (start_device, poll_device, revoke):
        monkeypatch.setattr(Issuer, double.__name__, double)
    return known


def kept(world):
    return [json.loads(path.read_text()) for path in world.folders.tokens.glob("*.json")]


def test_a_login_shows_page_and_code_and_then_as_whom(command, world):
    ended = command("login")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "Open https://i.eu/device?code=ABCD-EFGH",
        "and check that it shows the code ABCD-EFGH (waiting 10 min)",
        "Logged in as ada; the token is good for 60 min and renewed by itself.",
    ]
    assert [one["issuer"] for one in kept(world)] == [EGI]


def test_no_token_is_shown(command):
    ended = command("login")
    assert "refresh-canary" not in ended.out + ended.err
    assert "eyJ" not in ended.out + ended.err


def test_a_site_may_trust_another_issuer(command, world):
    (world.folders.config / "sites" / "HERE.yaml").write_text(
        "gocdb: HERE\nendpoint: https://k.eu/v3\nissuer: https://here.eu/realms/x\n"
    )
    assert command("login", "--site", "HERE").code == 0
    assert [one["issuer"] for one in kept(world)] == ["https://here.eu/realms/x"]


def test_a_site_that_there_is_not_is_refused(command):
    assert command("login", "--site", "NOWHERE").code == 1


def test_a_logout_ends_the_login_and_forgets_it(command, world, issuer):
    command("login")
    ended = command("logout")
    assert ended.out == f"Logged out at {EGI}.\n"
    assert kept(world) == []
    assert issuer == set()


def test_a_logout_works_although_the_issuer_refuses(command, world, issuer):
    command("login")
    issuer.clear()
    assert command("logout").code == 0
    assert kept(world) == []


def test_a_logout_without_a_login_is_told_and_no_failure(command):
    ended = command("logout")
    assert (ended.code, ended.out) == (0, f"There was no login at {EGI}.\n")
