"""Shuts VMs down as pressing their power button would, before the machine under them goes."""

import time

from sandbox import shell
from sandbox.errors import SandboxError

PATIENCE = 30


def shut_down(pid: int) -> None:
    """Ask every VM to end, and wait a while; `pid` is a process beside their libvirt.

    A VM that is cut off loses what it wrote in the last half minute, which in its
    first minute of life may be its SSH keys.
    """
    try:
        for name in _running(pid):
            shell.run([*_virsh(pid), "shutdown", name])
        end = time.monotonic() + PATIENCE
        while _running(pid) and time.monotonic() < end:
            time.sleep(0.5)
    except SandboxError:
        # Without a libvirt that answers there is nobody to ask.
        return


def _running(pid: int) -> list[str]:
    return shell.run([*_virsh(pid), "list", "--name"]).split()


def _virsh(pid: int) -> list[str]:
    return ["nsenter", f"--target={pid}", "--mount", "virsh", "--connect=qemu:///system"]
