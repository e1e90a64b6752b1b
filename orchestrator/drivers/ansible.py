"""Ansible through ansible-runner: a clean environment, events, and an end that leaves nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestrator import paths
from orchestrator.causes import ANSIBLE, ANSIBLE_KILLED, Cause, cause_of
from orchestrator.drivers import leftovers, ssh
from orchestrator.drivers.environment import child_environment
from orchestrator.drivers.sockets import shared_connections
from orchestrator.errors import DeploymentFailedError, InterruptedRunError, SetupError
from orchestrator.workdir import Workdir, write_atomically

OnTask = Callable[[str], None]

# What ansible-runner sets for its own callback plugin.
_RUNNERS_OWN = frozenset(
    {
        "ANSIBLE_CALLBACK_PLUGINS",
        "ANSIBLE_STDOUT_CALLBACK",
        "ANSIBLE_RETRY_FILES_ENABLED",
        "ANSIBLE_ROLES_PATH",
        "AWX_ISOLATED_DATA_DIR",
        "RUNNER_OMIT_EVENTS",
        "RUNNER_ONLY_FAILED_EVENTS",
    }
)
_FAILED = ("runner_on_failed", "runner_on_unreachable")
_GRACE = 60.0
# Seconds. Ansible looks after its workers many times a second, and never after Mitogen's process,
# for whose answer it waits for ever.
_UNNOTICED = 15.0
_LONGEST, _HEAD = 600, 200
# apt's own last words name neither the package nor what its script said.
_PACKAGE = re.compile(r"^dpkg: error processing .*\n .*$", re.MULTILINE)
# Ids in it come from the site: Ansible would take any text of an inventory for a template.
_INVENTORY = "inventory.json"
_AGAIN = "run the same command again: it goes on from here"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """A task that failed on a host, in Ansible's words."""

    host: str
    task: str
    message: str
    cause: Cause | None = None  # where it is a known one


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookResult:
    """How a playbook ended; the counts are of tasks, summed over the hosts."""

    code: int | None  # None where Ansible died of a signal
    ok: int
    changed: int
    failures: tuple[TaskFailure, ...]
    log: Path

    def raise_if_failed(self) -> None:
        """Raise DeploymentFailedError naming the first task that failed."""
        if self.code == 0:
            return
        facts = {f"{one.host}, {one.task}": one.message for one in self.failures}
        known = next((one.cause for one in self.failures if one.cause), None)
        because = f": {known.message}" if known else ""
        raise DeploymentFailedError(
            f"the configuration of the nodes failed{because}",
            facts={**facts, "log": str(self.log)},
            way_out=known.way_out if known else [_AGAIN, "or destroy the deployment"],
        )


