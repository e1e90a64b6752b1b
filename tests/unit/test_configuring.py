"""From addresses to a working machine: whom we trust, what is run, what it depends on."""

from __future__ import annotations

import os
import shlex
import threading
from dataclasses import replace

import pytest

from orchestrator.catalogue.usecases import find_use_case
from orchestrator.configuring import Configuration
from orchestrator.drivers.ansible import PlaybookResult
from orchestrator.errors import DeploymentFailedError, InterruptedRunError, SiteError
from orchestrator.journal import Journal
from orchestrator.keeping import keep
from orchestrator.model import Hop
from tests.unit.simulations import Cloud, Server, host_key


@pytest.fixture
def told():
    return []


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def configuration(world, workdir, told, stop):
    return Configuration(
        workdir=workdir,
        environment=world.environment,
        journal=Journal(told.append),
        stop=stop,
    )


@pytest.fixture
def applied(deployment, node, world):
    """A deployment whose one server exists."""
    world.resources["server", node.name] = deployment.id
    world.servers[node.name] = Server()
    return replace(deployment, nodes=(node,), parameters={"colour": "red"})


@pytest.fixture
def server(applied, world):
    return world.servers["sky"]


@pytest.fixture
def reach(configuration, applied, world, told):
    """Reach the nodes; return how the phase ended, in its own words."""

    def run(seconds=5.0):
        journal = Journal(told.append)
        with journal.phase("reach") as log:
            configuration.reach(applied, Cloud(world, "SIM"), seconds=seconds, log=log)
        return told[-1].text

    return run


# --- reach


def test_a_host_key_is_taken_from_the_console(reach, workdir, server):
    assert reach() == "ssh egi@198.51.100.17, host key as the console shows it"
    assert workdir.known_hosts.read_text() == f"198.51.100.17 {host_key()}\n"


def test_a_host_key_that_the_console_no_longer_shows_stays_known(reach, server):
    reach()
    server.console = "the log has moved on"
    assert reach() == "ssh egi@198.51.100.17, host key as before"


def test_another_host_key_that_the_console_does_not_show_is_refused(reach, server, workdir):
    workdir.known_hosts.write_text(f"198.51.100.17 {host_key('x')}\n")
    server.console = "nothing of keys"
    with pytest.raises(DeploymentFailedError, match="another host key"):
        reach()


def test_the_console_has_the_last_word_on_a_host_key(reach, server, workdir):
    workdir.known_hosts.write_text(f"198.51.100.17 {host_key('x')}\n")
    reach()
    assert workdir.known_hosts.read_text() == f"198.51.100.17 {server.key}\n"


def test_a_silent_console_is_waited_for_and_then_the_machine_is_believed(
    reach, server, monkeypatch
):
    monkeypatch.setattr("orchestrator.configuring._CONSOLE_PATIENCE", 0.0)
    server.console = "the site shows no keys"
    assert reach().endswith("host key as the machine itself shows it: its console showed none")


def test_a_machine_that_shows_nothing_is_not_ready_in_time(reach, server):
    server.console = ""
    server.answers = False
    with pytest.raises(DeploymentFailedError, match=r"no SSH at 198\.51\.100\.17:22"):
        reach(seconds=0.0)


@pytest.mark.parametrize("status", ["SHUTOFF", "ERROR", "gone"])
def test_a_machine_that_has_stopped_is_not_waited_for(reach, server, status):
    server.status = status
    with pytest.raises(DeploymentFailedError, match=f"the site says {status}"):
        reach()


def test_what_a_machine_printed_that_is_not_reached_is_kept(reach, server, workdir):
    server.console, server.answers = "kernel panic", False
    with pytest.raises(DeploymentFailedError):
        reach(seconds=0.0)
    (kept,) = workdir.runs.glob("*-console-sky.txt")
    assert kept.read_text() == "kernel panic"


