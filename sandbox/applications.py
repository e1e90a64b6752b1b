"""The WSGI applications of Keystone and Placement, as gunicorn loads them.

Both would read gunicorn's command line as their own, so it is hidden from them.
"""

import sys
from typing import Any


def keystone() -> Any:
    """Return Keystone."""
    from keystone.server import wsgi

    sys.argv = sys.argv[:1]
    return wsgi.initialize_public_application()


def placement() -> Any:
    """Return Placement."""
    from placement import wsgi

    sys.argv = sys.argv[:1]
    return wsgi.init_application()
