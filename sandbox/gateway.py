"""Lets VMs out to the network of this machine, with rules that are easily known as ours."""

import json
from pathlib import Path

from sandbox import files, shell
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.networks import EXTERNAL_CIDR, NETWORKS, links

MARK = ["-m", "comment", "--comment", "orchestrator-sandbox"]
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
IPV6 = Path("/proc/sys/net/ipv6/conf")


def open_way(layout: Layout) -> str:
    """Forward and translate what comes from floating addresses, and nothing else."""
    record = layout.stamps / "sysctl.json"
    if not record.is_file():
        files.write(record, json.dumps({str(FORWARDING): FORWARDING.read_text().strip()}))
    FORWARDING.write_text("1\n")
    for rule in rules(default_interface()):
        if not shell.succeeds(_iptables(rule, "-C")):
            shell.run(_iptables(rule, "-I"))
    with_ipv6 = _prepare_ipv6()
    return f"out by {default_interface()}, {'with' if with_ipv6 else 'without'} IPv6"


def _prepare_ipv6() -> bool:
    """Give this machine its addresses on the links; say whether it has IPv6 at all."""
    if not IPV6.is_dir():
        return False
    for network in NETWORKS:
        if network.link:
            # A VM must not become this machine's router by saying that it is one.
            (IPV6 / network.link / "accept_ra").write_text("0\n")
        if network.is_reached_by_ipv6:
            (IPV6 / network.link / "disable_ipv6").write_text("0\n")
            address = [network.address, "dev", network.link, "nodad"]
            shell.run(["ip", "-6", "address", "replace", *address])
    return True


def close_way(layout: Layout) -> None:
    """Remove every rule that carries our mark; set back what was changed."""
    for table in ("nat", "filter"):
        if not shell.succeeds(["iptables", "-w", "-t", table, "-S"]):
            continue
        for line in shell.run(["iptables", "-w", "-t", table, "-S"]).splitlines():
            if ours(line):
                shell.run(["iptables", "-w", "-t", table, "-D", *line.split()[1:]])
    record = layout.stamps / "sysctl.json"
    if record.is_file():
        for name, value in json.loads(record.read_text()).items():
            Path(name).write_text(f"{value}\n")
        record.unlink()
    for link in links():
        remove_link(Path("/sys/class/net") / link)


def remove_link(link: Path) -> None:
    """Remove a link of ours; the kernel does so too, in its own time, once the sandbox's networks end."""
    if not link.exists():
        return
    try:
        shell.run(["ip", "link", "delete", link.name])
    except SandboxError:
        # In between it may have gone by itself.
        if link.exists():
            raise


def rules(interface: str) -> list[tuple[str, str, list[str]]]:
    """Return table, chain and body of each rule on this machine."""
    # Without `-o`, packets between VMs on one bridge would be translated too.
    # All public addresses of the site lie in this range.
    translated = ["-s", EXTERNAL_CIDR, "-o", interface, *MARK, "-j", "MASQUERADE"]
    found = [("nat", "POSTROUTING", translated)]
    for network in NETWORKS:
        if network.link and not network.is_reached_by_ipv6:
            found += _through(network.link, interface)
    return found


def _through(link: str, interface: str) -> list[tuple[str, str, list[str]]]:
    answers = ["-o", link, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]
    return [
        ("filter", "FORWARD", ["-i", link, "-o", interface, *MARK, "-j", "ACCEPT"]),
        ("filter", "FORWARD", [*answers, *MARK, "-j", "ACCEPT"]),
    ]


def ours(line: str) -> bool:
    """Say whether a line of `iptables -S` is one of our rules."""
    return line.startswith("-A ") and "--comment orchestrator-sandbox " in line


def default_interface() -> str:
    """Return the interface of the default route, or the loopback when there is none."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, destination = line.split()[:2]
        if destination == "00000000":
            return interface
    return "lo"


def resolvers() -> list[str]:
    """Return this machine's name servers that a VM can reach too."""
    for name in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        path = Path(name)
        found = name_servers(path.read_text()) if path.is_file() else []
        if found:
            return found
    return []


def name_servers(text: str) -> list[str]:
    """Return the IPv4 name servers of a resolv.conf that are not on the loopback."""
    lines = [line.split() for line in text.splitlines()]
    addresses = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return [address for address in addresses if ":" not in address and address[:4] != "127."]


def _iptables(rule: tuple[str, str, list[str]], verb: str) -> list[str]:
    table, chain, body = rule
    return ["iptables", "-w", "-t", table, verb, chain, *body]
