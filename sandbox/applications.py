"""The WSGI applications of Keystone and Placement, as gunicorn loads them.

Both would read gunicorn's command line as their own, so it is hidden from them.
"""

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
