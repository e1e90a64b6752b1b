"""What a failing service is called, whatever the library raises."""

import pytest
from keystoneauth1 import exceptions as failures
from keystoneauth1.session import Session
from openstack.exceptions import HttpException

from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import LoginEndedError, SiteError


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
