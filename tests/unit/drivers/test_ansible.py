"""What is learnt from Ansible's events, and what its files and environment hold."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import threading
import time
from datetime import date

import pytest

from orchestrator.causes import ANSIBLE_KILLED
from orchestrator.drivers import ansible, leftovers
from orchestrator.errors import DeploymentFailedError


@pytest.fixture
def watcher():
    return ansible._Watcher(
        on_task=lambda name: None, stop=threading.Event(), deadline=time.monotonic() + 60
    )


def failed(**result):
    data = {"host": "sky", "task": "Install Docker", "res": result}
    return {"event": "runner_on_failed", "pid": 1, "event_data": data}


def test_a_failure_names_host_task_and_words(watcher):
    watcher.event(failed(msg="non-zero return code", stderr="first\nE: no space left\n"))
    assert watcher.failures == [
        ansible.TaskFailure(
            host="sky", task="Install Docker", message="non-zero return code: E: no space left"
        )
    ]


def test_of_packages_those_that_fail_are_named_with_what_their_scripts_say(watcher):
    told = (
        "Setting up ca-certificates-java ...\n"
        "dpkg: error processing package ca-certificates-java (--configure):\n"
        " installed ca-certificates-java package post-installation script subprocess returned error"
        " exit status 134\n"
        "Processing triggers for libc-bin ...\n"
    )
    apt = "'/usr/bin/apt-get -y install topcat' failed: E: Sub-process /usr/bin/dpkg returned an error"
    watcher.event(failed(msg=apt, stdout=told, stderr=told))
    (failure,) = watcher.failures
    assert failure.message == (
        "dpkg: error processing package ca-certificates-java (--configure): installed"
        " ca-certificates-java package post-installation script subprocess returned error exit status 134"
    )
    assert failure.cause.key == "package_script"


def test_of_a_long_failure_beginning_and_end_are_told(watcher):
    watcher.event(failed(msg=f"apt-get install {'x ' * 900}failed: no room"))
    message = watcher.failures[0].message
    assert message.startswith("apt-get install x")
    assert message.endswith("x failed: no room")
    assert len(message) < 610


def test_an_ignored_failure_is_none(watcher):
    event = failed(msg="x")
    event["event_data"]["ignore_errors"] = True
    watcher.event(event)
    assert watcher.failures == []


def test_counts_come_from_the_recap(watcher):
    data = {"ok": {"a": 3, "b": 2}, "changed": {"a": 1}}
    watcher.event({"event": "playbook_on_stats", "event_data": data})
    assert (watcher.ok, watcher.changed) == (5, 1)


def test_no_event_becomes_a_file(watcher):
    assert watcher.event({"event": "verbose"}) is False


def test_a_stop_is_one_sigterm_to_ansible_itself(watcher):
    child = subprocess.Popen(["sleep", "60"])
    watcher.event({"event": "verbose", "pid": child.pid})
    assert not watcher.should_kill()
    watcher.stop.set()
    assert not watcher.should_kill()
    assert child.wait(timeout=5) == -signal.SIGTERM
    assert not watcher.should_kill()


def test_an_ansible_that_waits_for_a_dead_process_is_ended(watcher, monkeypatch):
    """The shell does not look after its child, as Ansible does not look after Mitogen's process."""
    shell = subprocess.Popen(["sh", "-c", "sleep 0 & exec sleep 60"])
    watcher.event({"event": "verbose", "pid": shell.pid})
    while not leftovers.dead_children(shell.pid):
        time.sleep(0.05)
    assert not watcher.should_kill()
    assert shell.poll() is None
    monkeypatch.setattr(ansible, "_UNNOTICED", 0.0)
    assert not watcher.should_kill()
    assert shell.wait(timeout=5) == -signal.SIGTERM


def test_an_ansible_that_does_not_end_is_killed(watcher):
    watcher.stop.set()
    assert watcher.should_kill()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"overdue": True, "killed": True}, ("took too long and was ended", None)),
        ({"overdue": False, "killed": True}, ("TASK x", ANSIBLE_KILLED)),
        ({"overdue": False, "killed": False}, ("TASK x", None)),
    ],
)
def test_an_end_without_a_failed_task_is_told_by_what_ended_it(tmp_path, how, said):
    log = tmp_path / "stdout"
    log.write_text("TASK\n  x\n")
    failure = ansible._unnamed(log, **how)
    assert (failure.message, failure.cause) == said


def test_every_text_of_people_is_marked_as_one_and_nothing_else_is(tmp_path):
    path = tmp_path / "variables.json"
    given = {"a": "{{ 1 }}", "b": ["x: y\n", 1], "c": {"d": True, "e": None}, "f": date(2026, 1, 2)}
    ansible.write_variables(path, given)
    text = {name: {"__ansible_unsafe": name} for name in ("{{ 1 }}", "x: y\n", "2026-01-02")}
    assert json.loads(path.read_text()) == {
        "a": text["{{ 1 }}"],
        "b": [text["x: y\n"], 1],
        "c": {"d": True, "e": None},
        "f": text["2026-01-02"],
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_environment_is_built(workdir, tmp_path):
    env = {"PATH": "/usr/bin", "ANSIBLE_CONFIG": "/home/x", "OS_TOKEN": "secret", "HOME": "/h"}
    own = ansible._environment(env, folder=tmp_path, workdir=workdir, sockets=tmp_path)
    assert "OS_TOKEN" not in own
    assert own["ANSIBLE_CONFIG"] == str(tmp_path / "ansible.cfg")
    assert own["PATH"].endswith(f"{os.pathsep}/usr/bin")
    assert str(workdir.known_hosts) in own["ANSIBLE_SSH_ARGS"]


def test_a_known_failure_is_told_by_its_cause_and_what_comes_next(watcher, tmp_path):
    lock = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 24459"
    watcher.event(failed(msg="apt-get failed", stderr=f"{lock}\nE: Unable to acquire the lock\n"))
    result = ansible.PlaybookResult(
        code=2, ok=1, changed=0, failures=tuple(watcher.failures), log=tmp_path / "stdout"
    )
    with pytest.raises(DeploymentFailedError, match="another program on the node") as caught:
        result.raise_if_failed()
    assert "in a few minutes" in caught.value.way_out[0]


def test_a_failure_inside_a_loop_is_known_too(watcher):
    item = {"failed": True, "msg": "toomanyrequests: You have reached your pull rate limit."}
    watcher.event(failed(msg="One or more items failed", results=[item]))
    assert watcher.failures[0].cause.key == "pull_limit"
