"""Ends the sandbox, and on request forgets it."""

import shutil

from sandbox import enclosure, gateway
from sandbox.layout import Layout


def bring_down(layout: Layout) -> str:
    """End everything of the sandbox; its data stay for the next start."""
    (layout.run / "fingerprint").unlink(missing_ok=True)
    count = enclosure.stop(layout)
    if layout.state.is_dir():
        gateway.close_way(layout)
    return f"ended {count} processes" if count else "nothing was running"


def clean(layout: Layout, *, with_cache: bool) -> str:
    """End everything and remove the data, and on request what was downloaded."""
    ended = bring_down(layout)
    enclosure.remove_mount_points(layout)
    shutil.rmtree(layout.state, ignore_errors=True)
    if with_cache:
        shutil.rmtree(layout.cache, ignore_errors=True)
    return f"{ended}; removed {layout.state}" + (f" and {layout.cache}" if with_cache else "")
