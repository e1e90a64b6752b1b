"""Simulated sites: one small process that answers as many OpenStacks on 127.0.0.1 as it is asked for.

It is no OpenStack: it knows the listings of a project and the federated login before them, answers
each after a set latency, says what it is, and refuses every path it does not know. It ends when its
standard input does, so that it cannot outlive whoever started it.

    python -m tests.simulated_sites --sites 5 --latency 0.02 --slow 1 --silent 1 --closed 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VO = "vo.access.egi.eu"
PROJECT = "p-access"
SAYS = "simulated EGI site, tests/simulated_sites.py"
EXPIRES = "2036-01-01T00:00:00.000000Z"
AUTH = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/openid/auth"
_SLOW_LATENCY = 1.0


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A simulated site as its user knows it."""

    name: str
    endpoint: str
    kind: str  # quick, slow, silent (takes the call and never answers), closed

    @property
    def file(self) -> str:
        """Its site file, in EGI's schema."""
        vos = [{"name": VO, "auth": {"project_id": PROJECT}}]
        return json.dumps({"gocdb": self.name, "endpoint": self.endpoint, "vos": vos})


@contextmanager
def running(
    count: int,
    *,
    latency: float = 0.0,
    slow: int = 0,
    silent: int = 0,
    closed: int = 0,
    **sizes: int,
) -> Iterator[tuple[Simulated, ...]]:
    """Run so many sites in a process of their own; of them some slow, silent or closed."""
    given = {"sites": count, "latency": latency, "slow": slow, "silent": silent, "closed": closed}
    words = [f"--{name}={value}" for name, value in {**given, **sizes}.items()]
    command = [sys.executable, "-m", "tests.simulated_sites", *words]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            listed = json.loads(process.stdout.readline())
            yield tuple(Simulated(**one) for one in listed)
        finally:
            process.stdin.close()
            process.wait(timeout=10)


# --- what a site answers

Answer = tuple[int, Any, Mapping[str, str]]


