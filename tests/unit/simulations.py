"""A site, its machines and the programs that work on them, in memory: for tests of whole runs.

Everything above the drivers is the real thing; each double refuses what it does not know.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from orchestrator.auth.appcredentials import AppCredential
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.drivers import endtimer
from orchestrator.drivers.ansible import PlaybookResult
from orchestrator.drivers.asking import WebAnswer
from orchestrator.drivers.command import Answer
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.drivers.openstack_project import Marked
from orchestrator.drivers.openstack_traces import NodeTrace, Traces
from orchestrator.drivers.provider import provider_of
from orchestrator.drivers.slots import Slots, usual_count
from orchestrator.errors import (
    BusyError,
    DeploymentFailedError,
    InterruptedRunError,
    LoginEndedError,
    LoginError,
    SiteError,
)
from orchestrator.model import Flavor, FloatingIp, Image, Network, Quota, Subnet, Volume
from orchestrator.paths import Folders
from tests.unit.tokens import jwt

NAME = "SIM"
VO = "vo.access.egi.eu"
PROJECT = "p1"
USER = "u"  # Keystone's id of the person
KEYSTONE_TOKEN = "keystone-canary"
CREDENTIAL_SECRET = "app-secret-canary"
ADDRESS = "198.51.100.17"

SITE = f"""\
gocdb: {NAME}
endpoint: https://keystone.sim.eu/v3
vos:
  - name: {VO}
    auth: {{project_id: {PROJECT}}}
  - name: vo.other.eu
    auth: {{project_id: p2}}
"""
USE_CASE = """\
title: A machine with a toy
version: "1.0"
description: One VM that plays.
needs: {vcpus: 2, ram_mb: 2048, disk_gb: 8, image: {distribution: debian, version: "12"}}
parameters:
  colour: {type: string, default: red, help: what it looks like}
