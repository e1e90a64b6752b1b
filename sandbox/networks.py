"""The networks of the site, from the wire on this machine to what Neutron says of them."""

from dataclasses import dataclass

EXTERNAL, EXTERNAL_CIDR, EXTERNAL_GATEWAY = "ext-2083", "198.51.100.0/24", "198.51.100.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """Addresses of a network; without DHCP a VM reads its address from its config drive."""

    cidr: str
    gateway: str | None
    pool: tuple[str, str]
    dhcp: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A flat network: a bridge inside, and where it has a `link`, a way to it from this machine.

    `address` is this machine's on the link, `router` that of the site's own router, `jump`
    that of the jump host; a network without the first is out of this machine's reach.
    """

    name: str
    wire: str
    subnets: tuple[Subnet, ...]
    external: bool = False
    link: str = ""
    address: str = ""
    router: str = ""
    jump: str = ""

    @property
    def is_reached_by_ipv6(self) -> bool:
        """Say whether this machine has an IPv6 address on it."""
        return ":" in self.address


# The last three ranges lie in the first one, outside its pool: the narrower route wins, and
# a sandbox made before they came keeps its network and its floating addresses.
NETWORKS = (
    Network(
        name=EXTERNAL,
        wire="ext",
        external=True,
        link="orcsb-ext",
        address=f"{EXTERNAL_GATEWAY}/24",
        router="198.51.100.2/24",
        subnets=(
            Subnet(
                cidr=EXTERNAL_CIDR,
                gateway=EXTERNAL_GATEWAY,
                pool=("198.51.100.10", "198.51.100.200"),
                dhcp=False,
            ),
        ),
    ),
    Network(
        name="ext-a",
        wire="a",
        external=True,
        link="orcsb-a",
        address="198.51.100.209/28",
        subnets=(
            Subnet(
                cidr="198.51.100.208/28",
                gateway="198.51.100.209",
                pool=("198.51.100.210", "198.51.100.222"),
                dhcp=False,
            ),
        ),
    ),
    Network(
        name="ext-b",
        wire="b",
        external=True,
        link="orcsb-b",
        address="198.51.100.225/28",
        subnets=(
            Subnet(
                cidr="198.51.100.224/28",
                gateway="198.51.100.225",
                pool=("198.51.100.226", "198.51.100.238"),
                dhcp=False,
            ),
        ),
    ),
    Network(
        name="provider-public",
        wire="public",
        link="orcsb-public",
        address="198.51.100.241/28",
        subnets=(
            Subnet(
                cidr="198.51.100.240/28",
                gateway="198.51.100.241",
                pool=("198.51.100.242", "198.51.100.254"),
            ),
        ),
    ),
    Network(
        name="provider-private",
        wire="private",
        router="10.83.0.1/24",
        jump="10.83.0.2/24",
        subnets=(
            Subnet(cidr="10.83.0.0/24", gateway="10.83.0.1", pool=("10.83.0.10", "10.83.0.250")),
        ),
    ),
    Network(
        name="provider-v6",
        wire="v6",
        link="orcsb-v6",
        address="2001:db8:83::1/64",
        router="10.86.0.1/24",
        subnets=(
            Subnet(cidr="10.86.0.0/24", gateway="10.86.0.1", pool=("10.86.0.10", "10.86.0.250")),
            # Its VMs answer this machine; out they go by IPv4, as nothing carries IPv6 further.
            Subnet(
                cidr="2001:db8:83::/64",
                gateway=None,
                pool=("2001:db8:83::10", "2001:db8:83::ffff"),
                dhcp=False,
            ),
        ),
    ),
)


def links() -> list[str]:
    """Return the names of this machine's links to the site."""
    return [network.link for network in NETWORKS if network.link]
