"""How a node is reached, and the wait for it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from orchestrator.drivers import command, ssh
from orchestrator.errors import DeploymentFailedError, InterruptedRunError
from orchestrator.model import Hop


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

    def run(*answers, seconds=5.0, stop=None, on_wait=lambda text: None, node=node):
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


NO_BANNER = "kex_exchange_identification: Connection closed by remote host"
GATE = Hop(host="ada@gate.example:2222", ours=False, ssh_config="/home/ada/my config")


@pytest.mark.parametrize(
    "words",
    [
        "ssh: Could not resolve hostname gate.example: Name or service not known",
        "ada@gate.example: Permission denied (publickey).",
        "Host key verification failed.",
    ],
)
def test_a_host_of_the_persons_that_lets_nobody_through_ends_the_wait(wait, node, words):
    with pytest.raises(DeploymentFailedError, match="no way to sky through ada@gate") as caught:
        wait((255, f"{words}\r\n{NO_BANNER}\r\n"), node=replace(node, hop=GATE))
    assert caught.value.facts == {"ssh says": words}
    way = "ssh -F '/home/ada/my config' -p 2222 -- ada@gate.example"
    assert caught.value.way_out == (f"make this work without a question: {way}",)


@pytest.mark.parametrize(
    ("hop", "words"),
    [
        # The node's own words: there was a banner.
        (GATE, "egi@198.51.100.17: Permission denied (publickey)."),
        # The host let us through, the node behind it was not up.
        (GATE, f"stdio forwarding failed\n{NO_BANNER}"),
        # A bastion of ours may still boot.
        (Hop(host="198.51.100.18"), f"ssh: connect to host x: Connection refused\n{NO_BANNER}"),
    ],
)
def test_what_may_yet_become_good_is_waited_for(wait, node, hop, words):
    assert wait((255, words), (0, ""), node=replace(node, hop=hop))


def test_the_cause_is_told_and_not_that_there_was_no_banner(wait, node):
    hidden = replace(node, hop=Hop(host="198.51.100.18"))
    with pytest.raises(DeploymentFailedError) as caught:
        wait((255, f"stdio forwarding failed\n{NO_BANNER}\n"), seconds=0.05, node=hidden)
    assert caught.value.facts["ssh says"] == "stdio forwarding failed"
    assert caught.value.facts["through"] == "198.51.100.18"


def test_a_stop_ends_the_wait(wait):
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedRunError):
        wait((255, ""), stop=stop)


def test_paths_with_spaces_and_percents_are_quoted(workdir):
    from orchestrator.workdir import Workdir

    odd = Workdir(workdir.path / "a b%d")
    assert any('a b%%d/ssh/known_hosts"' in option for option in ssh.options(odd))


def forward(host, workdir, **given):
    return ssh.forward_argv(Hop(host=host, ours=False, **given), target="t:1", workdir=workdir)


def test_a_node_that_is_reached_straight_has_no_proxy(workdir, node):
    assert ssh.proxy_options(node, workdir) == []


def test_our_bastion_takes_our_key_and_nothing_of_the_persons(workdir):
    hop = Hop(host="2001:db8::1", port=2222, user="egi")
    argv = ssh.forward_argv(hop, target="[10.0.0.5]:22", workdir=workdir, more=["-vv"])
    assert argv[2:4] == ["-F", "/dev/null"]
    assert set(ssh.options(workdir)) <= set(argv)
    assert argv[-9:] == [
        "-vv",
        "-W",
        "[10.0.0.5]:22",
        "-p",
        "2222",
        "-l",
        "egi",
        "--",
        "2001:db8::1",
    ]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("gate", ["--", "gate"]),
        ("ada@gate", ["--", "ada@gate"]),
        ("ada@gate:2222", ["-p", "2222", "--", "ada@gate"]),
        ("gate:22", ["-p", "22", "--", "gate"]),
        ("2001:db8::1", ["--", "2001:db8::1"]),
        ("ada@2001:db8::1", ["--", "ada@2001:db8::1"]),
        ("ada@[2001:db8::1]:2222", ["-p", "2222", "--", "ada@2001:db8::1"]),
        ("[2001:db8::1]", ["--", "2001:db8::1"]),
        ("-oProxyCommand=id", ["--", "-oProxyCommand=id"]),
    ],
)
def test_a_persons_host_is_a_name_and_never_an_option(workdir, host, words):
    argv = forward(host, workdir)
    assert argv[argv.index("t:1") + 1 :] == words


def test_a_persons_host_takes_their_configuration_and_not_our_key(workdir):
    argv = forward("gate", workdir, ssh_config="/home/ada/my config")
    assert argv[:3] == ["ssh", "-F", "/home/ada/my config"]
    assert str(workdir.private_key) not in " ".join(argv)
    assert "-F" not in forward("gate", workdir)


def test_every_host_of_a_row_is_asked_without_a_question(workdir):
    argv = forward("one,two,three", workdir, ssh_config="/c")
    (first,) = [word for word in argv if word.startswith("-oProxyCommand=")]
    assert [*argv, first].count("-oBatchMode=yes") == 1
    assert first.count("-oBatchMode=yes") == 2
    assert first.count("-F /c") == 2
    assert argv[-1] == "three"
    assert first.endswith("-- two")


def test_a_percent_stays_one_through_every_level(workdir, node):
    from orchestrator.workdir import Workdir

    odd = Workdir(workdir.path / "50%h")
    (option,) = ssh.proxy_options(replace(node, hop=Hop(host="198.51.100.18")), odd)
    assert "50%%%%h/ssh/id_ed25519" in option
    assert " -W [%h]:%p " in option