INITRAMFS = """\
[    3.112873] virtio_blk virtio0: [vda] 6291456 512-byte logical blocks (3.22 GB/3.00 GiB)\r
Begin: Running /scripts/local-block ... done.\r
Begin: Running /scripts/local-block ... done.\r
done.\r
Gave up waiting for root file system device.  Common problems:\r
 - Boot args (cat /proc/cmdline)\r
   - Check rootdelay= (did the system wait long enough?)\r
 - Missing modules (cat /proc/modules; ls /dev)\r
ALERT!  PARTUUID=3c7b1ff2-4d4c-4d0a-9c27-5a0a2b6d1d50 does not exist.  Dropping to a shell!\r
\r
\r
BusyBox v1.35.0 (Debian 1:1.35.0-4+b3) built-in shell (ash)\r
Enter 'help' for a list of built-in commands.\r
\r
\x1b[6n(initramfs) """
PANIC = """\
[    2.913020] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[    2.913713] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.0-25-cloud-amd64 #1  Debian 6.1.106-3
[    2.914992] Kernel Offset: 0x1c000000 from 0xffffffff81000000
[    2.915413] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---
"""
EMERGENCY = """\
[\x1b[0;1;31m TIME \x1b[0m] Timed out waiting for device /dev/vdb.\r
[\x1b[0;1;38:5:185mDEPEND\x1b[0m] Dependency failed for /srv.\r
[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mEmergency Mode\x1b[0m.\r
You are in emergency mode. After logging in, type "journalctl -xb" to view\r
system logs, "systemctl reboot" to reboot, or "exit"\r
to continue bootup.\r
\r
Cannot open access to console, the root account is locked.\r
See sulogin(8) man page for more details.\r
\r
Press Enter to continue.\r
"""
BOOTING = "".join(f"[{second:12.6f}] systemd[1]: Started unit {second}.\n" for second in range(20))


