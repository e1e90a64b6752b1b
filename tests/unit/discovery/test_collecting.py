"""Listings side by side: one answer, or the name of what failed."""

import threading
import time

import pytest

from orchestrator.discovery import collecting
from orchestrator.discovery.collecting import collect
from orchestrator.errors import LoginError, SiteError
from orchestrator.model import Network, Port, Quota

NET = Network(id="n", name="ext", external=True, shared=False, owned=False)
PORT = Port(network_id="n", subnet_id="s", address="10.0.0.5", device_id="d", use="server")
DOWN = SiteError("the block storage service of S did not answer in time.")


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
        return self._listed("ports", (PORT,))

    def volume_quotas(self, project_id):
        return self._listed("volume_quotas", (Quota(name="volumes", used=0, limit=2),))

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
    assert [quota.name for quota in found.quotas] == ["cores", "floating_ips", "volumes"]
    assert found.ports == (PORT,)
    assert found.gaps == {}
    assert len(cloud.threads) == 9


def test_a_failed_listing_is_the_error():
    with pytest.raises(SiteError, match="the image service of S"):
        collect(Cloud(images=SiteError("the image service of S is down")), site="S", project_id="p")


def test_a_silent_listing_is_named_and_not_waited_for():
    with pytest.raises(SiteError, match="did not list its floating ips within"):
        collect(Cloud(floating_ips=60.0), site="S", project_id="p", patience=0.5)


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("ports", "ports"),
        ("network_quotas", "network quotas"),
        ("volume_quotas", "volume quotas"),
    ],
)
def test_what_can_be_spared_is_a_gap_with_its_cause(listing, said):
    found = collect(Cloud(**{listing: DOWN}), site="S", project_id="p")
    assert found.gaps == {said: DOWN.message}
    assert found.networks == (NET,)


def test_a_dead_block_storage_costs_next_to_nothing(monkeypatch):
    monkeypatch.setattr(collecting, "_GRACE", 0.2)
    found = collect(Cloud(volume_quotas=60.0), site="S", project_id="p")
    assert found.gaps == {"volume quotas": "S did not list its volume quotas within 0.2 s."}
    assert [quota.name for quota in found.quotas] == ["cores", "floating_ips"]


def test_ports_that_come_late_are_waited_for_as_they_decide(monkeypatch):
    monkeypatch.setattr(collecting, "_GRACE", 0.1)
    found = collect(Cloud(ports=0.5), site="S", project_id="p")
    assert (found.ports, found.gaps) == ((PORT,), {})


@pytest.mark.parametrize("listing", ["ports", "volume_quotas", "networks"])
def test_a_refused_login_is_never_a_gap(listing):
    refused = LoginError("S no longer accepts the login")
    with pytest.raises(LoginError):
        collect(Cloud(**{listing: refused}), site="S", project_id="p")


def test_a_bug_in_what_can_be_spared_stays_a_bug():
    with pytest.raises(KeyError):
        collect(Cloud(ports=KeyError("x")), site="S", project_id="p")
