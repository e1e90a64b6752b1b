"""Host keys out of a console, whom we trust, and the wait for a machine."""

from __future__ import annotations

import base64
import threading
import time
from dataclasses import replace

import pytest

from orchestrator.drivers import command, ssh
from orchestrator.errors import DeploymentFailedError, InterruptedRunError


def key(kind="ssh-ed25519", body=b"k" * 32):
    parts = [kind.encode(), body]
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return base64.b64encode(blob).decode()


NEW, OLD = key(body=b"n" * 32), key(body=b"o" * 32)


def block(*lines):
    return "\r\n".join(
        ["-----BEGIN SSH HOST KEY KEYS-----", *lines, "-----END SSH HOST KEY KEYS-----", ""]
    )


def hosts(console):
    return ssh.known_hosts_from_console(console, address="198.51.100.17")


def test_keys_are_read_from_the_last_whole_block():
    console = (
        block(f"ssh-ed25519 {OLD} root@old")
        + "[   12.5] random: crng init done\r\n"
        + block(f"ssh-ed25519 {NEW} root@sky", f"<14>cloud-init: ssh-ed25519 {NEW} root@sky")
        + "-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 AAAA"
    )
    assert hosts(console) == [f"198.51.100.17 ssh-ed25519 {NEW}"]


@pytest.mark.parametrize(
    "console",
    [
        "",
        "no keys here",
        block(),
        block(f"ssh-ed25519 {NEW[:-12]}"),
        block(f"ssh-rsa {NEW}"),
        f"ssh-ed25519 {NEW}",
        f"-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 {NEW}",
    ],
    ids=["empty", "nothing", "empty block", "cut off", "another kind", "no block", "no end"],
)
def test_what_is_not_whole_is_not_trusted(console):
    assert hosts(console) == []


def test_another_port_is_written_as_openssh_wants_it():
    (line,) = ssh.known_hosts_from_console(block(f"ssh-ed25519 {NEW}"), address="::1", port=2222)
    assert line.startswith("[::1]:2222 ssh-ed25519 ")


def test_a_new_key_takes_the_place_of_older_ones_of_its_host(workdir, node):
    assert not ssh.is_trusted(workdir, node)
    ssh.trust(workdir, ["192.0.2.1 ssh-ed25519 other", f"{node.address} ssh-ed25519 {OLD}"])
    ssh.trust(workdir, [f"{node.address} ssh-ed25519 {NEW}"])
    assert ssh.is_trusted(workdir, node)
    assert workdir.known_hosts.read_text().splitlines() == [
        "192.0.2.1 ssh-ed25519 other",
        f"{node.address} ssh-ed25519 {NEW}",
    ]


def test_a_key_is_made_once_with_a_plain_comment(workdir):
    env = {"PATH": "/usr/bin:/bin"}
    public = ssh.make_key(workdir, name='sky"]\nruncmd: [id]', env=env)
    assert public.split()[2].replace("-", "").isalnum()
    assert "\n" not in public
    assert ssh.make_key(workdir, name="another", env=env) == public
    assert workdir.private_key.stat().st_mode & 0o077 == 0


def test_a_login_uses_nothing_of_the_persons(workdir, node):
    argv = ssh.ssh_argv(node, workdir=workdir, command=["uptime"])
    assert argv[:3] == ["ssh", "-F", "/dev/null"]
    assert argv[-3:] == ["--", node.address, "uptime"]
    assert "-oStrictHostKeyChecking=yes" in argv


@pytest.fixture
def wait(monkeypatch, workdir, node):
    """Wait on a machine that gives one answer after the other, the last one for ever."""

    def run(*answers, seconds=5.0, stop=None, on_wait=lambda text: None):
        left = list(answers)

        def answer(argv, **_options):
            code, words = left.pop(0) if len(left) > 1 else left[0]
            return command.Answer(code=code, stdout="", stderr=words)

        monkeypatch.setattr(ssh.command, "run", answer)
        return ssh.wait_until_ssh(
            node,
            workdir=workdir,
            env={},
            deadline=time.monotonic() + seconds,
            stop=stop or threading.Event(),
            on_wait=on_wait,
            pause=0.0,
        )

    return run


def test_ssh_alone_is_not_enough(wait):
    seen = []
    refused = (255, "Connection refused")
    assert wait(refused, refused, (75, ""), (75, ""), (0, ""), on_wait=seen.append)
    assert seen == ["sky: waiting for SSH", "sky: cloud-init is at work"]


def test_errors_of_cloud_init_are_told(wait):
    assert not wait((1, ""))


def test_a_machine_that_never_answers_is_given_up(wait):
    with pytest.raises(DeploymentFailedError, match="not ready in time") as caught:
        wait((255, "ssh: connect to host: Connection timed out"), seconds=0.05)
    assert caught.value.facts["ssh says"] == "ssh: connect to host: Connection timed out"


def test_another_host_key_ends_the_wait_at_once(wait):
    with pytest.raises(DeploymentFailedError, match="another host key"):
        wait((255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"))


def test_a_stop_ends_the_wait(wait):
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedRunError):
        wait((255, ""), stop=stop)


def test_paths_with_spaces_and_percents_are_quoted(workdir):
    from orchestrator.workdir import Workdir

    odd = Workdir(workdir.path / "a b%d")
    assert any('a b%%d/ssh/known_hosts"' in option for option in ssh.options(odd))


def test_nodes_on_other_ports_are_other_hosts(workdir, node):
    ssh.trust(workdir, [f"{node.address} ssh-ed25519 {NEW}"])
    assert not ssh.is_trusted(workdir, replace(node, port=2222))
