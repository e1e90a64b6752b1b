"""The simulated sites know a few answers, say what they are, and refuse the rest."""

from __future__ import annotations

import json

import pytest

from tests import simulated_sites
from tests.simulated_sites import AUTH, PROJECT, SAYS

SCOPED = {"x-auth-token": "scoped"}


@pytest.fixture
def site():
    return simulated_sites.Site("http://127.0.0.1:1", flavors=2, images=4, networks=3)


def get(site, path, headers=SCOPED):
    status, body, _ = site.answer("GET", path, headers)
    return status, json.loads(body)


def test_a_login_gives_a_token_and_that_one_another_with_the_catalogue(site):
    status, _, headers = site.answer("POST", AUTH, {"authorization": "Bearer t"})
    assert (status, headers["X-Subject-Token"]) == (201, "unscoped")
    status, body, headers = site.answer("POST", "/v3/auth/tokens", {})
    assert (status, headers["X-Subject-Token"]) == (201, "scoped")
    kinds = {service["type"] for service in json.loads(body)["token"]["catalog"]}
    assert kinds == {"identity", "network", "compute", "image", "volumev3"}


@pytest.mark.parametrize(
    ("path", "key", "count"),
    [
        ("/networking/v2.0/networks", "networks", 3),
        ("/compute/v2.1/flavors/detail?limit=1000", "flavors", 2),
        ("/image/v2/images?limit=1000", "images", 4),
        ("/image/v2/images?visibility=community", "images", 0),
    ],
)
def test_listings_are_as_long_as_asked_for(site, path, key, count):
    status, content = get(site, path)
    assert status == 200
    assert len(content[key]) == count


def test_nothing_is_listed_without_a_token(site):
    assert get(site, "/compute/v2.1/flavors/detail", headers={})[0] == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/compute/v2.1/servers"),
        ("POST", "/networking/v2.0/networks"),
        ("DELETE", "/image/v2/images/i"),
        ("POST", AUTH),
        ("GET", f"/volume/v3/{PROJECT}/volumes"),
    ],
)
def test_what_is_not_known_is_refused_by_name(site, method, path):
    status, body, _ = site.answer(method, path, SCOPED)
    assert status == 404
    assert SAYS in json.loads(body)["error"]["message"]
