"""The only module that knows openstacksdk: what a project may see, as our own values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keystoneauth1 import exceptions as failures
from keystoneauth1.session import Session
from requests import Response
from requests.exceptions import JSONDecodeError

from orchestrator.drivers import (
    openstack_ending,
    openstack_marks,
    openstack_project,
    openstack_traces,
)
from orchestrator.drivers import openstack_values as values
from orchestrator.drivers.openstack_listings import Services, StrangeAnswerError, content_of
from orchestrator.drivers.openstack_marks import Resource
from orchestrator.drivers.openstack_project import Marked
from orchestrator.drivers.openstack_traces import Traces
from orchestrator.errors import BusyError, LoginEndedError, LoginError, SiteError
from orchestrator.model import (
    Flavor,
    FloatingIp,
    Image,
    Network,
    Port,
    Quota,
    Router,
    Subnet,
    Volume,
)
from orchestrator.plaintext import one_line

if TYPE_CHECKING:
    from openstack.connection import Connection

# How an answer of another shape than was asked for shows itself, once something is read from it.
_MISSHAPEN = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError)


class Cloud:
    """One project of one site, read through openstacksdk."""

    def __init__(self, session: Session, *, site: str, region: str | None = None) -> None:
        self.site = site
        self._session = session
        self._region = region
        self._services = Services(session, region)

    @cached_property
    def _connection(self) -> Connection:
        return _connect(self._session, self._region)

    def networks(self, project_id: str) -> tuple[Network, ...]:
        """List networks with the subnets that may be seen."""
        with self._telling("network"):
            subnets: dict[str, list[Subnet]] = {}
            for found in self._services.networks("subnets"):
                subnet = values.subnet(found)
                subnets.setdefault(subnet.network_id, []).append(subnet)
            listed = self._services.networks("networks")
            return tuple(
                values.network(net, project_id, tuple(subnets.get(str(net.id), ())))
                for net in listed
            )

    def routers(self) -> tuple[Router, ...]:
        """List routers with the external networks behind them."""
        with self._telling("network"):
            return tuple(values.router(found) for found in self._services.networks("routers"))

    def ports(self) -> tuple[Port, ...]:
        """List the addresses of the project's ports: which networks its machines and routers use."""
        with self._telling("network"):
            listed = self._services.networks("ports")
            return tuple(port for found in listed for port in values.ports(found))

    def floating_ips(self) -> tuple[FloatingIp, ...]:
        """List the floating IPs of the project."""
        with self._telling("network"):
            listed = self._services.networks("floatingips")
            return tuple(values.floating_ip(found) for found in listed)

    def flavors(self) -> tuple[Flavor, ...]:
        """List flavors; their extra specs come in the same answer, from microversion 2.61."""
        with self._telling("compute"):
            return tuple(values.flavor(found) for found in self._services.flavors())

    def images(self) -> tuple[Image, ...]:
        """List images: the usual ones, accepted shared ones, and community images."""
        with self._telling("image"):
            usual = self._services.images()
            community = self._services.images(visibility="community")
            found = (values.image(image) for image in (*usual, *community))
            return tuple({image.id: image for image in found}.values())

    def compute_quotas(self) -> tuple[Quota, ...]:
        """Return limits and use of cores, memory and instances."""
        with self._telling("compute"):
            told = content_of(self._services.compute.get("/limits")).get("limits")
            limits = told.get("absolute") if isinstance(told, Mapping) else told
            return tuple(
                values.quota(name, limits, used=used, limit=limit)
                for name, (used, limit) in values.COMPUTE_QUOTAS.items()
            )

    def network_quotas(self, project_id: str) -> tuple[Quota, ...]:
        """Return limits and use of addresses, networks and the like; a site may not tell."""
        with self._telling("network"):
            answer = self._services.network.get(
                f"/quotas/{project_id}/details.json", raise_exc=False
            )
            details = _quotas(answer, "quota")
            return tuple(
                values.quota(name, details[key], used="used", limit="limit")
                for key, name in values.NETWORK_QUOTAS.items()
                if isinstance(details.get(key), Mapping)
            )

    def volume_quotas(self, project_id: str) -> tuple[Quota, ...]:
        """Return limits and use of volumes; a site may have none, or not tell."""
        with self._telling("block storage"):
            try:
                answer = self._services.block_storage.get(
                    f"/os-quota-sets/{project_id}?usage=True", raise_exc=False
                )
            except failures.EndpointNotFound:
                return ()
            told = _quotas(answer, "quota_set")
            return tuple(
                values.quota(name, told[key], used="in_use", limit="limit")
                for key, name in values.VOLUME_QUOTAS.items()
                if isinstance(told.get(key), Mapping)
            )

    def volumes(self) -> tuple[Volume, ...]:
        """List the volumes of the project."""
        with self._telling("block storage"):
            return tuple(values.volume(found) for found in self._services.volumes())

    def console(self, server_id: str) -> str:
        """Return what a server has printed on its console so far."""
        with self._telling("compute", objects=True):
            answer = self._connection.compute.get_server_console_output(server_id)
            return str((answer or {}).get("output") or "")

    def console_of(self, server_name: str, deployment_id: str) -> str:
        """Return the console of a deployment's server; empty while there is no such server."""
        with self._telling("compute", objects=True):
            found = openstack_marks.find_server(self._connection, server_name, deployment_id)
        return self.console(found.id) if found else ""

    def status_of(self, server_name: str, deployment_id: str) -> str:
        """Return Nova's word for how a deployment's server is: ACTIVE, SHUTOFF, ERROR, ..."""
        with self._telling("compute", objects=True):
            found = openstack_marks.find_server(self._connection, server_name, deployment_id)
            return str(self._connection.compute.get_server(found.id).status) if found else "gone"

    def public_key_of(self, deployment_id: str) -> str | None:
        """Return the public key that a deployment was made with, None where it has none here."""
        with self._telling("compute", objects=True):
            return openstack_marks.public_key(self._connection, deployment_id)

    def find_marked(self, deployment_id: str) -> tuple[Resource, ...]:
        """Return every resource of the project that carries the deployment's mark."""
        with self._telling("OpenStack", objects=True):
            return tuple(openstack_marks.find(self._connection, deployment_id))

    def other_user_of(self, floating_ip_id: str, deployment_id: str) -> str | None:
        """Return the port that a floating IP leads to, None where it is the deployment's own or none."""
        with self._telling("network", objects=True):
            return openstack_marks.other_user(self._connection, floating_ip_id, deployment_id)

    def stop(self, server_id: str) -> bool:
        """Shut a machine down; tell whether it stopped in time."""
        with self._telling("compute"):
            return openstack_ending.stop(self._connection, server_id)

    def keep(self, volume: Resource) -> None:
        """Mark a volume as one that outlives its deployment."""
        with self._telling("block storage"):
            openstack_ending.keep(self._connection, volume.id)

    def find_all_marked(self) -> tuple[Marked, ...]:
        """Return every deployment, whoever's, of which the project has something."""
        with self._telling("OpenStack", objects=True):
            return tuple(openstack_project.find_all(self._connection))

    def traces_of(self, deployment_id: str) -> Traces:
        """Return what the site tells of how a deployment was made."""
        with self._telling("OpenStack", objects=True):
            return openstack_traces.find(self._connection, deployment_id)

    def faults_of(self, deployment_id: str) -> dict[str, str]:
        """Return Nova's own words on each broken server of a deployment, by whose they are and of what."""
        with self._telling("compute", objects=True):
            return openstack_traces.faults(self._connection, deployment_id)

    def volume_faults_of(self, deployment_id: str) -> dict[str, str]:
        """Return Cinder's own words on each broken volume of a deployment, by whose they are and of what."""
        with self._telling("block storage", objects=True):
            return openstack_traces.volume_faults(self._connection, deployment_id)

    def remove(self, resource: Resource) -> None:
        """Delete a resource and wait until it is gone; one that is gone already is no error.

        Raises BusyError when the site does not let go of it yet.
        """
        with self._telling("OpenStack"):
            openstack_marks.remove(self._connection, resource)

    @contextmanager
    def _telling(self, service: str, *, objects: bool = False) -> Iterator[None]:
        """Turn a failed call into an error that names the service and the cause.

        ``objects`` is for what is read from openstacksdk's, which are made of any answer at all.
        """
        try:
            yield
        except (failures.ClientException, JSONDecodeError, StrangeAnswerError) as error:
            raise _failed(self.site, service, error) from error
        except Exception as error:
            # openstacksdk is imported late, and so are its exceptions.
            if type(error).__module__.startswith("openstack."):
                raise _failed(self.site, service, error) from error
            if objects and isinstance(error, _MISSHAPEN):
                strange = StrangeAnswerError(one_line(f"{type(error).__name__}: {error}")[:200])
                raise _failed(self.site, service, strange) from error
            raise


