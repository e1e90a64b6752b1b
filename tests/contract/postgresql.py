"""A PostgreSQL server for a test: of an unprivileged user, on a socket in a folder, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "orchestrator"


def programs() -> Path:
    """Return the folder of the server's programs, which Debian keeps out of PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name
    )
    if not found:
        raise FileNotFoundError("these tests need PostgreSQL: apt-get install postgresql")
    return found[-1]


@contextmanager
def running() -> Iterator[str]:
    """Run a server and give the address of an empty database."""
    # Not below pytest's folder, which is closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="orc-pg-"))
    # The server refuses to be root.
    as_nobody: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    how = as_nobody if os.geteuid() == 0 else {}
    try:
        if how:
            shutil.chown(folder, "nobody", "nogroup")
        folder.chmod(0o755)
        data, bin_folder = folder / "data", programs()
        options = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync"]
        made = [bin_folder / "initdb", *options, "--no-locale", "--pgdata", data]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **how)
        with (folder / "log").open("wb") as log:
            command = [bin_folder / "postgres", "-D", data, "-k", folder, "-h", "", "-F"]
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **how)
        try:
            _wait(server, bin_folder, folder)
            yield f"postgresql://{USER}@/postgres?host={folder}"
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder)


def _wait(server: subprocess.Popen[bytes], bin_folder: Path, folder: Path) -> None:
    end = time.monotonic() + 30
    ready = [bin_folder / "pg_isready", "--quiet", "--host", folder, "--username", USER]
    while subprocess.run(ready, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
        time.sleep(0.05)
