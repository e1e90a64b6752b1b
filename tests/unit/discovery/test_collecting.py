"""Listings side by side: one answer, or the name of what failed."""

import threading
import time

import pytest

from orchestrator.discovery.collecting import collect
from orchestrator.errors import SiteError
from orchestrator.model import Network, Quota

NET = Network(id="n", name="ext", external=True, shared=False, owned=False)


class Cloud:
    """A cloud whose listings take as long as they are told to."""

    def __init__(self, **slow):
        self._slow = slow
        self.threads = set()

    def _listed(self, name, answer=()):
        self.threads.add(threading.get_ident())
        wait = self._slow.get(name, 0.05)
        if isinstance(wait, Exception):
            raise wait
        time.sleep(wait)
        return answer

    def networks(self, project_id):
        return self._listed("networks", (NET,) if project_id == "p" else ())

    def routers(self):
        return self._listed("routers")

    def ports(self):
        return self._listed("ports")

    def volume_quotas(self, project_id):
        return self._listed("volume_quotas")

    def floating_ips(self):
        return self._listed("floating_ips")

    def flavors(self):
        return self._listed("flavors")

    def images(self):
        return self._listed("images")

    def compute_quotas(self):
        return self._listed("compute_quotas", (Quota(name="cores", used=0, limit=5),))

    def network_quotas(self, project_id):
        return self._listed("network_quotas", (Quota(name="floating_ips", used=0, limit=1),))


def test_all_listings_make_one_offer_at_once():
    cloud = Cloud()
    found = collect(cloud, site="S", project_id="p")
    assert (found.site, found.project_id, found.networks) == ("S", "p", (NET,))
    assert [quota.name for quota in found.quotas] == ["cores", "floating_ips"]
    assert len(cloud.threads) == 9


def test_a_failed_listing_is_the_error():
    with pytest.raises(SiteError, match="the image service of S"):
        collect(Cloud(images=SiteError("the image service of S is down")), site="S", project_id="p")


def test_a_silent_listing_is_named_and_not_waited_for():
    started = time.monotonic()
    with pytest.raises(SiteError, match="did not list its floating ips within"):
        collect(Cloud(floating_ips=1.0), site="S", project_id="p", patience=0.2)
    assert time.monotonic() - started < 0.8
