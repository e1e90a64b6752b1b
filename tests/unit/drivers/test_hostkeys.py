"""Host keys out of a console, and whom we trust."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from orchestrator.drivers import hostkeys


def key(kind="ssh-ed25519", body=b"k" * 32):
    parts = [kind.encode(), body]
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return base64.b64encode(blob).decode()


NEW, OLD = key(body=b"n" * 32), key(body=b"o" * 32)


def block(*lines):
    return "\r\n".join(
        ["-----BEGIN SSH HOST KEY KEYS-----", *lines, "-----END SSH HOST KEY KEYS-----", ""]
    )


def hosts(console):
    return hostkeys.from_console(console, address="198.51.100.17")


def test_keys_are_read_from_the_last_whole_block():
    console = (
        block(f"ssh-ed25519 {OLD} root@old")
        + "[   12.5] random: crng init done\r\n"
        + block(f"ssh-ed25519 {NEW} root@sky", f"<14>cloud-init: ssh-ed25519 {NEW} root@sky")
        + "-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 AAAA"
    )
    assert hosts(console) == [f"198.51.100.17 ssh-ed25519 {NEW}"]


@pytest.mark.parametrize(
    "console",
    [
        "",
        "no keys here",
        block(),
        block(f"ssh-ed25519 {NEW[:-12]}"),
        block(f"ssh-rsa {NEW}"),
        f"ssh-ed25519 {NEW}",
        f"-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 {NEW}",
    ],
    ids=["empty", "nothing", "empty block", "cut off", "another kind", "no block", "no end"],
)
def test_what_is_not_whole_is_not_trusted(console):
    assert hosts(console) == []


def test_another_port_is_written_as_openssh_wants_it():
    (line,) = hostkeys.from_console(block(f"ssh-ed25519 {NEW}"), address="::1", port=2222)
    assert line.startswith("[::1]:2222 ssh-ed25519 ")


def test_a_new_key_takes_the_place_of_older_ones_of_its_host(workdir, node):
    assert not hostkeys.is_trusted(workdir, node)
    hostkeys.trust(workdir, ["192.0.2.1 ssh-ed25519 other", f"{node.address} ssh-ed25519 {OLD}"])
    hostkeys.trust(workdir, [f"{node.address} ssh-ed25519 {NEW}"])
    assert hostkeys.is_trusted(workdir, node)
    assert workdir.known_hosts.read_text().splitlines() == [
        "192.0.2.1 ssh-ed25519 other",
        f"{node.address} ssh-ed25519 {NEW}",
    ]


def test_nodes_on_other_ports_are_other_hosts(workdir, node):
    hostkeys.trust(workdir, [f"{node.address} ssh-ed25519 {NEW}"])
    assert not hostkeys.is_trusted(workdir, replace(node, port=2222))


# --- what leads to a node