@dataclass(slots=True)
class _Watcher:
    """What is learnt from the events of one run, and how that run is ended."""

    on_task: OnTask
    stop: threading.Event
    deadline: float
    secrets: tuple[str, ...] = ()
    pid: int | None = None
    ended_at: float | None = None
    ok: int = 0
    changed: int = 0
    error: Exception | None = None  # what a callback of ours raised
    failures: list[TaskFailure] = field(default_factory=list)
    dead: dict[int, float] = field(default_factory=dict)  # since when, of those that work for it

    def event(self, event: Mapping[str, Any]) -> bool:
        """Learn from an event; no file is written for it."""
        self.pid = event.get("pid") or self.pid
        try:
            self._learn(event)
        except Exception as error:
            # It would be swallowed or leave Ansible running: told when Ansible has ended.
            self.error = self.error or error
        return False

    def _learn(self, event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        kind = event.get("event")
        if kind == "playbook_on_task_start":
            self.on_task(str(data.get("task", "")))
        elif kind == "playbook_on_stats":
            self.ok, self.changed = _total(data.get("ok")), _total(data.get("changed"))
        elif kind in _FAILED and not data.get("ignore_errors"):
            self.failures.append(_failure(data, self.secrets))

    def should_kill(self) -> bool:
        """Ask Ansible to end when it is time to; say True when that did not help.

        ansible-runner's own way kills the group, and Ansible's workers are in groups of their own.
        """
        asked = self.stop.is_set() or self.error or time.monotonic() > self.deadline
        if not (asked or self.ended_at or self._waits_for_the_dead()):
            return False
        if self.pid is None:
            return True
        if self.ended_at is None:
            self.ended_at = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        return time.monotonic() > self.ended_at + _GRACE

    def _waits_for_the_dead(self) -> bool:
        """Whether a process that works for Ansible was killed, and it has not seen that for long."""
        now = time.monotonic()
        dead = leftovers.dead_children(self.pid) if self.pid is not None else ()
        self.dead = {pid: self.dead.get(pid, now) for pid in dead}
        return any(now > since + _UNNOTICED for since in self.dead.values())


def run_playbook(
    workdir: Workdir,
    *,
    playbook: Path,
    inventory: Mapping[str, Any],
    env: Mapping[str, str],
    extravars: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
    roles: Path = paths.ANSIBLE_ROLES,
    after: Sequence[Path] = (),
    on_task: OnTask = lambda _name: None,
    stop: threading.Event | None = None,
    timeout: float = 3600.0,
) -> PlaybookResult:
    """Run a playbook on the nodes of a deployment, and others ``after`` it.

    ``extravars`` are what people gave: nothing in them is evaluated. ``secrets`` are struck out
    of what Ansible said, also of a task that was not told to be silent. Raises
    DeploymentFailedError naming the tasks that failed, InterruptedRunError when stopped.
    """
    stop = stop or threading.Event()
    watcher = _Watcher(
        on_task=on_task, stop=stop, deadline=time.monotonic() + timeout, secrets=tuple(secrets)
    )
    folder = _prepare(workdir, inventory, extravars or {})
    with shared_connections(env) as sockets:
        whole = _in_order(folder, [playbook, *after])
        config = _config(whole, folder=folder, workdir=workdir, roles=roles)
        own = _environment(env, folder=folder, workdir=workdir, sockets=sockets)
        log = Path(config.artifact_dir, "stdout")
        try:
            code = _run(config, own, watcher)
        finally:
            _strike_out(log, secrets)
    _require_own_end(code, watcher, folder)
    if code != 0 and not watcher.failures:
        watcher.failures.append(
            _unnamed(log, overdue=time.monotonic() > watcher.deadline, killed=code is None)
        )
    result = PlaybookResult(
        code=code,
        ok=watcher.ok,
        changed=watcher.changed,
        failures=tuple(watcher.failures),
        log=log,
    )
    result.raise_if_failed()
    return result


def strategy() -> dict[str, str]:
    """Return what keeps one Python on a node for all tasks, where Mitogen is installed.

    Each task starts its own otherwise, and is sent there: 0.4 s of CPU, 5 s on an emulated machine.
    """
    found = find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        return {}
    plugins = Path(found.origin).parent / "plugins" / "strategy"
    return {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(plugins)}


def write_variables(path: Path, variables: Mapping[str, Any]) -> None:
    """Write variables of which no text is ever taken for a template, or for anything but a text.

    As JSON, which Ansible reads wherever it reads YAML: of YAML's !unsafe it makes a number, a
    date or a yes of every text that looks like one, quoted or not.
    """
    write_atomically(path, json.dumps(_as_unsafe(variables), ensure_ascii=False, indent=1))


def _as_unsafe(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_unsafe(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_unsafe(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return {"__ansible_unsafe": str(value)}  # a date too, which JSON has no type for


def _prepare(workdir: Workdir, inventory: Mapping[str, Any], variables: Mapping[str, Any]) -> Path:
    folder = workdir.path / "ansible"
    for part in (folder, folder / "project", folder / "home", workdir.secrets):
        part.mkdir(mode=0o700, exist_ok=True)
    write_variables(folder / _INVENTORY, inventory)
    write_atomically(folder / "ansible.cfg", "[defaults]\n")
    # In a file: an argument can be read by every process of this machine.
    write_variables(_variables_file(workdir), variables)
    return folder


def _in_order(folder: Path, playbooks: Sequence[Path]) -> Path:
    """Return a playbook that runs several, one after the other."""
    if len(playbooks) == 1:
        return playbooks[0]
    whole = folder / "project" / "all.yml"
    imports = [{"ansible.builtin.import_playbook": str(one)} for one in playbooks]
    write_atomically(whole, json.dumps(imports, indent=2))
    return whole


def _variables_file(workdir: Workdir) -> Path:
    return workdir.secrets / "variables.json"


def _config(playbook: Path, *, folder: Path, workdir: Workdir, roles: Path) -> Any:
    from ansible_runner.config.runner import RunnerConfig

    program = Path(sys.executable).parent / "ansible-playbook"
    if not program.is_file():
        raise SetupError(
            "ansible-playbook is missing beside this Python",
            facts={"looked for": str(program)},
            way_out=[f"{sys.executable} -m pip install 'ansible-core>=2.16.19'"],
        )
    return RunnerConfig(
        private_data_dir=str(folder),
        ident=workdir.next_run("ansible", suffix="txt").stem,
        playbook=str(playbook),
        inventory=str(folder / _INVENTORY),
        roles_path=str(roles),
        cmdline=shlex.join(["-e", f"@{_variables_file(workdir)}"]),
        suppress_env_files=True,
        rotate_artifacts=10,
        quiet=True,
    )


def _environment(
    env: Mapping[str, str], *, folder: Path, workdir: Workdir, sockets: Path
) -> dict[str, str]:
    own = child_environment(env)
    shared = ["-oControlMaster=auto", "-oControlPersist=60s"]
    return own | {
        "PATH": f"{Path(sys.executable).parent}:{own['PATH']}",
        # Neither the person's ansible.cfg nor one that lies where we happen to be.
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "home" / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_PIPELINING": "1",
        # Seconds until Python runs on a node, as its user and as root each: a busy one takes its time.
        # One that cannot be connected to is told sooner, by ssh's own option.
        "ANSIBLE_TIMEOUT": "120",
        "ANSIBLE_SSH_RETRIES": "3",
        "ANSIBLE_SSH_ARGS": shlex.join([*ssh.options(workdir), *shared]),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        **strategy(),
    }


def _run(config: Any, own: Mapping[str, str], watcher: _Watcher) -> int | None:
    from ansible_runner.runner import Runner

    config.prepare()
    # Seconds between two looks at should_kill; as a setting it is lost where no file has settings.
    config.pexpect_timeout = 1
    # ansible-runner starts from the whole environment of this process, tokens included, and
    # writes what it uses into a file.
    kept = {name: value for name, value in config.env.items() if name in _RUNNERS_OWN}
    config.env = {**kept, **own}
    runner = Runner(config, event_handler=watcher.event, cancel_callback=watcher.should_kill)
    runner.run()
    code: int | None = runner.rc
    return code


def _require_own_end(code: int | None, watcher: _Watcher, folder: Path) -> None:
    """See that nothing of it works on; raise what ended it where that was not it itself."""
    if code is None or watcher.ended_at is not None:
        # A signal ends Ansible before the processes that work for it, or without them.
        leftovers.end(folder)
    if watcher.error is not None:
        raise watcher.error
    if watcher.stop.is_set() and code != 0:
        raise InterruptedRunError("stopped while the nodes were being configured", way_out=[_AGAIN])


def _total(counts: Mapping[str, int] | None) -> int:
    return sum((counts or {}).values())


def _failure(data: Mapping[str, Any], secrets: Sequence[str]) -> TaskFailure:
    result = data.get("res") or {}
    return TaskFailure(
        host=str(data.get("host", "")),
        task=str(data.get("task", "")),
        message=_shortened(_struck_out(_words(result), secrets)),
        # A loop tells its failures inside.
        cause=cause_of(json.dumps(result, default=str), where=ANSIBLE),
    )


def _words(result: Mapping[str, Any]) -> str:
    """Return what a task said, of a loop what its failed items did."""
    items = [item for item in result.get("results") or () if item.get("failed")]
    if items:
        return "; ".join(f"{_named(item)}{_words(item)}" for item in items)
    return _packages(result) or _last_words(result)


def _packages(result: Mapping[str, Any]) -> str:
    """Return which packages failed and what their scripts said; nothing where none did."""
    found = _PACKAGE.findall(f"{result.get('stdout')}\n{result.get('stderr')}")
    return "; ".join(" ".join(one.split()) for one in dict.fromkeys(found))


def _last_words(result: Mapping[str, Any]) -> str:
    said = result.get("msg") or result.get("stderr") or result.get("module_stderr") or "no words"
    details = str(result.get("stderr") or "").strip().splitlines()
    message = " ".join(str(said).split())
    if details and details[-1] not in message:
        message = f"{message}: {details[-1]}"
    return message


def _shortened(text: str) -> str:
    """Leave out the middle: a program says first what it was asked for, and last why it failed."""
    return text if len(text) <= _LONGEST else f"{text[:_HEAD]} … {text[_HEAD - _LONGEST :]}"


def _named(item: Mapping[str, Any]) -> str:
    name = item.get("_ansible_item_label", item.get("item"))
    return f"{name}: " if isinstance(name, str | int) else ""


def _strike_out(log: Path, secrets: Sequence[str]) -> None:
    if secrets and log.is_file():
        text = log.read_text(encoding="utf-8", errors="replace")
        struck = _struck_out(text, secrets)
        if struck != text:
            write_atomically(log, struck)


def _struck_out(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _unnamed(log: Path, *, overdue: bool, killed: bool) -> TaskFailure:
    if overdue:
        return TaskFailure(host="all", task="the playbook", message="took too long and was ended")
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    said = " ".join(text.split())[-_LONGEST:] or "it said nothing"
    cause = ANSIBLE_KILLED if killed else cause_of(said, where=ANSIBLE)
    return TaskFailure(host="all", task="the playbook", message=said, cause=cause)
