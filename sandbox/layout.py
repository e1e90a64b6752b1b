"""Where everything of the sandbox lives, and the ports it answers on."""

from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
TEMPLATES = SOURCE / "templates"
CONSTRAINTS = SOURCE / "constraints.txt"

HOST = "127.0.0.1"
# Below 32768, where Linux hands out ports of its own accord.
PUBLIC_PORTS = {
    "keystone": 25000,
    "keycloak": 28443,
    "glance": 29292,
    "nova": 28774,
    "neutron": 29696,
    "placement": 28778,
    "cinder": 28776,
}
# What else answers on this machine: a jump host, and two sites that fail.
OTHER_PORTS = {"jump": 28022, "silent": 28023, "self-signed": 28024}
# Where VMs find images of containers: this machine's own address on the floating network.
REGISTRY = ("198.51.100.1", 5000)


@dataclass(frozen=True, slots=True)
class Layout:
    """The two folders a sandbox owns and the names inside them."""

    state: Path = Path("/var/lib/orchestrator-sandbox")
    cache: Path = Path("/var/cache/orchestrator-sandbox")

    @property
    def lock(self) -> Path:
        """The file whose lock lets one command at a time change the sandbox."""
        return Path("/run/lock") / f"{self.state.name}.lock"

    @property
    def etc(self) -> Path:
        """Configuration rendered from the templates at each start."""
        return self.state / "etc"

    @property
    def log(self) -> Path:
        """One log for each service and each step."""
        return self.state / "log"

    @property
    def run(self) -> Path:
        """Sockets, and what is true only until the next boot."""
        return self.state / "run"

    @property
    def secrets(self) -> Path:
        """Passwords, readable by root alone."""
        return self.state / "secrets"

    @property
    def tls(self) -> Path:
        """Keys of the certificate authority and of the endpoints."""
        return self.state / "tls"

    @property
    def ca(self) -> Path:
        """The certificate that a client of the sandbox has to trust."""
        return self.state / "ca.pem"

    @property
    def jump(self) -> Path:
        """What a user of the jump host needs: its ssh_config, a key, the host's key."""
        return self.state / "jump"

    @property
    def stamps(self) -> Path:
        """Marks of work done once: which version of the data was made."""
        return self.state / "stamps"


def url(service: str) -> str:
    """Return the public address of a service of the catalog or of Keycloak."""
    paths = {"keystone": "/v3", "nova": "/v2.1", "cinder": "/v3", "keycloak": "/auth/realms/egi"}
    return f"https://{HOST}:{PUBLIC_PORTS[service]}{paths.get(service, '')}"
