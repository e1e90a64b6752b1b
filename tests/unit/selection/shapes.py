"""Shapes of sites: recorded listings in YAML, read into offers, each with the decisions expected.

A shape names its site and VO, and lists what a project of it would see:

- ``networks``: name, external, shared, owned, active, default, tags, made_by; ``cidrs`` of the
  subnets that are shown, ``hidden`` for how many are not;
- ``routers``: name, the network that is its ``gateway``, its ``addresses`` there, ``legs`` on networks;
- ``servers``: how many machines of the project are on a network;
- ``floating_ips``: address, the network it is ``of``, attached;
- ``flavors``: name to "vCPUs MB GB", or ``flavors_of`` a site of tests/data/egi; the same for images;
- ``quotas``: name to used/limit.

Each case may lay more over it (``need``, ``nodes``, ``quotas``, ``servers``, ``proofs``) and says
what a person fixed: ``set`` on the command line, ``file`` in a deployment's file, ``site_file``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from orchestrator import choosing
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.model import (
    FloatingIp,
    Image,
    ImageNeed,
    NodeGroup,
    Offer,
    Port,
    Proof,
    Quota,
    Request,
    Router,
    Selection,
    Setting,
    Site,
    UseCase,
)
from tests.unit.selection import offers
from tests.unit.selection.offers import DAY

FOLDER = Path(__file__).parents[2] / "data" / "shapes"
SITES = Catalogue.usual(Path("/nonexistent"))
_NEED = {"vcpus": 2, "ram_mb": 4096, "disk_gb": 10, "gpus": 0}
_SYSTEM = {"distribution": "ubuntu", "version": "22.04"}


@dataclass(frozen=True)
class Case:
    """One request to a shape, and what must come of it."""

    shape: str
    told: dict[str, Any]  # the shape, with what the case lays over it

    @property
    def site(self) -> Site:
        """The shipped site file, with what the case's own file settles for the VO."""
        shipped = SITES.find(self.told["site"])
        origin = f"sites/{self.told['site']}.yaml"
        written = self.told.get("site_file", {}).items()
        settings = {
            key: (Setting(value=value, origin=origin, vo=self.told["vo"]),)
            for key, value in written
        }
        return replace(shipped, settings=settings)

    @property
    def use_case(self) -> UseCase:
        """A use case with the need and the number of nodes."""
        given = self.told.get("need", {})
        system = {key: given.get(key, usual) for key, usual in _SYSTEM.items()}
        need = {key: given.get(key, usual) for key, usual in _NEED.items()}
        nodes = tuple(
            NodeGroup(name=f"node-{number}", groups=("all",))
            for number in range(self.told.get("nodes", 1))
        )
        return UseCase(
            name="shape",
            version="1",
            title="",
            description="",
            need=offers.need(**need, image=ImageNeed(**system)),
            parameters=(),
            nodes=nodes,
            roles=(),
            checks=(),
            folder=Path(),
        )

    @property
    def offer(self) -> Offer:
        """What the project sees."""
        return offer_of(self.told)

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """What was reached there before."""
        return tuple(
            Proof(
                network_id=_id(self.told, proof["network"]),
                topology=proof["topology"],
                at=DAY - timedelta(days=proof["days"]),
            )
            for proof in self.told.get("proofs", ())
        )

    def choose(self, offer: Offer) -> Selection:
        """Choose as a deploy does."""
        request = Request(
            use_case="shape",
            site=self.told["site"],
            overrides=self.told.get("set", {}),
            written=self.told.get("file", {}),
            file="deployment.yaml",
        )
        return choosing.choose(
            offer,
            request,
            self.use_case,
            parameters={},
            site=self.site,
            vo=self.told["vo"],
            proofs=self.proofs,
        )


def cases() -> Iterator[Case]:
    """Read the cases of all shapes."""
    for path in sorted(FOLDER.glob("*.yaml")):
        shape = yaml.safe_load(path.read_text(encoding="utf-8"))
        usual = {key: value for key, value in shape.items() if key != "cases"}
        for case in shape["cases"]:
            need = {**usual.get("need", {}), **case.get("need", {})}
            yield Case(shape=path.stem, told={**usual, **case, "need": need})


def offer_of(told: dict[str, Any]) -> Offer:
    """Return the offer that a shape tells."""
    return replace(
        offers.offer(
            networks=tuple(_network(one) for one in told["networks"]),
            routers=tuple(_router(told, one) for one in told.get("routers", ())),
            ports=(*_legs(told), *_servers(told)),
            floating_ips=tuple(_floating_ip(told, one) for one in told.get("floating_ips", ())),
            flavors=_flavors(told),
            images=_images(told),
            quotas=tuple(_quota(*one) for one in told.get("quotas", {}).items()),
        ),
        site=told["site"],
    )


