"""A real sshd on a port of this machine, with keys of its own: something to log in to."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = getpass.getuser()
ADDRESS = "127.0.0.1"
_PLACE = Path("usr/sbin/sshd")
_UNPACKED = Path("/var/cache/orchestrator-sandbox/sshd")
# Passwords are on: were anybody to ask for one, it would be seen.
_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication yes
LogLevel DEBUG1
"""
# As root sshd wants a user and a folder that are made where it is installed: they are there for
# this process alone, and so is a home that is nobody's.
_AS_ROOT = """\
mount -t tmpfs tmpfs /run && mkdir /run/sshd
sed '/^sshd:/d; s|^root:.*|root:*:0:0:root:'"$1"':/bin/sh|' /etc/passwd >/run/passwd
echo 'sshd:*:65533:65534::/run/sshd:/usr/sbin/nologin' >>/run/passwd
mount --bind /run/passwd /etc/passwd
shift
exec "$@"
"""


@dataclass(frozen=True)
class Sshd:
    """One that runs: where, as whom it shows itself, and what it has told."""

    port: int
    public_key: str
    log: Path

    @property
    def known_hosts(self) -> str:
        """The line by which it is known."""
        return f"[{ADDRESS}]:{self.port} {self.public_key}"

    def has_led_to(self, port: int) -> bool:
        """Tell whether somebody has been let through it to a port of this machine."""
        return f"target {ADDRESS} port {port}" in self.log.read_text()


def find(folder: Path) -> Path:
    """Return the machine's sshd, or else one unpacked: installing it would open the machine."""
    for root in (Path("/"), _UNPACKED):
        if (root / _PLACE).is_file():
            return root / _PLACE
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"]
    subprocess.run([*download, "openssh-server", "libwrap0"], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return folder / _PLACE


def make_key(path: Path) -> str:
    """Make a key pair and return its public line, without a comment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


@contextmanager
def running(
    folder: Path, *, program: Path, lets_in: Sequence[str], options: Sequence[str] = ()
) -> Iterator[Sshd]:
    """Run an sshd that lets these public keys in."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    made = Sshd(port=port, public_key=make_key(folder / "host_key"), log=folder / "log")
    (folder / "authorized_keys").write_text("".join(f"{key}\n" for key in lets_in))
    text = _CONFIG.format(address=ADDRESS, port=port, folder=folder) + "\n".join(options) + "\n"
    (folder / "config").write_text(text)
    with _start(program, folder) as process:
        try:
            _wait_for(made, process)
            yield made
        finally:
            process.terminate()


def _start(program: Path, folder: Path) -> subprocess.Popen[bytes]:
    argv = [str(program), "-D", "-f", str(folder / "config"), "-E", str(folder / "log")]
    if os.getuid() == 0:
        apart = ["unshare", "--mount", "--propagation", "private"]
        argv = [*apart, "sh", "-euc", _AS_ROOT, "sshd", str(folder), *argv]
    libraries = program.parents[1] / "lib" / "x86_64-linux-gnu"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": str(libraries)}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(argv, env=environment, stdout=log, stderr=log)


def _wait_for(made: Sshd, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, made.port)) == 0:
                return
        assert process.poll() is None, made.log.read_text()
        time.sleep(0.05)
    raise AssertionError(made.log.read_text())
