"""Pages of listings, followed to their end; services that a site lacks."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from keystoneauth1 import exceptions as failures
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from orchestrator.drivers.openstack import Cloud
from orchestrator.drivers.openstack_listings import Listed, Services
from orchestrator.errors import SiteError
from orchestrator.model import Volume


class Answers(Session):
    """A session that knows a few answers by path and query, and notes what was asked."""

    def __init__(self, answers, refuses_microversions=False):
        super().__init__(auth=Token("https://cloud.eu", "t"))
        self._answers = answers
        self._old = refuses_microversions
        self.asked = []

    def request(self, url, method, params=None, microversion=None, raise_exc=True, **_):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query)) | dict(params or {})
        self.asked.append((parts.path, query, microversion))
        if microversion and self._old:
            raise failures.NotAcceptable()
        status, content = self._answers[parts.path, query.get("marker") or query.get("visibility")]
        if status >= 400 and raise_exc:
            raise failures.from_response(_response(status, content), "GET", url)
        return _response(status, content)


def _response(status, content):
    import requests

    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(content).encode()
    response.headers["Content-Type"] = "application/json"
    return response


def test_names_of_the_library_lead_to_those_of_the_answer():
    told = Listed({"router:external": True, "subnets": ["s"], "name": "ext"})
    assert (told.is_router_external, told.subnet_ids, told.name) == (True, ["s"], "ext")
    assert told.mtu is None


def test_what_is_no_part_of_every_image_is_a_property():
    told = Listed({"id": "i", "status": "active", "os_distro": "debian", "instance_uuid": "x"})
    assert told.properties == {"os_distro": "debian", "instance_uuid": "x"}


def test_flavors_are_read_page_by_page_as_nova_links_them():
    link = {"rel": "next", "href": "http://wrong.eu/elsewhere/flavors/detail?marker=a&limit=1"}
    session = Answers(
        {
            ("/flavors/detail", None): (200, {"flavors": [{"id": "a"}], "flavors_links": [link]}),
            ("/flavors/detail", "a"): (200, {"flavors": [{"id": "b"}]}),
        }
    )
    assert [one.id for one in Services(session, None).flavors()] == ["a", "b"]
    assert session.asked == [
        ("/flavors/detail", {}, "2.61"),
        ("/flavors/detail", {"marker": "a", "limit": "1"}, "2.61"),
    ]


def test_an_old_nova_lists_flavors_without_extra_specs():
    session = Answers({("/flavors/detail", None): (200, {"flavors": [{"id": "a"}]})}, True)
    assert [one.id for one in Services(session, None).flavors()] == ["a"]
    assert [version for _, _, version in session.asked] == ["2.61", None]


def test_images_are_read_a_thousand_at_a_time_and_community_ones_too():
    first = {"images": [{"id": "a"}], "next": "/v2/images?limit=1000&marker=a"}
    session = Answers(
        {
            ("/images", None): (200, first),
            ("/images", "a"): (200, {"images": [{"id": "b"}]}),
            ("/images", "community"): (200, {"images": [{"id": "b"}, {"id": "c"}]}),
        }
    )
    assert [image.id for image in Cloud(session, site="S").images()] == ["a", "b", "c"]
    assert {query["limit"] for _, query, _ in session.asked} == {"1000"}


def test_quotas_are_read_by_their_names():
    absolute = {"totalCoresUsed": 2, "maxTotalCores": 20, "maxTotalInstances": -1}
    limits = {"limits": {"absolute": absolute}}
    quotas = Cloud(Answers({("/limits", None): (200, limits)}), site="S").compute_quotas()
    assert [(q.name, q.used, q.limit) for q in quotas] == [
        ("cores", 2, 20),
        ("ram_mb", 0, None),
        ("instances", 0, None),
    ]


@pytest.mark.parametrize("status", [403, 404, 503])
def test_quotas_that_a_site_does_not_tell_are_none(status):
    paths = ("/quotas/p/details.json", "/os-quota-sets/p")
    cloud = Cloud(Answers({(path, None): (status, {}) for path in paths}), site="S")
    assert cloud.network_quotas("p") == ()
    assert cloud.volume_quotas("p") == ()


class Lacking(Answers):
    """A site whose catalogue has no block storage."""

    def request(self, *_, **__):
        raise failures.EndpointNotFound()


def test_a_site_without_volumes_has_no_quota_of_them():
    assert Cloud(Lacking({}), site="S").volume_quotas("p") == ()


def test_a_site_without_volumes_is_told_to_who_wants_one():
    with pytest.raises(SiteError, match="block storage service of S is not in its catalogue"):
        Cloud(Lacking({}), site="S").volumes()


def test_volumes_are_listed_with_who_made_them():
    plain = {"id": "v", "name": "cube", "size": 50, "status": "available", "bootable": "false"}
    ours = {**plain, "id": "w", "name": None, "bootable": "true"}
    ours["description"] = "orchestrator deployment 0f3c at module.volumes.v"
    answers = {("/volumes/detail", None): (200, {"volumes": [plain, ours]})}
    assert Cloud(Answers(answers), site="S").volumes() == (
        Volume(id="v", name="cube", size_gb=50, status="available"),
        Volume(id="w", name="", size_gb=50, status="available", bootable=True, made_by="0f3c"),
    )
