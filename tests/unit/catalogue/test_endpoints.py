"""Endpoints are written in many ways and mean one."""

import pytest

from orchestrator.catalogue.endpoints import is_loopback, normalise


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://a.eu:5000/v3", "https://a.eu:5000/v3"),
        ("https://a.eu:5000/v3/", "https://a.eu:5000/v3"),
        ("https://a.eu:5000", "https://a.eu:5000/v3"),
        ("https://a.eu:5000/", "https://a.eu:5000/v3"),
        ("https://a.eu/v3/v3", "https://a.eu/v3"),
        ("https://a.eu/identity/v3/", "https://a.eu/identity/v3"),
        ("https://a.eu/identity", "https://a.eu/identity/v3"),
        ("https://A.EU:443/v3", "https://a.eu:443/v3"),
        ("https://a.eu:5000/v2.0", "https://a.eu:5000/v3"),
        (" https://a.eu/v3?x=1#y ", "https://a.eu/v3"),
        ("https://[2001:db8::1]:5000/v3", "https://[2001:db8::1]:5000/v3"),
        ("http://127.0.0.1:5000/v3", "http://127.0.0.1:5000/v3"),
    ],
)
def test_an_endpoint_ends_in_one_v3(written, meant):
    assert normalise(written) == meant


@pytest.mark.parametrize("written", ["a.eu:5000", "ftp://a.eu", "https://", "", "http://a.eu/v3"])
def test_what_is_no_safe_url_is_refused(written):
    with pytest.raises(ValueError, match="not"):
        normalise(written)


def test_loopback_is_this_machine():
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("a.eu")
