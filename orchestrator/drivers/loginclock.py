"""When Terraform is asked to stop because its login ends: rather while nothing slow is being made."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.drivers.diagnostics import resource_of

# Made over minutes: what is cut short of these has to be made again.
_SLOW = frozenset({"openstack_compute_instance_v2", "openstack_blockstorage_volume_v3"})
_READY_AFTER = 5 / 6
_AT_LAST_AFTER = 29 / 30


class LoginClock:
    """Follows Terraform's events, and says when it has to make room for a new login.

    In the last sixth of the login's life it is time as soon as no machine and no volume is on
    its way; near the end it is time whatever is, since a dead login ends all of it at once.
    """

    def __init__(
        self, seconds: float = math.inf, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._start = clock()
        self._seconds = seconds
        self._slow: set[str] = set()

    def watch(self, event: Mapping[str, Any]) -> None:
        """Learn from an event what is being made now."""
        resource = resource_of(event)
        address = str(resource.get("addr"))
        is_slow = str(resource.get("resource_type")) in _SLOW
        if event.get("type") == "apply_start" and is_slow:
            self._slow.add(address)
        elif event.get("type") in ("apply_complete", "apply_errored"):
            self._slow.discard(address)

    def is_set(self) -> bool:
        """Tell whether Terraform has to stop now."""
        spent = self._clock() - self._start
        if spent >= self._seconds * _AT_LAST_AFTER:
            return True
        return spent >= self._seconds * _READY_AFTER and not self._slow
