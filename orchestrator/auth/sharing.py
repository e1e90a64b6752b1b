"""One token for all sites that take the same: nobody asks the issuer twenty times in a minute."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from orchestrator.auth.source import TokenSource
from orchestrator.auth.token import AccessToken
from orchestrator.errors import OrchestratorError
from orchestrator.model import Site

# Less than this is not enough for a slow site.
_FRESH = 120.0


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: AccessToken | None = field(default=None, repr=False)
    error: OrchestratorError | None = None


class SharedTokens:
    """Tokens for one round of questions; to be asked from many threads at once.

    ``choose`` says which source a site has. A source that has failed is not asked again:
    it may have taken its whole time-out to fail.
    """

    def __init__(self, choose: Callable[[Site], TokenSource]) -> None:
        self._choose = choose
        self._slots: dict[Hashable, _Slot] = {}
        self._lock = threading.Lock()

    def source(self, site: Site) -> TokenSource:
        """Return the source of a site, or raise the LoginError that there is none."""
        return self._choose(site)

    def token(self, site: Site) -> AccessToken:
        """Return a token that is good for a while, asking for one only where there is none yet."""
        source = self._choose(site)
        with self._lock:
            slot = self._slots.setdefault(_same(site), _Slot())
        with slot.lock:
            if slot.error is not None:
                raise slot.error
            if slot.token is None or slot.token.seconds_left() < _FRESH:
                try:
                    slot.token = source.access_token()
                except OrchestratorError as error:
                    slot.error = error
                    raise
            return slot.token


def _same(site: Site) -> Hashable:
    # All that the choice of a source depends on, see choosing.py.
    return (site.issuer.rstrip("/"), site.client_id, site.ca_bundle, site.token_command)
