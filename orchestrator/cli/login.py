"""orchestrator login"""

from __future__ import annotations

import click

from orchestrator.auth import device
from orchestrator.auth.choosing import issuer_of
from orchestrator.auth.refreshing import RefreshTokens
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.cli import context, terminal
from orchestrator.model import Site


@click.command("login")
@click.option("--site", help="Log in at the issuer that this site trusts.  [default: EGI Check-in]")
def command(*, site: str | None) -> None:
    """Log in to EGI Check-in: confirm a code in any browser."""
    token = device.login(issuer_of(any_site(site)), tokens(), tell=_tell)
    minutes = round(token.seconds_left() / 60)
    terminal.echo(f"Logged in as {token.username or token.subject}; the token is good for {minutes} min and renewed by itself.")  # fmt: skip


def any_site(name: str | None) -> Site:
    """Return the site of that name, or any that trusts EGI Check-in."""
    catalogue = Catalogue.usual(context.folders().config, cache=context.folders().cache)
    if name:
        return catalogue.find(name)
    default = Site.__dataclass_fields__["issuer"].default
    return next(site for site in catalogue.sites() if site.issuer == default)


def tokens() -> RefreshTokens:
    """Return the folder of kept logins."""
    return RefreshTokens(folder=context.folders().tokens)


def _tell(prompt: device.DevicePrompt) -> None:
    terminal.echo(f"Open {prompt.url_with_code}\nand check that it shows the code {prompt.code} (waiting {prompt.seconds / 60:.0f} min)")  # fmt: skip
