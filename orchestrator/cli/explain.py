"""orchestrator explain"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from orchestrator.cli import context, requests, tables, terminal
from orchestrator.errors import RequestError

if TYPE_CHECKING:
    from orchestrator.explanation import Explanation


@click.command("explain")
@click.argument("what", nargs=-1, metavar="SITE USECASE | NAME", required=True)
@click.option(
    "--vo", help="Virtual organisation.  [default: your configuration, else vo.access.egi.eu]"
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Settle a choice, as deploy would.",
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the use case: what is needed may follow it.",
)
@click.option(
    "--file", "file", type=click.Path(dir_okay=False), help="A deployment file, as deploy takes it."
)
@click.option("--markdown", is_flag=True, help="For pull requests: Markdown.")
@context.json_option
def command(
    *,
    what: tuple[str, ...],
    vo: str | None,
    overrides: tuple[str, ...],
    parameters: tuple[str, ...],
    file: str | None,
    markdown: bool,
    as_json: bool,
) -> None:
    """Show what deploy would choose for USECASE on SITE and why, or what was chosen for NAME.

    Nothing is created and nothing is kept.
    """  # fmt: skip
    from orchestrator import explanation

    found = _explained(what, vo=vo, overrides=overrides, parameters=parameters, file=file)
    if as_json:
        terminal.echo(json.dumps(found.as_value(), default=str))
    elif markdown:
        terminal.echo(explanation.markdown(found), nl=False)
    else:
        terminal.echo(_text(found))


def _explained(
    what: tuple[str, ...],
    *,
    vo: str | None,
    overrides: tuple[str, ...],
    parameters: tuple[str, ...],
    file: str | None,
) -> Explanation:
    deployer = context.deployer(lambda _progress: None)
    if len(what) == 1 and not file:
        return deployer.explain_existing(what[0])
    if len(what) > 2:
        raise RequestError("explain takes a SITE and a USECASE, or the NAME of a deployment")
    site, use_case = what[0], what[1] if len(what) == 2 else None
    request = requests.read_request(
        use_case=use_case,
        site=site,
        vo=vo,
        name=None,
        overrides=overrides,
        parameters=parameters,
        lifetime_days=None,
        file=file,
    )
    return deployer.explain(request)


def _text(found: Explanation) -> str:
    from orchestrator import explanation

    selection = found.selection
    blocks = [
        f"{found.use_case} on {found.site} for {found.vo}, as listed {found.at:%Y-%m-%d %H:%M} UTC",
        tables.render(explanation.CHOSEN, explanation.chosen_rows(selection)),
    ]
    for headings, rows in (
        (explanation.PRECEDENCE, explanation.precedence_rows(selection)),
        (explanation.RIVALS, explanation.rival_rows(selection)),
        (explanation.QUOTAS, explanation.quota_rows(found.quotas)),
    ):
        if rows:
            blocks.append(tables.render(headings, rows))
    blocks += [f"{what} could not be listed: {why}" for what, why in (found.gaps or {}).items()]
    used = dict.fromkeys(choice.confidence for choice in selection.choices)
    meanings = "; ".join(f"{word}: {explanation.CONFIDENCE[word]}" for word in used)
    blocks.append(f"Sure: {meanings}.\nSettle any of them: --set CHOICE=VALUE, a deployment file, or the site's file.")  # fmt: skip
    return "\n\n".join(blocks)
