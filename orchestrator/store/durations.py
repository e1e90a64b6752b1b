"""How long earlier runs took, read from what happened in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from orchestrator.store import schema

BEGAN = "a run began"
# The phases whose events mark the part of a run that needs its login.
PLAN, APPLY, REACH = "plan", "apply", "reach"
_LATEST_DEPLOYMENTS = 10
_LATEST_RUNS = 5


def making_seconds(engine: sa.Engine, *, site: str, use_case: str) -> float | None:
    """Return the longest time of the last runs from the plan to a reached machine.

    That is the part of a run for which the site has to take its login. None where no run
    has made anything of the use case there.
    """
    events, deployments = schema.events, schema.deployments
    latest = (
        sa.select(deployments.c.id)
        .where((deployments.c.site == site) & (deployments.c.use_case == use_case))
        .order_by(deployments.c.created_at.desc())
        .limit(_LATEST_DEPLOYMENTS)
    )
    query = (
        sa.select(events.c.deployment_id, events.c.at, events.c.phase, events.c.text)
        .where(events.c.deployment_id.in_(latest))
        .order_by(events.c.deployment_id, events.c.number)
    )
    with engine.connect() as connection:
        spans = sorted(_spans(connection.execute(query)))
    latest_spans = [seconds for _, seconds in spans[-_LATEST_RUNS:]]
    return max(latest_spans, default=None)


def _spans(rows: Iterable[Any]) -> Iterable[tuple[datetime, float]]:
    """Return the end and the length of each run that made something and reached it."""
    deployment, start, made = None, None, False
    for row in rows:
        if row.deployment_id != deployment or row.text == BEGAN:
            deployment, start, made = row.deployment_id, row.at, False
        elif row.phase == PLAN:
            start, made = row.at, False
        elif row.phase == APPLY and start is not None:
            made = True
        elif row.phase == REACH and start is not None and made:
            yield row.at, (row.at - start).total_seconds()
            start = None
