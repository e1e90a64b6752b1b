"""Access tokens: read, never shown, refused in time."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.auth.given import GivenToken
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError
from tests.unit.tokens import EGI, jwt


def test_a_token_tells_who_and_how_long():
    token = AccessToken.read(jwt(preferred_username="ada", eduperson_entitlement=["a", "b"]))
    assert (token.issuer, token.subject, token.username) == (EGI, "abc@egi.eu", "ada")
    assert token.entitlements == ("a", "b")
    assert 3590 < token.seconds_left() <= 3600


def test_a_token_is_never_shown():
    raw = jwt()
    assert raw not in repr(AccessToken.read(raw))
    assert raw not in repr(GivenToken(raw=raw))


@pytest.mark.parametrize(
    ("claim", "read"),
    [(None, None), ("a", ("a",)), ([], ()), (["a", 7, None], ("a",)), ({"a": 1}, None), (7, None)],
)
def test_malformed_entitlements_do_no_harm(claim, read):
    assert AccessToken.read(jwt(eduperson_entitlement=claim)).entitlements == read


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "opaque",
        "a.b",
        "a.!!!.c",
        "a.e30.c",
        "a.W10.c",
        jwt(exp="soon"),
        jwt(exp=1e300),
        "a.b.c.d",
    ],
)
def test_what_is_no_token_is_refused_without_repeating_it(raw):
    with pytest.raises(LoginError, match="is not an access token") as caught:
        AccessToken.read(raw)
    assert not raw or raw not in caught.value.message
    assert caught.value.way_out


@pytest.mark.parametrize("kind", ["Refresh", "Offline"])
def test_a_refresh_token_is_recognised(kind):
    with pytest.raises(LoginError, match="is a refresh token"):
        AccessToken.read(jwt(typ=kind))


def test_a_final_newline_and_slash_do_not_matter():
    token = AccessToken.read(jwt(iss=EGI + "/") + "\n")
    assert token.issuer == EGI
    token.require_issuer(EGI + "/", site="S", origin="the token")


def test_a_token_of_another_issuer_is_not_sent():
    with pytest.raises(LoginError, match="not sent there") as caught:
        AccessToken.read(jwt()).require_issuer("https://other/realms/egi", site="S", origin="it")
    assert caught.value.facts == {"token of": EGI, "S trusts": "https://other/realms/egi"}


@pytest.mark.parametrize(
    ("left", "said"),
    [(30, "expires in 30 s"), (-30, "expired 30 s ago"), (-600, "expired 10 min ago"),
     (-9000, "expired 2 h ago"), (-864000, "expired 10 days ago")],
)  # fmt: skip
def test_a_dying_token_is_refused_with_its_age(left, said):
    now = datetime.now(UTC)
    token = AccessToken(raw="r", issuer=EGI, subject="s", expires_at=now + timedelta(seconds=left))
    with pytest.raises(LoginError, match=f"the token {said}"):
        token.require_seconds(60, origin="the token", now=now)


def test_a_given_token_needs_a_minute():
    assert GivenToken(raw=jwt(left=90)).access_token().subject == "abc@egi.eu"
    with pytest.raises(LoginError, match="the given token expires in"):
        GivenToken(raw=jwt(left=50)).access_token()


def test_a_dead_given_token_is_no_reason_to_log_in_beside_it():
    with pytest.raises(LoginError) as caught:
        GivenToken(raw=jwt(left=-50)).access_token()
    assert caught.value.way_out[0] == "hand over a fresh one: OIDC_ACCESS_TOKEN"
    assert "unset" in caught.value.way_out[1]