nodes: [{name: toy, groups: [toy]}]
roles: [toy]
checks: [{kind: service, title: the toy plays, name: toy}]
"""
PLAYBOOK = "- hosts: toy\n  roles: [toy]\n"

SERVER = "openstack_compute_instance_v2"
KEYPAIR = "openstack_compute_keypair_v2"
FLOATING_IP = "openstack_networking_floatingip_v2"
VOLUME = "openstack_blockstorage_volume_v3"
_KINDS = {
    KEYPAIR: "keypair",
    SERVER: "server",
    FLOATING_IP: "floating_ip",
    VOLUME: "volume",
}


def host_key(letter: str = "k") -> str:
    """Return an ed25519 key as a console shows it."""
    parts = (b"ssh-ed25519", letter.encode() * 32)
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def console(key: str) -> str:
    """Return what cloud-init writes to the console at a first boot."""
    return f"-----BEGIN SSH HOST KEY KEYS-----\n{key}\n-----END SSH HOST KEY KEYS-----\n"


@contextmanager
def every_place(folders: Folders) -> Iterator[ExitStack]:
    """Have all places for Terraform, until the end or until they are closed."""
    with ExitStack() as stack:
        for _ in range(usual_count()):
            stack.enter_context(Slots(folders.terraform_slots).taken(stop=Event(), on_wait=print))
        yield stack


@dataclass
class Server:
    """A machine: how the site says it is, what it shows, and what Ansible has made of it."""

    key: str = field(default_factory=host_key)
    status: str = "ACTIVE"
    console: str = ""
    answers: bool = True
    services: set[str] = field(default_factory=set)
    ends: list[str] = field(default_factory=list)  # when it was told to power itself off

    def __post_init__(self) -> None:
        self.console = self.console or console(self.key)


@dataclass
class World:
    """One site and this machine's programs; tests set what goes wrong and look at what is there."""

    home: Path
    # What exists at the site: (kind, name) -> the deployment whose mark it carries.
    resources: dict[tuple[str, str], str] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    # Whom the site says that a deployment's servers were made by, and as what: else by USER.
    makers: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)  # kinds that the site does not let go of
    quotas: tuple[Quota, ...] = ()
    next_key: str = field(default_factory=host_key)  # of the next server
    volumes: tuple[Volume, ...] = ()  # that the project holds already
    given: dict[str, str] = field(default_factory=dict)  # the volume that a server was made with
    kept: list[str] = field(default_factory=list)  # volumes that are marked to outlive theirs
    stopped: list[str] = field(default_factory=list)  # servers that were shut down
    stops_late: bool = False
    public_key: str | None = None  # of the deployment's key pair, as the site tells it
    image_id: str = "i-debian"
    image_made: datetime = datetime(2026, 11, 20, tzinfo=UTC)
    addresses: tuple[FloatingIp, ...] = ()  # floating IPs that the project holds
    leads_to: dict[str, str] = field(default_factory=dict)  # the port of somebody else, by address
    externals: tuple[str, ...] = ("ext",)  # external networks, equal but for their names
    # What goes wrong.
    login_error: str | None = None
    login_seconds: float = 3600.0
    credential_error: str | None = None  # why the site gives or takes no application credential
    plan_error: str | None = None
    apply_breaks_at: str | None = None  # the Terraform type whose making fails
    faults: dict[str, str] = field(default_factory=dict)  # Nova's words on broken servers
    storage_error: str | None = None  # what the block storage says when it is asked
    destroy_breaks_at: str | None = None  # the Terraform type at which a destroy ends
    login_ends_at: list[str] = field(default_factory=list)  # types before whose making it is over
    rebuilds: bool = False  # the next plan would make the server anew
    playbook_error: str | None = None
    playbook_starts: tuple[str, ...] = ("toy",)
    page_status: int = 200  # what services behind tunnels answer
    survive: tuple[str, ...] = ("toy",)  # the services that a reboot leaves running
    status_answer: Answer = field(
        default_factory=lambda: Answer(code=0, stdout="starting\n3 of 7 steps\n", stderr="")
    )
    during_playbook: Callable[[], None] = lambda: None
    # What happened.
    logins: list[str] = field(default_factory=list)  # the project of each
    playbooks: list[dict[str, object]] = field(default_factory=list)
    extras_played: list[list[str]] = field(default_factory=list)
    mounted: list[dict[str, list[str]]] = field(default_factory=list)  # volumes by host, each time
    node_files: dict[str, bytes] = field(default_factory=dict)  # by path on the node
    open_tunnels: list[int] = field(default_factory=list)  # ports of the node
    reboots: int = 0
    credentials: list[str] = field(default_factory=list)  # ids of those at the site

    @property
    def folders(self) -> Folders:
        return Folders.under(self.home)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.home / "bin"), "HOME": "/nowhere"}

    @property
    def kinds(self) -> list[str]:
        return sorted(kind for kind, _ in self.resources)

    @property
    def use_case_folder(self) -> Path:
        return self.folders.config / "usecases" / "toy"

    @property
    def role_folder(self) -> Path:
        return self.home / "roles" / "toy"

    def prepare(self, monkeypatch) -> None:
        """Write the files that a run reads, and take the place of every driver."""
        provider = provider_of(self.folders.cache)
        for file, text in {
            self.folders.config / "sites" / f"{NAME}.yaml": SITE,
            self.use_case_folder / "usecase.yaml": USE_CASE,
            self.use_case_folder / "playbook.yml": PLAYBOOK,
            self.role_folder / "tasks" / "main.yml": "[]\n",
            self.home / "roles" / "data" / "tasks" / "main.yml": "[]\n",
            self.home / "bin" / "terraform": "",
            provider.lock_file: "# lock\n",
        }.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.home / "bin" / "terraform").chmod(0o755)
        for name, double in {
            "orchestrator.paths.SANDBOX": self.home / "no-sandbox",
            "orchestrator.paths.ANSIBLE_ROLES": self.home / "roles",
            "orchestrator.auth.keystone.login": self.login,
            "orchestrator.auth.appcredentials.login": self.login_by_credential,
            "orchestrator.auth.appcredentials.make": self.make_credential,
            "orchestrator.auth.appcredentials.remove": self.remove_credential,
            "orchestrator.entering.Cloud": lambda _session, *, site, region: Cloud(self, site),
            "orchestrator.provisioning.Terraform": lambda workdir, **known: Terraform(
                self, workdir, **known
            ),
            "orchestrator.provisioning.read_version": lambda _program, *, env: "1.11.4",
            "orchestrator.drivers.ssh.make_key": make_key,
            "orchestrator.drivers.ssh.wait_until_ssh": self.wait_until_ssh,
            "orchestrator.drivers.hostkeys.scan": self.scan_host_keys,
            "orchestrator.drivers.ansible.run_playbook": self.run_playbook,
            "orchestrator.drivers.testinfra.connect": self.connect,
            "orchestrator.configuring.answering_ports": self.answering_ports,
            "orchestrator.drivers.hops.answering_ports": self.answering_ports,
            "orchestrator.drivers.tunnels.tunnel": self.tunnel,
            "orchestrator.drivers.asking.ask_here": self.ask_here,
            "orchestrator.drivers.remote.run": self.run_on_node,
            "orchestrator.drivers.rebooting.reboot": self.reboot,
            "orchestrator.visiting.NodeFiles": lambda **_: NodeFiles(self),
            "orchestrator.configuring.NodeFiles": lambda **_: NodeFiles(self),
            "orchestrator.visiting._PAUSE": 0.0,
            "orchestrator.configuring._CONSOLE_PAUSE": 0.0,
            "orchestrator.recovery.PAUSES": (0.0,),
        }.items():
            monkeypatch.setattr(name, double)

    def refresh_image(self) -> None:
        """Replace the image by a newer one of the same name, as EGI's synchronisation does."""
        self.image_id, self.image_made = "i-newer", datetime(2026, 11, 23, tzinfo=UTC)

    def token(self, **claims) -> str:
        """Return an access token that the site takes."""
        return jwt(**{"preferred_username": "ada", **claims})

    # --- the doubles of single functions

    def login(self, site, access_token, *, project_id, vo=None) -> KeystoneLogin:
        assert (site.name, access_token.issuer) == (NAME, site.issuer)
        if self.login_error:
            raise LoginError(self.login_error, way_out=["orchestrator login"])
        self.logins.append(project_id)
        return KeystoneLogin(
            auth_url=site.endpoint,
            token=KEYSTONE_TOKEN,
            expires_at=datetime.now(UTC) + timedelta(seconds=self.login_seconds),
            user_id=USER,
            user_name="ada",
            projects=(),
            project_id=project_id or PROJECT,
            session=None,
        )

    def make_credential(self, site, login, *, name, expires_at) -> AppCredential:
        if self.credential_error:
            raise LoginError(self.credential_error)
        assert not login.is_scoped, "an application credential may not make another"
        self.credentials.append(f"c{len(self.credentials)}-{name}")
        return AppCredential(
            id=self.credentials[-1],
            secret=CREDENTIAL_SECRET,
            user_id=login.user_id,
            project_id=login.project_id,
            expires_at=expires_at.isoformat(),
        )

    def remove_credential(self, site, login, credential) -> None:
        if login.is_scoped:
            raise LoginError("an application credential may not remove itself")
        self.credentials.remove(credential.id)

    def login_by_credential(self, site, credential) -> KeystoneLogin:
        if self.credential_error:
            raise LoginError(self.credential_error)
        assert credential.id in self.credentials
        assert credential.secret == CREDENTIAL_SECRET
        return KeystoneLogin(
            auth_url=site.endpoint,
            token=KEYSTONE_TOKEN,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            user_id=credential.user_id,
            user_name="ada",
            projects=(),
            project_id=credential.project_id,
            session=None,
            is_scoped=True,
        )

    def wait_until_ssh(self, node, *, workdir, env, deadline, stop, on_wait) -> bool:
        if stop.is_set():
            raise InterruptedRunError(f"stopped while waiting for {node.name}")
        server = self.servers[node.name]
        assert server.answers, f"{node.name} does not answer: a test would wait for ever"
        known = workdir.known_hosts.read_text().split(" ", 1)[1].strip()
        if known != server.key:
            raise DeploymentFailedError(f"{node.name} shows another host key than before")
        return True

    def scan_host_keys(self, node, *, workdir, env) -> list[str]:
        server = self.servers[node.name]
        return [f"{node.address} {server.key}"] if server.answers else []

    def answering_ports(self, node, ports, *, workdir, env) -> set[int]:
        assert node.address == ADDRESS
        answers = any(server.answers for server in self.servers.values())
        return set(ports) if answers else set()

    def run_playbook(
        self,
        workdir,
        *,
        playbook,
        after=(),
        roles,
        inventory,
        extravars,
        secrets=(),
        env,
        stop,
        on_task,
    ) -> PlaybookResult:
        assert all(one.is_file() for one in (playbook, *after))
        assert roles == playbook.parent / "roles"
        if playbook.parent == workdir.use_case / "volumes":
            assert list(roles.iterdir()) == [roles / "data"]
            told = inventory["all"]["hosts"].items()
            self.mounted.append(
                {name: [one["id"] for one in host["volumes"]] for name, host in told}
            )
            return PlaybookResult(code=0, ok=1, changed=1, failures=(), log=workdir.runs)
        assert playbook.parent == workdir.use_case
        self.extras_played.append([one.parent.name for one in after])
        assert set(secrets) <= set(extravars.values())
        hosts = list(inventory["all"]["hosts"])
        self.playbooks.append({"hosts": hosts, **extravars})
        on_task("toy : Unpack the toy")
        self.during_playbook()
        if stop.is_set():
            raise InterruptedRunError("stopped while the nodes were being configured")
        if self.playbook_error:
            raise DeploymentFailedError(self.playbook_error)
        for host in hosts:
            self.servers[host].services |= set(self.playbook_starts)
        return PlaybookResult(code=0, ok=2, changed=1, failures=(), log=workdir.runs)

    @contextmanager
    def connect(self, node, *, workdir, env) -> Iterator[Machine]:
        yield Machine(self.servers[node.name])

    @contextmanager
    def tunnel(self, node, port, *, workdir, env, local_port=None) -> Iterator[int]:
        assert self.servers[node.name].answers
        self.open_tunnels.append(port)
        yield local_port or 40001
        self.open_tunnels.remove(port)

    def ask_here(self, url) -> WebAnswer:
        assert self.open_tunnels, "asked without a tunnel"
        assert url.startswith("http://127.0.0.1:")
        return WebAnswer(status=self.page_status, text="refused" if not self.page_status else "")

    def run_on_node(self, node, argv, *, workdir, env, stdin=None) -> Answer:
        if list(argv[:5]) == ["sudo", "-n", "sh", "-s", "--"]:
            return self.set_end(self.servers[node.name], list(argv[5:]), stdin)
        assert list(argv) == ["cat", "/run/toy.progress"]
        assert self.servers[node.name].answers
        return self.status_answer

    def set_end(self, server, arguments, program) -> Answer:
        assert program == endtimer.PROGRAM
        if not server.answers:
            return Answer(code=255, stdout="", stderr="Connection timed out")
        server.ends.append(arguments[1])
        return Answer(code=0, stdout="", stderr="")

    def reboot(self, nodes, *, workdir, env, seconds, stop, on_wait) -> None:
        self.reboots += 1
        for node in nodes:
            on_wait(f"{node.name}: rebooting")
            self.servers[node.name].services &= set(self.survive)


