"""Quotas: every limit a line, and a refusal before anything is created."""

from dataclasses import replace

import pytest

from orchestrator.errors import SiteError
from orchestrator.model import FloatingIp, Quota
from orchestrator.selection.quotas import QuotaLine, compare, require_room, volumes_left
from orchestrator.selection.selecting import select
from tests.unit.selection.offers import flavor, image, need, network, offer, site


def check(*quotas, nodes=1, **needed):
    found = offer(
        flavors=(flavor(),), images=(image(),), networks=(network(),), quotas=tuple(quotas)
    )
    lines = compare(found, select(found, need(), site=site()), nodes=nodes, **needed)
    require_room(found, lines)
    return lines


def quota(name, used, limit):
    return Quota(name=name, used=used, limit=limit)


def test_each_known_limit_is_a_line():
    lines = check(quota("cores", 0, 20), quota("floating_ips", 0, 5), quota("dragons", 9, 500))
    assert [line.text for line in lines] == ["2 of 20 cores", "1 of 5 floating IPs"]


def test_no_limit_is_said_so():
    assert check(quota("cores", 3, None))[0].text == "5 cores, without limit"


def test_what_is_short_is_refused_with_its_numbers():
    with pytest.raises(SiteError, match="cores, floating IPs") as caught:
        check(quota("cores", 19, 20), quota("floating_ips", 2, 2), quota("instances", 1, 10))
    assert caught.value.facts == {
        "cores": "2 needed, 19 of 20 in use",
        "floating IPs": "1 needed, 2 of 2 in use",
    }


def test_nodes_count():
    with pytest.raises(SiteError):
        check(quota("ram_mb", 0, 4096 * 2), nodes=3)
    assert check(quota("ram_mb", 0, 4096 * 3), nodes=3)


def test_what_needs_nothing_is_not_checked():
    assert check(quota("floating_ips", 2, 2), floating_ips=0) == ()


def test_what_would_be_negative_is_not_a_line():
    assert check(quota("floating_ips", 2, 2), floating_ips=-1) == ()


@pytest.mark.parametrize(
    ("quotas", "nodes", "room"),
    [
        ((), 1, None),
        ((quota("cores", 0, 1),), 1, None),
        ((quota("volumes", 1, 3),), 2, True),
        ((quota("volumes", 1, 3),), 3, False),
        ((quota("volumes", 1, None), quota("volume_gb", 90, 100)), 1, True),
        ((quota("volumes", 1, None), quota("volume_gb", 91, 100)), 1, False),
    ],
)
def test_room_for_boot_volumes_is_told_or_not(quotas, nodes, room):
    assert volumes_left(quotas, 10, nodes) is room


def test_a_limit_without_a_word_of_its_own_keeps_its_name():
    line = QuotaLine(name="dragons", needed=1, used=0, limit=2)
    assert (line.text, line.fits) == ("1 of 2 dragons", True)


def test_an_address_that_nobody_uses_is_offered_where_none_is_left():
    free = FloatingIp(id="f", address="198.51.100.7", network_id="id-ext", attached=False)
    line = QuotaLine(name="floating_ips", needed=1, used=2, limit=2)
    with pytest.raises(SiteError) as caught:
        require_room(offer(floating_ips=(free,)), (line,))
    assert caught.value.way_out[0].endswith("--set floating_ip=198.51.100.7")
    with pytest.raises(SiteError) as caught:
        require_room(offer(floating_ips=(replace(free, attached=True),)), (line,))
    assert "floating_ip" not in "".join(caught.value.way_out)
