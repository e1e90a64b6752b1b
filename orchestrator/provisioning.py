"""From choices to resources: the rendered files, and Terraform on them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator import rendering
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.drivers import provider, ssh
from orchestrator.drivers.diagnostics import hook_of, resource_of
from orchestrator.drivers.slots import Slot, Slots
from orchestrator.drivers.terraform import Terraform, read_version
from orchestrator.errors import RequestError, SetupError, UnsafePlanError
from orchestrator.extras import publishing
from orchestrator.journal import Journal, PhaseLog
from orchestrator.model import Deployment, JumpHost, Node, Site, UseCase
from orchestrator.paths import Folders
from orchestrator.planning import Plan, read_plan
from orchestrator.rendering import Stays
from orchestrator.workdir import Workdir

# What main.tf says where it knows how to open ports; it stays as it was first written.
_OPEN_PORTS = 'variable "open_ports"'
_INSTALL = ("orchestrator doctor --install", "the same command again")

# What Terraform calls a resource, as a person does.
_WORDS = {
    "openstack_compute_instance_v2": "server",
    "openstack_compute_keypair_v2": "keypair",
    "openstack_networking_floatingip_v2": "floating_ip",
    "openstack_networking_network_v2": "network",
    "openstack_networking_subnet_v2": "subnet",
    "openstack_networking_router_v2": "router",
    "openstack_networking_port_v2": "port",
    "openstack_networking_secgroup_v2": "security_group",
    "openstack_blockstorage_volume_v3": "volume",
}


class Provisioning:
    """One deployment's work folder and the Terraform that runs in it."""

    def __init__(
        self,
        *,
        workdir: Workdir,
        folders: Folders,
        environment: Mapping[str, str],
        journal: Journal,
        stop: threading.Event,
    ) -> None:
        self._workdir = workdir
        self._cache = folders.cache
        self._environment = environment
        self._journal = journal
        self._stop = stop
        self._slots = Slots(folders.terraform_slots)
        self._slot: Slot | None = None

    @contextmanager
    def place(self, phase: str) -> Iterator[Slot]:
        """Have one of this machine's places for work at a site, as whoever asks much of it needs.

        Raises InterruptedRunError when stopped while it waits for one.
        """
        with self._slots.taken(
            stop=self._stop, on_wait=lambda text: self._journal.note(phase, text)
        ) as slot:
            self._slot = slot
            try:
                yield slot
            finally:
                self._slot = None

    def render(self, deployment: Deployment, *, site: Site, use_case: UseCase) -> None:
        """Write main.tf, the modules, the values and the deployment's key; all are kept once there."""
        if deployment.selection is None:
            raise RequestError(f"{deployment.name} has no choices yet")
        public_key = ssh.make_key(self._workdir, name=deployment.name, env=self._environment)
        lock = self._provider().lock_file
        network = rendering.network_module(deployment.selection)
        main = rendering.render_main(network=network, volumes=deployment.selection.volume_gb > 0)
        self._workdir.write_code(main=main, lock_file=lock)
        published = publishing(use_case, deployment.parameters)
        open_ports = published.ports if published else ()
        if open_ports and _OPEN_PORTS not in self._workdir.main.read_text(encoding="utf-8"):
            raise RequestError(
                f"{deployment.name} was made by a version that could not open ports for a page",
                way_out=["deploy under another name", "or meet the page through its tunnel"],
            )
        self._workdir.write_variables(
            rendering.variables(
                deployment=deployment,
                site=site,
                selection=deployment.selection,
                use_case=use_case,
                public_key=public_key,
                open_ports=open_ports,
            )
        )

    def plan(self, login: KeystoneLogin, *, destroy: bool = False) -> Plan:
        """Save a plan and return it; nothing changes at the site."""
        self._name_project(login)
        terraform = self._terraform(login, _ignore)
        terraform.init()
        return _saved_plan(terraform, destroy=destroy)

    def plan_end(self, login: KeystoneLogin, *, stays: Collection[Stays]) -> Plan:
        """Save the plan that removes all but what stays.

        Raises UnsafePlanError when it would delete a volume that does.
        """
        if not stays:
            return self.plan(login, destroy=True)
        self._workdir.write_end(rendering.render_end(stays))
        plan = self.plan(login)
        lost = plan.deleted_volumes
        if lost and Stays.VOLUMES in stays:
            raise UnsafePlanError(
                "the plan would delete data volumes that are to be kept",
                facts={change.address: change.name for change in lost},
            )
        return plan

    def apply(
        self, login: KeystoneLogin, log: PhaseLog, *, jump_host: JumpHost | None = None
    ) -> tuple[Node, ...]:
        """Apply the saved plan and no other; return the nodes that exist then.

        The state is copied whatever happens, so that a later run can tell a lost one.
        """
        terraform = self._terraform(login, _watch(self._journal, log))
        try:
            terraform.apply_saved_plan(login_seconds=login.seconds_left())
        finally:
            self._workdir.keep_state()
        outputs = terraform.outputs()
        return rendering.read_nodes(outputs, jump_host) if outputs else ()

    def versions(self) -> dict[str, str]:
        """Return the versions of the tools that make this deployment."""
        version = read_version(self._program(), env=self._environment)
        return {"terraform": version, "provider": rendering.PROVIDER_VERSION}

    def recover(self, login: KeystoneLogin, imports: Mapping[str, str], log: PhaseLog) -> Plan:
        """Take resources back into the state, and do nothing else; return what a plan would still do.

        Raises UnsafePlanError when that would lose something.
        """
        self._workdir.write_imports(imports)
        terraform = self._terraform(login, _watch(self._journal, log))
        terraform.init()
        is_all = _saved_plan(terraform).counts.keys() <= {"import"}
        if not is_all:
            # There is more to do than that: it is left to a deploy.
            _saved_plan(terraform, targets=sorted(imports)).raise_if_unsafe()
        try:
            terraform.apply_saved_plan()
        finally:
            self._workdir.keep_state()
            self._workdir.write_imports({})
        # A plan costs seconds, and one that only imports has said that nothing would be left.
        return Plan(changes=()) if is_all else self.plan(login)

    def existing_kinds(self) -> list[str]:
        """Return the kind of each resource that the state knows; none where it is unreadable."""
        return [_WORDS[kind] for kind, _, _ in self._known() if kind in _WORDS]

    def known(self) -> dict[str, str]:
        """Return the id of each resource that the state knows, by its address."""
        return {address: found for _, address, found in self._known()}

    def _known(self) -> list[tuple[str, str, str]]:
        try:
            return _resources_of(json.loads(self._workdir.state.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # Not a state, whatever else it is: JSON of another shape too.
            return []

    def _name_project(self, login: KeystoneLogin) -> None:
        """Name the project to Terraform, unless the token is bound to it: Keystone then refuses both."""
        if not self._workdir.variables.is_file():
            return
        values = json.loads(self._workdir.variables.read_bytes())
        wanted = None if login.is_scoped else login.project_id
        if values["site"]["project_id"] != wanted:
            values["site"]["project_id"] = wanted
            self._workdir.write_variables(values)

    def _program(self) -> Path:
        found = provider.find_terraform(self._cache, env=self._environment)
        if found is None:
            raise SetupError("there is no terraform on this machine", way_out=_INSTALL)
        return found

    def _provider(self) -> provider.Provider:
        if not provider.provider_ready(self._cache):
            raise SetupError(
                "the OpenStack provider of Terraform is not installed", way_out=_INSTALL
            )
        return provider.provider_of(self._cache)

    def _terraform(
        self, login: KeystoneLogin, on_event: Callable[[Mapping[str, Any]], None]
    ) -> Terraform:
        if self._slot is None:
            raise RuntimeError("Terraform is started without a place for it")
        return Terraform(
            self._workdir,
            program=self._program(),
            cli_config=self._provider().cli_config,
            env=self._environment,
            token=login.token,
            on_event=on_event,
            stop=self._stop,
            keep_open=[self._slot.descriptor],
        )


def _saved_plan(terraform: Terraform, **bounds: Any) -> Plan:
    """Save a plan within the bounds that Terraform.save_plan knows, and read it."""
    terraform.save_plan(**bounds)
    return read_plan(terraform.show_plan())


def _resources_of(state: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            str(resource["type"]),
            _address(resource, instance),
            str(_id_of(resource["type"], instance["attributes"])),
        )
        for resource in state.get("resources", ())
        if resource.get("mode", "managed") == "managed"
        for instance in resource.get("instances", ())
    ]


def _address(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    """Return the address of a resource, as Terraform itself writes it."""
    module = f"{resource['module']}." if resource.get("module") else ""
    key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
    return f"{module}{resource['type']}.{resource['name']}{key}"


def _id_of(kind: str, attributes: Mapping[str, Any]) -> object:
    # The site lists a router's leg as the port that it is.
    by_port = kind == "openstack_networking_router_interface_v2"
    return attributes.get("port_id") if by_port else attributes.get("id")


def _ignore(_event: Mapping[str, Any]) -> None:
    """Watch nothing."""


def _watch(journal: Journal, log: PhaseLog) -> Callable[[Mapping[str, Any]], None]:
    """Return what tells the resources as they are made, and keeps each in the run's log."""

    def watch(event: Mapping[str, Any]) -> None:
        hook, resource = hook_of(event), resource_of(event)
        if event.get("type") not in ("apply_start", "apply_complete", "apply_errored"):
            return
        kind = _WORDS.get(str(resource.get("resource_type")), str(resource.get("resource_type")))
        journal.record(
            {
                "phase": "apply",
                "state": str(event["type"]),
                "text": str(resource.get("addr")),
                "details": [["id", str(hook["id_value"])]] if hook.get("id_value") else [],
            }
        )
        if event["type"] == "apply_start":
            log.running(f"{hook.get('action', 'change')} {kind}".replace("_", " "))

    return watch
