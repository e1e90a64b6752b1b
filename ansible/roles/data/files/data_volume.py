"""Mounts this machine's data volume: `python3 - JSON`; prints what changed, ends with 1 and a reason.

A disk is formatted only when nothing at all is found on it. What holds a filesystem is mounted as it
is, and anything else is for a person to judge: nothing is written then.
"""

import json
import os
import shutil
import subprocess
import sys
import time

BY_ID = "/dev/disk/by-id"
SYS_BLOCK = "/sys/block"
FSTAB = "/etc/fstab"
FILESYSTEMS = ("ext4", "ext3", "ext2", "xfs", "btrfs")
OPTIONS = "defaults,nofail,x-systemd.device-timeout=60s"
GB = 1000**3
_SHOWN = 20  # of a volume's id, as virtio's serial number holds no more
_HEAD = 1 << 20


class Refused(Exception):
    """What is there is not what this program may touch."""


def run(*argv, fine=(0,)):
    """Run a program to its end; return its exit code and what it said."""
    done = subprocess.run(
        argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode not in fine:
        raise Refused(f"{' '.join(argv)} failed: {' '.join((done.stderr or done.stdout).split())}")
    return done.returncode, done.stdout


# --- which disk it is


def find_disk(volume, wait_seconds, sleep=time.sleep, clock=time.monotonic):
    """Return the volume's disk, once it has appeared."""
    deadline = clock() + wait_seconds
    while True:
        disk = _by_id(volume["id"]) or _by_serial(volume["id"])
        if disk:
            return disk
        if clock() >= deadline:
            raise Refused(
                f"the volume {volume['id']} of {volume['size_gb']} GB is not among the disks of this"
                f" machine: {', '.join(_disks()) or 'none'}; is it attached at the site?"
            )
        sleep(1)


def _disks():
    return sorted(os.listdir(SYS_BLOCK)) if os.path.isdir(SYS_BLOCK) else []


def _by_id(volume_id):
    """Return the disk that udev has named after the volume, whichever bus it is on."""
    names = sorted(os.listdir(BY_ID)) if os.path.isdir(BY_ID) else []
    found = {
        os.path.realpath(os.path.join(BY_ID, name))
        for name in names
        if volume_id[:_SHOWN] in name and "-part" not in name
    }
    return found.pop() if len(found) == 1 else None


def _by_serial(volume_id):
    """Return the disk whose serial number is the volume's id, where udev gives no names."""
    for name in _disks():
        if _read(os.path.join(SYS_BLOCK, name, "serial")).strip() == volume_id[:_SHOWN]:
            return f"/dev/{name}"
    return None


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


# --- what is on it


def content(disk, made):
    """Return the filesystem's type and UUID, None for an empty disk; Refused for anything else.

    ``made`` says that the volume was made for this deployment.
    """
    code, said = run("blkid", "--probe", "--output", "export", disk, fine=(0, 2, 8))
    told = dict(line.partition("=")[::2] for line in said.splitlines() if "=" in line)
    if told.get("TYPE") in FILESYSTEMS and told.get("UUID") and "PTTYPE" not in told:
        return told["TYPE"], told["UUID"]
    found = [told[key] for key in ("PTTYPE", "TYPE") if key in told]
    found += ["several signatures at once"] if code == 8 else []
    found += sorted({line.split(",")[-1] for line in _signatures(disk)} - set(found))
    found += [f"partition {name}" for name in _parts(disk)[1:]]
    if not found and not made and any(_head(disk)):
        found.append("data without any mark of what it is")
    if not found:
        return None
    raise Refused(
        f"the volume at {disk} is neither empty nor a filesystem that is mounted as a whole; found on"
        f" it: {', '.join(found)}. Nothing was written: copy what is of use and empty it, or take"
        " another volume"
    )


def _signatures(disk):
    lines = run("wipefs", "--parsable", disk)[1].splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _parts(disk):
    """Return the disk's name and those of all that is made of it."""
    return run("lsblk", "--noheadings", "--raw", "--output", "NAME", disk)[1].split()


def _head(disk):
    with open(disk, "rb") as file:
        return file.read(_HEAD)


# --- where it is mounted


def mounted_uuid(mount):
    """Return the UUID of what is mounted there, None where nothing is."""
    code, said = run(
        "findmnt", "--noheadings", "--output", "UUID", "--mountpoint", mount, fine=(0, 1)
    )
    return said.strip() or "unknown" if code == 0 else None


def require_free(mount):
    """Refuse to mount over files, which nobody would find again."""
    names = sorted(os.listdir(mount)) if os.path.isdir(mount) else []
    if names:
        raise Refused(
            f"{mount} holds {', '.join(names[:5])}{', ...' if len(names) > 5 else ''} already, which"
            " the data volume would hide: move it away"
        )


def with_entry(text, mount, entry):
    """Return fstab with the entry for the mount point; Refused where another one has it."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 1 and not line.lstrip().startswith("#") and fields[1] == mount:
            if fields[0] != entry.split()[0]:
                raise Refused(f"{FSTAB} says that {fields[0]} is mounted at {mount}")
            return text
    return f"{text.rstrip()}\n{entry}\n" if text.strip() else f"{entry}\n"


def write_fstab(text):
    """Replace fstab at once: half of one would keep the machine from booting."""
    with open(f"{FSTAB}.new", "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(FSTAB, f"{FSTAB}.new")
    os.replace(f"{FSTAB}.new", FSTAB)


def mount_volume(told):
    """Bring the volume to its mount point; return what was, or would be, changed."""
    volume, mount, check = told["volumes"][0], told["mount"], told["check"]
    if mount.split() != [mount]:
        raise Refused(f"{mount!r} cannot be a mount point in {FSTAB}")
    disk = find_disk(volume, told["wait_seconds"])
    found = content(disk, volume["made"])
    there = mounted_uuid(mount)
    if there is None:
        require_free(mount)
    elif found is None or found[1] != there:
        raise Refused(
            f"another disk ({there}) is mounted at {mount}, not the volume {volume['id']}"
        )
    changes = []
    if found is None:
        changes.append(f"made a filesystem on {disk}")
        if check:
            return [*changes, f"mounted {disk} at {mount}"]
        run("mkfs.ext4", "-q", "-L", "data", disk)
        found = content(disk, volume["made"])
    kind, uuid = found
    changes += _remember(f"UUID={uuid} {mount} {kind} {OPTIONS} 0 2", mount, check)
    if there is None:
        changes.append(f"mounted {disk} at {mount}")
        if not check:
            _mount(disk, mount, uuid)
    return changes


def _remember(entry, mount, check):
    """Have it mounted at each boot; return what was, or would be, changed."""
    before = _read(FSTAB)
    after = with_entry(before, mount, entry)
    if after == before:
        return []
    if not check:
        write_fstab(after)
        # systemd makes its units of fstab, and unmounts what it does not know.
        if os.path.isdir("/run/systemd/system"):
            run("systemctl", "daemon-reload")
    return [f"wrote {mount} to {FSTAB}"]


def _mount(disk, mount, uuid):
    os.makedirs(mount, exist_ok=True)
    run("mount", "--fstab", FSTAB, mount)
    if shutil.which("restorecon"):
        run("restorecon", mount)
    if mounted_uuid(mount) != uuid:
        raise Refused(f"{disk} was mounted at {mount}, but is not there")


def require_room(mount, free_gb):
    """Refuse to go on where there is less room than is needed."""
    place = mount
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free / GB
    if free < free_gb:
        raise Refused(
            f"{free:.1f} GB are free at {mount}, and {free_gb} GB are needed: deploy with a larger"
            " data volume (volume_gb), or with one of yours that has room (--set volume=...)"
        )


def main(told):
    """Mount the volume, where there is one, and see that there is room."""
    try:
        changes = mount_volume(told) if told["volumes"] else []
        # What would be mounted is not there to be looked at.
        if told["free_gb"] and not (told["check"] and changes):
            require_room(told["mount"], told["free_gb"])
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    if changes:
        print("\n".join(changes))
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
