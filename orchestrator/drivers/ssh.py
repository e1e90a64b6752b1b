"""SSH with the deployment's own key, its own known_hosts, and nothing of the person's."""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.causes import SSH, cause_of
from orchestrator.drivers import command
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import DeploymentFailedError, InterruptedRunError, SetupError
from orchestrator.model import Hop, Node
from orchestrator.names import in_url
from orchestrator.workdir import Workdir

OnWait = Callable[[str], None]

# The place that ssh has been told, as it writes it into the command of a proxy.
_ASKED_FOR = "[%h]:%p"
# Shorter than a node's own, which runs at the same time: else nobody hears who was silent.
_PATIENCE_OF_A_HOP = "-oConnectTimeout=6"
_WITH_PORT = re.compile(
    r"(?P<user>[^@]*@)?(\[(?P<six>[^]]+)\]|(?P<name>[^:@]+))(:(?P<port>[0-9]+))?"
)
_CHANGED = re.compile(r"Host key for (\S+) has changed")
_NO_BANNER = re.compile("exchange_identification|banner exchange")
_AGAINST_A_HOST = re.compile(
    r"^(ssh: .*|.*: Permission denied \(.*|Host key verification failed\.)", re.MULTILINE
)

# 75 says "not yet": a short answer, so that a stop is not waited for. Without cloud-init, or
# where it is switched off, there is nothing to wait for. The result is read from the file that
# cloud-init writes last: `cloud-init status` is a program that costs a small machine seconds.
_BOOTED = """\
command -v cloud-init >/dev/null || exit 0
[ -e /run/cloud-init/disabled ] && exit 0
n=0
while [ ! -s /run/cloud-init/result.json ]; do
  [ $n -ge 20 ] && exit 75
  n=$((n + 1)); sleep 0.25
done
grep -qF '"errors": []' /run/cloud-init/result.json || exit 1
exit 0
"""
_NOT_YET = 75
_NO_CONNECTION = 255


def make_key(workdir: Workdir, *, name: str, env: Mapping[str, str]) -> str:
    """Return the deployment's public key, made with its private key where there is none yet.

    A public key alone was taken from the site's listing: its private one is elsewhere.
    """
    if not workdir.public_key.is_file():
        workdir.private_key.unlink(missing_ok=True)
        comment = re.sub(r"[^A-Za-z0-9._-]", "-", name)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment]
        answer = command.run(
            [*argv, "-f", str(workdir.private_key)], env=child_environment(env), timeout=30
        )
        if answer.code != 0:
            raise SetupError("no SSH key could be made", facts={"it says": answer.last_words})
    return workdir.public_key.read_text(encoding="utf-8").strip()


def options(workdir: Workdir) -> list[str]:
    """Return what every ssh to a node is given: our key, our known_hosts, no configuration."""
    settings = {
        "IdentityFile": _quoted(workdir.private_key),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": _quoted(workdir.known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "ForwardAgent": "no",
        "ConnectTimeout": "20",  # two handshakes, where a bastion is in between
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "LogLevel": "ERROR",
    }
    # The person's own configuration may send addresses elsewhere.
    return ["-F", "/dev/null", *(f"-o{name}={value}" for name, value in settings.items())]


def ssh_argv(node: Node, *, workdir: Workdir, command: Sequence[str] = ()) -> list[str]:
    """Return the command line with which a person logs in, or runs a command on the node."""
    place = ["-p", str(node.port), "-l", node.user, "--", node.address]
    return ["ssh", *options(workdir), *proxy_options(node, workdir), *place, *command]


def proxy_options(node: Node, workdir: Workdir) -> list[str]:
    """Return what an ssh to this node alone is given: nothing where it is reached straight."""
    if node.hop is None:
        return []
    return [_proxy_command(forward_argv(node.hop, target=_ASKED_FOR, workdir=workdir))]


def forward_argv(hop: Hop, *, target: str, workdir: Workdir, more: Sequence[str] = ()) -> list[str]:
    """Return the ssh that joins its standard input and output to a target behind the hop."""
    if hop.ours:
        place = ["-p", str(hop.port or 22), "-l", hop.user or "root", "--", hop.host]
        return ["ssh", _PATIENCE_OF_A_HOP, *options(workdir), *more, "-W", target, *place]
    config = ["-F", hop.ssh_config] if hop.ssh_config else []
    return _through_theirs(hop.host.split(","), target=target, more=[*config, *more])


def _through_theirs(hosts: Sequence[str], *, target: str, more: Sequence[str]) -> list[str]:
    """Return the ssh through hosts of the person's: their configuration and keys lead there."""
    *first, last = hosts
    # With -J the first ones would be asked by an ssh that may ask for a password.
    before = _through_theirs(first, target=_ASKED_FOR, more=more) if first else []
    through = [_proxy_command(before)] if before else []
    # A connection that they share is used; one of ours would outlive us.
    quiet = ["-oBatchMode=yes", _PATIENCE_OF_A_HOP, "-oForwardAgent=no", "-oControlMaster=no"]
    return ["ssh", *more, *quiet, *through, "-W", target, *_destination(last)]


