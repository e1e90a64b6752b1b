"""What a project lists, read through the real openstacksdk with places of it changed: resources, or the site's error."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token
from openstack.connection import Connection
from requests import Response

from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import SiteError
from orchestrator.recovery import compare, names_of
from tests.mutating import mutated

OURS = "0f3c"
MARK = "eu.egi.cloud.orchestrator"
AT = "2026-11-24T12:00:00Z"


def version(number, service, **more):
    links = [{"rel": "self", "href": f"https://cloud.eu/{service}"}]
    return {"id": number, "status": "CURRENT", "links": links, **more}


def marked(found_id, address, **more):
    described = f"orchestrator deployment {OURS} at module.{address}"
    return {"id": found_id, "name": "sky", "description": described, "created_at": AT, **more}


SERVER = {
    "id": "s1",
    "name": "sky-docker",
    "status": "ERROR",
    "created": AT,
    "user_id": "u1",
    "metadata": {f"{MARK}.id": OURS, f"{MARK}.name": "sky", f"{MARK}.address": "module.nodes.s"},
    "os-extended-volumes:volumes_attached": [{"id": "v1"}],
    "flavor": {"original_name": "m1", "vcpus": 2, "ram": 4096},
    "image": {"id": "i1"},
}
PORT = marked(
    "p1",
    "port",
    device_id="s1",
    device_owner="compute:nova",
    network_id="n1",
    fixed_ips=[{"subnet_id": "sub", "ip_address": "10.0.0.5"}],
)
LEG = {"id": "p2", "name": "", "device_id": "r1", "device_owner": "network:router_interface"}
ADDRESS = marked("f1", "ip", floating_ip_address="198.51.100.7", port_id="p1")
VOLUME = marked("v1", "v", size=10, status="error", metadata={}, attachments=[], user_id="u1")
GROUP = marked("g1", "g", security_group_rules=[marked("rule", "rule")])
SOUND = {
    "/servers/detail": {"servers": [SERVER]},
    "/servers/s1": {"server": {**SERVER, "fault": {"message": "No valid host", "code": 500}}},
    "/os-keypairs": {
        "keypairs": [{"keypair": {"name": f"orchestrator-{OURS}", "public_key": "ssh-ed25519 A"}}]
    },
    "/networks": {"networks": [marked("n1", "n")]},
    "/subnets": {"subnets": [marked("sub", "sub")]},
    "/routers": {"routers": [marked("r1", "r", external_gateway_info={"network_id": "ext"})]},
    "/ports": {"ports": [PORT, LEG]},
    "/security-groups": {"security_groups": [GROUP]},
    "/floatingips": {"floatingips": [ADDRESS]},
    "/volumes/detail": {"volumes": [VOLUME]},
    "/messages": {"messages": [{"id": "m1", "user_message": "no weighted backend"}]},
}
PLACES = {
    "/compute": {"version": version("v2.1", "compute", version="2.96", min_version="2.1")},
    "/network": {"versions": [version("v2.0", "network")]},
    "/block_storage": {"versions": [version("v3.0", "block_storage", version="3.70")]},
}


class Answers(Session):
    """A session that answers each path with one body; it knows no others."""

    def __init__(self, answers):
        super().__init__(auth=Token("https://cloud.eu", "t"))
        self._answers = answers

    def request(self, url, method, **_):
        path = f"/{urlsplit(url).path.lstrip('/')}"
        response = Response()
        response.status_code = 200 if path in self._answers else 404
        response._content = json.dumps(self._answers.get(path, {})).encode()
        response.headers["Content-Type"] = "application/json"
        response.url = url
        return response


def cloud_of(answers):
    session = Answers({**PLACES, **answers})
    places = {f"{path[1:]}_endpoint_override": f"https://cloud.eu{path}" for path in PLACES}
    cloud = Cloud(session, site="S")
    cloud._connection = Connection(session=session, **places)
    return cloud


READERS = {
    "one": lambda cloud: cloud.find_marked(OURS),
    "all": lambda cloud: cloud.find_all_marked(),
    "traces": lambda cloud: cloud.traces_of(OURS),
    "faults": lambda cloud: cloud.faults_of(OURS),
    "volume faults": lambda cloud: cloud.volume_faults_of(OURS),
    "user": lambda cloud: cloud.other_user_of("f1", OURS),
    "key": lambda cloud: cloud.public_key_of(OURS),
    "status": lambda cloud: cloud.status_of("sky-docker", OURS),
}


def outcome(call):
    try:
        return call()
    except SiteError as error:
        return error


def test_the_sound_listing_is_read_whole():
    cloud = cloud_of(SOUND)
    found = cloud.find_marked(OURS)
    assert {one.id for one in found} >= {"s1", "p1", "p2", "f1", "v1", "g1", "rule", "n1", "r1"}
    (one,) = cloud.find_all_marked()
    assert (one.name, one.has_own_keypair, one.makers) == ("sky", True, {"u1"})
    assert cloud.traces_of(OURS).nodes[0].addresses == ("10.0.0.5",)
    assert cloud.other_user_of("f1", OURS) is None
    assert cloud.other_user_of("f1", "another") == "port p1"
    assert cloud.faults_of(OURS) == {"sky-docker, in Nova's words": "No valid host"}
    assert cloud.volume_faults_of(OURS) == {"sky, in Cinder's words": "no weighted backend"}


def test_a_cinder_that_tells_no_messages_says_nothing():
    cloud = cloud_of({path: answer for path, answer in SOUND.items() if path != "/messages"})
    assert cloud.volume_faults_of(OURS) == {}


@pytest.mark.parametrize("reader", READERS)
@given(answers=mutated(SOUND))
def test_what_makes_no_sense_is_the_sites_error(reader, answers):
    cloud = cloud_of({**SOUND, **answers})
    found = outcome(lambda: READERS[reader](cloud))
    if isinstance(found, SiteError):
        assert found.message.startswith("the ")
        assert " service of S " in found.message
        assert found.message.isprintable()
        return
    if reader == "one":
        compared = compare(found, {})
        assert all(isinstance(text, str) for pair in compared.imports.items() for text in pair)
        assert isinstance(names_of(found), list | tuple)
    assert repr(found)


@given(st.sampled_from(tuple(SOUND)), st.sampled_from((None, [], "x", 7, {"servers": 7})))
def test_a_whole_answer_that_is_something_else_is_the_sites_error(path, answer):
    cloud = cloud_of({**SOUND, path: answer})
    assert isinstance(outcome(lambda: cloud.find_all_marked()), list | tuple | SiteError)