@pytest.mark.parametrize(
    ("console", "why", "line"),
    [
        (INITRAMFS, "does not find its system disk", "ALERT!  PARTUUID=3c7b1ff2"),
        (PANIC, "in a panic", "---[ end Kernel panic"),
        (EMERGENCY, "emergency mode", "You are in emergency mode"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_a_machine_whose_boot_has_ended_is_not_waited_for(
    reach, server, workdir, console, why, line, known
):
    if known:
        # It was reached at its first boot, whose keys its console still shows.
        reach()
        console = server.console + console
    server.console, server.answers = console, False
    with pytest.raises(DeploymentFailedError, match=f"^sky: .*{why}") as caught:
        reach(seconds=600.0)
    assert line in caught.value.facts["its console"]
    assert caught.value.way_out
    (kept,) = workdir.runs.glob("*-console-sky.txt")
    assert kept.read_bytes().decode() == console


@pytest.mark.parametrize("ended", [INITRAMFS, PANIC, EMERGENCY])
def test_a_machine_that_was_started_again_is_judged_by_its_last_boot(reach, server, ended):
    server.console = f"{ended}\n{BOOTING}{server.console}"
    assert reach() == "ssh egi@198.51.100.17, host key as the console shows it"


def test_a_broken_machine_is_told_in_novas_words(reach, server, world):
    server.status = "ERROR"
    world.faults = {"sky, in Nova's words": "No valid host was found."}
    with pytest.raises(SiteError, match="no room for a machine") as caught:
        reach()
    assert caught.value.facts == {"sky, in Nova's words": "No valid host was found."}


def test_a_stop_ends_the_wait_for_a_console(reach, server, stop):
    server.console = ""
    stop.set()
    with pytest.raises(InterruptedRunError):
        reach()


def test_errors_of_cloud_init_are_told(reach, server, monkeypatch):
    monkeypatch.setattr("orchestrator.drivers.ssh.wait_until_ssh", lambda *_, **__: False)
    assert reach().endswith("cloud-init had errors")


@pytest.fixture
def behind(applied, node, world):
    """A second node, first by name, to which the other one is the door."""
    inner = replace(
        node,
        name="sky-a",
        address="10.0.0.6",
        hop=Hop(host=node.address, user=node.user, port=node.port),
    )
    world.resources["server", inner.name] = applied.id
    world.servers[inner.name] = Server(key=host_key("i"))
    return replace(applied, nodes=(inner, node))


def test_the_door_is_reached_before_what_is_behind_it(
    configuration, behind, world, workdir, told, monkeypatch
):
    known = {}

    def wait(node, **_):
        known[node.name] = workdir.known_hosts.read_text().splitlines()
        return True

    monkeypatch.setattr("orchestrator.drivers.ssh.wait_until_ssh", wait)
    with Journal(told.append).phase("reach") as log:
        configuration.reach(behind, Cloud(world, "SIM"), seconds=5.0, log=log)
    assert list(known) == ["sky", "sky-a"]
    assert known["sky-a"] == [f"198.51.100.17 {host_key()}", f"10.0.0.6 {host_key('i')}"]


# --- the playbook and the checks


@pytest.fixture
def use_case(world, workdir):
    """The toy as the deployment keeps it."""
    return keep(workdir, find_use_case("toy", [world.folders.config / "usecases"]))


def test_the_playbook_gets_the_parameters_and_its_tasks_are_told(
    configuration, applied, use_case, world, told
):
    with Journal(told.append).phase("configure") as log:
        configuration.run_playbook(applied, use_case, log=log)
    assert world.playbooks == [{"hosts": ["sky"], "colour": "red"}]
    assert [one.text for one in told] == ["", "toy : Unpack the toy", "2 tasks, 1 changed"]


def test_ansible_is_told_what_leads_to_a_node_and_only_for_that_one(
    configuration, behind, use_case, workdir, told, monkeypatch
):
    given = {}

    def run(_workdir, *, inventory, **_):
        given.update(inventory["all"]["hosts"])
        return PlaybookResult(code=0, ok=1, changed=0, failures=(), log=workdir.runs)

    monkeypatch.setattr("orchestrator.drivers.ansible.run_playbook", run)
    with Journal(told.append).phase("configure") as log:
        configuration.run_playbook(behind, use_case, log=log)
    (option,) = shlex.split(given["sky-a"]["ansible_ssh_common_args"])
    assert option.startswith("-oProxyCommand=ssh ")
    assert option.endswith("-p 22 -l egi -- 198.51.100.17")
    assert "ansible_ssh_common_args" not in given["sky"]


def test_checks_that_hold_are_counted(configuration, applied, use_case, server, told):
    server.services.add("toy")
    with Journal(told.append).phase("verify") as log:
        configuration.verify(applied, use_case, log=log)
    assert [one.text for one in told] == ["", "the toy plays", "1 of 1 checks hold"]


def test_checks_that_fail_are_named(configuration, applied, use_case, told):
    with (
        pytest.raises(DeploymentFailedError, match="1 of its checks fail") as caught,
        Journal(told.append).phase("verify") as log,
    ):
        configuration.verify(applied, use_case, log=log)
    assert caught.value.facts == {"the toy plays": "toy is not active"}


def test_a_node_that_no_longer_answers_is_named(configuration, applied, server):
    configuration.require_answer(applied)
    server.answers = False
    with pytest.raises(DeploymentFailedError, match="sky is there as described, but does not"):
        configuration.require_answer(applied)


# --- what the configuration depends on


@pytest.fixture
def digest(configuration, applied, world, workdir):
    """Take the present use case and return the digest, with other values of the deployment if given."""

    def make(**other):
        taken = keep(workdir, find_use_case("toy", [world.folders.config / "usecases"]))
        return configuration.digest(replace(applied, **other), taken)

    return make


def check_changes(digest, change):
    before = digest()
    assert digest() == before
    change()
    assert digest() != before


def test_the_digest_changes_with_the_playbook(digest, world):
    check_changes(digest, lambda: _append(world.use_case_folder / "playbook.yml"))


def test_the_digest_changes_with_a_file_of_a_role(digest, world):
    check_changes(digest, lambda: _append(world.role_folder / "tasks" / "main.yml"))


def test_the_digest_changes_with_a_new_file_of_a_role(digest, world):
    check_changes(digest, (world.role_folder / "tasks" / "more.yml").touch)


def test_the_digest_changes_with_the_name_of_a_file(digest, world):
    tasks = world.role_folder / "tasks"
    check_changes(digest, lambda: os.rename(tasks / "main.yml", tasks / "other.yml"))


def test_the_digest_changes_with_a_check(digest, world):
    file = world.use_case_folder / "usecase.yaml"
    check_changes(digest, lambda: file.write_text(file.read_text().replace("plays", "sings")))


def test_the_digest_changes_with_a_parameter(digest):
    assert digest(parameters={"colour": "blue"}) != digest()


@pytest.mark.parametrize(
    "other", [{"address": "198.51.100.18"}, {"groups": ("ball",)}, {"private_ip": "10.0.0.6"}]
)
def test_the_digest_changes_with_the_inventory(digest, node, other):
    assert digest(nodes=(replace(node, **other),)) != digest()


def test_the_digest_does_not_depend_on_the_order_of_parameters_or_on_another_role(digest, world):
    before = digest(parameters={"a": 1, "b": 2})
    other = world.role_folder.parent / "other"
    other.mkdir()
    (other / "main.yml").touch()
    assert digest(parameters={"b": 2, "a": 1}) == before


def test_the_digest_does_not_depend_on_what_leads_to_a_node(digest, node):
    gate = Hop(host="gate", ours=False)
    assert digest(nodes=(replace(node, hop=gate),)) == digest()


def test_the_digest_does_not_depend_on_the_deployments_own_record(digest):
    assert digest(failure="boom", versions={"terraform": "2"}) == digest()


def _append(file) -> None:
    file.write_text(file.read_text() + "# changed\n")
