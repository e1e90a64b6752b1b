"""Every site of a VO asked at once over real HTTP: none of them costs another one anything."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.auth import access
from orchestrator.auth.access import Outcome
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError, SiteError
from orchestrator.model import Share, Site
from tests.contract import checkin

pytestmark = pytest.mark.contract

VO = "vo.access.egi.eu"
ISSUER = "https://aai.egi.eu/auth/realms/egi"
MEMBER = [f"urn:mace:egi.eu:group:{VO}:role=member#aai.egi.eu"]


def token(**claims) -> AccessToken:
    return checkin.access_token(ISSUER, **claims)


@pytest.fixture
def mine():
    return token(eduperson_entitlement=MEMBER)


@pytest.fixture
def tokens(mine):
    return {ISSUER: mine}


@pytest.fixture
def open_site():
    """Start a Keystone of that name that takes the given tokens."""
    with ExitStack() as stack:

        def start(name: str, *accepted: AccessToken, **site) -> Site:
            cloud = stack.enter_context(checkin.running())
            cloud.accepts = {one.raw for one in accepted}
            start.clouds[name] = cloud
            return described(name, f"{cloud.url}/v3", **site)

        start.clouds = {}
        yield start


def described(name: str, endpoint: str, **more) -> Site:
    share = Share(vo=VO, project_id="p1")
    return Site(name=name, endpoint=endpoint, shares=(share,), origin=f"{name}.yaml", **more)


@contextmanager
def listening():
    """A port that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"http://127.0.0.1:{silent.getsockname()[1]}/v3"


@contextmanager
def dripping():
    """A port that sends one more header every tenth of a second, for ever."""
    import threading

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def drip() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                try:
                    connection.sendall(b"X-More: 1\r\n")
                except OSError:
                    return
                time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v3"


def closed() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v3"


def only(answers):
    (answer,) = answers
    return answer


def test_a_yes_is_proven_by_the_sites_own_list_of_projects(open_site, mine, tokens):
    answer = only(access.ask([open_site("S", mine)], VO, tokens))
    assert (answer.outcome, answer.project_id, answer.project_name) == (Outcome.YES, "p1", "access")
    assert answer.why == "project access (p1)"
    paths = [path for path, _ in open_site.clouds["S"].seen]
    assert paths == [checkin.AUTH.format("openid"), "/v3/auth/projects"]
    assert answer.seconds > 0


def test_a_member_without_the_role_is_refused_in_those_words(open_site, tokens):
    answer = only(access.ask([open_site("S")], VO, tokens))
    assert answer.outcome is Outcome.REFUSED
    assert f"you are a member of {VO}, but only the role vm_operator" in answer.why
    assert "https://aai.egi.eu/registry/" in answer.way_out[0]


def test_one_who_may_enter_other_projects_only_is_refused(open_site, mine, tokens):
    site = open_site("S", mine)
    open_site.clouds["S"].listing = {"projects": [{"id": "p9", "name": "else", "enabled": True}]}
    assert only(access.ask([site], VO, tokens)).outcome is Outcome.REFUSED


def test_a_dead_a_silent_and_a_dripping_site_cost_the_others_nothing(open_site, mine, tokens):
    with listening() as silent, dripping() as slow:
        sites = [
            described("SILENT", silent),
            described("SLOW", slow),
            described("DEAD", closed()),
            open_site("GOOD", mine),
        ]
        heard: list[str] = []
        answers = access.ask(
            sites, VO, tokens, timeout=5.0, on_answer=lambda one: heard.append(one.site)
        )
    assert [one.site for one in answers] == ["SILENT", "SLOW", "DEAD", "GOOD"]
    assert [one.outcome for one in answers] == [Outcome.NO_ANSWER] * 3 + [Outcome.YES]
    assert "connection refused" in answers[2].why
    assert set(heard[:2]) == {"DEAD", "GOOD"}


def test_an_untrusted_certificate_is_told_and_no_token_sent(open_site, tokens):
    site = open_site("S")
    untrusted = replace(site, ca_bundle=Path("/no/such/ca.pem"))
    answer = only(access.ask([untrusted], VO, tokens))
    assert answer.outcome is Outcome.UNTRUSTED
    assert "no token was sent" in answer.why
    assert open_site.clouds["S"].seen == []


def test_a_site_of_another_issuer_is_passed_over_with_a_word(open_site, mine, tokens):
    other = open_site("OTHER", mine, issuer="https://other.eu/realms/x")
    answers = access.ask([other, open_site("S", mine)], VO, tokens)
    assert [one.outcome for one in answers] == [Outcome.SKIPPED, Outcome.YES]
    assert "https://other.eu/realms/x" in answers[0].why
    assert open_site.clouds["OTHER"].seen == []


def test_a_site_without_check_in_is_passed_over_with_a_word(open_site, tokens):
    site = open_site("S", auth="v3applicationcredential")
    answer = only(access.ask([site], VO, tokens))
    assert answer.outcome is Outcome.SKIPPED
    assert "v3applicationcredential" in answer.why


@pytest.mark.parametrize("projects", ["text", [7], [{"name": "no id"}], None, {"a": 1}])
def test_a_listing_that_makes_no_sense_is_that_sites_own_failure(open_site, mine, tokens, projects):
    site = open_site("S", mine)
    open_site.clouds["S"].listing = {"projects": projects}
    answers = access.ask([site, open_site("GOOD", mine)], VO, tokens)
    assert [one.outcome for one in answers] == [Outcome.NO_ANSWER, Outcome.YES]
    assert "makes no sense" in answers[0].why


def test_no_token_is_shown_in_any_answer(open_site, mine, tokens):
    open_site("S")
    answers = access.ask([open_site("A"), open_site("B", mine)], VO, tokens)
    assert mine.raw not in repr(answers)


def test_a_bug_of_ours_is_raised_and_not_taken_for_an_answer(open_site, tokens, monkeypatch):
    def broken(*_args, **_named):
        raise ZeroDivisionError

    monkeypatch.setattr("orchestrator.auth.keystone.login", broken)
    with pytest.raises(ZeroDivisionError):
        access.ask([open_site("S")], VO, tokens)


def test_one_token_is_gathered_for_each_issuer(mine):
    sites = [
        described("A", "https://a.eu/v3"),
        described("B", "https://b.eu/v3"),
        described("C", "https://c.eu/v3", issuer="https://other.eu"),
    ]
    asked: list[str] = []

    def source(site: Site) -> AccessToken:
        asked.append(site.name)
        if site.name == "A":
            raise LoginError("A names no source")
        return mine

    found = access.gather_tokens(sites, source)
    assert asked == ["A", "B", "C"]
    assert found[ISSUER] is mine
    assert "it comes from another issuer" in found["https://other.eu"].message


def test_without_any_token_the_first_reason_is_raised():
    def source(site: Site) -> AccessToken:
        raise LoginError(f"no login for {site.name}")

    with pytest.raises(LoginError, match="no login for A"):
        access.gather_tokens([described("A", "https://a.eu/v3")], source)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.REFUSED, Outcome.YES, Outcome.NO_ANSWER], 0),
        ([Outcome.REFUSED, Outcome.NO_ANSWER, Outcome.SKIPPED], LoginError.exit_code),
        ([Outcome.NO_ANSWER, Outcome.UNTRUSTED], SiteError.exit_code),
        ([Outcome.SKIPPED], SiteError.exit_code),
    ],
)
def test_the_verdict_is_the_exit_code(outcomes, code):
    answers = [access.Answer(site="S", outcome=one, why="") for one in outcomes]
    assert access.verdict(answers) == code