def make_key(workdir, *, name, env) -> str:
    """Make a key pair that opens nothing."""
    if not workdir.public_key.exists():
        for file in (workdir.private_key, workdir.public_key):
            file.write_text("ssh-ed25519 AAAA toy\n")
    return workdir.public_key.read_text().strip()


def _external(name: str) -> Network:
    subnet = Subnet(id="s", network_id=f"n-{name}", cidr="193.1.2.0/24", ip_version=4)
    return Network(
        id=f"n-{name}", name=name, external=True, shared=False, owned=False, subnets=(subnet,)
    )


@dataclass(frozen=True)
class Machine:
    """A node that knows services and nothing else."""

    server: Server

    def run(self, argv) -> None:
        assert argv == ["true"], f"the simulated node knows no {argv}"

    def is_running(self, service: str) -> bool:
        return service in self.server.services


@dataclass(frozen=True)
class NodeFiles:
    """The files of the one node; what is put there is whole at once."""

    world: World

    def listing(self, roots):
        for root in roots:
            for path, content in sorted(self.world.node_files.items()):
                if path.startswith(f"{root}/"):
                    sha256 = hashlib.sha256(content).hexdigest()
                    told = {"root": root, "kind": "file", "path": path.removeprefix(f"{root}/")}
                    yield told | {"size": len(content), "sha256": sha256}

    @contextmanager
    def stream(self, wanted):
        yield io.BytesIO(
            b"".join(
                self.world.node_files[path][first : first + size] for path, first, size in wanted
            )
        )

    def ask(self, path, sha256):
        content = self.world.node_files.get(path)
        complete = content is not None and hashlib.sha256(content).hexdigest() == sha256
        return {"complete": complete, "have": 0, "free": 10**12}

    @contextmanager
    def putting(self, path, sha256, *, offset, length):
        assert offset == 0
        self.world.node_files[path] = b""
        yield Taker(self.world, path)


