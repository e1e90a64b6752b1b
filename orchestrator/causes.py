"""Known failures: by which words each shows itself, what it means, and what comes next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.errors import (
    BusyError,
    DeploymentFailedError,
    LoginEndedError,
    LoginError,
    OrchestratorError,
    RefusedError,
    SetupError,
    SiteError,
)

# Where the words come from: what Terraform and its provider say, the fault that Nova notes at a broken
# server or Cinder at a volume, the end of a machine's console, the result of an Ansible task, ssh's last words.
TERRAFORM, FAULT, CONSOLE, ANSIBLE, SSH = "terraform", "fault", "console", "ansible", "ssh"
_SITE = (TERRAFORM, FAULT)
_NODE = (ANSIBLE, SSH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One known failure."""

    key: str
    where: tuple[str, ...]
    pattern: str
    message: str
    way_out: tuple[str, ...]
    error: type[OrchestratorError] = DeploymentFailedError


def cause_of(words: str, *, where: str) -> Cause | None:
    """Return the first known failure that the words tell, None where they tell none."""
    return next(
        (one for one in KNOWN if where in one.where and re.search(one.pattern, words)), None
    )


def filled(steps: Iterable[str], *, name: str, site: str) -> tuple[str, ...]:
    """Return next steps with the deployment and the site that they are about."""
    found = (step.replace("NAME=...", f"NAME={name}") for step in steps)
    found = (re.sub(r"\b(orchestrator \w+) NAME\b", rf"\1 {name}", step) for step in found)
    return tuple(re.sub(r"\b(orchestrator \w+) SITE\b", rf"\1 {site}", step) for step in found)


def with_faults(error: OrchestratorError, faults: Mapping[str, str]) -> OrchestratorError:
    """Return an error with what the site notes at broken things, under the cause that this tells.

    ``faults`` are the site's words by whose they are and of what; Terraform never passes them on.
    """
    found = next((one for text in faults.values() if (one := cause_of(text, where=FAULT))), None)
    told = {whose: text[:300] for whose, text in faults.items()}
    kind, message, way_out = type(error), error.message, error.way_out
    if found is not None:
        kind, message, way_out = found.error, found.message, found.way_out
    return kind(message, facts={**told, **error.facts}, way_out=way_out)


def _quota(key: str, pattern: str, what: str, *steps: str) -> Cause:
    return Cause(
        key=f"quota_{key}",
        where=_SITE,
        # Nova says 403, Neutron 409, Cinder 413.
        pattern=rf"(?:[Qq]uota exceeded for|exceeds? allowed|exceeded for quota).{{0,60}}?(?:{pattern})",
        error=SiteError,
        message=f"the project's quota of {what} at the site is used up",
        way_out=(
            *steps,
            "orchestrator sweep SITE        shows what nobody needs any more",
            "else ask the VO's managers or the site for more",
        ),
    )


ANSIBLE_KILLED = Cause(
    key="ansible_killed",
    where=(ANSIBLE,),
    pattern=r"worker was found in a dead state|task worker cannot connect",
    message="a process of Ansible was killed on this machine, by somebody or for want of memory",
    way_out=(
        "the same command again: it goes on from there",
        "if it stays, see what uses the memory of this machine: dmesg | grep -i 'out of memory'",
    ),
)

_START_AGAIN = (
    "start it again at the site (openstack server reboot --hard), then the same command",
    "or make destroy NAME=..., then deploy anew",
    "if it stays, take another image: --set image=IMAGE",
)

