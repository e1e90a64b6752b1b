"""What each VO is given at this site: one shape of real sites for each."""

from dataclasses import dataclass

from sandbox.networks import EXTERNAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Vo:
    """A VO with its project; what is not said is as at most sites."""

    name: str
    project: str
    # Networks it may take floating addresses from, and networks it may put servers on.
    external: tuple[str, ...] = (EXTERNAL,)
    shared: tuple[str, ...] = ()
    owns_router: bool = False
    floating_ips: int = 5
    cores: int = 20
    instances: int = 10
    ram: int = 65536
    volumes: int = 10
    gigabytes: int = 200
    has_current_image: bool = True
    # Which keys of its own it has in the site file is told in site.py.
    by_jump_host: bool = False

    @property
    def quota(self) -> dict[str, int]:
        """Return its limits in Nova's words."""
        return {"cores": self.cores, "instances": self.instances, "ram": self.ram}

    @property
    def volume_quota(self) -> dict[str, int]:
        """Return its limits in Cinder's words."""
        return {"volumes": self.volumes, "gigabytes": self.gigabytes}


# The services know these limits from their configuration: seeding sets those that differ.
USUAL = Vo(name="", project="")
OTHERS = "eosc-synergy.eu"
VOS = (
    Vo(name="vo.access.egi.eu", project="access"),
    Vo(name=OTHERS, project="synergy"),
    Vo(name="routed.sandbox", project="routed", owns_router=True),
    Vo(name="two.sandbox", project="two", external=("ext-a", "ext-b")),
    Vo(name="direct.sandbox", project="direct", external=(), shared=("provider-public",)),
    Vo(
        name="jump.sandbox",
        project="jump",
        external=(),
        shared=("provider-private",),
        by_jump_host=True,
    ),
    Vo(name="v6.sandbox", project="v6", external=(), shared=("provider-v6",)),
    Vo(name="bastion.sandbox", project="bastion", floating_ips=1),
    # By the site's policy, only whom an external network is shared with sees its subnets.
    Vo(name="visible.sandbox", project="visible", shared=(EXTERNAL,)),
    Vo(name="full.sandbox", project="full", cores=1, instances=1, ram=1024, volumes=1, gigabytes=2),
    Vo(name="expired.sandbox", project="expired", has_current_image=False),
)
NAMES = tuple(vo.name for vo in VOS)
