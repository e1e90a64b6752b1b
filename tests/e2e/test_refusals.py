"""What goes wrong before anything exists: a message with thing, cause and way out, and the exit code."""

from __future__ import annotations

import time

import pytest
from openstack.connection import Connection

from tests.e2e.people import PROJECT, Person, at_the_site, token_of

pytestmark = pytest.mark.e2e

DEPLOY = ("deploy", "probe", "--site", "SANDBOX")


def refusal(person: Person, *arguments: str, code: int, **env: str) -> str:
    return person.run(*arguments, code=code, **env).stderr


def test_a_site_that_does_not_serve_the_vo_is_answered_at_once(person):
    start = time.monotonic()
    text = refusal(person, "deploy", "docker", "--site", "CESGA", code=1)
    spent = time.monotonic() - start
    assert "CESGA-CLOUD (asked for as CESGA) does not serve vo.access.egi.eu" in text
    assert "IN2P3-IRES" in text
    assert "orchestrator login" in text
    print(f"answered in {spent:.2f} s")


def test_an_unknown_site_gets_near_names(person):
    assert "SCAI" in refusal(person, "deploy", "docker", "--site", "SCIA", code=1)


def test_an_unknown_use_case_gets_near_names(person):
    assert "docker" in refusal(person, "deploy", "dokcer", "--site", "SANDBOX", code=1)


def test_a_member_who_is_no_vm_operator_is_told_which_role_to_ask_for(person):
    text = refusal(person, *DEPLOY, code=4, OIDC_ACCESS_TOKEN=token_of("member"))
    assert "vm_operator" in text
    assert "vo.access.egi.eu" in text


def test_somebody_of_another_vo_is_not_let_in(person):
    text = refusal(person, *DEPLOY, code=4, OIDC_ACCESS_TOKEN=token_of("other-vo"))
    assert "vo.access.egi.eu" in text


def test_somebody_of_another_vo_may_plan_there(person):
    plan = ("plan", "probe", "--site", "SANDBOX", "--vo", "eosc-synergy.eu", "--name", "theirs")
    out = person.run(*plan, code=2, OIDC_ACCESS_TOKEN=token_of("other-vo")).stdout
    assert "11 to create" in out
    person.run("destroy", "theirs", OIDC_ACCESS_TOKEN=token_of("other-vo"))


def test_what_is_no_token_is_said_so(person):
    assert "not an access token" in refusal(person, *DEPLOY, code=4, OIDC_ACCESS_TOKEN="rubbish")


def test_an_expired_token_is_refused_with_its_age(person):
    # A real token of two seconds would need a client of its own; its claims are read, not verified.
    import base64
    import json

    head, body, mark = token_of("operator").split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["exp"] = int(time.time()) - 600
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    text = refusal(person, *DEPLOY, code=4, OIDC_ACCESS_TOKEN=f"{head}.{body}.{mark}")
    assert "expired 10 min ago" in text


def test_no_login_names_the_ways_to_log_in(person):
    site = person.home / "config" / "sites"
    site.mkdir(parents=True)
    (site / "SANDBOX.yaml").write_text("gocdb: SANDBOX\ntoken_command: []\n")
    text = refusal(person, *DEPLOY, code=4)
    assert "orchestrator login --site SANDBOX" in text
    assert "OIDC_ACCESS_TOKEN" in text


def test_a_flavor_that_is_not_there_gets_near_names(person):
    text = refusal(person, *DEPLOY, "--set", "flavor=m1.mediun", code=1)
    assert "m1.medium" in text
    assert "nothing was created" in text.lower()


def test_an_image_nobody_has_is_named(person):
    folder = person.home / "config" / "usecases" / "probe"
    text = (folder / "usecase.yaml").read_text()
    (folder / "usecase.yaml").write_text(
        text.replace("distribution: debian", "distribution: plan9")
    )
    text = refusal(person, *DEPLOY, code=5)
    assert "plan9" in text


def test_a_quota_that_is_too_small_is_told_before_anything_is_made(person, admin: Connection):
    project = admin.identity.find_project(PROJECT, ignore_missing=False).id
    before = at_the_site(admin)
    cores = admin.compute.get_quota_set(project).cores
    admin.set_compute_quotas(project, cores=0)
    try:
        text = refusal(person, *DEPLOY, code=5)
    finally:
        admin.set_compute_quotas(project, cores=cores)
    assert "cores" in text
    assert "0 of 0" in text
    assert at_the_site(admin) == before


def test_a_taken_name_is_refused_for_another_use_case(person):
    person.run("plan", "probe", "--site", "SANDBOX", "--name", "mine", code=2)
    text = refusal(person, "deploy", "docker", "--site", "SANDBOX", "--name", "mine", code=1)
    assert "probe, asked for docker" in text


def test_without_terraform_it_says_what_to_install(person, tmp_path):
    (tmp_path / "bin").mkdir()
    for program in ("python3", "ssh-keygen"):
        (tmp_path / "bin" / program).symlink_to(f"/usr/bin/{program}")
    (person.home / "cache").unlink()
    text = refusal(person, *DEPLOY, code=1, PATH=str(tmp_path / "bin"))
    assert "there is no terraform on this machine" in text or "provider" in text
    assert "orchestrator doctor --install" in text


def test_without_the_provider_it_says_how_to_get_it(person):
    (person.home / "cache").unlink()
    text = refusal(person, *DEPLOY, code=1)
    assert "orchestrator doctor --install" in text


def test_two_commands_at_once_on_one_name_do_not_both_work(person):
    plan = ("plan", "probe", "--site", "SANDBOX", "--name", "twice")
    person.run(*plan, code=2)
    both = [person.start(*plan), person.start(*plan)]
    said = [process.communicate(timeout=120)[0] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([2, 2], [2, 3]), said
    if codes == [2, 3]:
        assert any("being worked on by another run" in text for text in said)


@pytest.mark.parametrize(
    ("vo", "said"), [("full.sandbox", "no room left"), ("expired.sandbox", "is deactivated")]
)
def test_what_the_site_cannot_give_is_refused_before_anything_is_created(
    vo: str, said: str, person: Person, admin: Connection
):
    before = at_the_site(admin)
    ended = person.run("deploy", "docker", "--site", "SANDBOX", "--vo", vo, "--name", "x", code=5)
    assert said in ended.stderr
    assert at_the_site(admin) == before
