"""Runs the seeding of one part in the control plane's Python, once for each recipe."""

import hashlib
import json
from typing import Any

from sandbox import cache, files, shell
from sandbox.layout import SOURCE, Layout


def plant(layout: Layout, part: str, facts: dict[str, Any]) -> str:
    """Seed a part of the cloud unless this very recipe has been planted before."""
    stamp = layout.stamps / f"seed-{part}"
    recipe = _recipe(facts)
    if stamp.is_file() and stamp.read_text() == recipe:
        return "seeded before"
    python = cache.environment(layout) / "bin/python"
    log = layout.log / f"step-seed-{part}.log"
    # The facts hold passwords, so they travel by the standard input.
    shell.run(
        [python, "-m", "sandbox.seeding", part],
        stdin=json.dumps(facts),
        cwd=SOURCE.parent,
        log=log,
    )
    files.write(stamp, recipe)
    return "seeded"


def _recipe(facts: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path in sorted((SOURCE / "seeding").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
