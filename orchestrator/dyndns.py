"""Names from EGI's Dynamic DNS: registered, led to an address, given back.

Asked from this machine: no machine of a deployment gets the token of a person or the
secret of a name.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from orchestrator.auth import web
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError, RequestError, SiteError

TIMEOUT = (10.0, 30.0)
_WORD = {
    "nohost": "it knows no such name",
    "abuse": "it has blocked the name for abuse",
    "notfqdn": "it wants the whole name with its domain",
    "dnserr": "its name server did not take the change, or this is no address",
    "badauth": "it does not accept the login",
}
_LATER = "the same command again, later"


class StaleSecretError(SiteError):
    """The service takes the secret of a name no more: a new one was made, or the name is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A name that is registered for the owner of the token."""

    name: str
    address: str | None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A name that was registered just now, with the secret by which it is updated."""

    name: str
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicDns:
    """The service; a token is asked for where it takes one, and shown to it alone."""

    token: Callable[[], AccessToken] = field(repr=False)
    address: str

    def domains(self) -> list[str]:
        """Return the domains in which names can be had."""
        content = self._asked("domains")
        rows = [*content.get("private", []), *content.get("public", [])]
        names = {
            str(row["name"] if isinstance(row, dict) else row)
            for row in rows
            if not isinstance(row, dict) or row.get("available", True)
        }
        return sorted(names)

    def hosts(self) -> list[Host]:
        """Return the names that are registered already."""
        rows = self._asked("hosts").get("hosts", [])
        return [
            Host(
                name=str(row["fqdn"]),
                address=row.get("ipv4") or row.get("ipv6"),
                comment=str(row.get("comment") or ""),
            )
            for row in rows
        ]

    def find(self, name: str) -> Host | None:
        """Return a name of the owner of the token, None where they have none such."""
        return next((host for host in self.hosts() if host.name == name), None)

    def register(self, name: str, address: str, *, comment: str) -> Registered:
        """Register a name that leads to an address from the beginning."""
        content = self._asked("register", fqdn=name, ip=address, comment=comment)
        secret = (content.get("host") or {}).get("update_secret")
        return Registered(name=name, secret=str(secret) if secret else None)

    def update(self, name: str, address: str, *, secret: str | None = None) -> None:
        """Lead a registered name to an address, by its own secret, else by the token.

        Raises StaleSecretError where the service takes the secret no more.
        """
        login = f"Bearer {self.token().raw}" if secret is None else _basic(name, secret)
        answer = self._get("update", login, hostname=name, myip=address)
        word = answer.text.split(maxsplit=1)[0] if answer.text.strip() else "nothing"
        if answer.status_code in (401, 403):
            word = "badauth"
        if word in ("good", "nochg"):
            return
        kind = StaleSecretError if secret and word in ("badauth", "nohost") else SiteError
        raise kind(
            f"{name} does not lead to {address}: the Dynamic DNS answered {word}",
            facts={"that is": _WORD.get(word, "not in its documentation")},
            way_out=[_LATER, f"look at {name} at {self.address}"],
        )

    def unregister(self, name: str) -> None:
        """Give a name back."""
        self._asked("unregister", fqdn=name)

    def _asked(self, verb: str, **query: str) -> dict[str, Any]:
        answer = self._get(verb, f"Bearer {self.token().raw}", **query)
        if answer.status_code in (401, 403):
            raise LoginError(
                "the Dynamic DNS does not accept the token",
                facts={"asked at": self.address},
                way_out=["orchestrator login"],
            )
        content = web.json_object(answer)
        if content.get("status") == "ok":
            return content
        says = content.get("message") or f"HTTP {answer.status_code}"
        name = query.get("fqdn", "")
        raise SiteError(
            f"the Dynamic DNS does not {verb} {name}".strip(),
            facts={f"{self.address} says": str(says)[:300]},
            way_out=[_LATER, f"look at {name or 'your names'} at {self.address}"],
        )

    def _get(self, verb: str, login: str, **query: str) -> requests.Response:
        with web.session(None) as session:
            try:
                return session.get(
                    f"{self.address}/nic/{verb}",
                    params=query,
                    headers={"Authorization": login},
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise SiteError(
                    f"the Dynamic DNS at {self.address} does not answer",
                    facts={"because": type(error).__name__},
                    way_out=[_LATER, "or do without a name: tunnels need none"],
                ) from error


def for_its_issuer(token: AccessToken, *, issuer: str, address: str) -> AccessToken:
    """Return the token; LoginError where the service trusts another issuer, so that it never sees it."""
    if token.issuer == issuer.rstrip("/"):
        return token
    raise LoginError(
        f"this login is not for the Dynamic DNS at {address}, and is not sent there",
        facts={"token of": token.issuer, "it takes those of": issuer},
        way_out=[
            "do without a name: the page is met by its address too",
            "or name another service in config.yaml: dynamic_dns and dynamic_dns_issuer",
        ],
    )


def domain_of(name: str) -> str:
    """Return the domain of a whole name; RequestError where it has none."""
    first, _, domain = name.partition(".")
    if not first or "." not in domain:
        raise RequestError(
            f"{name} is no name with a domain", way_out=["give one such as sky.vm.fedcloud.eu"]
        )
    return domain


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
