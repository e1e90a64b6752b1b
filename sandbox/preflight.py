"""Looks, before anything is changed, for what would make a start fail later."""

import os
import platform
import shutil

from sandbox import ports
from sandbox.errors import SandboxError
from sandbox.layout import OTHER_PORTS, PUBLIC_PORTS, Layout

GIB = 2**30
NEEDED_GIB = 6
ELSEWHERE = (
    "The sandbox brings a whole OpenStack with it and runs only as root on Debian 12 or"
    " Ubuntu on x86_64. Anywhere else, deploy on a real site: with an account of EGI"
    " Check-in and membership of a VO, set SITE=<name of the site>."
)


def check(layout: Layout, *, ours: set[int]) -> None:
    """Refuse a machine on which the sandbox cannot start; `ours` are our processes."""
    _check_disk(layout)
    taken = ports.taken_by_others({**PUBLIC_PORTS, **OTHER_PORTS}, ours)
    if taken:
        raise SandboxError("; ".join(taken))


def check_system() -> None:
    """Refuse a system on which no command of the sandbox can work, and users but root."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise SandboxError(f"this is {platform.system()} on {platform.machine()}. {ELSEWHERE}")
    release = platform.freedesktop_os_release()
    if not suits(release):
        raise SandboxError(f"this is {release.get('PRETTY_NAME', 'unknown')}. {ELSEWHERE}")
    if os.geteuid():
        raise SandboxError(f"the sandbox needs root (try sudo). {ELSEWHERE}")


def suits(release: dict[str, str]) -> bool:
    """Say whether a system's os-release is one the sandbox knows."""
    return release.get("ID") == "ubuntu" or (
        release.get("ID") == "debian" and release.get("VERSION_ID") == "12"
    )


def _check_disk(layout: Layout) -> None:
    for path in (layout.state, layout.cache):
        free = shutil.disk_usage(path.parent).free / GIB
        if free < NEEDED_GIB and not path.is_dir():
            raise SandboxError(
                f"{path.parent} has {free:.1f} GB free and the sandbox needs {NEEDED_GIB}"
            )
