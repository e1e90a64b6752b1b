"""What was picked for a deployment, and why."""

from __future__ import annotations

from dataclasses import dataclass


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
    volume: Choice | None = None  # a volume of the project that is taken in place of a new one
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