def _proxy_command(words: Sequence[str]) -> str:
    # ssh replaces %h and %p; every other % is meant as it is.
    quoted = [one if one == _ASKED_FOR else shlex.quote(one).replace("%", "%%") for one in words]
    return f"-oProxyCommand={' '.join(quoted)}"


def _destination(host: str) -> list[str]:
    """Return user@host:port as ssh takes it: it knows no port in a name."""
    found = _WITH_PORT.fullmatch(host)
    if found is None:
        return ["--", host]
    port = ["-p", found["port"]] if found["port"] else []
    return [*port, "--", f"{found['user'] or ''}{found['six'] or found['name']}"]


def wait_until_ssh(
    node: Node,
    *,
    workdir: Workdir,
    env: Mapping[str, str],
    deadline: float,
    stop: threading.Event,
    on_wait: OnWait = lambda _text: None,
    pause: float = 2.0,
) -> bool:
    """Wait until SSH answers and cloud-init has ended; tell whether cloud-init had no errors.

    ``deadline`` is a time.monotonic(); an sshd that runs before cloud-init has ended is not enough.
    """
    told = ""
    while True:
        if stop.is_set():
            raise InterruptedRunError(
                f"stopped while waiting for {node.name}",
            )
        code, words = _ask(node, workdir=workdir, env=env)
        if code not in (_NOT_YET, _NO_CONNECTION):
            return code == 0
        raise_if_hopeless(node, words, workdir)
        now = "cloud-init is at work" if code == _NOT_YET else "waiting for SSH"
        if now != told:
            told = now
            on_wait(f"{node.name}: {now}")
        if time.monotonic() >= deadline:
            raise _silent(node, told, words)
        stop.wait(pause)


def host_in_known_hosts(address: str, port: int) -> str:
    """Return a place as a line of known_hosts has it."""
    return address if port == 22 else f"[{address}]:{port}"


def _ask(node: Node, *, workdir: Workdir, env: Mapping[str, str]) -> tuple[int, str]:
    argv = ssh_argv(node, workdir=workdir, command=[_BOOTED])
    batch = [argv[0], "-oBatchMode=yes", *argv[1:]]
    try:
        answer = command.run(batch, env=child_environment(env), timeout=90)
    except command.CommandTimeoutError as error:
        return _NO_CONNECTION, str(error)
    return answer.code, answer.stderr


def _quoted(path: Path) -> str:
    # ssh reads %d and the like in paths, and splits them at spaces.
    return '"' + str(path).replace("%", "%%") + '"'


def no_way_through(node: Node, words: str) -> DeploymentFailedError | None:
    """Return what ssh's words say against a host of the person's on the way to a node, or None."""
    found = _AGAINST_A_HOST.search(words)
    if node.hop is None or node.hop.ours or found is None:
        return None
    config = ["-F", node.hop.ssh_config] if node.hop.ssh_config else []
    *before, last = node.hop.host.split(",")
    through = ["-J", ",".join(before)] if before else []
    tried = shlex.join(["ssh", *config, *through, *_destination(last)])
    return DeploymentFailedError(
        f"there is no way to {node.name} through {node.hop.host}: ssh cannot log in there",
        facts={"ssh says": found[0].strip()},
        way_out=[f"make this work without a question: {tried}"],
    )


def raise_if_hopeless(node: Node, words: str, workdir: Workdir) -> None:
    """Raise DeploymentFailedError where waiting would change nothing."""
    if "HOST IDENTIFICATION HAS CHANGED" in words:
        named = _CHANGED.search(words)
        raise _other_key(
            node, named[1] if named else host_in_known_hosts(node.address, node.port), workdir
        )
    # Without a banner it was not the node that said it.
    refused = no_way_through(node, words) if _NO_BANNER.search(words) else None
    if refused is not None:
        raise refused


def _other_key(node: Node, host: str, workdir: Workdir) -> DeploymentFailedError:
    own = node.hop is None or host == host_in_known_hosts(node.address, node.port)
    who = node.name if own else f"{host}, through which {node.name} is reached,"
    kept = {"known keys": str(workdir.known_hosts)}
    return DeploymentFailedError(
        f"{who} shows another host key than before: it may be another machine",
        facts={"address": host, **(kept if own or (node.hop and node.hop.ours) else {})},
        way_out=["look at the machine at the site before you trust it"],
    )


def _silent(node: Node, told: str, words: str) -> DeploymentFailedError:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    # Behind a hop the cause stands before the line that says there was no banner.
    telling = [line for line in lines if not _NO_BANNER.search(line)] or lines
    through = {"through": node.hop.host} if node.hop else {}
    known = cause_of(telling[-1], where=SSH) if telling else None
    return DeploymentFailedError(
        f"{node.name} is not ready in time: {known.message if known else told}",
        facts={
            "address": f"{in_url(node.address)}:{node.port}",
            **through,
            "ssh says": telling[-1] if telling else "nothing",
        },
        way_out=known.way_out if known else (),
    )
