"""What is remembered between runs: deployments, their events, and who is working on them."""

from orchestrator.store.leases import Lease
from orchestrator.store.store import Event, Store

__all__ = ["Event", "Lease", "Store"]
