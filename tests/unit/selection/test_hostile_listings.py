"""Listings of real shapes with places changed: an offer that can be used and shown, or an error that names its service."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token
from requests import Response

from orchestrator import choosing, explanation
from orchestrator.cli import discover
from orchestrator.discovery import snapshots
from orchestrator.discovery.collecting import collect
from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import OrchestratorError, SiteError
from orchestrator.model import Offer
from tests.mutating import acts, mutated
from tests.unit.selection.offers import outcome
from tests.unit.selection.shapes import cases

CASES = tuple(cases())


class Answers(Session):
    """A session that answers each path with one body, and refuses the others."""

    def __init__(self, bodies):
        super().__init__(auth=Token("https://cloud.eu", "t"))
        self._bodies = bodies

    def request(self, url, method, **_):
        response = Response()
        response.status_code = 200
        response._content = self._bodies[urlsplit(url).path]
        return response


def told(offer):
    """Return what the services of a site answer that has this offer, by path."""
    subnets = [_subnet(one, network) for network in offer.networks for one in network.subnets]
    return {
        "/networks": {"networks": [_network(one) for one in offer.networks]},
        "/subnets": {"subnets": subnets},
        "/routers": {"routers": [_router(one) for one in offer.routers]},
        "/ports": {"ports": [_port(one) for one in offer.ports]},
        "/floatingips": {"floatingips": [_floating_ip(one) for one in offer.floating_ips]},
        "/flavors/detail": {"flavors": [_flavor(one) for one in offer.flavors[:6]]},
        "/images": {"images": [_image(one) for one in offer.images[:6]]},
        "/volumes/detail": {
            "volumes": [{"id": "v", "name": "cube", "size": 5, "status": "in-use"}]
        },
        "/limits": {"limits": {"absolute": {"totalCoresUsed": 2, "maxTotalCores": 200}}},
        "/quotas/mine/details.json": {"quota": {"floatingip": {"used": 1, "limit": 10}}},
        "/os-quota-sets/mine": {"quota_set": {"volumes": {"in_use": 1, "limit": -1}}},
    }


def _subnet(one, network):
    plain = {"id": one.id, "network_id": network.id, "name": one.name}
    return {**plain, "cidr": one.cidr, "ip_version": one.ip_version}


def _network(one):
    return {
        "id": one.id,
        "name": one.name,
        "router:external": one.external,
        "shared": one.shared,
        "project_id": "mine" if one.owned else "admin",
        "status": "ACTIVE" if one.active else "DOWN",
        "admin_state_up": True,
        "is_default": one.is_default,
        "mtu": one.mtu,
        "tags": list(one.tags),
        "subnets": [subnet.id for subnet in one.subnets],
        "description": "",
    }


def _router(one):
    fixed = [{"ip_address": address} for address in one.external_addresses]
    gateway = {"network_id": one.external_network_id, "external_fixed_ips": fixed}
    return {"id": one.id, "name": one.name, "external_gateway_info": gateway, "description": ""}


def _port(one):
    owner = {"server": "compute:nova", "router": "network:router_interface"}.get(one.use, "")
    fixed = [{"subnet_id": one.subnet_id, "ip_address": one.address}]
    plain = {"id": "p", "network_id": one.network_id, "device_id": one.device_id}
    return {**plain, "device_owner": owner, "fixed_ips": fixed}


def _floating_ip(one):
    told = {"id": one.id, "floating_ip_address": one.address}
    return {**told, "floating_network_id": one.network_id, "port_id": "p" if one.attached else None}


def _flavor(one):
    plain = {"id": one.id, "name": one.name, "vcpus": one.vcpus, "ram": one.ram_mb}
    return {**plain, "disk": one.disk_gb, "extra_specs": dict(one.extra_specs)}


def _image(one):
    plain = {"id": one.id, "name": one.name, "status": one.status, "visibility": one.visibility}
    times = {"created_at": one.created_at.isoformat(), "min_disk": one.min_disk_gb}
    return {**plain, **times, "tags": list(one.tags), **one.properties}


def listed(answers):
    """List a site as a run does."""
    bodies = {path: json.dumps(content).encode() for path, content in answers.items()}
    cloud = Cloud(Answers(bodies), site="S")
    return collect(cloud, site="S", project_id="mine", volumes=True)


def shown(offer, selection):
    """Return all that is shown of an offer and of what was chosen from it."""
    found = explanation.Explanation(
        use_case="shape", site="S", vo="v", at=offer.collected_at, selection=selection
    )
    return [
        *[cell for row in explanation.chosen_rows(selection) for cell in row],
        *[cell for row in explanation.rival_rows(selection) for cell in row],
        *explanation.markdown(found).splitlines(),
    ]


def is_a_line(text):
    """Tell whether a text is one line that acts on no terminal."""
    return not acts(text) and "\n" not in text


def test_the_sound_listing_is_the_offer_of_the_shape():
    for case in CASES:
        offer = case.offer
        found = listed(told(offer))
        assert sorted(one.id for one in found.networks) == sorted(one.id for one in offer.networks)
        assert [one.hidden_subnets for one in found.networks] == [0] * len(found.networks)
        assert len(found.ports) == len(offer.ports)


@st.composite
def sites(draw):
    case = draw(st.sampled_from(CASES))
    return case, draw(mutated(told(case.offer)))


@given(sites())
def test_a_listing_is_an_offer_that_can_be_used_kept_and_shown_or_the_services_error(site):
    case, answers = site
    answers = {**told(case.offer), **answers}
    offer = outcome(lambda: listed(answers))
    if isinstance(offer, OrchestratorError):
        assert isinstance(offer, SiteError)
        assert " service of S " in offer.message
        assert is_a_line(offer.message)
        return
    kept = {
        name: snapshots.read_part(name, text) for name, text in snapshots.to_parts(offer).items()
    }
    volumes = {"volumes": offer.volumes}
    assert (
        replace(snapshots.from_parts(kept, site="S", collected_at=offer.collected_at), **volumes)
        == offer
    )
    for line in discover._text(offer, ()).splitlines():
        assert is_a_line(line)
    chosen = outcome(lambda: case.choose(offer))
    if isinstance(chosen, OrchestratorError):
        told_of_it = [chosen.message, *chosen.facts, *chosen.facts.values(), *chosen.way_out]
        assert all(map(is_a_line, told_of_it))
        return
    assert all(map(is_a_line, shown(offer, chosen)))
    lines = outcome(lambda: choosing.require_room(offer, chosen, case.use_case, parameters={}))
    assert isinstance(lines, OrchestratorError | tuple)


WRITTEN = (
    st.binary(max_size=40)
    | st.text(alphabet='[]{}:,"0123456789ntrue ', max_size=60).map(str.encode)
    | st.sampled_from((b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'{"images": 1}', b"null"))
)


@given(st.dictionaries(st.sampled_from(tuple(told(CASES[0].offer))), WRITTEN, min_size=1))
def test_any_bytes_at_all_are_the_services_error(bodies):
    sound = {path: json.dumps(one).encode() for path, one in told(CASES[0].offer).items()}
    cloud = Cloud(Answers({**sound, **bodies}), site="S")
    found = outcome(lambda: collect(cloud, site="S", project_id="mine", volumes=True))
    assert isinstance(found, Offer | SiteError)


def test_pages_that_lead_in_a_circle_are_told_and_come_to_an_end():
    link = {"rel": "next", "href": "https://x.eu/networks?marker=a"}
    answers = told(CASES[0].offer)
    answers["/networks"]["networks_links"] = [link]
    found = []
    thread = threading.Thread(
        target=lambda: found.append(outcome(lambda: listed(answers))), daemon=True
    )
    thread.start()
    thread.join(timeout=20)
    assert "the pages of its networks have no end" in found[0].message


def test_a_page_that_is_nowhere_is_told():
    answers = told(CASES[0].offer)
    answers["/images"]["next"] = ["/v2/images?marker=a"]
    with pytest.raises(SiteError, match="the next page of its images cannot be read"):
        listed(answers)