@dataclass(frozen=True)
class Taker:
    """Takes a file for the node."""

    world: World
    path: str

    def write(self, piece):
        self.world.node_files[self.path] += piece

    def answer(self):
        return {"right": True}


@dataclass(frozen=True)
class Cloud:
    """What the site lists and removes; it refuses to remove what is in use, as OpenStack does."""

    world: World
    site: str

    def networks(self, project_id: str):
        assert project_id == PROJECT
        return tuple(_external(name) for name in self.world.externals)

    def routers(self):
        return ()

    def ports(self):
        return ()

    def volume_quotas(self, project_id):
        return ()

    def volumes(self):
        return self.world.volumes

    def stop(self, server_id):
        name = server_id.removeprefix("server-")
        if ("server", name) not in self.world.resources:
            return True
        self.world.stopped.append(name)
        return not self.world.stops_late

    def keep(self, volume):
        assert ("volume", volume.name) in self.world.resources
        self.world.kept.append(volume.name)

    def floating_ips(self):
        return self.world.addresses

    def other_user_of(self, floating_ip_id, deployment_id):
        assert deployment_id
        return self.world.leads_to.get(floating_ip_id)

    def flavors(self):
        sizes = {"small": (2, 4096, 20), "large": (8, 16384, 80)}
        return tuple(
            Flavor(id=f"f-{name}", name=name, vcpus=vcpus, ram_mb=ram, disk_gb=disk)
            for name, (vcpus, ram, disk) in sizes.items()
        )

    def images(self):
        return (
            Image(
                id=self.world.image_id,
                name="Debian 12",
                status="active",
                visibility="public",
                created_at=self.world.image_made,
                properties={"os_distro": "debian", "os_version": "12"},
            ),
        )

    def compute_quotas(self):
        return self.world.quotas

    def network_quotas(self, project_id: str):
        assert project_id == PROJECT
        return ()

    def console_of(self, server_name: str, deployment_id: str) -> str:
        assert self.world.resources["server", server_name] == deployment_id
        return self.world.servers[server_name].console

    def status_of(self, server_name: str, deployment_id: str) -> str:
        marked = self.world.resources.get(("server", server_name)) == deployment_id
        return self.world.servers[server_name].status if marked else "gone"

    def public_key_of(self, _deployment_id: str) -> str | None:
        return self.world.public_key

    def find_marked(self, deployment_id: str):
        return tuple(
            _listed(kind, name, self.world)
            for (kind, name), mark in self.world.resources.items()
            if mark == deployment_id
        )

    def find_all_marked(self):
        return tuple(self._marked(one) for one in sorted(set(self.world.resources.values())))

    def _marked(self, deployment_id: str) -> Marked:
        resources = self.find_marked(deployment_id)
        kinds = {one.kind for one in resources}
        maker = self.world.makers.get(deployment_id, USER)
        return Marked(
            deployment_id=deployment_id,
            name=self.world.names.get(deployment_id, "") if "server" in kinds else "",
            use_case="toy" if "server" in kinds else "",
            resources=resources,
            # Neutron tells nobody who made something, and Nova lists nobody else's key pairs.
            makers=frozenset({maker} if kinds & {"server", "volume"} else ()),
            has_own_keypair="keypair" in kinds and maker == USER,
            costs={one.id: "2 vCPU, 4 GB" for one in resources if one.kind == "server"},
            made_at={one.id: "2026-11-24T12:00:00Z" for one in resources},
        )

    def traces_of(self, deployment_id: str) -> Traces:
        resources = self.find_marked(deployment_id)
        servers = [one.name for one in resources if one.kind == "server"]
        addresses = [one.name for one in resources if one.kind == "floating_ip"]
        return Traces(
            deployment_id=deployment_id,
            name=self.world.names.get(deployment_id, "") if servers else "",
            use_case="toy" if servers else "",
            resources=resources,
            nodes=tuple(_trace(name, address=name in addresses) for name in servers),
            gateway_network_id="n-ext",
        )

    def faults_of(self, deployment_id: str) -> dict[str, str]:
        assert deployment_id in self.world.resources.values()
        return self.world.faults

    def volume_faults_of(self, deployment_id: str) -> dict[str, str]:
        assert deployment_id in self.world.resources.values()
        if self.world.storage_error:
            raise SiteError(self.world.storage_error)
        return {}

    def remove(self, resource: Resource) -> None:
        mark = self.world.resources[resource.kind, resource.name]
        users = [kind for (kind, _), other in self.world.resources.items() if other == mark]
        if resource.kind != "server" and "server" in users:
            raise BusyError("a server is using it")
        if resource.kind not in self.world.stuck:
            del self.world.resources[resource.kind, resource.name]
            self.world.servers.pop(resource.name, None)


