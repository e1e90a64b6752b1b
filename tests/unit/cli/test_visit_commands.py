"""orchestrator open, results, verify, secret and status of a use case that has all of it"""

from __future__ import annotations

import os
import signal
import threading
from xml.etree import ElementTree

import pytest

from orchestrator.cli import context
from tests.unit.test_visiting import MORE


@pytest.fixture
def full(command, world):
    """A ready deployment named sky of a toy that has something to open, to fetch and to tell."""
    file = world.use_case_folder / "usecase.yaml"
    file.write_text(file.read_text() + MORE)
    ended = command("deploy", "toy", "--site", "SIM", "--name", "sky")
    assert ended.code == 0
    return ended


def test_a_deploy_ends_with_what_can_be_opened(full):
    assert "  open            orchestrator open sky          The page\n" in full.out
    assert "                  orchestrator open sky --tunnel desk          The desk\n" in full.out


# --- open


@pytest.fixture
def interrupted(monkeypatch, world):
    """Press Ctrl-C as soon as a page is open; return the pages that a browser was shown."""
    shown = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    waited = threading.Event.wait

    def wait(event, timeout=None):
        if world.open_tunnels and timeout is None:
            os.kill(os.getpid(), signal.SIGINT)
        return waited(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", wait)
    earlier = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield shown
    for number, action in earlier.items():
        signal.signal(number, action)


def test_open_says_where_it_is_and_how_the_password_is_had_until_ctrl_c(
    command, full, interrupted, world
):
    ended = command("open", "sky")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "The page is at",
        "  http://127.0.0.1:40001/",
        "  user me, password: orchestrator secret sky toy_password",
        "Ctrl-C closes it.",
    ]
    assert ended.err.endswith("closed\n")
    assert world.open_tunnels == []
    assert interrupted == []


def test_open_shows_the_page_on_a_desktop_unless_told_not_to(
    command, full, interrupted, monkeypatch
):
    monkeypatch.setenv("DISPLAY", ":0")
    command("open", "sky", "--tunnel", "desk", "--port", "5000")
    command("open", "sky", "--no-browser")
    assert interrupted == ["http://127.0.0.1:5000/vnc.html"]


def test_a_program_reads_where_it_is(command, full, interrupted):
    assert command("open", "sky", "--json").value == {
        "event": "open",
        "url": "http://127.0.0.1:40001/",
        "tunnel": "page",
    }


# --- secret, results, status


def test_a_secret_is_printed_on_purpose_and_nowhere_else(command, full, world):
    secret = world.playbooks[0]["toy_password"]
    assert command("secret", "sky", "toy_password").out == f"{secret}\n"
    for words in (("show", "sky"), ("logs", "sky"), ("status", "sky"), ("list", "--json")):
        assert secret not in command(*words).out
    assert secret not in full.out + full.err
    assert command("secret", "sky", "nope").code == 1


def test_results_are_fetched_into_a_folder_of_the_deployments_name(
    command, full, world, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    world.node_files = {"/srv/toy/results/a.csv": b"1,2"}
    ended = command("results", "sky")
    assert ended.code == 0
    assert f"1 files are in {tmp_path}/sky-results, each with the right checksum." in ended.out
    assert (tmp_path / "sky-results" / "results" / "a.csv").read_bytes() == b"1,2"
    *_, last = command("results", "sky", "--json").values
    assert (last["files"], last["fetched"], last["left_out"]) == (1, 0, [])


def test_status_tells_what_the_use_case_says_of_itself(command, full):
    assert "  work: 3 of 7 steps\n" in command("status", "sky").out
    assert command("status", "sky", "--json").value["status"] == {"work": "3 of 7 steps"}


def test_a_machine_that_is_silent_is_not_asked_for_its_state(command, full, world):
    world.servers["sky-toy"].answers = False
    ended = command("status", "sky")
    assert ended.code == 6
    assert "work" not in ended.out


def test_list_asks_no_machine(command, full, world):
    world.servers["sky-toy"].answers = False
    assert command("list").code == 0


# --- verify


def test_all_that_holds_is_a_table_and_exit_code_0(command, full):
    ended = command("verify", "sky")
    assert ended.code == 0
    assert "ok   the toy plays   toy is active" in ended.out
    assert ended.out.endswith("1 of 1 checks hold.\n")


def test_what_does_not_hold_is_exit_code_6(command, full, world):
    world.servers["sky-toy"].services.clear()
    ended = command("verify", "sky")
    assert ended.code == 6
    assert "FAILS   the toy plays   toy is not active" in ended.out


def test_a_reboot_makes_every_check_twice(command, full, world, tmp_path):
    world.survive = ()
    ended = command("verify", "sky", "--reboot", "--junit", str(tmp_path / "checks.xml"))
    assert (ended.code, world.reboots) == (6, 1)
    assert "FAILS   the toy plays, after reboot" in ended.out
    assert ended.out.endswith("1 of 2 checks hold.\n")
    root = ElementTree.parse(tmp_path / "checks.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")


def test_nobody_reboots_a_machine_that_is_being_configured(command, full, world):
    store, deployment = context.existing("sky")
    with store.lease(deployment):
        assert command("verify", "sky", "--reboot").code == 3
        assert command("verify", "sky").code == 0
    assert world.reboots == 0


def test_a_program_reads_every_check(command, full):
    *_, last = command("verify", "sky", "--json").values
    (one,) = last["checks"]
    assert last["ok"]
    assert (one["node"], one["title"], one["seen"], one["after_reboot"]) == (
        "sky-toy",
        "the toy plays",
        "toy is active",
        False,
    )
