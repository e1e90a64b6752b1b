"""Names for deployments from EGI's Dynamic DNS: registered, pointed to an address, given back.

Asked from this machine with a person's own token: a machine of the deployment gets neither
the token nor the secret of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from orchestrator.auth import web
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError, RequestError, SiteError

ADDRESS = "https://nsupdate.fedcloud.eu"
TIMEOUT = (10.0, 30.0)
_WORD = {
    "nohost": "it knows no such name of yours",
    "abuse": "it has blocked the name for abuse",
    "notfqdn": "it wants the whole name with its domain",
    "dnserr": "its name server did not take the change, or this is no address",
    "badauth": "it does not accept the login",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A name that is registered for the owner of the token."""

    name: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicDns:
    """The service, as the owner of a token may use it."""

    token: AccessToken
    address: str = ADDRESS

    def domains(self) -> list[str]:
        """Return the domains in which names can be had."""
        content = self._asked("domains")
        rows = [*content.get("private", []), *content.get("public", [])]
        return sorted({str(row["name"] if isinstance(row, dict) else row) for row in rows})

    def hosts(self) -> list[Host]:
        """Return the names that are registered already."""
        rows = self._asked("hosts").get("hosts", [])
        return [Host(name=str(row["fqdn"]), address=row.get("ipv4")) for row in rows]

    def point(self, name: str, address: str, *, comment: str) -> None:
        """Make a name lead to an address: register it where it is not yet, then set it."""
        _require_name(name)
        if name not in {host.name for host in self.hosts()}:
            self._asked("register", fqdn=name, comment=comment)
        with self._answer("update", hostname=name, myip=address) as answer:
            word = answer.text.split(maxsplit=1)[0] if answer.text.strip() else "nothing"
        if word not in ("good", "nochg"):
            raise SiteError(
                f"{name} does not lead to {address}: the Dynamic DNS answered {word}",
                facts={"that is": _WORD.get(word, "not in its documentation")},
                way_out=[f"look at {self.address}"],
            )

    def give_back(self, name: str) -> bool:
        """Unregister a name; say False where it was not registered any more."""
        if name not in {host.name for host in self.hosts()}:
            return False
        self._asked("unregister", fqdn=name)
        return True

    def _asked(self, verb: str, **query: str) -> dict[str, Any]:
        with self._answer(verb, **query) as answer:
            content = web.json_object(answer)
        if content.get("status") == "ok":
            return content
        says = content.get("message") or f"HTTP {answer.status_code}"
        facts = {f"{self.address} says": str(says)[:300]}
        raise SiteError(
            f"the Dynamic DNS does not {verb} {query.get('fqdn', '')}".strip(), facts=facts
        )

    @contextmanager
    def _answer(self, verb: str, **query: str) -> Iterator[requests.Response]:
        with web.session(None) as session:
            session.headers["Authorization"] = f"Bearer {self.token.raw}"
            try:
                answer = session.get(
                    f"{self.address}/nic/{verb}",
                    params=query,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise SiteError(
                    f"the Dynamic DNS at {self.address} does not answer",
                    facts={"because": type(error).__name__},
                    way_out=["try again later, or do without a name: tunnels need none"],
                ) from error
        if answer.status_code in (401, 403):
            raise LoginError(
                "the Dynamic DNS does not accept the token", way_out=["orchestrator login"]
            )
        yield answer


def _require_name(name: str) -> None:
    first, _, domain = name.partition(".")
    if not first or "." not in domain:
        raise RequestError(
            f"{name} is no name with a domain", way_out=["give one such as sky.vm.fedcloud.eu"]
        )
