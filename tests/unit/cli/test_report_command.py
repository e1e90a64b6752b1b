"""orchestrator report, and the raw logs: everything that a ticket needs, and no canary."""

from __future__ import annotations

import json
import stat
import tarfile

import pytest

from tests.unit.tokens import jwt

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb-{}\n-----END OPENSSH PRIVATE KEY-----\n"
FERNET = "gAAAAABlcanary0123456789abcdefghijklmnop"


@pytest.fixture
def folder(world, failed):
    """The work folder of a deployment that failed, with a canary in every file that a report reads."""
    (folder,) = world.folders.deployments.iterdir()
    (folder / "secrets" / "toy.secret").write_text("canary-of-the-toy")
    (folder / "ssh" / "id_ed25519").write_text(KEY.format("canary-key"))
    world.folders.tokens.mkdir(parents=True, exist_ok=True)
    kept = {"refresh_token": "canary-refresh-0123", "issuer": "https://sso.sim.eu/auth"}
    (world.folders.tokens / "kept.json").write_text(json.dumps(kept))
    plan = [
        {"@level": "info", "type": "planned_change", "change": {
            "action": "create", "resource": {"addr": "module.nodes.server"}}},
        {"@level": "info", "type": "change_summary", "@message": "Plan: 1 to add"},
        {"@level": "error", "type": "diagnostic", "diagnostic": {
            "severity": "error", "summary": f"no room; sent {FERNET}"}},
    ]  # fmt: skip
    lines = "".join(json.dumps(event) + "\n" for event in plan)
    (folder / "runs" / "0090-terraform-plan.jsonl").write_text(lines + "canary-of-the-toy\n")
    (folder / "runs" / "0091-terraform-plan.err").write_text(f"panic: {jwt(name='canary')}\n")
    (folder / "runs" / "0092-ansible.txt").write_text("")
    printed = folder / "ansible" / "artifacts" / "0092-ansible" / "stdout"
    printed.parent.mkdir(parents=True)
    printed.write_text("TASK [Say it]\n  toy_password: canary-typed\n  canary-of-the-toy\n")
    console = "cloud-init: " + KEY.format("canary-other") + "login: \n"
    (folder / "runs" / "0093-console-sky-toy.txt").write_text(console)
    for run in (folder / "runs").glob("*-run-*.jsonl"):
        with run.open("a") as file:
            file.write(json.dumps({"phase": "apply", "text": "Bearer canary-0123456789"}) + "\n")
    return folder


@pytest.fixture
def unpacked(command, folder, tmp_path):
    """Make a report; return its file and what is in it, by name."""
    target = tmp_path / "ticket.tar.gz"
    ended = command("report", "sky", "--output", str(target))
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == str(target)
    with tarfile.open(target) as bundle:
        members = {one.name.removeprefix("ticket/"): one for one in bundle.getmembers()}
        assert {one.mode for one in members.values()} == {0o600}
        texts = {name: bundle.extractfile(one).read().decode() for name, one in members.items()}
    assert ended.out.split()[1:] == list(texts)
    return target, texts


def test_it_holds_what_a_ticket_needs(unpacked):
    _, texts = unpacked
    assert json.loads(texts["record.json"])["name"] == "sky"
    assert "flavor: small" in texts["choices.txt"]
    assert "a run began" in texts["events.txt"]
    assert json.loads(texts["versions.json"])["now"]["ansible-core"][0].isdigit()
    assert texts["plan.txt"] == "create  module.nodes.server\nPlan: 1 to add\n"
    assert "the last run failed: the mirror is silent" in texts["errors.txt"]
    assert "no room" in texts["errors.txt"]
    runs = [name for name in texts if name.startswith("runs/")]
    assert "runs/0092-ansible.txt" in runs
    assert "runs/0093-console-sky-toy.txt" in runs


def test_no_canary_is_in_it_and_it_is_for_its_owner_alone(unpacked, world):
    target, texts = unpacked
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {name: text for name, text in texts.items() if "canary" in text} == {}
    assert world.token() not in "".join(texts.values())
    assert "TASK [Say it]" in texts["runs/0092-ansible.txt"]


def test_a_file_that_is_there_is_not_overwritten(command, folder, tmp_path):
    target = tmp_path / "mine.tar.gz"
    target.write_text("mine")
    ended = command("report", "sky", "--output", str(target))
    assert ended.code == 1
    assert "--output" in ended.err
    assert target.read_text() == "mine"


def test_a_destroyed_deployment_has_a_report_too(command, sky, tmp_path):
    command("destroy", sky)
    ended = command("report", sky, "--output", str(tmp_path / "t.tar.gz"), "--json")
    assert ended.value["files"] == ["record.json", "choices.txt", "events.txt", "versions.json"]


def test_raw_logs_are_shown_with_secrets_struck_out(command, folder):
    ended = command("logs", "sky", "--raw")
    assert ended.code == 0
    assert "--- runs/0090-terraform-plan.jsonl" in ended.out
    assert "--- ansible/artifacts/0092-ansible/stdout" in ended.out
    assert "TASK [Say it]" in ended.out
    assert "canary" not in ended.out
