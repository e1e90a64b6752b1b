"""The name at which everybody meets the page of a deployment: registered, led to it, given back.

Who registered a name is said by its comment at the service, so that a killed run, another
deployment and a name that the person had before are told apart. What is done is kept in the
deployment's folder of secrets; what its end could not give back, beside all deployments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator.dyndns import DynamicDns, Host, StaleSecretError, domain_of
from orchestrator.errors import LoginError, RequestError, SetupError, SiteError
from orchestrator.journal import Journal
from orchestrator.model import Deployment
from orchestrator.workdir import Workdir, told, write_atomically

_FILE = "public-name.json"
_MARK = "orchestrator deployment "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A name that is to be, or was, registered; the address is empty until it is known to lead there."""

    name: str
    address: str = ""
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    """A name that the end of a deployment could not give back."""

    name: str
    deployment_id: str
    owner: str


class PublicName:
    """The name of one deployment in a Dynamic DNS; ``owed`` is the folder of what ends left over."""

    def __init__(
        self, *, workdir: Workdir, owed: Path, service: DynamicDns, journal: Journal
    ) -> None:
        self._workdir = workdir
        self._folder = owed
        self._service = service
        self._journal = journal

    def require_to_be_had(self, name: str, deployment: Deployment) -> None:
        """Refuse a name that cannot be this deployment's, as far as that can be told beforehand."""
        kept = self._kept()
        if not name or (kept and kept.address and kept.name == name):
            return
        domain, domains = domain_of(name), self._service.domains()
        if domain not in domains:
            raise RequestError(
                f"the Dynamic DNS has no names in {domain}",
                facts={"it has names in": ", ".join(domains) or "none that you may use"},
                way_out=[f"take a name such as {deployment.name}.{domains[0]}"] if domains else [],
            )
        _require_not_anothers(self._service.find(name), deployment)

    def lead(self, name: str, address: str, deployment: Deployment) -> None:
        """Let the name lead to the address, and give back the one of before; no name asks for nothing."""
        kept = self._kept()
        if kept and kept.name != name:
            self.require_to_be_had(name, deployment)
            self.give_back(deployment)
            kept = None
        if not name or (kept and kept.address == address):
            return
        with self._journal.phase("name") as log:
            # Before it is registered: a run that is killed then still knows what to give back.
            kept = kept or _Kept(name=name)
            self._keep(kept)
            secret = self._led(kept, address, deployment)
            self._keep(_Kept(name=name, address=address, secret=secret))
            log.finish(f"{name} leads to {address}")

    def take_over(self, deployment: Deployment) -> None:
        """Know the name that another computer registered for a deployment, so that its end gives it back.

        A service that does not tell stops nothing: what may be left, and where, is told.
        """
        mark = _mark(deployment.id)
        try:
            host = next((one for one in self._service.hosts() if one.comment == mark), None)
        except (LoginError, SiteError) as error:
            self._journal.note(
                "name",
                f"whether it has a name cannot be told: {error.message}; its end gives none back:"
                f" if {self._service.address} lists one as {mark!r}, unregister it there",
                details=tuple(error.facts.items()),
            )
            return
        if host is not None:
            self._keep(_Kept(name=host.name, address=host.address or ""))
            self._journal.note("name", f"{host.name} is its name, and is given back at its end")

    def give_back(self, deployment: Deployment) -> None:
        """Unregister the name if this deployment has registered it; what fails is told, and owed."""
        kept = self._kept()
        if kept is None:
            return
        owed = _Owed(name=kept.name, deployment_id=deployment.id, owner=deployment.owner)
        file = self._folder / f"{deployment.id}-{kept.name}.json"
        with told("write", file):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It is owed from now on: a run that is killed on the way has left the next one to do it.
        write_atomically(file, json.dumps(asdict(owed)))
        (self._workdir.secrets / _FILE).unlink()
        self._settle(file, owed)

    def give_back_owed(self, owner: str) -> None:
        """Give back what earlier ends of this owner's deployments could not."""
        for file, owed in self._all_owed():
            if owed.owner == owner and not self._settle(file, owed):
                return

    def _settle(self, file: Path, owed: _Owed) -> bool:
        """Unregister a name that is owed; say False, and tell, where the service does not let us."""
        try:
            host = self._service.find(owed.name)
            ours = host is not None and host.comment == _mark(owed.deployment_id)
            if ours:
                self._service.unregister(owed.name)
        except (LoginError, SiteError) as error:
            # The end of a machine does not wait for it.
            self._journal.note(
                "name",
                f"{owed.name} is not given back yet: {error.message};"
                " the next command that logs in tries again",
                details=tuple(error.facts.items()),
            )
            return False
        file.unlink(missing_ok=True)
        left = "stays: it was not this deployment that registered it" if host else "was gone"
        self._journal.note("name", f"{owed.name} {'is given back' if ours else left}")
        return True

    def _led(self, kept: _Kept, address: str, deployment: Deployment) -> str | None:
        """Lead a name to an address by its secret, else by the token; return its secret."""
        if kept.secret is not None:
            try:
                self._service.update(kept.name, address, secret=kept.secret)
            except StaleSecretError as error:
                self._journal.note("name", f"{error.message}: asking by the token")
            else:
                return kept.secret
        host = self._service.find(kept.name)
        if host is None:
            mark = _mark(deployment.id)
            return self._service.register(kept.name, address, comment=mark).secret
        _require_not_anothers(host, deployment)
        self._service.update(kept.name, address)
        return None

    def _keep(self, kept: _Kept) -> None:
        write_atomically(self._workdir.secrets / _FILE, json.dumps(asdict(kept)))

    def _kept(self) -> _Kept | None:
        file = self._workdir.secrets / _FILE
        try:
            return _Kept(**json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            # Without the words of it, which may be the secret.
            raise SetupError(
                f"{file} cannot be read, so the name of the deployment is not known",
                way_out=[f"unregister it at {self._service.address} and remove the file"],
            ) from error

    def _all_owed(self) -> Iterator[tuple[Path, _Owed]]:
        for file in sorted(self._folder.glob("*.json")):
            try:
                yield file, _Owed(**json.loads(file.read_text(encoding="utf-8")))
            except FileNotFoundError:
                continue  # another run has just settled it
            except (OSError, ValueError, TypeError) as error:
                self._journal.note("name", f"{file} cannot be read and is passed over: {error}")


def _mark(deployment_id: str) -> str:
    return f"{_MARK}{deployment_id}"


def _require_not_anothers(host: Host | None, deployment: Deployment) -> None:
    """Refuse a name that another deployment has registered: the two would take it from each other."""
    mark = _mark(deployment.id)
    if host is not None and host.comment.startswith(_MARK) and host.comment != mark:
        raise RequestError(
            f"the name {host.name} belongs to another deployment of yours",
            facts={"that is": host.comment.removeprefix(_MARK), "it leads to": host.address or "?"},
            way_out=["take another name", "or remove that deployment, which gives it back"],
        )