def _id(told: dict[str, Any], name: str) -> str:
    found = [one for one in told["networks"] if name in (one["name"], one.get("id"))]
    assert len(found) == 1, f"{name} is not one network of the shape"
    return str(found[0].get("id", f"id-{name}"))


def _network(one: dict[str, Any]) -> Any:
    plain = {key: bool(one.get(key)) for key in ("external", "shared", "owned")}
    return offers.network(
        one["name"],
        one.get("cidrs", ()),
        id=one.get("id", f"id-{one['name']}"),
        is_default=one.get("default", False),
        active=one.get("active", True),
        mtu=one.get("mtu"),
        tags=tuple(one.get("tags", ())),
        hidden_subnets=one.get("hidden", 0),
        made_by=one.get("made_by"),
        **plain,
    )


def _router(told: dict[str, Any], one: dict[str, Any]) -> Router:
    return Router(
        id=f"id-{one['name']}",
        name=one["name"],
        external_network_id=_id(told, one["gateway"]),
        external_addresses=tuple(one.get("addresses", ())),
        made_by=one.get("made_by"),
    )


def _legs(told: dict[str, Any]) -> Iterator[Port]:
    for router in told.get("routers", ()):
        for name in router.get("legs", ()):
            yield _port(told, name, 1, device=f"id-{router['name']}", use="router")


def _servers(told: dict[str, Any]) -> Iterator[Port]:
    for name, count in told.get("servers", {}).items():
        for number in range(count):
            yield _port(told, name, 10 + number, device=f"vm-{number}", use="server")


def _port(told: dict[str, Any], name: str, host: int, *, device: str, use: str) -> Port:
    listed = next(one for one in told["networks"] if one["name"] == name)
    cidr = listed["cidrs"][0]
    return Port(
        network_id=_id(told, name),
        subnet_id=f"{name}-{cidr}",
        address=f"{cidr.rpartition('.')[0]}.{host}",
        device_id=device,
        use=use,
    )


def _floating_ip(told: dict[str, Any], one: dict[str, Any]) -> FloatingIp:
    return FloatingIp(
        id=f"id-{one['address']}",
        address=one["address"],
        network_id=_id(told, one["of"]),
        attached=one.get("attached", False),
    )


def _flavors(told: dict[str, Any]) -> tuple[Any, ...]:
    recorded = told.get("flavors_of")
    if recorded == "cesga-2020":
        return offers.flavors_of(offers.read("cesga-2020-appdb.json"))
    if recorded:
        return offers.flavors_of(offers.read("flavors.yaml")["sites"][recorded])
    listed = told.get("flavors", {"m1.medium": "2 4096 20"})
    return tuple(_flavor(name, one) for name, one in listed.items())


def _flavor(name: str, one: Any) -> Any:
    told = one if isinstance(one, dict) else {"size": one}
    vcpus, ram_mb, disk_gb = map(int, told["size"].split())
    return offers.flavor(name, vcpus, ram_mb, disk_gb, extra_specs=told.get("specs", {}))


def _images(told: dict[str, Any]) -> tuple[Image, ...]:
    recorded = told.get("images_of")
    if recorded == "cesga-2020":
        listed = offers.read("cesga-2020-appdb.json")["images"]
        return tuple(
            offers.image(one["appname"] or "", id=f"{place}") for place, one in enumerate(listed)
        )
    if recorded:
        names = offers.read("images.yaml")["site_owned_names"][recorded]
        return tuple(offers.image(name) for name in names)
    usual = ({"id": "egi", "egi": "ubuntu:22.04", "age": 5},)
    return tuple(_image(one) for one in told.get("images", usual))


def _image(one: dict[str, Any]) -> Image:
    kept = {"status", "visibility", "hidden", "min_disk_gb", "min_ram_mb", "properties"}
    given = {key: value for key, value in one.items() if key in kept}
    given |= {"id": one["id"], "created_at": DAY - timedelta(days=one["age"])}
    if "egi" in one:
        repository, _, tag = one["egi"].partition(":")
        return offers.egi_image(repository, tag, one.get("distribution", repository), **given)
    return offers.image(one["name"], **given)


def _quota(name: str, told: str) -> Quota:
    used, limit = map(int, told.split("/"))
    return Quota(name=name, used=used, limit=limit)
