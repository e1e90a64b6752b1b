"""What a person is told when a site or its VO cannot be had."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from orchestrator.errors import OrchestratorError, RequestError, SiteError
from orchestrator.model import Site

_SHOWN = 8
_LOGIN = "you are not logged in to EGI Check-in yet: orchestrator login"


def near_vos(vo: str, known: Sequence[str]) -> list[str]:
    """Return the VOs that may have been meant; case does not matter."""
    names = {one.casefold(): one for one in known}
    return [names[n] for n in difflib.get_close_matches(vo.strip().casefold(), list(names), n=3)]


def no_sandbox(name: str) -> OrchestratorError:
    """The embedded site has not been started on this machine."""
    return RequestError(
        f"{name} is not there: the embedded site has never been started on this machine.",
        way_out=["make sandbox"],
    )


def unknown_site(name: str, *, near: Sequence[str]) -> RequestError:
    """No file describes a site of this name."""
    return RequestError(
        f"no site is called {name}.",
        facts={"did you mean": ", ".join(near)} if near else {},
        way_out=[
            "orchestrator sites",
            f"or describe it yourself, in sites/{name}.yaml of your configuration folder",
        ],
    )


def other_login(site: Site, *, auth: str) -> SiteError:
    """The site does not take Check-in tokens."""
    return SiteError(
        f"{site.name} takes no EGI Check-in login ({auth}), so nothing can be deployed there.",
        facts={"says": site.origin},
        way_out=["orchestrator sites"],
    )


def nowhere_served(vo: str, *, known_vos: Sequence[str], age: str) -> RequestError:
    """No site of the list serves the VO."""
    near = near_vos(vo, known_vos)
    return RequestError(
        f"no site serves {vo}.",
        facts={
            **({"did you mean": ", ".join(near)} if near else {}),
            "site list of": age,
        },
        way_out=["orchestrator sites", "orchestrator catalogue refresh"],
    )


def not_served(
    site: Site,
    vo: str,
    *,
    at: Sequence[str],
    known_vos: Sequence[str],
    age: str,
    asked_as: str | None,
    use_case: str | None,
    logged_in: bool,
) -> RequestError:
    """The site does not serve the VO; others may."""
    asked = f" (asked for as {asked_as})" if asked_as and asked_as != site.name else ""
    served = sorted(share.vo for share in site.shares)
    return RequestError(
        f"{site.name}{asked} does not serve {vo}.",
        facts={
            f"{site.name} serves": ", ".join(served) or "no VO at all",
            f"{vo} at": _listed(sorted(at, key=str.casefold)) or _nowhere(vo, known_vos),
            "site list of": f"{age} (renew: orchestrator catalogue refresh)",
        },
        way_out=[
            *_next(site, at, served, use_case),
            *([] if logged_in else [_LOGIN]),
        ],
    )


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _nowhere(vo: str, known_vos: Sequence[str]) -> str:
    near = near_vos(vo, known_vos)
    return "no site of the list" + (f"; did you mean {', '.join(near)}?" if near else "")


def _next(
    site: Site, at: Sequence[str], served: Sequence[str], use_case: str | None
) -> Sequence[str]:
    what = f" USECASE={use_case}" if use_case else ""
    own = f"VO=<one of {site.name}'s>"
    if at:
        return [f"make deploy SITE={at[0]}{what}         or  {own}"]
    return [f"make deploy SITE={site.name}{what} {own}"] if served else ["orchestrator sites"]
