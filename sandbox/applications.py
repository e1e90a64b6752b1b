"""The WSGI applications of Keystone and Placement, as gunicorn loads them, and its settings.

Both would read gunicorn's command line as their own, so it is hidden from them.
"""

import ctypes
import signal
import sys
from importlib import import_module
from typing import Any


def keystone() -> Any:
    """Return Keystone."""
    sys.argv = sys.argv[:1]
    return import_module("keystone.server.wsgi").initialize_public_application()


def placement() -> Any:
    """Return Placement."""
    sys.argv = sys.argv[:1]
    return import_module("placement.wsgi").init_application()


_PR_SET_PDEATHSIG = 1


def post_fork(_arbiter: Any, _worker: Any) -> None:
    """End a worker with the process that made it.

    One left behind answers on, and keeps the port from the next, until it notices by itself: a
    service that was met would then be gone again.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
