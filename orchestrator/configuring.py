"""From addresses to a working machine: reach it, run the playbook, check the result."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator import keeping, passwords, rendering, uploading, verifying
from orchestrator.catalogue.usecases import PLAYBOOK
from orchestrator.causes import CONSOLE, cause_of, with_faults
from orchestrator.drivers import ansible, hostkeys, ssh
from orchestrator.drivers.hops import answering_ports
from orchestrator.drivers.openstack import Cloud
from orchestrator.drivers.transfer import NodeFiles
from orchestrator.errors import DeploymentFailedError, InterruptedRunError, OrchestratorError
from orchestrator.extras import page_facts, switched_on, with_extras
from orchestrator.journal import Journal, PhaseLog
from orchestrator.model import Deployment, Extra, Node, UseCase
from orchestrator.names import in_url
from orchestrator.workdir import Workdir, write_atomically

# cloud-init writes the keys near the end of its work; a console may show nothing for long.
_CONSOLE_PAUSE = 3.0
_CONSOLE_PATIENCE = 90.0
# Lines at the end of a console: a boot that goes on moves what was before out of them.
_LAST_LINES = 15


class Configuration:
    """What is done on the nodes of one deployment; ``facts`` gives what plays of extras may know."""

    def __init__(
        self,
        *,
        workdir: Workdir,
        environment: Mapping[str, str],
        journal: Journal,
        stop: threading.Event,
        facts: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._workdir = workdir
        self._facts = facts
        self._environment = environment
        self._journal = journal
        self._stop = stop

    def reach(self, deployment: Deployment, cloud: Cloud, *, seconds: float, log: PhaseLog) -> None:
        """Wait until every node takes our key, with the host key that its console shows."""
        deadline = time.monotonic() + seconds
        how: list[str] = []
        # The door first: its host key has to be known before anything goes through it.
        for node in sorted(deployment.nodes, key=lambda one: one.hop is not None):
            try:
                how += self._reach(node, deployment, cloud, deadline=deadline, log=log)
            except DeploymentFailedError:
                self._keep_console(node, deployment, cloud)
                raise
        where = ", ".join(f"ssh {node.user}@{node.address}" for node in deployment.nodes)
        log.finish(", ".join([where, *dict.fromkeys(how)]))

    def _reach(
        self,
        node: Node,
        deployment: Deployment,
        cloud: Cloud,
        *,
        deadline: float,
        log: PhaseLog,
    ) -> list[str]:
        """Wait until one node takes our key; say what is to be known of it."""
        _require_running(node, deployment, cloud)
        how = self._know(node, deployment, cloud, deadline=deadline, log=log)
        sound = ssh.wait_until_ssh(
            node,
            workdir=self._workdir,
            env=self._environment,
            deadline=deadline,
            stop=self._stop,
            on_wait=log.running,
        )
        return [how] if sound else [how, "cloud-init had errors"]

    def _keep_console(self, node: Node, deployment: Deployment, cloud: Cloud) -> None:
        """Keep what a machine that is not reached has printed, beside the run's other logs."""
        try:
            text = cloud.console_of(node.name, deployment.id)
        except OrchestratorError as error:
            text = f"its console could not be read: {error.message}\n"
        write_atomically(self._workdir.next_run("console", node.name, suffix="txt"), text)

    def learn_host_keys(self, deployment: Deployment, cloud: Cloud) -> None:
        """Take the host keys that the consoles still show, where none is known on this machine.

        The machine that made the nodes learnt them at their first boot; a console forgets with time.
        """
        for node in deployment.nodes:
            if not hostkeys.is_trusted(self._workdir, node):
                console = cloud.console_of(node.name, deployment.id)
                keys = hostkeys.from_console(console, address=node.address, port=node.port)
                if keys:
                    hostkeys.trust(self._workdir, keys)

    def _know(
        self,
        node: Node,
        deployment: Deployment,
        cloud: Cloud,
        *,
        deadline: float,
        log: PhaseLog,
    ) -> str:
        """Learn a node's host key from its console; say how it became known."""
        trusted = hostkeys.is_trusted(self._workdir, node)
        if not trusted:
            log.running(f"{node.name}: waiting for the host key on its console")
        answers_since = None
        while time.monotonic() < deadline:
            console = cloud.console_of(node.name, deployment.id)
            _require_booting(node, console)
            keys = hostkeys.from_console(console, address=node.address, port=node.port)
            if keys:
                hostkeys.trust(self._workdir, keys)
                return "host key as the console shows it"
            # Behind the console: a machine that was made anew has the same address and new keys.
            if trusted:
                return "host key as before"
            _require_running(node, deployment, cloud)
            if answers_since is None and self._answers(node):
                answers_since = time.monotonic()
            # A machine shows its keys once, at its first boot; some sites show no console at all.
            if answers_since and time.monotonic() > answers_since + _CONSOLE_PATIENCE:
                break
            if self._stop.wait(_CONSOLE_PAUSE):
                raise InterruptedRunError(f"stopped while waiting for {node.name}")
        return self._believe(node)

    def _answers(self, node: Node) -> bool:
        tried = [node.port]
        return bool(answering_ports(node, tried, workdir=self._workdir, env=self._environment))

    def _believe(self, node: Node) -> str:
        """Take the key that the node itself shows, where the site shows no console."""
        keys = hostkeys.scan(node, workdir=self._workdir, env=self._environment)
        if not keys:
            raise DeploymentFailedError(
                f"{node.name} is not ready in time: no SSH at {in_url(node.address)}:{node.port},"
                " and no host key on its console",
                way_out=["look at the console at the site: does the machine boot?"],
            )
        hostkeys.trust(self._workdir, keys)
        return "host key as the machine itself shows it: its console showed none"

    def run_playbook(self, deployment: Deployment, use_case: UseCase, *, log: PhaseLog) -> None:
        """Run the use case's playbook; raise DeploymentFailedError naming what failed where.

        Data volumes are mounted before, and files that are parameters are on the first node.
        """
        if deployment.volumes:
            self._mount_volumes(deployment, use_case, log)
        files = uploading.files_given(use_case, deployment.parameters)
        self._upload(deployment, use_case, files, log)
        there = {name: uploading.remote_path(name, file) for name, file in files.items()}
        secrets = passwords.read_all(self._workdir, use_case.secrets)
        extras = self._extras_at_work(deployment, use_case)
        facts = self._facts_for(deployment, use_case) if extras else {}
        # Before they are at work: a run that is killed has set up some of it.
        self._workdir.note_extras(extra.name for extra in extras)
        result = ansible.run_playbook(
            self._workdir,
            playbook=use_case.folder / PLAYBOOK,
            after=[extra.folder / PLAYBOOK for extra in extras],
            roles=use_case.folder / keeping.ROLES,
            inventory=rendering.inventory(deployment.nodes, ssh_arguments=self._ssh_arguments),
            extravars={**deployment.parameters, **there, **secrets, **facts},
            secrets=tuple(secrets.values()),
            env=self._environment,
            stop=self._stop,
            on_task=log.running,
        )
        on = switched_on(use_case, deployment.parameters)
        self._workdir.note_extras(extra.name for extra in on)
        log.finish(f"{result.ok} tasks, {result.changed} changed")

    def _facts_for(self, deployment: Deployment, use_case: UseCase) -> dict[str, Any]:
        return {**self._facts(), **page_facts(deployment, use_case)}

    def _extras_at_work(self, deployment: Deployment, use_case: UseCase) -> list[Extra]:
        """Return the extras whose plays run: those that are on, and those that were before."""
        on, before = switched_on(use_case, deployment.parameters), self._workdir.extras()
        return [extra for extra in use_case.extras if extra in on or extra.name in before]

    def _mount_volumes(self, deployment: Deployment, use_case: UseCase, log: PhaseLog) -> None:
        """Mount the data volumes: what is brought to the nodes is to lie on them."""
        folder = use_case.folder / keeping.VOLUMES
        ansible.run_playbook(
            self._workdir,
            playbook=folder / PLAYBOOK,
            roles=folder / keeping.ROLES,
            inventory=rendering.inventory(deployment.nodes, ssh_arguments=self._ssh_arguments),
            extravars=deployment.parameters,
            env=self._environment,
            stop=self._stop,
            on_task=log.running,
        )

    def make_secrets(self, use_case: UseCase) -> bool:
        """Make the secrets that are not there yet; tell whether any was made."""
        return passwords.make_missing(self._workdir, use_case.secrets)

    def _upload(
        self, deployment: Deployment, use_case: UseCase, files: Mapping[str, Path], log: PhaseLog
    ) -> None:
        if files:
            node = verifying.first_node(deployment, use_case)
            target = NodeFiles(node=node, workdir=self._workdir, env=self._environment)
            uploading.upload(target, self._workdir, files, stop=self._stop, on_progress=log.running)

    def _ssh_arguments(self, node: Node) -> str:
        return shlex.join(ssh.proxy_options(node, self._workdir))

    def verify(self, deployment: Deployment, use_case: UseCase, *, log: PhaseLog) -> None:
        """Make the use case's checks on every node; raise DeploymentFailedError naming those that fail."""
        results = verifying.verify(
            deployment,
            with_extras(use_case, deployment.parameters),
            workdir=self._workdir,
            env=self._environment,
            on_result=lambda one: log.running(one.title),
        )
        failed = {one.result.title: one.result.detail for one in results if not one.result.ok}
        if failed:
            raise DeploymentFailedError(
                f"{deployment.name} is configured, but {len(failed)} of its checks fail",
                facts=failed,
            )
        log.finish(f"{len(results)} of {len(results)} checks hold")

    def require_answer(self, deployment: Deployment) -> None:
        """Raise DeploymentFailedError when a node that was ready no longer answers."""
        silent = [node.name for node in deployment.nodes if not self._answers(node)]
        if silent:
            raise DeploymentFailedError(
                f"{', '.join(silent)} is there as described, but does not answer on SSH's port",
                way_out=["look at the site whether the machine runs"],
            )

    def digest(self, deployment: Deployment, use_case: UseCase) -> str:
        """Return a digest of all that the configuration depends on."""
        digest = hashlib.sha256()
        files = uploading.files_given(use_case, deployment.parameters)
        values = [
            rendering.inventory(deployment.nodes),
            dict(deployment.parameters),
            uploading.marks(self._workdir, files),
            list(use_case.secrets),
        ]
        if switched_on(use_case, deployment.parameters):
            values.append(self._facts_for(deployment, use_case))
        digest.update(json.dumps(values, sort_keys=True).encode())
        checks = [[check.kind, check.title, dict(check.settings)] for check in use_case.checks]
        digest.update(json.dumps(checks, sort_keys=True, default=str).encode())
        for file in keeping.files_of(use_case):
            digest.update(_entry(file, use_case.folder))
        return digest.hexdigest()


