"""Asks the cloud as its admin, with the standard library alone."""

import json
import ssl
import urllib.request
from datetime import UTC, datetime
from typing import Any

from sandbox import site
from sandbox.layout import Layout, url
from sandbox.vos import NAMES


def is_since(report: str, moment: datetime) -> bool:
    """Say whether a time as the cloud writes it (UTC, without saying so) is after a moment."""
    return bool(report) and datetime.fromisoformat(report).replace(tzinfo=UTC) > moment


class Cloud:
    """An admin's login to the running cloud."""

    def __init__(self, layout: Layout, password: str) -> None:
        self._context = ssl.create_default_context(cafile=str(layout.ca))
        login = site.admin_login(layout, password)
        user = {"name": "admin", "domain": {"name": "Default"}, "password": login["password"]}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}},
        }
        answer = self._open(f"{url('keystone')}/auth/tokens", {"auth": auth})
        self._token = answer.headers["X-Subject-Token"]

    def _open(self, address: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body else None
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if not body:
            headers["X-Auth-Token"] = self._token
        request = urllib.request.Request(address, data, headers)
        return urllib.request.urlopen(request, timeout=30, context=self._context)

    def _get(self, address: str) -> Any:
        return json.load(self._open(address))

    def projects(self) -> dict[str, str]:
        """Return the id of each VO's project."""
        found = self._get(f"{url('keystone')}/projects")["projects"]
        owners = {project.get("egi.VO"): project["id"] for project in found}
        return {vo: owners[vo] for vo in NAMES}

    def sleeping_agents(self, since: datetime) -> list[str]:
        """Return the agents of Nova, Neutron and Cinder that have not reported since then.

        What the cloud itself calls alive may have been killed a minute ago.
        """
        agents = self._get(f"{url('neutron')}/v2.0/agents")["agents"]
        services = self._get(f"{url('nova')}/os-services")["services"]
        reports = {agent["binary"]: agent["heartbeat_timestamp"] for agent in agents}
        reports |= {service["binary"]: service["updated_at"] or "" for service in services}
        volumes = self._get(f"{url('cinder')}/os-services")["services"]
        reports |= {service["binary"]: service["updated_at"] or "" for service in volumes}
        alive = {binary for binary, report in reports.items() if is_since(report, since)}
        expected = {
            "neutron-linuxbridge-agent",
            "neutron-dhcp-agent",
            "neutron-l3-agent",
            "nova-conductor",
            "nova-scheduler",
            "nova-compute",
            "cinder-scheduler",
            "cinder-volume",
        }
        return sorted(expected - alive)

    def hosts(self) -> int:
        """Return how many hypervisors the scheduler may use."""
        return len(self._get(f"{url('nova')}/os-hypervisors")["hypervisors"])