def _trace(name: str, *, address: bool) -> NodeTrace:
    there = {
        "floating_ip": ADDRESS,
        "floating_ip_id": f"floating_ip-{name}",
        "floating_network_id": "n-ext",
        "floating_ip_is_ours": True,
    }
    return NodeTrace(
        name=name,
        server_id=f"server-{name}",
        made_at="2026-11-24T12:00:00Z",
        flavor="small",
        image_id="i-debian",
        boot_volume_gb=0,
        network_id="n-own",
        subnet_id="s-own",
        addresses=("10.0.0.5",),
        **(there if address else {}),
    )


def _listed(kind: str, name: str, world: World) -> Resource:
    types = {short: long for long, short in _KINDS.items()}
    status = world.servers[name].status if kind == "server" and name in world.servers else ""
    return Resource(
        kind=kind,
        id=_id(types[kind], name) if kind in types else f"{kind}-{name}",
        name=name,
        # What Terraform never makes here is from an orchestrator that wrote no addresses.
        address=_address(types[kind], name) if kind in types else None,
        status=status,
        in_use=status == "ACTIVE"
        or (kind == "volume" and name in world.given and ("server", name) in world.resources),
        volumes=(world.given[name],) if kind == "server" and name in world.given else (),
        kept=kind == "volume" and name in world.kept,
        size_gb=20 if kind == "volume" else 0,
    )


