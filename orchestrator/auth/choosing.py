"""Which source of tokens is used: the most explicit one wins."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.auth.federated import AgentToken, MytokenToken
from orchestrator.auth.given import GivenToken
from orchestrator.auth.issuer import Issuer
from orchestrator.auth.printed import PrintedToken
from orchestrator.auth.refreshing import KeptLogin, RefreshTokens
from orchestrator.auth.robot import RobotToken
from orchestrator.auth.source import TokenSource
from orchestrator.drivers.fedcloud import FedcloudClient
from orchestrator.errors import LoginError
from orchestrator.model import Site
from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a face hands over beside the settings, most of it from its environment."""

    token: str | None = field(default=None, repr=False)
    mytoken: str | None = field(default=None, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # PATH, HOME, OIDC_SOCK


def issuer_of(site: Site) -> Issuer:
    """Return the issuer to which a site sends people."""
    return Issuer(url=site.issuer, client_id=site.client_id, ca_bundle=site.ca_bundle)


def choose_source(
    settings: Settings, *, site: Site, tokens: Path, given: Given | None = None
) -> TokenSource:
    """Return the source to use at a site, or say how to log in.

    ``tokens`` is the folder of kept logins. What config.yaml sets is of its own
    issuer: a site that trusts another one passes over it.
    """
    given = given or Given()
    if given.token:
        return GivenToken(raw=given.token)
    same_issuer = settings.issuer.rstrip("/") == site.issuer.rstrip("/")
    found = (
        (_configured_command(settings, given) if same_issuer else None)
        or _command_of(site, given)
        or (_configured_account(settings, given, site) if same_issuer else None)
        or _kept(site, tokens)
    )
    if found is None:
        raise _no_login(site)
    return found


def _configured_command(settings: Settings, given: Given) -> TokenSource | None:
    if not settings.token_command:
        return None
    return PrintedToken(argv=settings.token_command, origin=settings.origin, env=given.env)


def _command_of(site: Site, given: Given) -> TokenSource | None:
    if not site.token_command:
        return None
    return PrintedToken(argv=site.token_command, origin=site.origin, env=given.env)


def _configured_account(settings: Settings, given: Given, site: Site) -> TokenSource | None:
    client = FedcloudClient(
        python=settings.fedcloud_python or _usual_fedcloud_python(), passed=given.env
    )
    mytoken = given.mytoken or _secret(settings.mytoken_file, "mytoken_file", settings)
    if settings.mytoken_server and mytoken:
        return MytokenToken(mytoken=mytoken, server=settings.mytoken_server, client=client)
    if settings.oidc_agent_account:
        return AgentToken(account=settings.oidc_agent_account, client=client)
    secret = _secret(settings.client_secret_file, "client_secret_file", settings)
    if settings.client_id and secret:
        issuer = Issuer(url=site.issuer, client_id=settings.client_id, ca_bundle=site.ca_bundle)
        return RobotToken(issuer=issuer, secret=secret)
    return None


def _usual_fedcloud_python() -> Path:
    # `make install` puts it below our own environment, where its pins bind nobody else.
    beside = Path(sys.prefix, "fedcloudclient", "bin", "python")
    return beside if beside.exists() else Path(sys.executable)


def _kept(site: Site, tokens: Path) -> TokenSource | None:
    kept = KeptLogin(issuer=issuer_of(site), tokens=RefreshTokens(folder=tokens))
    return kept if kept.tokens.has(kept.issuer) else None


def _secret(path: Path | None, key: str, settings: Settings) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text().strip()
    except OSError as error:
        raise LoginError(
            f"{path} cannot be read: {error.strerror}.",
            facts={"named by": f"{key} in {settings.origin}"},
            way_out=[f"write it, readable by you alone, or remove {key}"],
        ) from error


def _no_login(site: Site) -> LoginError:
    return LoginError(
        f"you are not logged in at {site.issuer}, which {site.name} trusts.",
        way_out=[
            "orchestrator login"
            + ("" if site.issuer == Settings().issuer else f" --site {site.name}"),
            "or name a source in config.yaml: oidc_agent_account, mytoken_server or token_command",
            "or hand over an access token in the environment: OIDC_ACCESS_TOKEN",
        ],
    )
