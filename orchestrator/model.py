"""The values that travel between the parts: frozen, typed, without behaviour of the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.lifecycle import Phase

# --- sites and virtual organisations -------------------------------------------------

CHECK_IN = "v3oidcaccesstoken"  # keystoneauth's name for a login with a Check-in token

# What a site file may settle for the whole site or for one VO of it.
SETTINGS = (
    "flavor",
    "image",
    "public_network",
    "private_network",
    "topology",  # floating, bastion, direct, jump
    "proxy_jump",
    "ssh_config",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value that a site file fixes, and the file that says so."""

    value: str
    origin: str
    vo: str | None = None  # None: for every VO of the site


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that one source says of a site or of a VO there, and when it said so."""

    what: str  # listed, no longer listed, endpoint, certification, production
    value: str
    source: str
    at: datetime | None = None  # None: a file of one's own, which holds until it is changed


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseDefaults:
    """Parameters of a use case that a site file settles, and the file that says so."""

    use_case: str
    parameters: Mapping[str, Any]
    origin: str
    vo: str | None = None  # None: for every VO of the site


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One VO at one site: the project that holds its allocation."""

    vo: str
    project_id: str | None
    region: str | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cloud site as its file describes it, in EGI's schema and ours."""

    name: str  # GOCDB name
    endpoint: str  # Keystone, normalised, ends in /v3
    shares: tuple[Share, ...]
    origin: str  # the file that says so
    auth: str = CHECK_IN
    protocol: str = "openid"
    identity_provider: str = "egi.eu"
    issuer: str = "https://aai.egi.eu/auth/realms/egi"
    client_id: str = "token-portal"
    aliases: tuple[str, ...] = ()
    region: str | None = None
    ca_bundle: Path | None = None
    token_command: tuple[str, ...] = ()
    public_network: str | None = None
    flavor: str | None = None
    image: str | None = None
    dns: tuple[str, ...] = ()
    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)  # all VOs' together
    facts: tuple[Fact, ...] = ()
    use_cases: tuple[UseCaseDefaults, ...] = ()  # the strongest first

    @property
    def is_listed(self) -> bool:
        """Tell whether any source still lists the site; one without facts is a person's own."""
        said = {fact.what for fact in self.facts}
        return "listed" in said or "no longer listed" not in said

    def share_of(self, vo: str) -> Share | None:
        """Return the VO's share of this site, or None where the site does not serve it."""
        return next((share for share in self.shares if share.vo == vo), None)

    def settings_of(self, vo: str) -> Mapping[str, tuple[Setting, ...]]:
        """Return for each key of SETTINGS what the files say for a VO; the first one holds.

        Within one file the word for the VO comes before the word for the site; the
        others were beaten and are there to be shown.
        """
        return {
            key: tuple(one for one in self.settings.get(key, ()) if one.vo in (None, vo))
            for key in SETTINGS
        }

    def parameters_of(self, use_case: str, vo: str | None = None) -> Mapping[str, Any]:
        """Return the defaults that the site's files give for a use case, those for the VO on top."""
        found: dict[str, Any] = {}
        for one in reversed(self.use_cases):
            if one.use_case == use_case and one.vo in (None, vo):
                found.update(one.parameters)
        return found


# --- what a site offers ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A subnet as the project may see it."""

    id: str
    network_id: str
    cidr: str
    ip_version: int
    name: str = ""
    gateway_ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network as the project may see it; ``subnets`` lacks those that are hidden from it."""

    id: str
    name: str
    external: bool
    shared: bool
    owned: bool
    is_default: bool = False
    active: bool = True
    mtu: int | None = None
    tags: tuple[str, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    hidden_subnets: int = 0
    made_by: str | None = None  # the deployment of ours that made it, and will remove it


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A router of the project and the external network behind it."""

    id: str
    name: str
    external_network_id: str | None
    external_addresses: tuple[str, ...] = ()
    made_by: str | None = None  # the deployment of ours that made it, and will remove it


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of the project: one address on one network, and what has it."""

    network_id: str
    subnet_id: str
    address: str
    device_id: str
    use: str  # server, router, other


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingIp:
    """A floating IP that the project holds."""

    id: str
    address: str
    network_id: str
    attached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """A flavor: whole vCPUs, memory in MB, disks in GB."""

    id: str
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    ephemeral_gb: int = 0
    disabled: bool = False
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image with its Glance properties."""

    id: str
    name: str
    status: str
    visibility: str
    created_at: datetime
    min_disk_gb: int = 0
    min_ram_mb: int = 0
    size_bytes: int = 0
    hidden: bool = False
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One limit of the project; a limit of None means unlimited."""

    name: str  # cores, ram_mb, instances, volumes, volume_gb, floating_ips, networks, routers, ...
    used: int
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A network over which a machine of ours was reached from here, and when last."""

    network_id: str
    topology: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume that the project holds."""

    id: str
    name: str
    size_gb: int
    status: str  # Cinder's word: available, in-use, error, ...
    bootable: bool = False
    made_by: str | None = None  # the deployment of ours that made it


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one project may use at one site, as listed at one moment."""

    site: str
    project_id: str
    collected_at: datetime
    networks: tuple[Network, ...]
    routers: tuple[Router, ...]
    floating_ips: tuple[FloatingIp, ...]
    flavors: tuple[Flavor, ...]
    images: tuple[Image, ...]
    quotas: tuple[Quota, ...]
    ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()  # listed where a deployment is to have one, and not else
    gaps: Mapping[str, str] = field(default_factory=dict)  # what could not be listed, and why