def _quotas(answer: Response, key: str) -> Mapping[str, Any]:
    """Return the quotas of an answer; a site may not tell them."""
    if answer.status_code != 200:
        return {}
    told = content_of(answer).get(key) or {}
    if not isinstance(told, Mapping):
        raise StrangeAnswerError(f"its {key} is no object")
    return told


def _connect(session: Session, region: str | None) -> Connection:
    # It takes half a second to import, which a refusal before any login need not pay.
    from openstack.connection import Connection

    return Connection(session=session, region_name=region, app_name="egi-orchestrator")


def _failed(site: str, service: str, error: Exception) -> LoginError | SiteError:
    status = getattr(error, "http_status", None) or getattr(error, "status_code", None)
    # Keystone says 404 to a new login with a token that has expired or was revoked.
    by_keystone = status == 404 and str(getattr(error, "url", "")).endswith("/auth/tokens")
    if status == 401 or by_keystone:
        return LoginEndedError(
            f"{site} no longer accepts the login (its {service} service says {status}).",
            way_out=["run the same command again: it logs in anew"],
        )
    kind = BusyError if _may_do_it_soon(error, status) else SiteError
    return kind(
        f"the {service} service of {site} {_cause(error, status)}.",
        way_out=["try again in a while", "orchestrator sites        shows the other sites"],
    )


