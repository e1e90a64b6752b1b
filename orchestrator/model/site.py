"""What a site's file says: the site, its VOs, and what it settles for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

CHECK_IN = "v3oidcaccesstoken"  # keystoneauth's name for a login with a Check-in token

# What a site file may settle for the whole site or for one VO of it.
SETTINGS = (
    "flavor",
    "image",
    "public_network",
    "private_network",
    "topology",  # floating, bastion, direct, jump
    "proxy_jump",
    "ssh_config",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value that a site file fixes, and the file that says so."""

    value: str
    origin: str
    vo: str | None = None  # None: for every VO of the site


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that one source says of a site or of a VO there, and when it said so."""

    what: str  # listed, no longer listed, endpoint, certification, production
    value: str
    source: str
    at: datetime | None = None  # None: a file of one's own, which holds until it is changed


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseDefaults:
    """Parameters of a use case that a site file settles, and the file that says so."""

    use_case: str
    parameters: Mapping[str, Any]
    origin: str
    vo: str | None = None  # None: for every VO of the site


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One VO at one site: the project that holds its allocation."""

    vo: str
    project_id: str | None
    region: str | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cloud site as its file describes it, in EGI's schema and ours."""

    name: str  # GOCDB name
    endpoint: str  # Keystone, normalised, ends in /v3
    shares: tuple[Share, ...]
    origin: str  # the file that says so
    auth: str = CHECK_IN
    protocol: str = "openid"
    identity_provider: str = "egi.eu"
    issuer: str = "https://aai.egi.eu/auth/realms/egi"
    client_id: str = "token-portal"
    aliases: tuple[str, ...] = ()
    region: str | None = None
    ca_bundle: Path | None = None
    token_command: tuple[str, ...] = ()
    public_network: str | None = None
    flavor: str | None = None
    image: str | None = None
    dns: tuple[str, ...] = ()
    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)  # all VOs' together
    facts: tuple[Fact, ...] = ()
    use_cases: tuple[UseCaseDefaults, ...] = ()  # the strongest first

    @property
    def is_listed(self) -> bool:
        """Tell whether any source still lists the site; one without facts is a person's own."""
        said = {fact.what for fact in self.facts}
        return "listed" in said or "no longer listed" not in said

    def share_of(self, vo: str) -> Share | None:
        """Return the VO's share of this site, or None where the site does not serve it."""
        return next((share for share in self.shares if share.vo == vo), None)

    def settings_of(self, vo: str) -> Mapping[str, tuple[Setting, ...]]:
        """Return for each key of SETTINGS what the files say for a VO; the first one holds.

        Within one file the word for the VO comes before the word for the site; the
        others were beaten and are there to be shown.
        """
        return {
            key: tuple(one for one in self.settings.get(key, ()) if one.vo in (None, vo))
            for key in SETTINGS
        }

    def parameters_of(self, use_case: str, vo: str | None = None) -> Mapping[str, Any]:
        """Return the defaults that the site's files give for a use case, those for the VO on top."""
        found: dict[str, Any] = {}
        for one in reversed(self.use_cases):
            if one.use_case == use_case and one.vo in (None, vo):
                found.update(one.parameters)
        return found
