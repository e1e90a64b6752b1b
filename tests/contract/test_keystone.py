"""Check-in to Keystone over real HTTP: what is sent, and what each refusal means."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.auth import device, keystone, refreshing
from orchestrator.auth.issuer import Issuer
from orchestrator.auth.robot import RobotToken
from orchestrator.errors import LoginError, SiteError
from tests.contract import checkin

pytestmark = pytest.mark.contract

VO = "vo.access.egi.eu"
MEMBER = [f"urn:mace:egi.eu:group:{VO}:role=member#aai.egi.eu"]


def token(site, **claims):
    return checkin.access_token(site.issuer, **claims)


@pytest.fixture
def good(cloud, site):
    made = token(site)
    cloud.accepts = {made.raw}
    return made


def login(site, access_token, *, project_id="p1", vo=VO):
    return keystone.login(site, access_token, project_id=project_id, vo=vo)


def refused(site, access_token, kind=LoginError, **given):
    with pytest.raises(kind) as caught:
        login(site, access_token, **given)
    assert access_token.raw not in f"{caught.value.message}{caught.value.facts}"
    assert caught.value.way_out
    return caught.value


def test_a_login_is_one_post_and_one_listing(site, good, cloud):
    found = login(site, good)
    assert (found.token, found.user_id, found.user_name) == ("unscoped", "u1", "abc@egi.eu")
    assert [project.id for project in found.projects] == ["p1"]
    assert found.expires_at.year == 2036
    assert [path for path, _ in cloud.seen] == [checkin.AUTH.format("openid"), "/v3/auth/projects"]
    assert "unscoped" not in repr(found)


def test_a_project_is_found_by_its_vo_where_the_file_names_none(site, good):
    assert login(site, good, project_id=None).project_id == "p1"


@pytest.mark.parametrize("written", ["openid", "oidc", "other"])
def test_the_other_name_of_the_protocol_is_tried(site, good, cloud, written):
    cloud.protocol = "oidc"
    assert login(replace(site, protocol=written), good).token == "unscoped"


def test_the_surroundings_do_not_leak_in(site, good, cloud, monkeypatch, tmp_path):
    monkeypatch.setenv("OS_TOKEN", "leak")
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:1/v3")
    monkeypatch.setenv("OS_CLOUD", "leak")
    monkeypatch.setenv("HOME", str(tmp_path))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ada password leak\n")
    netrc.chmod(0o600)
    login(site, good)
    assert cloud.seen[0][1] == f"Bearer {good.raw}"
    assert "Basic" not in cloud.seen[1][1]


def test_a_member_without_the_role_is_told_which(site):
    error = refused(site, token(site, eduperson_entitlement=MEMBER))
    assert "S does not let you in: you are a member of" in error.message
    assert "vm_operator" in error.message


def test_the_issuer_is_asked_where_the_token_does_not_tell(site, cloud):
    cloud.userinfo = {"sub": "abc", "eduperson_entitlement": MEMBER}
    assert "you are a member of" in refused(site, token(site)).message


def refusal(description=""):
    return {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{description}"'}


def test_what_the_site_says_of_a_token_is_told(site, cloud):
    cloud.headers = refusal("JWT token could not be validated")
    error = refused(site, token(site))
    assert error.facts["the site says"] == "JWT token could not be validated"


@pytest.mark.parametrize("said", ["wrong audience", "claim 'aud' is not one of ours"])
def test_a_token_for_somebody_else_is_told_as_such(site, cloud, said):
    cloud.headers = refusal(said)
    error = refused(site, token(site, aud=["another-client"]))
    assert "wrong audience" in error.message
    assert error.facts["it is for"] == "another-client"


@pytest.mark.parametrize(("seconds", "how"), [(-600, "10 min ahead of"), (7260, "2 h behind")])
def test_clocks_that_differ_are_told_as_the_cause(site, cloud, seconds, how):
    cloud.date = seconds
    error = refused(site, token(site))
    assert f"this machine is {how} that of S" in error.message
    assert "timedatectl" in error.way_out[0]


def test_a_site_that_is_behind_the_issuer_takes_a_token_for_one_of_the_future(site):
    error = refused(site, token(site, iat=time.time() + 30))
    assert "is behind that of" in error.message
    assert "again in" in error.way_out[0]


def test_a_good_token_that_is_refused_all_the_same(site):
    error = refused(site, token(site))
    assert "(HTTP 401)" in error.message
    assert error.facts["VOs in it"] == "none"


def test_another_issuers_token_never_leaves(site, cloud):
    refused(site, token(site, iss="https://evil.eu/realms/egi"))
    assert cloud.seen == []


def test_a_dead_token_never_leaves(site, cloud):
    assert "expired" in refused(site, token(site, exp=time.time() - 5)).message
    assert cloud.seen == []


def test_403_404_and_500_are_told_apart(site, cloud):
    cloud.status = 403
    assert "HTTP 403" in refused(site, token(site)).message
    cloud.status = 503
    assert "HTTP 503" in refused(site, token(site), SiteError).message
    cloud.protocol = "none-of-them"
    error = refused(site, token(site), SiteError)
    assert error.facts["identity provider"] == "egi.eu"


def test_a_redirect_is_not_followed_with_the_token(site, cloud):
    cloud.status = 302
    refused(site, token(site), SiteError)
    assert len(cloud.seen) == 1


def test_a_vo_without_a_project_for_this_person(site, good):
    error = refused(site, good, project_id="elsewhere", vo="unknown.vo")
    assert error.facts == {"project": "elsewhere", "you may enter": "access"}


def test_an_answer_without_a_listing_is_the_sites_error_and_no_want_of_rights(site, good, cloud):
    cloud.listing = {"error": "the database is away"}
    refused(site, good, SiteError)


def test_two_projects_of_one_vo_are_not_guessed_between(site, good, cloud):
    cloud.listing = {"projects": [*checkin.PROJECTS, {"id": "p3", "name": "more", "egi.VO": VO}]}
    assert refused(site, good, project_id=None).facts == {"access": "p1", "more": "p3"}


def test_nothing_listening_is_said_so(site):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    closed = replace(site, endpoint=f"http://127.0.0.1:{port}/v3")
    assert "connection refused" in refused(closed, token(site), SiteError).message


def test_silence_ends(site, monkeypatch):
    monkeypatch.setattr(keystone, "_TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        quiet = replace(site, endpoint=f"http://127.0.0.1:{port}/v3")
        assert "in time" in refused(quiet, token(site), SiteError).message


def test_what_speaks_no_tls_is_said_so(site):
    plain = replace(site, endpoint=site.endpoint.replace("http:", "https:"))
    assert "TLS" in refused(plain, token(site), SiteError).message


def test_device_refresh_and_service_account(site, cloud, tmp_path):
    cloud.access_token = token(site).raw
    issuer = Issuer(url=site.issuer, client_id="c")
    tokens = refreshing.RefreshTokens(folder=tmp_path)
    assert device.login(issuer, tokens, tell=lambda _: None).subject == "abc@egi.eu"
    assert refreshing.KeptLogin(issuer=issuer, tokens=tokens).access_token()
    assert RobotToken(issuer=issuer, secret="s").access_token()
    assert [form.get("grant_type", "start").rpartition(":")[2] for form in cloud.forms] == [
        "start",
        "device_code",
        "refresh_token",
        "client_credentials",
    ]
    cloud.refresh_token = "other"
    with pytest.raises(LoginError, match="not active"):
        refreshing.KeptLogin(issuer=issuer, tokens=tokens).access_token()


def test_an_issuer_that_is_down_or_untrusted_is_said_so():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    issuer = Issuer(url=f"http://127.0.0.1:{port}/realms/egi", client_id="c", ca_bundle=Path("/x"))
    with pytest.raises(SiteError, match="cannot be reached"):
        issuer.refresh("r")
