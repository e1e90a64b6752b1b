"""orchestrator access"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import click

from orchestrator.auth import access
from orchestrator.auth.access import Answer, Outcome
from orchestrator.auth.choosing import Given, choose_source
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.cli import context, tables, terminal
from orchestrator.cli.values import as_value
from orchestrator.model import Site
from orchestrator.settings import Settings

_ORDER = list(Outcome)


@click.command("access")
@click.option("--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(1, 300), default=access.TIMEOUT, show_default=True, help="Seconds that each site has.")  # fmt: skip
@context.json_option
def command(*, vo: str | None, timeout: float, as_json: bool) -> int:
    """Ask every site of a VO whether you get a project there: real logins, all at once.

    Nothing changes at any site. Exit code 0 when at least one says yes, 4 when those that
    answer refuse, 5 when none answers.
    """
    folders = context.folders()
    settings = Settings.read(folders.config)
    vo = vo or settings.vo
    catalogue = Catalogue.usual(folders.config, cache=folders.cache)
    for warning in catalogue.warnings:
        terminal.echo(f"orchestrator: {warning}", err=True)
    sites = catalogue.serving(vo)
    tokens = access.gather_tokens(sites, _source(settings))
    if not as_json:
        terminal.echo(f"Asking the sites of {vo}, {timeout:g} s each ...", err=True)
    answers = access.ask(sites, vo, tokens, timeout=timeout)
    terminal.echo(
        json.dumps([as_value(one) for one in answers]) if as_json else _table(answers, vo)
    )
    return access.verdict(answers)


def _source(settings: Settings) -> Callable[[Site], AccessToken]:
    given = Given(token=context.given_token(), env=context.child_environment())
    tokens = context.folders().tokens

    def token(site: Site) -> AccessToken:
        return choose_source(settings, site=site, tokens=tokens, given=given).access_token()

    return token


def _table(answers: Sequence[Answer], vo: str) -> str:
    ordered = sorted(answers, key=lambda one: (_ORDER.index(one.outcome), one.site.casefold()))
    asked = [one for one in ordered if one.outcome is not Outcome.SKIPPED]
    rows = [(one.site, str(one.outcome), f"{one.seconds:.1f} s", one.why) for one in asked]
    lines = [tables.render(("SITE", "ANSWER", "TIME", "WHAT IT SAYS"), rows)] if rows else []
    lines += [*_passed_over(ordered), ""]
    yes = sum(one.outcome is Outcome.YES for one in asked)
    lines.append(f"{yes} of the {len(asked)} sites asked give you a project of {vo}.")
    steps = () if yes or not ordered else ordered[0].way_out
    lines += [f"  {'next' if not n else '':<4}    {step}" for n, step in enumerate(steps)]
    return "\n".join(lines)


def _passed_over(answers: Sequence[Answer]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for one in answers:
        if one.outcome is Outcome.SKIPPED:
            reasons.setdefault(one.why, []).append(one.site)
    return [f"not asked: {', '.join(sites)} ({why})" for why, sites in reasons.items()]
