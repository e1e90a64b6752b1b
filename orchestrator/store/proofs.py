"""What was reached: the networks of a site over which machines of ours have answered."""

from __future__ import annotations

import sqlalchemy as sa

from orchestrator.model import Proof
from orchestrator.store import opening, schema


def remember(engine: sa.Engine, proof: Proof, *, site: str, vo: str) -> None:
    """Keep a proof; an older one of the same network and topology is replaced."""
    table = schema.proofs
    values = {
        "site": site,
        "vo": vo,
        "network_id": proof.network_id,
        "topology": proof.topology,
        "at": proof.at,
    }
    same = sa.and_(*(column == values[column.name] for column in table.primary_key))
    with opening.writing(engine) as connection:
        connection.execute(table.delete().where(same))
        connection.execute(table.insert().values(values))


def known(engine: sa.Engine, *, site: str, vo: str) -> tuple[Proof, ...]:
    """Return what is remembered of a site for a VO, the newest first."""
    table = schema.proofs
    query = (
        sa.select(table.c.network_id, table.c.topology, table.c.at)
        .where((table.c.site == site) & (table.c.vo == vo))
        .order_by(table.c.at.desc(), table.c.network_id)
    )
    with engine.connect() as connection:
        return tuple(Proof(**row) for row in connection.execute(query).mappings())
