"""What a failing service is called, whatever the library raises."""

import pytest
from keystoneauth1 import exceptions as failures
from keystoneauth1.session import Session
from openstack.exceptions import HttpException
from requests.exceptions import JSONDecodeError

from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import BusyError, LoginEndedError, SiteError


@pytest.fixture
def cloud():
    return Cloud(Session(), site="S")


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (failures.ConnectTimeout("x"), SiteError, "did not answer in time"),
        (failures.ConnectFailure("x"), SiteError, "cannot be reached"),
        (failures.SSLError("x"), SiteError, "not trusted"),
        (failures.EndpointNotFound("x"), SiteError, "not in its catalogue"),
        (
            failures.NotFound("x", url="https://k.eu/v3/auth/tokens", http_status=404),
            LoginEndedError,
            "no longer accepts the login",
        ),
        (
            failures.NotFound("x", url="https://n.eu/servers/1", http_status=404),
            SiteError,
            "HTTP 404",
        ),
        (failures.Unauthorized("x"), LoginEndedError, "no longer accepts the login"),
        (HttpException("x", http_status=403), SiteError, "does not allow it"),
        (HttpException("x", http_status=503), SiteError, "HTTP 503"),
        (JSONDecodeError("Expecting value", "<html>", 0), BusyError, "no JSON"),
    ],
)
def test_a_failure_names_the_service_and_the_cause(cloud, raised, kind, said):
    with pytest.raises(kind, match=said) as caught, cloud._telling("network"):
        raise raised
    assert "network service" in caught.value.message
    assert caught.value.way_out


def test_a_bug_stays_a_bug(cloud):
    with pytest.raises(KeyError), cloud._telling("network"):
        raise KeyError("x")


NEUTRON = "Unable to complete operation on network 9c: There are one or more ports still in use on the network"
CINDER = "Invalid volume: Volume status must be available or error or error_restoring"


@pytest.mark.parametrize(
    ("raised", "busy"),
    [
        (HttpException(NEUTRON, http_status=409), True),
        (HttpException(CINDER, http_status=400), True),
        (HttpException("Service Unavailable", http_status=503), True),
        (HttpException("Too Many Requests", http_status=429), True),
        (HttpException("Invalid input for field name", http_status=400), False),
        (HttpException("Forbidden", http_status=403), False),
        (failures.EndpointNotFound("x"), False),
        (failures.ConnectFailure("x"), False),
    ],
)
def test_what_may_succeed_in_a_moment_is_told_apart(cloud, raised, busy):
    with pytest.raises(SiteError) as caught, cloud._telling("network"):
        raise raised
    assert isinstance(caught.value, BusyError) is busy


def test_what_is_in_use_is_told_in_the_services_own_words(cloud):
    with pytest.raises(BusyError, match="ports still in use"), cloud._telling("network"):
        raise HttpException(NEUTRON, http_status=409)