# The first that fits counts: the narrower ones come before the wider ones.
KNOWN: tuple[Cause, ...] = (
    # --- who asks
    Cause(
        key="token_expired",
        where=(TERRAFORM,),
        # Keystone says 404 to a login with a token that has expired or was revoked.
        pattern=r"got 401|\b401\b.*[Uu]nauthor|Authentication failed|requires authentication"
        r"|auth/tokens\], but got 404|not a recognized Fernet token|Failed to validate token",
        error=LoginEndedError,
        message="the site no longer accepts the login",
        way_out=("log in again (orchestrator login), then the same command: it goes on from there",),
    ),
    # --- what the project may use
    _quota("cores", r"\bcores\b", "vCPU", "take a smaller flavor: --set flavor=FLAVOR"),
    _quota("ram", r"\bram\b", "memory", "take a smaller flavor: --set flavor=FLAVOR"),
    _quota("instances", r"\binstances\b", "machines", "destroy a deployment that is not needed"),
    _quota("floating_ips", r"floatingip", "floating IPs", "use one that is held: --set floating_ip=ADDRESS"),
    _quota("ports", r"'port'|\bports?\b", "ports", "destroy a deployment that is not needed"),
    _quota("security_groups", r"security_group", "security groups", "remove those that nothing uses"),
    _quota("networks", r"'(?:network|subnet|router)'", "networks and routers", "attach to one that is there: --set private_network=NETWORK"),
    _quota("volume_space", r"[Gg]igabytes", "volume space", "remove a volume that is not needed"),
    _quota("volumes", r"\bvolumes\b", "volumes", "remove a volume that is not needed"),
    Cause(
        key="quota",
        where=_SITE,
        pattern=r"got 403.*(?:[Qq]uota|[Ee]xceeded)|[Qq]uota exceeded|OverQuota|exceeds allowed .* quota",
        error=SiteError,
        message="the project's quota at the site is used up",
        way_out=("destroy what is no longer needed, or ask the site for more",),
    ),
    # --- images: a deactivated one also says 403
    Cause(
        key="image_deactivated",
        where=_SITE,
        pattern=r"[Ii]mage.{0,80}(?:has been deactivated|is not active)|deactivated image",
        error=SiteError,
        message="the image has been switched off at the site",
        way_out=(
            "make destroy NAME=..., then deploy anew: another image is chosen",
            "orchestrator discover SITE        shows the images that can be used",
        ),
    ),
    Cause(
        key="image_gone",
        where=_SITE,
        pattern=r"[Ii]mage \S{8,60} could not be found|[Cc]an ?not find requested image|No image with ID|Image not found",
        error=SiteError,
        message="the image is no longer at the site",
        way_out=(
            "make destroy NAME=..., then deploy anew: another image is chosen",
            "orchestrator discover SITE        shows the images that can be used",
        ),
    ),
    Cause(
        key="policy",
        where=(TERRAFORM,),
        pattern=r"got 403|\b403\b.*Forbidden|disallowed by policy|PolicyNotAuthorized|Policy doesn't allow",
        error=LoginError,
        message="the site does not allow this to you",
        way_out=(
            "orchestrator access        shows what each site lets you do",
            "ask the VO's managers or the site which role is needed",
        ),
    ),
    # --- room at the site
    Cause(
        key="no_valid_host",
        where=_SITE,
        pattern=r"No valid host|Exceeded max(?:imum)? (?:number of retries|scheduling attempts)|MaxRetriesExceeded|NoValidHost",
        error=SiteError,
        message="the site has no room for a machine of this flavor now",
        way_out=(
            "try later: the same command makes the machine anew",
            "or destroy it, and choose another flavor (--set flavor=FLAVOR) or another site",
        ),
    ),
    Cause(
        key="no_addresses",
        where=_SITE,
        pattern=r"No more IP addresses|IpAddressGenerationFailure|ExternalIpAddressExhausted",
        error=SiteError,
        message="the external network has no free address",
        way_out=(
            "try later, or use an address that the project holds: --set floating_ip=ADDRESS",
            "or another network: --set public_network=NETWORK",
        ),
    ),
    Cause(
        key="no_port_security",
        where=(TERRAFORM,),
        pattern=r"Port security must be enabled",
        error=SiteError,
        message="the network takes no firewall rules: its port security is switched off",
        way_out=(
            "make destroy NAME=..., then deploy anew with another network: --set private_network=NETWORK",
            "or have it switched on (openstack network set --enable-port-security), then the same command",
        ),
    ),
    Cause(
        key="volume_not_given",
        where=_SITE,
        pattern=r"Block Device Mapping is Invalid|[Vv]olume \S{8,60} status must be 'available'|volume \S{8,60} are not in the same availability_zone",
        error=SiteError,
        message="the site does not give the data volume to the machine",
        way_out=(
            "if something else has the volume, free it there, then the same command",
            "or deploy under another name, with another volume or a new one (--param volume_gb=GB)",
        ),
    ),
    Cause(
        key="broken_machine",
        where=_SITE,
        pattern=r"unexpected state 'ERROR'|Build of instance \S+ (?:aborted|was re-scheduled)",
        error=SiteError,
        message="the site could not build the machine",
        way_out=(
            "the same command makes it anew; what is broken is removed first",
            "if it fails again, send the site its own words from `orchestrator logs NAME`",
        ),
    ),
    Cause(
        key="no_storage",
        where=(FAULT,),
        pattern=r"[Cc]ould not find any available weighted backend|No valid backend was found|No weighed backends available",
        error=SiteError,
        message="the site has no storage that takes a volume of this size now",
        way_out=(
            "the same command later; what is broken is removed first",
            "or a smaller volume, or one that is there: --set volume=ID",
            "if it fails again, ask the site whether its block storage works",
        ),
    ),
    Cause(
        key="broken_volume",
        where=_SITE,
        pattern=r"volume is in error status",
        error=SiteError,
        message="the site could not make the volume",
        way_out=(
            "the same command makes it anew; what is broken is removed first",
            "if it fails again, ask the site whether its block storage works",
        ),
    ),
    # --- what stands in the way at the site
    Cause(
        key="in_use",
        where=(TERRAFORM,),
        pattern=r"\bin use\b|InUse\b|still has ports|have an IP allocation from|status must be available or error",
        error=BusyError,
        message="something at the site is still in use by something else",
        way_out=(
            "the same command again in a minute: it goes on from there",
            "if it stays: something without our mark uses it, look at the site",
        ),
    ),
    Cause(
        key="conflict",
        where=(TERRAFORM,),
        pattern=r"got 409|\b409\b.*Conflict",
        error=BusyError,
        message="the site refused because of something that is there already, or still changing",
        way_out=("the same command again in a minute: it looks at the site first",),
    ),
    # --- this machine
    Cause(
        key="disk_full_here",
        where=(TERRAFORM,),
        pattern=r"no space left on device|disk quota exceeded",
        error=SetupError,
        message="the disk of this machine is full",
        way_out=("make room, then the same command: it goes on from there",),
    ),
    Cause(
        key="provider_checksum",
        where=(TERRAFORM,),
        pattern=r"doesn't match any of the checksums|checksum(?:s)? (?:mismatch|does not match)|does not match .* checksum",
        error=SetupError,
        message="the OpenStack provider on this machine is not the one that is expected",
        way_out=("orchestrator doctor --install        makes it anew",),
    ),
    Cause(
        key="provider_crash",
        where=(TERRAFORM,),
        pattern=r"Plugin did not respond|plugin crashed|Plugin error|Unrecognized remote plugin message",
        message="the OpenStack provider of Terraform broke down in the middle",
        way_out=(
            "the same command again: what it had begun is looked for at the site first",
            "orchestrator report NAME        gathers what a bug report needs",
        ),
    ),
    Cause(
        key="state_locked",
        where=(TERRAFORM,),
        pattern=r"Error acquiring the state lock",
        error=RefusedError,
        message="another Terraform works on this deployment",
        way_out=("wait for it to end",),
    ),
    Cause(
        key="stale_plan",
        where=(TERRAFORM,),
        pattern=r"Saved plan is stale",
        message="something has changed since the plan was made",
        way_out=("plan again",),
    ),
    # --- the way to the site
    Cause(
        key="certificate",
        where=(TERRAFORM,),
        pattern=r"x509|certificate signed by unknown|certificate verify failed",
        error=SiteError,
        message="the site's certificate is not trusted here",
        way_out=("name the site's CA in its file: ca_bundle",),
    ),
    Cause(
        key="site_down",
        where=(TERRAFORM,),
        pattern=r"connection refused|no such host|i/o timeout|context deadline exceeded"
        r"|TLS handshake|connection reset|network is unreachable|no route to host|got (?:429|50\d)",
        error=SiteError,
        message="the site does not answer",
        way_out=("try later: the same command goes on from there",),
    ),
    Cause(
        key="site_slow",
        where=(TERRAFORM,),
        pattern=r"timeout while waiting for state",
        error=SiteError,
        message="the site did not finish in time",
        way_out=("try later: the same command goes on from there",),
    ),
    # --- a boot that has ended where nothing follows
    Cause(
        key="no_system_disk",
        where=(CONSOLE,),
        pattern=r"\(initramfs\)|Dropping to a shell!|Dracut Emergency Shell|^dracut:/#",
        message="the machine does not find its system disk, and waits in its initramfs",
        way_out=_START_AGAIN,
    ),
    Cause(
        key="kernel_panic",
        where=(CONSOLE,),
        # Said where the kernel stays as it is, and not where it starts the machine again.
        pattern=r"end Kernel panic - not syncing",
        message="the kernel of the machine has stopped in a panic",
        way_out=_START_AGAIN,
    ),
    Cause(
        key="emergency_mode",
        where=(CONSOLE,),
        pattern=r"You are in (?:emergency|rescue) mode|Give root password for maintenance|Press Enter for maintenance",
        message="the machine could not boot to its end, and waits for its administrator in emergency mode",
        way_out=_START_AGAIN,
    ),
    # --- on the nodes
    ANSIBLE_KILLED,
    Cause(
        key="apt_locked",
        where=(ANSIBLE,),
        pattern=r"Could not get lock /var/lib/|Unable to (?:acquire the dpkg frontend lock|lock the administration)|Failed to lock (?:apt|directory)",
        message="another program on the node is installing packages (its own first updates, as a rule)",
        way_out=("the same command again in a few minutes: it goes on from there",),
    ),
    Cause(
        key="pull_limit",
        where=(ANSIBLE,),
        pattern=r"toomanyrequests|pull rate limit|429 Too Many Requests|unexpected status.*429",
        message="the registry of container images lets this site's addresses pull no more for now",
        way_out=(
            "the same command again in an hour or more: the limit is by address and time",
            "or take the image from another registry, where the use case has a parameter for it",
        ),
    ),
    Cause(
        key="dns_fails",
        where=(ANSIBLE,),
        pattern=r"Temporary failure (?:in name resolution|resolving)|Could not resolve (?:host|')|Name or service not known|server misbehaving|no such host",
        message="the node cannot look up names: the name servers of its network do not answer it",
        way_out=(
            "name servers that work there, in the site's file: dns: [ADDRESS]",
            "the same command again, if it was for a moment",
        ),
    ),
    Cause(
        key="node_disk_full",
        where=_NODE,
        pattern=r"[Nn]o space left on device|You don't have enough free space",
        message="the disk of the node is full",
        way_out=(
            "make room on it: orchestrator ssh NAME",
            "or deploy under another name with a flavor that has a larger disk",
        ),
    ),
    Cause(
        key="wrong_checksum",
        where=(ANSIBLE,),
        pattern=r"checksum for .* did not match|DO NOT MATCH THE HASHES|[Hh]ash [Ss]um mismatch|File has unexpected size",
        message="a file that was downloaded is not the one that is expected",
        way_out=(
            "the same command again: a mirror may have been in the middle of an update",
            "if it stays, the file was changed at its source: do not go around the check",
        ),
    ),
    Cause(
        key="package_script",
        where=(ANSIBLE,),
        pattern=r"dpkg: error processing|Sub-process \S*dpkg returned an error",
        message="a package was brought to the node, but its own script failed there",
        way_out=(
            "the same command again: it goes on with the packages that are left",
            "orchestrator ssh NAME -- sudo dpkg --configure --pending        shows what the script says",
        ),
    ),
    # --- ssh, before what Ansible says of other connections
    Cause(
        key="ssh_refused",
        where=_NODE,
        pattern=r"connect to host \S+ port \d+: Connection refused",
        message="the machine is up, but nothing listens for SSH on it: it is booting, or its SSH has ended",
        way_out=(
            "the same command again in a minute: it waits until SSH answers",
            "if it stays, look at the machine's console at the site",
        ),
    ),
    Cause(
        key="ssh_closed",
        where=_NODE,
        pattern=r"kex_exchange_identification|Connection (?:closed|reset) by \S+ port",
        message="the machine takes the connection for SSH and closes it again: it is still starting, or overloaded",
        way_out=("the same command again in a minute: it waits until SSH answers",),
    ),
    Cause(
        key="ssh_key_refused",
        where=_NODE,
        pattern=r"Permission denied \(publickey",
        message="the machine does not take the deployment's key: cloud-init has not put it there",
        way_out=(
            "look at the machine's console at the site: what does cloud-init say?",
            "images without cloud-init cannot be used: --set image=IMAGE",
        ),
    ),
    Cause(
        key="ssh_no_way",
        where=_NODE,
        pattern=r"connect to host \S+ port \d+: (?:Connection timed out|No route to host|Network is unreachable|Operation timed out)",
        message="nothing comes back from the machine's address: a firewall, or the wrong network",
        way_out=(
            "does this network let SSH out? try from elsewhere",
            "orchestrator explain NAME        says why this network was chosen, and what else there is",
        ),
    ),
    Cause(
        key="node_slow",
        where=(ANSIBLE,),
        pattern=r"Task failed: Connection timed out\.|waiting for privilege escalation prompt",
        message="the node is too busy to begin a task in two minutes",
        way_out=(
            "the same command again: it goes on from there",
            "if it stays, see what keeps it busy: orchestrator ssh NAME -- uptime",
            "or deploy anew with a larger one: --set flavor=FLAVOR",
        ),
    ),
    Cause(
        key="mirror_down",
        where=(ANSIBLE,),
        pattern=r"Failed to fetch|Failed to update apt cache|Unable to fetch some archives|Could not connect to|Connection timed out|Read timed out|Network is unreachable|urlopen error|Request failed: ",
        message="a place from which the node gets its packages or files does not answer",
        way_out=("the same command again later: it goes on from there",),
    ),
)  # fmt: skip