def _may_do_it_soon(error: Exception, status: object) -> bool:
    """Tell whether the same call may succeed in a moment."""
    # Cinder says 400 of a volume that is still being detached.
    detaching = status == 400 and "status must be" in str(error)
    # A page for people comes from a balancer whose service is away.
    page = isinstance(error, JSONDecodeError)
    return status in (409, 423, 429, 500, 502, 503, 504) or detaching or page


def _cause(error: Exception, status: object) -> str:
    if status == 403:
        return "does not allow it (HTTP 403)"
    if status == 409:
        return f"says that it is in use (HTTP 409): {_words(error)}"
    if isinstance(error, JSONDecodeError):
        return "answered with something that is no JSON, as for maintenance"
    if isinstance(error, StrangeAnswerError):
        return f"answered something that makes no sense: {error}"
    if isinstance(error, failures.EndpointNotFound | failures.EmptyCatalog):
        return "is not in its catalogue"
    if isinstance(error, failures.ConnectTimeout):
        return "did not answer in time"
    if isinstance(error, failures.SSLError):
        return "has a certificate that is not trusted: name its CA as ca_bundle in the site's file"
    if isinstance(error, failures.ConnectionError):
        return "cannot be reached"
    return f"answered with HTTP {status}" if status else f"failed: {str(error)[:200]}"


def _words(error: Exception) -> str:
    """Return what the service itself said, without the address that was asked."""
    return str(getattr(error, "details", None) or error)[:200].rstrip(".")
