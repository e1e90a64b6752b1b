"""The time that VMs are told; that they take it is seen in tests/e2e/test_readme.py."""

import struct

import pytest

from sandbox import timeserver
from sandbox.layout import TEMPLATES
from sandbox.networks import NETWORKS

SENT = bytes(range(8))
REQUEST = bytes([0b00_100_011, 0, 6]) + bytes(37) + SENT


def test_a_client_hears_when_it_was_heard_and_answered():
    said = timeserver.answer(REQUEST, 0.0, 1.5)
    assert said is not None
    mode, stratum, poll, _precision = struct.unpack("!BBbb", said[:4])
    assert (mode & 7, mode >> 3 & 7, mode >> 6, stratum, poll) == (4, 4, 0, 2, 6)
    assert said[24:32] == SENT
    received, answered = struct.unpack("!QQ", said[32:48])
    # 1970 began 70 years, 17 of them leap years, after 1900.
    assert received == (70 * 365 + 17) * 86400 << 32
    assert (answered - received) / 2**32 == 1.5


@pytest.mark.parametrize("request_", [b"", REQUEST[:47], bytes([0b00_100_100]) + REQUEST[1:]])
def test_what_is_no_request_hears_nothing(request_):
    assert timeserver.answer(request_, 0.0, 1.5) is None


def test_the_image_asks_it_where_the_sites_router_is():
    address = timeserver.ADDRESS[0]
    assert address in {network.router.partition("/")[0] for network in NETWORKS}
    source = (TEMPLATES / "image/etc/chrony/sources.d/site.sources").read_text()
    assert source.split()[:2] == ["server", address]
