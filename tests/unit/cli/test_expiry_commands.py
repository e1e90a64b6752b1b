"""orchestrator extend and expire"""

from __future__ import annotations

import json
import re
import sys

import pytest

from orchestrator.errors import SiteError


@pytest.fixture
def overdue(command, sky, world):
    """A deployment whose end has come."""
    set_end(world, "2026-01-01 00:00:00")
    return sky


def set_end(world, moment):
    import sqlite3

    with sqlite3.connect(world.folders.data / "store.sqlite") as connection:
        connection.execute("UPDATE deployments SET expires_at = ?", (moment,))


def soon(hours):
    from datetime import UTC, datetime, timedelta

    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}"


def test_an_end_is_put_off_and_shown(command, sky):
    assert "sky now ends on " in command("extend", sky, "--days", "30").out
    assert re.search("in (29|30) days", command("list").out)


def test_the_machines_are_told_the_new_end(command, sky, world):
    out = command("extend", sky, "--days", "30").out
    assert len(world.servers["sky-toy"].ends) == 2
    assert "could not be told" not in out


def test_a_machine_that_is_off_is_named_with_what_starts_it(command, sky, world):
    world.servers["sky-toy"].answers = False
    ended = command("extend", sky, "--days", "30")
    assert ended.code == 0
    assert "sky-toy could not be told (Connection timed out)" in ended.out
    assert "make deploy SITE=SIM" in ended.out
    assert command("extend", sky, "--json").value["untold"] == {"sky-toy": "Connection timed out"}
    world.servers["sky-toy"].answers = True
    command("deploy", "toy", "--site", "SIM", "--name", "sky")
    assert len(world.servers["sky-toy"].ends) == 2


def test_a_credential_that_ends_before_the_new_end_is_said(command, world):
    (world.folders.config / "config.yaml").write_text("app_credential: true\n")
    command("deploy", "toy", "--site", "SIM", "--name", "sky")
    assert "application credential" not in command("extend", "sky", "--days", "9").out
    out = command("extend", "sky", "--days", "30").out
    assert "its application credential ends before; a deploy makes another: make deploy" in out
    command("deploy", "toy", "--site", "SIM", "--name", "sky")
    assert "application credential" not in command("extend", "sky", "--days", "31").out


def test_what_is_due_is_removed_without_any_login_by_the_credential(command, world, monkeypatch):
    (world.folders.config / "config.yaml").write_text("app_credential: true\n")
    command("deploy", "toy", "--site", "SIM", "--name", "sky")
    set_end(world, "2026-01-01 00:00:00")
    monkeypatch.delenv("OIDC_ACCESS_TOKEN")
    assert command("expire").code == 0
    assert world.resources == {}


def test_the_policy_has_the_last_word(command, sky, world):
    (world.folders.config / "config.yaml").write_text("longest_days: 10\n")
    ended = command("extend", sky, "--days", "30")
    assert ended.code == 3
    assert "(10 days in all)" in ended.err


def test_what_is_gone_has_no_end_to_put_off(command, sky):
    command("destroy", sky)
    assert command("extend", sky).code == 1


def test_what_is_due_is_removed_and_the_rest_stays(command, overdue, world):
    command("deploy", "toy", "--site", "SIM", "--name", "other")
    ended = command("expire")
    assert (ended.code, ended.out) == (0, "sky: its end had come, and it is gone\n")
    assert {name for _, name in world.resources} == {"other-toy"}


def test_a_site_that_is_down_is_told_and_tried_again(command, overdue, world):
    world.login_error = "SIM does not answer"
    ended = command("expire")
    assert ended.code == 6
    assert "SIM does not answer" in ended.out
    world.login_error = None
    assert command("expire").code == 0
    assert world.resources == {}


def test_an_end_that_is_put_off_while_others_are_removed_counts(
    command, overdue, world, monkeypatch
):
    command("deploy", "toy", "--site", "SIM", "--name", "other")
    set_end(world, "2026-01-01 00:00:00")
    login = world.login

    def put_off_meanwhile(*given, **named):
        set_end(world, soon(99))
        return login(*given, **named)

    monkeypatch.setattr("orchestrator.auth.keystone.login", put_off_meanwhile)
    assert command("expire").out == "other: its end had come, and it is gone\n"
    assert {name for _, name in world.resources} == {"sky-toy"}


def test_nothing_due_is_nothing_to_do(command, sky):
    ended = command("expire")
    assert (ended.code, ended.out) == (0, "Nothing ends today.\n")


def test_a_hook_is_told_once_before_the_end(command, sky, world, tmp_path):
    told = tmp_path / "told"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    hook = json.dumps([sys.executable, "-c", script])
    (world.folders.config / "config.yaml").write_text(f"warning_hook: {hook}\n")
    set_end(world, soon(5))
    assert "ends within a day" in command("expire").out
    command("expire")
    (line,) = told.read_text().splitlines()
    assert json.loads(line)["extend"] == "orchestrator extend sky --days 7"


def test_a_hook_that_fails_is_told_and_called_again(command, sky, world):
    hook = json.dumps([sys.executable, "-c", "import sys; sys.exit('no mail server')"])
    (world.folders.config / "config.yaml").write_text(f"warning_hook: {hook}\n")
    set_end(world, soon(5))
    for _ in range(2):
        assert "the warning hook failed: no mail server" in command("expire").out


def test_a_mail_server_that_is_down_is_told_and_asked_again_and_the_hook_is_not(
    command, sky, world, tmp_path, monkeypatch
):
    told = tmp_path / "told"
    hook = json.dumps(["sh", "-c", f"cat >>{told}"])
    letter = "{host: smtp.sim.eu, from: o@sim.eu, to: [ada@sim.eu]}"
    config = world.folders.config / "config.yaml"
    config.write_text(f"warning_hook: {hook}\nwarning_mail: {letter}\n")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    set_end(world, soon(5))
    letters = []

    def send(server, **letter):
        letters.append((server.port, letter["to"], letter["subject"]))
        if len(letters) == 1:
            raise SiteError("the mail server smtp.sim.eu:587 took no letter: it is down")
        return ()

    monkeypatch.setattr("orchestrator.drivers.mail.send", send)
    assert "took no letter: it is down" in command("expire").out
    assert "it ends within a day" in command("expire").out
    assert command("expire").out == "Nothing ends today.\n"
    assert len(letters) == 2
    assert letters[1][:2] == (587, ("ada@sim.eu",))
    assert letters[1][2].startswith("sky at SIM ends on ")
    assert told.read_text().count("extend sky") == 1


def test_a_program_reads_what_became_of_each(command, overdue):
    (value,) = command("expire", "--json").values
    assert (value["what"], value["deployment"]["phase"]) == ("removed", "destroyed")
