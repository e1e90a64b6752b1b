"""The namespaces in which everything of the sandbox runs, and their end.

The supervisor is the first process of a PID namespace: when it ends, however it
ends, the kernel ends every other process in there, and the mounts, bridges, taps
and firewall rules of the namespaces go with the last of them.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from sandbox import files, guests, services
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.shell import last_lines
from sandbox.supervision import Supervisor

# How long services get to end by themselves; what holds data needs a second or two.
PATIENCE = 25
# libvirt's folders are compiled in; ours are mounted over these.
MOUNT_POINTS = tuple(
    Path(path)
    for path in ("/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt")
)


def start(layout: Layout) -> str:
    """Start the namespaces with their supervisor unless it answers already."""
    supervisor = Supervisor(layout.run / "supervisor.sock")
    if supervisor.is_running():
        supervisor.reload_configuration()
        return "was running"
    killed = kill(layout)
    _make_mount_points(layout)
    namespaces = ["--mount", "--pid", "--uts", "--ipc", "--propagation", "private"]
    log = layout.log / "enclosure.log"
    with log.open("ab") as output:
        subprocess.Popen(
            ["unshare", *namespaces, "--fork", "--kill-child", "sh", layout.etc / "enclosure.sh"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Nothing of the caller's environment reaches the services.
            env={"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )
    for _ in range(200):
        if supervisor.is_running():
            return f"took over from {killed} leftover processes" if killed else "started"
        time.sleep(0.05)
    raise SandboxError(f"no supervisor after 10 s:\n{last_lines(log.read_text())}\n  log: {log}")


def _make_mount_points(layout: Layout) -> None:
    record = layout.stamps / "mount-points"
    made = set(record.read_text().split()) if record.is_file() else set()
    missing = {str(path) for path in MOUNT_POINTS if not path.is_dir()}
    files.write(record, "\n".join(sorted(made | missing)))
    for path in missing:
        Path(path).mkdir()


def remove_mount_points(layout: Layout) -> None:
    """Remove the folders that were made only to mount over them, if still empty."""
    record = layout.stamps / "mount-points"
    for name in record.read_text().split() if record.is_file() else ():
        try:
            Path(name).rmdir()
        except OSError:
            continue


def pids(layout: Layout) -> list[int]:
    """Return the host's pids of the supervisor and of those that wait for it."""
    marks = (f"{layout.etc}/enclosure.sh", f"{layout.etc}/supervisord.conf")
    return [pid for pid, command in _commands() if any(mark in command for mark in marks)]


def processes(layout: Layout) -> dict[int, int]:
    """Return host pids of all processes in the sandbox, by their pid inside."""
    found = {}
    inside = {_namespace(pid) for pid in pids(layout)} - {_namespace(os.getpid())}
    for pid, _ in _commands():
        if _namespace(pid) in inside:
            found[_inner_pid(pid)] = pid
    return found


def stop(layout: Layout) -> int:
    """Let the services end by themselves, then end what is left."""
    count = len(processes(layout))
    supervisor = Supervisor(layout.run / "supervisor.sock")
    if supervisor.is_running():
        # Nova would take a VM that ends for one that its owner stopped, and leave it off.
        supervisor.stop(["nova-compute"])
        guests.shut_down(supervisor_pid(layout))
        for last in (False, True):
            table = services.table(layout)
            supervisor.stop([service.name for service in table if service.keeps_data is last])
        supervisor.shut_down()
        deadline = time.monotonic() + PATIENCE
        while pids(layout) and time.monotonic() < deadline:
            time.sleep(0.1)
    return max(count, kill(layout))


def supervisor_pid(layout: Layout) -> int:
    """Return the host's pid of the first process in the sandbox."""
    return processes(layout)[1]


def kill(layout: Layout) -> int:
    """End every process of the sandbox at once and say how many there were."""
    targets = set(pids(layout)) | set(processes(layout).values())
    for pid in targets:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() and not _is_zombie(pid) for pid in targets):
        if time.monotonic() > deadline:
            raise SandboxError(f"processes do not end even by force: {sorted(targets)}")
        time.sleep(0.02)
    return len(targets)


def _commands() -> list[tuple[int, str]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((int(entry.name), (entry / "cmdline").read_bytes()))
            except OSError:
                continue
    return [(pid, raw.replace(b"\0", b" ").decode(errors="replace")) for pid, raw in found if raw]


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _status_field(pid: int, name: str) -> list[str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return [""]
    return next((line.split()[1:] for line in lines if line.startswith(f"{name}:")), [""])


def _inner_pid(pid: int) -> int:
    return int(_status_field(pid, "NSpid")[-1] or 0)


def _is_zombie(pid: int) -> bool:
    return _status_field(pid, "State")[0] in ("Z", "")