class Terraform:
    """Plans from the values of the work folder, its state and the site, and applies what it planned."""

    def __init__(
        self, world: World, workdir, *, program, cli_config, env, token, on_event, stop, keep_open
    ):
        assert program == world.home / "bin" / "terraform"
        assert token == KEYSTONE_TOKEN
        assert keep_open, "started without a place"
        self._world = world
        self._workdir = workdir
        self._on_event = on_event
        self._stop = stop
        self._ready = False

    def init(self) -> None:
        assert self._workdir.main.is_file()
        assert (self._workdir.path / ".terraform.lock.hcl").is_file()
        self._ready = True

    def save_plan(self, *, destroy: bool = False, targets=()) -> bool:
        assert self._ready, "plan before init"
        if self._world.plan_error:
            raise SiteError(self._world.plan_error)
        changes = self._changes(destroy=destroy)
        if targets:
            changes = [change for change in changes if change["address"] in targets]
        self._workdir.plan_file.write_text(json.dumps(changes))
        return bool(changes)

    def show_plan(self):
        changes = json.loads(self._workdir.plan_file.read_text())
        return {"format_version": "1.2", "resource_changes": changes}

    def apply_saved_plan(self, *, login_seconds=math.inf) -> None:
        assert self._workdir.plan_file.exists(), "apply without a saved plan"
        changes = json.loads(self._workdir.plan_file.read_text())
        self._workdir.plan_file.unlink()
        for change in changes:
            self._apply(change["type"], change["name"], change["change"]["actions"])

    def outputs(self):
        servers = [name for kind, name in self._known() if kind == SERVER]
        return {"nodes": {name: self._node(name) for name in servers}} if servers else {}

    def _changes(self, *, destroy: bool):
        known, wanted = self._known(), {} if destroy else self._wanted()
        found = {
            key: status
            for key, status in known.items()
            if (_KINDS[key[0]], key[1]) in self._world.resources
        }
        main = self._workdir.main.read_text()
        stays = {
            key for key in found if f"from = module.volumes.{VOLUME}" in main and key[0] == VOLUME
        }
        changes = [
            _change(key, "forget" if key in stays else "delete")
            for key in found
            if key not in wanted
        ]
        imports = self._imports()
        for key in wanted:
            if key not in found and _address(*key) in imports:
                assert imports[_address(*key)] == _id(*key), "imports what is not there"
                changes.append(_change(key, "no-op", importing=True))
            elif key not in found:
                changes.append(_change(key, "create"))
            elif found[key] == "tainted":
                reason = "replace_because_tainted"
                changes.append(_change(key, "delete", "create") | {"action_reason": reason})
            elif self._world.rebuilds and key[0] == SERVER:
                changes.append(_change(key, "delete", "create"))
        return changes

    def _apply(self, kind: str, name: str, actions: list[str]) -> None:
        hook = {"action": "create", "resource": {"resource_type": kind, "addr": f"{kind}.{name}"}}
        self._on_event({"type": "apply_start", "hook": hook})
        known, place = self._known(), (_KINDS[kind], name)
        if actions == ["delete"] and self._world.destroy_breaks_at == kind:
            raise SiteError("something at the site is still in use")
        if "delete" in actions:
            self._world.resources.pop(place, None)
            self._world.servers.pop(name, None)
            known.pop((kind, name), None)
        if actions == ["forget"]:
            known.pop((kind, name))
        if actions == ["no-op"]:
            assert place in self._world.resources, "imports what is not there"
            known[kind, name] = "whole"
        if self._world.login_ends_at[:1] == [kind]:
            self._world.login_ends_at.pop(0)
            raise LoginEndedError("the site no longer accepts the login")
        if "create" in actions:
            assert place not in self._world.resources, f"makes {place} a second time"
            deployment = self._values["deployment"]
            self._world.resources[place] = deployment["id"]
            self._world.names[deployment["id"]] = deployment["name"]
            if kind == SERVER:
                self._world.servers[name] = Server(key=self._world.next_key)
                self._world.given |= self._volume_of(name)
            broken = self._world.apply_breaks_at == kind
            known[kind, name] = "tainted" if broken else "whole"
            self._write(known)
            if broken:
                raise SiteError("the site has no room for a machine of this flavor now")
        self._write(known)
        if self._stop.is_set():
            raise InterruptedRunError("terraform apply was stopped; what it had made is known")
        hook = hook | {"id_value": _id(kind, name)}
        self._on_event({"type": "apply_complete", "hook": hook})

    def _imports(self) -> dict[str, str]:
        file = self._workdir.path / "imports.tf.json"
        blocks = json.loads(file.read_text())["import"] if file.exists() else []
        return {block["to"]: block["id"] for block in blocks}

    @property
    def _values(self):
        return json.loads(self._workdir.variables.read_text())

    def _wanted(self):
        if "removed {" in self._workdir.main.read_text():
            return {}
        nodes, volumes = self._values["nodes"], self._values.get("volumes", {})
        made = [name for name, volume in volumes.items() if volume["existing_id"] is None]
        # A server is made with its volume, which is there before.
        wanted = [(VOLUME, name) for name in made]
        wanted += [(kind, name) for name in nodes for kind in (KEYPAIR, SERVER)]
        wanted += [(FLOATING_IP, name) for name, node in nodes.items() if not node["floating_ip"]]
        return dict.fromkeys(wanted, "whole")

    def _known(self):
        if not self._workdir.state.exists():
            return {}
        state = json.loads(self._workdir.state.read_text())
        return {
            (resource["type"], one["index_key"]): one["status"]
            for resource in state["resources"]
            for one in resource["instances"]
        }

    def _write(self, known) -> None:
        serial = 1
        if self._workdir.state.exists():
            serial += json.loads(self._workdir.state.read_text())["serial"]
        resources = [
            {
                "module": "module.nodes",
                "mode": "managed",
                "type": kind,
                "name": "node",
                "instances": [
                    {"index_key": name, "status": status, "attributes": {"id": _id(kind, name)}}
                ],
            }
            for (kind, name), status in known.items()
        ]
        state = {"lineage": "one", "serial": serial, "resources": resources}
        self._workdir.state.write_text(json.dumps(state))

    def _volume_of(self, name: str) -> dict[str, str]:
        volume = self._values.get("volumes", {}).get(name)
        return {name: volume["existing_id"] or _id(VOLUME, name)} if volume else {}

    def _node(self, name: str):
        groups = self._values["nodes"][name]["groups"]
        place = {"address": ADDRESS, "port": 22, "private_ip": "10.0.0.5"}
        volume = self._values.get("volumes", {}).get(name)
        disk = volume and {
            "id": volume["existing_id"] or _id(VOLUME, name),
            "size_gb": volume["size_gb"],
            "made": volume["existing_id"] is None,
        }
        volumes = [disk] if disk else []
        told = {"user": "egi", "groups": groups, "volumes": volumes, "id": _id(SERVER, name)}
        return {**place, **told}


def _id(kind: str, name: str) -> str:
    return f"{_KINDS[kind]}-{name}"


def _address(kind: str, name: str) -> str:
    return f'module.nodes.{kind}.node["{name}"]'


def _change(key: tuple[str, str], *actions: str, importing: bool = False):
    kind, name = key
    told = {"name": name}
    return {
        "address": _address(kind, name),
        "type": kind,
        "name": name,
        "mode": "managed",
        "change": {
            "actions": list(actions),
            "before": told | {"id": _id(kind, name)} if "delete" in actions else None,
            "after": told if "create" in actions else None,
            **({"importing": {"id": _id(kind, name)}} if importing else {}),
        },
    }
