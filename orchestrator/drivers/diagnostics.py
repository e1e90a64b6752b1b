"""Terraform's and the provider's complaints as errors that a person can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.causes import TERRAFORM, cause_of
from orchestrator.errors import DeploymentFailedError, OrchestratorError


def as_error(
    verb: str, diagnostics: Sequence[Mapping[str, Any]], *, text: str = "", secret: str = ""
) -> OrchestratorError:
    """Return the error that fits what Terraform said; ``secret`` is struck out of its words."""
    words = [_words(diagnostic) for diagnostic in diagnostics] or [_last_lines(text)]
    # The words for a person leave out the code of the answer, which tells causes apart.
    raw = [f"{one.get('summary', '')} {one.get('detail', '')}" for one in diagnostics]
    whole = "\n".join([*words, *raw])
    found = cause_of(whole, where=TERRAFORM)
    facts: dict[str, str] = {}
    for index, one in enumerate(words):
        # One cause often stops several resources: its words are told once.
        if one and _hidden(one, secret) not in facts.values():
            facts[_place(index, diagnostics)] = _hidden(one, secret)
    if found is None:
        return DeploymentFailedError(f"terraform {verb} failed", facts=facts)
    return found.error(found.message, facts=facts, way_out=found.way_out)


def errors_among(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the errors among Terraform's events, warnings left out."""
    told = (event.get("diagnostic") for event in events if event.get("type") == "diagnostic")
    return [one for one in told if isinstance(one, Mapping) and one.get("severity") == "error"]


def as_event(line: str) -> Mapping[str, Any] | None:
    """Return a line of Terraform's JSON stream, None for plain text and cut-off lines."""
    if not line.startswith('{"@'):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def resource_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the resource that an event is about, empty where it is about none."""
    resource = hook_of(event).get("resource")
    return resource if isinstance(resource, Mapping) else {}


def hook_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an event tells of its step, empty where it tells nothing."""
    hook = event.get("hook")
    return hook if isinstance(hook, Mapping) else {}


def _words(diagnostic: Mapping[str, Any]) -> str:
    """Return the provider's own words on a few plain lines, JSON bodies opened."""
    summary, said = str(diagnostic.get("summary", "")), _said(diagnostic)
    inner = re.search(r'"message":\s*"((?:[^"\\]|\\.)*)"', said)
    if inner:
        start = re.split(r"[:,] (?:Expected HTTP|Bad request|Request forbidden)", summary)[0]
        said = f"{start}: {inner[1]}"
    return " ".join(said.split())[:1000]


def _said(diagnostic: Mapping[str, Any]) -> str:
    summary, detail = str(diagnostic.get("summary", "")), str(diagnostic.get("detail", ""))
    return f"{summary}: {detail}" if detail else summary


def _place(index: int, diagnostics: Sequence[Mapping[str, Any]]) -> str:
    address = str(diagnostics[index].get("address", "")) if diagnostics else ""
    return address or ("Terraform says" if index == 0 else f"Terraform says ({index + 1})")


def _last_lines(text: str) -> str:
    return " ".join(text.split())[-1000:]


def _hidden(words: str, secret: str) -> str:
    return words.replace(secret, "***") if secret else words