def _require_running(node: Node, deployment: Deployment, cloud: Cloud) -> None:
    """Raise DeploymentFailedError for a machine that has stopped: waiting would not help."""
    status = cloud.status_of(node.name, deployment.id)
    if status not in ("ACTIVE", "BUILD", "REBOOT"):
        error = DeploymentFailedError(
            f"{node.name} is not running: the site says {status}",
            way_out=["the next run starts it; if it stops again, ask the site why"],
        )
        raise with_faults(error, cloud.faults_of(deployment.id) if status == "ERROR" else {})


def _require_booting(node: Node, console: str) -> None:
    """Raise the known failure of a machine whose boot has ended: waiting would not help."""
    last = [line for line in map(_plain, console.splitlines()) if line][-_LAST_LINES:]
    for line in last:
        cause = cause_of(line, where=CONSOLE)
        if cause is not None:
            raise cause.error(
                f"{node.name}: {cause.message}",
                facts={"its console": line[:300]},
                way_out=cause.way_out,
            )


def _plain(line: str) -> str:
    """Return a line of a console without the codes that colour it and move the cursor."""
    text = re.sub(r"\x1b\[[0-9:;?]*[A-Za-z]", "", line)
    return "".join(sign for sign in text if sign.isprintable()).strip()


def _entry(file: Path, folder: Path) -> bytes:
    return f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest()