# --- what a use case needs --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNeed:
    """An operating system by distribution and version, as Glance's os_distro and os_version say it."""

    distribution: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What every node of a use case wants at least."""

    vcpus: int
    ram_mb: int
    disk_gb: int
    image: ImageNeed
    gpus: int = 0
    volume_gb: int = 0  # a data volume of the first node


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedWhen:
    """What is needed otherwise when a parameter has a value; only the keys that differ."""

    parameter: str
    value: Any
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that a person may give: one source for options, schema and form."""

    name: str
    type: str  # string, integer, number, boolean, file, yaml
    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None  # of the whole text


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """Nodes of one kind: their name and the inventory groups they join."""

    name: str
    groups: tuple[str, ...]
    public: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One declarative check: its kind, a sentence that states what holds, and its settings."""

    kind: str  # service, command, file, port, closed_ports, mtu, http, tunnel, unit_result
    title: str
    settings: Mapping[str, Any]
    after_reboot: bool = True  # whether it holds again after a reboot


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """As whom a service is entered: a user, and the secret that is the password."""

    user: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A service of a node that is reached through SSH alone."""

    name: str
    title: str
    port: int
    path: str = "/"
    scheme: str = "http"
    node: str | None = None  # a group of nodes; None: the first
    login: Login | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine:
    """A line of the state of a use case: the last that a program on the first node prints."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What has to hold of parameters, inputs and needs before anything is made."""

    kind: str  # square, one_of, together, allowed, fits_header, room
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """How an extra shows the first tunnel's page to everybody: on which ports, by which name."""

    ports: tuple[int, ...]
    name_from: str  # the parameter that tells its name in a Dynamic DNS; empty: it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A piece that several use cases take; the parameter of its name switches it on."""

    name: str
    title: str
    folder: Path
    tunnels: tuple[Tunnel, ...] = ()
    status: tuple[StatusLine, ...] = ()
    checks: tuple[Check, ...] = ()
    publishes: Publishing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """A use case folder, read and validated; parameters and roles are also those of its extras."""

    name: str
    version: str
    title: str
    description: str
    need: Need
    parameters: tuple[Parameter, ...]
    nodes: tuple[NodeGroup, ...]
    roles: tuple[str, ...]
    checks: tuple[Check, ...]
    folder: Path
    needs_when: tuple[NeedWhen, ...] = ()
    secrets: tuple[str, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    results: tuple[str, ...] = ()
    status: tuple[StatusLine, ...] = ()
    rules: tuple[Rule, ...] = ()
    needs_from: Mapping[str, str] = field(default_factory=dict)  # key of a need -> parameter
    extras: tuple[Extra, ...] = ()


# --- what was picked, and why -------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A candidate that was not taken, and why."""

    value: str
    label: str
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One picked value with its reason, its rivals and where to override it."""

    key: str  # flavor, image, topology, public_network, ...; also the key that overrides it
    value: str  # the id at the site
    name: str  # the name at the site
    label: str  # as a person reads it: m1.medium (2 vCPU, 4 GB, 12 GB)
    reason: str  # smallest of 3 that fit
    candidates: int
    origin: str = "discovered"  # or the file, or the command line, that overrode it
    rivals: tuple[Rival, ...] = ()
    confidence: str = "certain"  # fixed, proven, certain, likely
    beaten: tuple[tuple[str, str], ...] = ()  # origin and value of each weaker override


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpHost:
    """A host of the person's through which SSH goes: its name in an ssh_config, or user@host."""

    host: str
    ssh_config: str | None = None  # else the person's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A network that exists already and on which the nodes get their ports."""

    network_id: str
    subnet_id: str | None  # None: whichever the site takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All choices of a deployment, resolved once and stored with it."""

    flavor: Choice
    image: Choice
    topology: Choice  # floating, bastion, direct, jump
    public_network: Choice | None = None  # behind the router, or what the nodes are attached to
    private_network: Choice | None = None  # None: one is made, or none is needed
    floating_ip: Choice | None = None  # an address of the project that is used again
    volume: Choice | None = None  # a volume of the project that is attached in place of a new one
    # Beyond the listed choices: what the modules need to know about them.
    boot_volume_gb: int = 0  # for a flavor without a disk
    attachment: Attachment | None = None  # None: network, subnet and router are made
    ip_version: int = 4  # of the address by which a node is reached
    jump_host: JumpHost | None = None
    volume_gb: int = 0  # of the first node's data volume; 0: it has none

    @property
    def way_in(self) -> Choice | None:
        """The network over which the nodes are reached."""
        return self.public_network or self.private_network

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The choices in the order in which they are shown."""
        made = (
            self.topology,
            self.public_network,
            self.private_network,
            self.floating_ip,
            self.volume,
        )
        return (self.flavor, self.image, *(choice for choice in made if choice is not None))


# --- a deployment ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for: a use case on a site, and what they want to say about it."""

    use_case: str
    site: str
    vo: str | None = None  # else the one of the settings
    name: str | None = None  # else one is made
    parameters: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)  # --set: the last word on a choice
    written: Mapping[str, str] = field(default_factory=dict)  # the same, from a deployment file
    file: str | None = None  # that file
    lifetime_days: int | None = None  # else the one of the settings
    configure: bool = False  # run Ansible although nothing it depends on has changed
    upgrade: bool = False  # take the present use case in place of the one kept with the deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request means, as far as this machine knows without asking anybody."""

    site: Site
    share: Share
    use_case: UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What SSH goes through on its way to a node: another node, or a host of the person's."""

    host: str  # an address, or a name of the person's ssh_config
    user: str | None = None
    port: int | None = None
    ours: bool = True  # takes the deployment's own key
    ssh_config: str | None = None  # for a host of the person's; None: their usual one


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVolume:
    """A data volume of a node: what the node knows its disk by, and whether it was made with it."""

    id: str
    size_gb: int
    device: str  # where Nova says that it is, which the node may see otherwise
    made: bool  # False: it was there before, and is not ours to delete


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVolume:
    """A data volume that outlives its deployment."""

    id: str
    name: str
    size_gb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A VM as the Terraform output ``nodes`` tells it; the inventory is made from this alone."""

    name: str
    address: str
    port: int
    user: str
    groups: tuple[str, ...]
    private_ip: str
    volumes: tuple[DataVolume, ...] = ()
    hop: Hop | None = None  # None: reached straight from here
    id: str = ""  # the server's at the site; none in records from before


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The record of one deployment as the store keeps it."""

    id: str
    name: str
    owner: str
    site: str
    vo: str
    project_id: str
    use_case: str
    use_case_version: str
    phase: Phase
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection | None = None
    nodes: tuple[Node, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    configured_digest: str | None = None  # of all that the last good configure depended on
    failure: str | None = None
    kept: tuple[KeptVolume, ...] = ()  # what its destruction left at the site, as it was meant to

    @property
    def volumes(self) -> tuple[DataVolume, ...]:
        """The data volumes of its nodes."""
        return tuple(volume for node in self.nodes for volume in node.volumes)

    @property
    def again(self) -> str:
        """The command that goes on with it, or finds nothing to do."""
        where = f"SITE={self.site} USECASE={self.use_case} VO={self.vo}"
        return f"make deploy {where} NAME={self.name}"


# --- what a run tells ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One step of a run, as a face shows it or a program reads it."""

    phase: str  # discover, choose, plan, apply, name, reach, configure, verify, destroy
    state: str  # started, running, finished, failed, note
    text: str
    seconds: float | None = None
    details: tuple[tuple[str, str], ...] = ()
