"""Discovery over real HTTP: of one site, and of many of which some are slow, silent or closed."""

from __future__ import annotations

import base64
import json
import threading
import time

import pytest

from orchestrator.auth.given import GivenToken
from orchestrator.auth.sharing import SharedTokens
from orchestrator.model import Share, Site
from orchestrator.settings import EGI_ISSUER
from orchestrator.surveying import Place, discover, survey
from tests import simulated_sites
from tests.simulated_sites import PROJECT, VO

pytestmark = pytest.mark.contract

SHARE = Share(vo=VO, project_id=PROJECT)


def jwt():
    claims = {"iss": EGI_ISSUER, "sub": "abc@egi.eu", "exp": time.time() + 3600}
    return f"a.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c"


def site(simulated):
    return Site(name=simulated.name, endpoint=simulated.endpoint, shares=(SHARE,), origin="x")


def survey_all(sites, **given):
    asked = [Place(site=site(one), vo=VO, share=SHARE) for one in sites]
    tokens = SharedTokens(lambda _: GivenToken(raw=jwt()))
    found = survey(asked, tokens=tokens, stop=threading.Event(), **given)
    return {answer.place.site.name: answer for answer in found}


def test_one_site_is_listed_whole():
    with simulated_sites.running(1, flavors=3, images=1500, networks=4) as (one,):
        token = GivenToken(raw=jwt()).access_token()
        found = discover(site(one), SHARE, token=token)
    sizes = {name: len(getattr(found, name)) for name in ("networks", "flavors", "images", "ports")}
    assert sizes == {"networks": 4, "flavors": 3, "images": 1500, "ports": 8}
    assert {"cores", "ram_mb", "floating_ips", "volumes"} <= {quota.name for quota in found.quotas}
    assert found.networks[0].external
    assert found.networks[0].subnets[0].cidr == "193.1.2.0/24"
    assert found.images[0].properties["image_list"] == "egi_vm_images"
    assert found.gaps == {}


def test_the_dead_the_silent_and_the_slow_cost_the_others_nothing():
    with simulated_sites.running(8, slow=1, silent=1, closed=1) as sites:
        together = survey_all(sites, patience=10.0)
    kinds = {one.name: one.kind for one in sites}
    ended = {kinds[name]: answer for name, answer in together.items()}
    assert "connection refused" in ended["closed"].error.message
    assert "SIM-006 was not done within 10 s" in ended["silent"].error.message
    assert kinds[list(together)[-1]] == "silent"
    without = {kinds[name] for name, answer in together.items() if not answer.offer}
    assert without == {"silent", "closed"}


def test_a_site_that_breaks_off_is_told_and_leaves_nothing_running():
    with simulated_sites.running(1) as (one,):
        pass
    answer = survey_all([one])[one.name]
    assert "cannot be reached" in answer.error.message
