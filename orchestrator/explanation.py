"""Why a deployment would look as it does: choices, rivals, limits and who had the last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from orchestrator.model import Choice, Selection
from orchestrator.selection.quotas import QuotaLine

# What each word promises; shown beside the table, and in ARCHITECTURE.md.
CONFIDENCE = {
    "fixed": "a person said so",
    "proven": "a machine of yours was reached this way",
    "certain": "the site's own listing leaves one answer",
    "likely": "the evidence is a name, a mark, or that something is hidden",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was, or would be, chosen for a use case on a site, and why."""

    use_case: str
    site: str
    vo: str
    at: datetime
    selection: Selection
    quotas: tuple[QuotaLine, ...] = ()
    gaps: Mapping[str, str] | None = None  # what the site did not list, and why

    @property
    def short(self) -> tuple[QuotaLine, ...]:
        """The limits that are too small."""
        return tuple(line for line in self.quotas if not line.fits)

    def as_value(self) -> dict[str, Any]:
        """Return it as plain values for programs."""
        return {
            "use_case": self.use_case,
            "site": self.site,
            "vo": self.vo,
            "at": self.at.isoformat(),
            "choices": [_with_key(choice) for choice in self.selection.choices],
            "quotas": [{**asdict(line), "fits": line.fits} for line in self.quotas],
            "gaps": dict(self.gaps or {}),
        }


def chosen_rows(selection: Selection) -> list[tuple[str, str, str, str, str]]:
    """Return a row per choice: its key, what was taken, why, from how many, how sure."""
    return [
        (
            choice.key,
            choice.label,
            choice.reason,
            str(choice.candidates),
            choice.confidence,
        )
        for choice in selection.choices
    ]


def rival_rows(selection: Selection) -> list[tuple[str, str, str]]:
    """Return a row per candidate that was not taken, and why."""
    return [
        (choice.key, rival.label, rival.why_not)
        for choice in selection.choices
        for rival in choice.rivals
    ]


def precedence_rows(selection: Selection) -> list[tuple[str, str, str]]:
    """Return a row per word on a choice, the one that holds before those that it beats."""
    rows = []
    for choice in selection.choices:
        if choice.confidence == "fixed":
            rows.append((choice.key, f"{choice.name}  (holds)", choice.origin))
            rows += [(choice.key, value, origin) for origin, value in choice.beaten]
    return rows


def quota_rows(quotas: Iterable[QuotaLine]) -> list[tuple[str, str, str, str, str]]:
    """Return a row per limit: what is needed, used, allowed, and whether that fits."""
    return [
        (
            line.word,
            str(line.needed),
            str(line.used),
            "none" if line.limit is None else str(line.limit),
            "" if line.fits else "too small",
        )
        for line in quotas
    ]


CHOSEN = ("CHOICE", "TAKEN", "WHY", "OF", "SURE")
RIVALS = ("CHOICE", "NOT TAKEN", "WHY NOT")
PRECEDENCE = ("CHOICE", "VALUE", "SAID BY")
QUOTAS = ("LIMIT ON", "NEEDED", "USED", "LIMIT", "")


def markdown(explanation: Explanation) -> str:
    """Return the explanation as Markdown, as a pull request shows it."""
    selection = explanation.selection
    parts = [
        f"### {explanation.use_case} on {explanation.site} ({explanation.vo})",
        _table(CHOSEN, chosen_rows(selection)),
        f"Listed {explanation.at:%Y-%m-%d %H:%M} UTC. Any choice is settled with"
        " `--set CHOICE=VALUE`, or in the site's file.",
    ]
    for title, headings, rows in (
        ("Who had a say", PRECEDENCE, precedence_rows(selection)),
        ("Limits of the project", QUOTAS, quota_rows(explanation.quotas)),
        ("Not taken", RIVALS, rival_rows(selection)),
    ):
        if rows:
            parts.append(_folded(title, _table(headings, rows)))
    return "\n\n".join(parts) + "\n"


def _folded(title: str, table: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    # Names come from the site: none of them may break out of its cell, or become a link.
    for sign in "\\`|<>[]*_":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _with_key(choice: Choice) -> dict[str, Any]:
    return {**asdict(choice), "override": f"--set {choice.key}=..."}