class Site:
    """The answers of one site: the same in content for all, under its own address."""

    def __init__(self, base: str, *, flavors: int, images: int, networks: int) -> None:
        self._base = base
        self._network = f"{base}/networking"
        self._answers: dict[str, Callable[[], Any]] = {
            "/v3": lambda: {"version": _version("v3.14", f"{base}/v3/")},
            "/v3/auth/projects": lambda: {"projects": [_project()]},
            "/networking": self._network_versions,
            "/networking/v2.0/networks": lambda: {"networks": _networks(networks)},
            "/networking/v2.0/subnets": lambda: {"subnets": _subnets(networks)},
            "/networking/v2.0/routers": lambda: {"routers": _routers()},
            "/networking/v2.0/ports": lambda: {"ports": _ports()},
            "/networking/v2.0/floatingips": lambda: {"floatingips": _floating_ips()},
            f"/networking/v2.0/quotas/{PROJECT}/details.json": lambda: {"quota": _quota()},
            "/compute/v2.1": lambda: {
                "version": _version("v2.1", f"{base}/compute/v2.1/", maximum="2.96")
            },
            "/compute/v2.1/flavors/detail": lambda: {"flavors": _flavors(flavors)},
            "/compute/v2.1/limits": lambda: {"limits": {"rate": [], "absolute": _limits()}},
            "/image": lambda: {"versions": [_version("v2.16", f"{base}/image/v2/")]},
            "/image/v2/images": lambda: {"images": _images(images)},
            f"/volume/v3/{PROJECT}/os-quota-sets/{PROJECT}": lambda: {"quota_set": _volumes()},
            "/volume": lambda: {
                "versions": [_version("v3.0", f"{base}/volume/v3/", maximum="3.70")]
            },
        }
        self._written: dict[str, bytes] = {}

    def answer(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Return status, body and headers; what is not known is refused."""
        place, _, query = path.partition("?")
        place = place.rstrip("/") or "/"
        if method == "POST":
            status, content, more = self._token(place, headers)
            return status, json.dumps(content).encode(), more
        if method != "GET" or place not in self._answers:
            said = {"error": {"message": f"{SAYS}: {method} {place} is not known", "code": 404}}
            return 404, json.dumps(said).encode(), {}
        if not _is_open(place) and headers.get("x-auth-token", "") not in ("unscoped", "scoped"):
            return 401, json.dumps({"error": {"message": "no token", "code": 401}}).encode(), {}
        if "visibility=community" in query or "marker=" in query:
            return 200, b'{"images": [], "flavors": []}', {}
        if place not in self._written:
            self._written[place] = json.dumps(self._answers[place]()).encode()
        return 200, self._written[place], {}

    def _token(self, place: str, headers: Mapping[str, str]) -> Answer:
        user = {"id": "u1", "name": "abc@egi.eu", "domain": {"id": "d", "name": "egi.eu"}}
        told: dict[str, Any] = {"expires_at": EXPIRES, "user": user, "methods": ["token"]}
        if place == AUTH and headers.get("authorization", "").startswith("Bearer "):
            return 201, {"token": told}, {"X-Subject-Token": "unscoped"}
        if place == "/v3/auth/tokens":
            project = {**_project(), "domain": {"id": "d", "name": "egi.eu"}}
            told |= {"project": project, "catalog": self._catalog(), "roles": []}
            return 201, {"token": told}, {"X-Subject-Token": "scoped"}
        return 404, {"error": {"message": f"{SAYS}: POST {place} is not known", "code": 404}}, {}

    def _catalog(self) -> list[dict[str, Any]]:
        places = {
            "identity": f"{self._base}/v3",
            "network": self._network,
            "compute": f"{self._base}/compute/v2.1",
            "image": f"{self._base}/image",
            "volumev3": f"{self._base}/volume/v3/{PROJECT}",
        }
        return [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {"id": kind, "interface": "public", "region": "R", "region_id": "R", "url": url}
                ],
            }
            for kind, url in places.items()
        ]

    def _network_versions(self) -> dict[str, Any]:
        return {"versions": [_version("v2.0", f"{self._network}/v2.0/")]}


def _is_open(place: str) -> bool:
    return place in ("/v3", "/networking", "/image", "/compute/v2.1", "/volume")


def _version(number: str, url: str, *, maximum: str = "") -> dict[str, Any]:
    told = {"id": number, "status": "CURRENT", "links": [{"rel": "self", "href": url}]}
    return told | ({"version": maximum, "min_version": "2.1"} if maximum else {})


def _project() -> dict[str, Any]:
    return {"id": PROJECT, "name": "access", "enabled": True, "egi.VO": VO}


def _networks(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"n{n}",
            "name": "public" if n == 0 else f"net-{n}",
            "router:external": n == 0,
            "shared": False,
            "status": "ACTIVE",
            "admin_state_up": True,
            "mtu": 1450,
            "tags": [],
            "subnets": [f"s{n}"],
            "project_id": "admin" if n == 0 else PROJECT,
            "description": "",
        }
        for n in range(count)
    ]


def _subnets(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{n}",
            "network_id": f"n{n}",
            "cidr": f"10.{n % 250}.0.0/24" if n else "193.1.2.0/24",
            "ip_version": 4,
            "name": f"subnet-{n}",
            "gateway_ip": None,
        }
        for n in range(count)
    ]


def _routers() -> list[dict[str, Any]]:
    gateway = {"network_id": "n0", "external_fixed_ips": [{"ip_address": "193.1.2.9"}]}
    return [{"id": "r1", "name": "router", "external_gateway_info": gateway, "description": ""}]


def _ports() -> list[dict[str, Any]]:
    return [
        {
            "id": f"port-{n}",
            "network_id": "n1",
            "device_owner": "compute:nova",
            "device_id": f"server-{n}",
            "fixed_ips": [{"subnet_id": "s1", "ip_address": f"10.1.0.{n + 10}"}],
        }
        for n in range(8)
    ]


def _floating_ips() -> list[dict[str, Any]]:
    plain = {"floating_network_id": "n0", "port_id": None}
    return [{"id": f"f{n}", "floating_ip_address": f"193.1.2.{n + 20}", **plain} for n in range(3)]


def _flavors(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"flavor-{n}",
            "name": f"m{n}.general",
            "vcpus": 1 + n % 16,
            "ram": 2048 * (1 + n % 16),
            "disk": 20,
            "OS-FLV-EXT-DATA:ephemeral": 0,
            "OS-FLV-DISABLED:disabled": False,
            "extra_specs": {"hw_rng:allowed": "true"},
        }
        for n in range(count)
    ]


def _images(count: int) -> list[dict[str, Any]]:
    systems = (("ubuntu", "22.04"), ("ubuntu", "24.04"), ("debian", "12"), ("alma", "9"))
    listed = []
    for n in range(count):
        distribution, version = systems[n % 4]
        reference = f"egi_vm_images/{distribution}:{version}"
        listed.append(
            {
                "id": f"image-{n}",
                "name": f"registry.egi.eu {reference}",
                "status": "active",
                "visibility": "shared",
                "created_at": f"2026-{1 + n // 4 % 10:02d}-{1 + n % 28:02d}T00:00:00Z",
                "min_disk": 8,
                "min_ram": 0,
                "size": 600_000_000,
                "disk_format": "qcow2",
                "container_format": "bare",
                "os_distro": distribution,
                "os_version": version,
                "image_list": "egi_vm_images",
                "APPLIANCE_ATTRIBUTES": json.dumps({"eu.egi.cloud.image_ref": reference}),
                "tags": ["atrope-catchall"],
            }
        )
    return listed


def _limits() -> dict[str, int]:
    return {
        "maxTotalCores": 40,
        "totalCoresUsed": 8,
        "maxTotalRAMSize": 81920,
        "totalRAMUsed": 16384,
        "maxTotalInstances": 20,
        "totalInstancesUsed": 8,
    }


def _quota() -> dict[str, dict[str, int]]:
    names = ("floatingip", "network", "subnet", "router", "port", "security_group")
    return {name: {"used": 1, "limit": 10, "reserved": 0} for name in names}


def _volumes() -> dict[str, dict[str, int]]:
    return {name: {"in_use": 1, "limit": 10, "reserved": 0} for name in ("volumes", "gigabytes")}


# --- HTTP, as little of it as the clients need


async def _serve_connection(
    site: Site, latency: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            await reader.readexactly(int(headers.get("content-length", 0)))
            await asyncio.sleep(latency)
            status, body, more = site.answer(method, path, headers)
            told = {"Content-Type": "application/json", "Server": SAYS, **more}
            told["Content-Length"] = str(len(body))
            rows = "".join(f"{name}: {value}\r\n" for name, value in told.items())
            writer.write(f"HTTP/1.1 {status} -\r\n{rows}\r\n".encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # the client has gone, as clients do
    finally:
        writer.close()


async def _serve_silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _reader.read()  # until the client gives up
    except ConnectionError:
        return
    finally:
        writer.close()


async def _serve(options: argparse.Namespace) -> None:
    kinds = ["slow"] * options.slow + ["silent"] * options.silent + ["closed"] * options.closed
    kinds = ["quick"] * (options.sites - len(kinds)) + kinds
    listed, held = [], []
    for number, kind in enumerate(kinds):
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        listed.append({"name": f"SIM-{number:03d}", "endpoint": f"{base}/v3", "kind": kind})
        held.append(await _started(listening, kind, base, options))
    print(json.dumps(listed), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # open connections need no farewell


async def _started(
    listening: socket.socket, kind: str, base: str, options: argparse.Namespace
) -> object:
    if kind == "closed":
        listening.close()
        return None
    if kind == "silent":
        return await asyncio.start_server(_serve_silence, sock=listening)
    latency = _SLOW_LATENCY if kind == "slow" else options.latency
    sizes = {name: getattr(options, name) for name in ("flavors", "images", "networks")}
    site = Site(base, **sizes)
    return await asyncio.start_server(
        lambda reader, writer: _serve_connection(site, latency, reader, writer), sock=listening
    )


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=SAYS)
    for name, usual in {"sites": 1, "slow": 0, "silent": 0, "closed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    for name, usual in {"flavors": 25, "images": 40, "networks": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--latency", type=float, default=0.0)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
