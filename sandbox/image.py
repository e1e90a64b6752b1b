"""Builds the Debian image that VMs boot from, once a month, from Debian's mirror."""

import datetime
import platform
import shutil
from pathlib import Path

from sandbox import cache, files, shell
from sandbox.layout import TEMPLATES, Layout

RELEASE, VERSION = "bookworm", "12"
PACKAGES = (
    "linux-image-cloud-amd64,systemd-sysv,udev,dbus,cloud-init,openssh-server,sudo,python3,"
    "python3-apt,curl,ca-certificates,ifupdown,isc-dhcp-client,iproute2,iputils-ping,netbase,"
    "procps,kmod,e2fsprogs,less,chrony"
)
# Timers that would keep an emulated processor busy in the first minutes.
MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service"
    " fstrim.timer dpkg-db-backup.timer"
)
# The last console named is the one that cloud-init prints host keys to. The guards against Meltdown and
# its like make an emulator forget what it knows of memory at each system call: without them a boot takes
# 120 s of the processor instead of 182 s, and there is nobody else on these VMs to guard against.
COMMAND_LINE = "root=/dev/vda console=tty0 console=ttyS0 no_timer_check mitigations=off quiet"
DISK, KERNEL, INITRD = "disk.qcow2", "kernel", "initrd"
SIZE = "3G"
AUTHORITIES = Path("/usr/local/share/ca-certificates")


def place(layout: Layout) -> Path:
    """Return the folder of the image: of this recipe, with this month's packages."""
    overlay = sorted(path for path in (TEMPLATES / "image").rglob("*") if path.is_file())
    inputs = [Path(__file__), *overlay, *_own_authorities()]
    recipe = [path.read_bytes() for path in inputs]
    month = datetime.date.today().strftime("%Y-%m")
    return layout.cache / f"image-{month}-{cache.key(recipe)}"


def sources(targets: str) -> list[str]:
    """Return the machine's own Debian mirrors of the release, as lines for apt."""
    found = {
        f"deb {uri} {codename} main": None
        for origin, uri, codename, component in (line.split("|") for line in targets.split())
        if origin == "Debian" and component == "main" and codename.partition("-")[0] == RELEASE
    }
    return list(found)


def build(layout: Layout) -> str:
    """Make disk, kernel and initrd; nothing of a broken attempt stays."""
    target, log = place(layout), layout.log / "step-image.log"
    if target.is_dir():
        return "from the cache"
    with files.built(target) as fresh:
        root = fresh / "root"
        _bootstrap(root, log)
        shutil.copy(next((root / "boot").glob("vmlinuz-*")), fresh / KERNEL)
        shutil.copy(next((root / "boot").glob("initrd.img-*")), fresh / INITRD)
        _pack(root, fresh, log)
        shutil.rmtree(root)
    return f"{(target / DISK).stat().st_size // 2**20} MB"


def _bootstrap(root: Path, log: Path) -> None:
    hooks = [
        f"--essential-hook=sync-in {TEMPLATES / 'image'} /",
        '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf',
        *(f"--customize-hook=copy-in {path} {AUTHORITIES}" for path in _own_authorities()),
        '--customize-hook=chroot "$1" update-ca-certificates',
        # The pages are left out; Java is not installed where their folders are not there.
        '--customize-hook=for part in 1 5 7 8; do mkdir -p "$1/usr/share/man/man$part"; done',
        f'--customize-hook=chroot "$1" systemctl mask {MASKED}',
        '--customize-hook=echo "/dev/vda / ext4 defaults,noatime 0 0" > "$1"/etc/fstab',
    ]
    options = ["--mode=root", "--variant=minbase", f"--include={PACKAGES}"]
    options += ["--aptopt=Acquire::Languages none"]
    excluded = ("doc", "man", "locale", "info")
    options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in excluded]
    shell.run(["mmdebstrap", *options, *hooks, RELEASE, root, *own_mirrors()], log=log)


def _own_authorities() -> list[Path]:
    """Return what this machine trusts beyond the usual, such as a proxy between us and the world."""
    return sorted(AUTHORITIES.glob("*.crt"))


def own_mirrors() -> list[str]:
    """Return where this machine gets its own packages, if it is of the release that VMs have."""
    if RELEASE not in platform.freedesktop_os_release().get("VERSION_CODENAME", ""):
        # Another system's mirror has no Debian; mmdebstrap knows the usual one.
        return []
    form = "$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)"
    return sources(shell.run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]))


def _pack(root: Path, folder: Path, log: Path) -> None:
    raw = folder / "disk.raw"
    # No partitions and no boot loader: Nova starts the kernel itself.
    shell.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, raw, SIZE], log=log)
    convert = ["qemu-img", "convert", "-c", "-W", "-O", "qcow2", "-o", "compression_type=zstd"]
    shell.run([*convert, raw, folder / DISK], log=log)
    raw.unlink()
