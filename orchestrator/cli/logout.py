"""orchestrator logout"""

from __future__ import annotations

import click

from orchestrator.auth import refreshing
from orchestrator.auth.choosing import issuer_of
from orchestrator.cli import terminal
from orchestrator.cli.login import any_site, tokens


@click.command("logout")
@click.option("--site", help="End the login at the issuer that this site trusts.")
def command(*, site: str | None) -> None:
    """End the login and forget its token."""
    issuer = issuer_of(any_site(site))
    ended = refreshing.logout(issuer, tokens())
    terminal.echo(
        f"Logged out at {issuer.url}." if ended else f"There was no login at {issuer.url}."
    )
