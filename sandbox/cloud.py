"""Asks the cloud as its admin, with the standard library alone."""

import json
import ssl
import urllib.request
from typing import Any

from sandbox import site
from sandbox.layout import Layout, url
from sandbox.realm import VOS


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
        return {vo: owners[vo] for vo in VOS}

    def sleeping_agents(self) -> list[str]:
        """Return the agents of Nova and Neutron that are not alive."""
        agents = self._get(f"{url('neutron')}/v2.0/agents")["agents"]
        services = self._get(f"{url('nova')}/os-services")["services"]
        alive = {agent["binary"] for agent in agents if agent["alive"]}
        alive |= {service["binary"] for service in services if service["state"] == "up"}
        expected = {
            "neutron-linuxbridge-agent",
            "neutron-dhcp-agent",
            "neutron-l3-agent",
            "nova-conductor",
            "nova-scheduler",
            "nova-compute",
        }
        return sorted(expected - alive)

    def hosts(self) -> int:
        """Return how many hypervisors the scheduler may use."""
        return len(self._get(f"{url('nova')}/os-hypervisors")["hypervisors"])
