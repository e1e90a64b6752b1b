"""`clean` leaves the machine as it was; the next start after this test is a cold one."""

import subprocess
from pathlib import Path

import pytest

from sandbox import enclosure
from sandbox.layout import Layout

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.sandbox_clean,
    pytest.mark.e2e,
    pytest.mark.usefixtures("alone"),
]
LISTINGS = {
    "links": "ip -o link | awk '{print $2}'",
    "namespaces": "ip netns",
    "addresses": "ip -o address | awk '{print $2, $4}' | sort",
    "routes": "ip route; ip -6 route",
    "rules": "for six in '' 6; do ip${six}tables-save | grep -v '^[#:]'; done || true",
    "mounts": "cat /proc/mounts",
    "bridges": "ls /sys/class/net",
    "forwarding": "cat /proc/sys/net/ipv4/ip_forward",
    "settings": "ls /etc",
    "folders": "ls -d /var/lib/orchestrator-sandbox /var/lib/libvirt /var/log/libvirt || true",
}


def machine() -> dict[str, str]:
    """Return what the sandbox could have left traces in."""
    return {
        name: subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout
        for name, command in LISTINGS.items()
    }


def test_clean_leaves_the_machine_as_it_was_before_the_first_start(sandbox):
    layout = Layout()
    sandbox("clean")
    before = machine()
    sandbox("up")
    during = machine()

    sandbox("clean")

    assert machine() == before
    assert during != before
    assert enclosure.processes(layout) == {}
    assert not layout.state.exists()
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not [command for command in commands if str(layout.state).encode() in command]
