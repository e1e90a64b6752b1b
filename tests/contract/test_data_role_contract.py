"""The program of the role `data` on real disks: files of this machine behind loop devices."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orchestrator import paths

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/dev/loop-control").exists(),
        reason="only root has loop devices",
    ),
]

PROGRAM = paths.ANSIBLE_ROLES / "data" / "files" / "data_volume.py"
VOLUME = "70000000-0000-4000-8000-000000000001"


def tool(*argv: object) -> str:
    return subprocess.run(
        [str(one) for one in argv], check=True, capture_output=True, text=True
    ).stdout.strip()


class Disk:
    """A disk of 32 MiB, and a mount point and an fstab for it alone."""

    def __init__(self, folder: Path, program: ModuleType) -> None:
        self.program = program
        self.mount = folder / "srv"
        self.fstab = folder / "fstab"
        self.fstab.write_text("# this machine's own\n")
        self.fstab.chmod(0o644)
        file = folder / "disk"
        file.write_bytes(b"")
        os.truncate(file, 32 << 20)
        self.device = tool("losetup", "--find", "--show", file)

    def bring(self, *, made: bool = True, check: bool = False, free_gb: float = 0) -> int:
        volume: dict[str, Any] = {"id": VOLUME, "size_gb": 1, "made": made}
        told = {"volumes": [volume], "mount": str(self.mount), "check": check}
        return int(self.program.main({**told, "free_gb": free_gb, "wait_seconds": 0}))

    def unmount(self) -> None:
        tool("umount", self.mount)

    def remove(self) -> None:
        if os.path.ismount(self.mount):
            self.unmount()
        tool("losetup", "--detach", self.device)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("data_volume", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    made = Disk(tmp_path, program)
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / f"virtio-{VOLUME[:20]}").symlink_to(made.device)
    monkeypatch.setattr(program, "BY_ID", str(by_id))
    monkeypatch.setattr(program, "FSTAB", str(made.fstab))
    yield made
    made.remove()


def test_an_empty_disk_is_formatted_mounted_and_remembered_once(disk, capsys):
    assert disk.bring(check=True) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"made a filesystem on {disk.device}",
        f"mounted {disk.device} at {disk.mount}",
    ]
    assert tool("wipefs", disk.device) == ""
    assert disk.bring() == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert os.path.ismount(disk.mount)
    uuid = tool("blkid", "--probe", "--match-tag", "UUID", "--output", "value", disk.device)
    ours, entry = disk.fstab.read_text().splitlines()
    assert ours == "# this machine's own"
    assert entry.split()[:3] == [f"UUID={uuid}", str(disk.mount), "ext4"]
    assert "nofail" in entry.split()[3]
    assert oct(disk.fstab.stat().st_mode)[-3:] == "644"
    # A second run, and one that only looks, find nothing to do.
    for check in (False, True):
        assert disk.bring(check=check) == 0
        assert capsys.readouterr().out == ""


def test_what_is_on_it_is_there_again_after_a_reboot_and_for_another_machine(disk, capsys):
    disk.bring()
    (disk.mount / "cube.fits").write_text("data")
    disk.unmount()
    # As at a boot, and as on a machine that was given the volume of another.
    tool("mount", "--fstab", disk.fstab, disk.mount)
    assert (disk.mount / "cube.fits").read_text() == "data"
    disk.unmount()
    disk.fstab.write_text("")
    capsys.readouterr()
    assert disk.bring(made=False) == 0
    assert "made a filesystem" not in capsys.readouterr().out
    assert (disk.mount / "cube.fits").read_text() == "data"


@pytest.mark.parametrize("kind", ["partitions", "swap", "two filesystems"])
def test_what_is_foreign_is_refused_and_stays_as_it_is(disk, capsys, kind):
    if kind == "partitions":
        # The table of a BIOS: one partition of Linux' kind from the first MiB on.
        entry = struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), 2048, 4096)
        with open(disk.device, "r+b") as file:
            file.seek(446)
            file.write(entry + bytes(48) + b"\x55\xaa")
    else:
        tool("mkswap", disk.device)
    if kind == "two filesystems":
        # A second signature beside the first, as an old disk may have.
        with open(disk.device, "r+b") as file:
            file.seek(0x8001)
            file.write(b"CD001")
    before = Path(disk.device).read_bytes()
    for made in (True, False):
        assert disk.bring(made=made) == 1
        assert "Nothing was written" in capsys.readouterr().err
    assert Path(disk.device).read_bytes() == before


def test_data_without_a_mark_is_no_empty_disk_of_somebody(disk, capsys):
    with open(disk.device, "r+b") as file:
        file.write(b"my own format")
    assert disk.bring(made=False) == 1
    assert "data without any mark" in capsys.readouterr().err
    # What Cinder left on a new volume of ours is nobody's.
    assert disk.bring(made=True) == 0


def test_files_at_the_mount_point_are_not_hidden(disk, capsys):
    disk.mount.mkdir()
    (disk.mount / "old").touch()
    assert disk.bring() == 1
    assert f"{disk.mount} holds old already" in capsys.readouterr().err
    assert tool("wipefs", disk.device) == ""


def test_another_disk_at_the_mount_point_is_told(disk, capsys):
    disk.mount.mkdir()
    tool("mount", "-t", "tmpfs", "tmpfs", disk.mount)
    assert disk.bring() == 1
    assert "another disk" in capsys.readouterr().err
    assert tool("wipefs", disk.device) == ""


def test_too_little_room_is_said_with_what_to_do(disk, capsys):
    assert disk.bring(free_gb=0.001) == 0
    capsys.readouterr()
    assert disk.bring(free_gb=5) == 1
    said = capsys.readouterr().err
    assert "5 GB are needed" in said
    assert "--set volume=" in said


def test_the_role_runs_the_program_as_its_options_say(tmp_path, disk):
    """Ansible's own command line: changed once, then not, and not in check mode."""
    volumes = [{"id": VOLUME, "size_gb": 1, "made": True}]
    variables = {"data_volumes": volumes, "data_mount": str(disk.mount), "data_wait_seconds": 0}
    variables["ansible_python_interpreter"] = sys.executable
    # The role's program looks for the disk by its place in /dev: here it is told another.
    role = tmp_path / "roles" / "data"
    shutil.copytree(paths.ANSIBLE_ROLES / "data", role)
    program = role / "files" / "data_volume.py"
    text = program.read_text()
    for name in ("BY_ID", "FSTAB"):
        usual = {"BY_ID": "/dev/disk/by-id", "FSTAB": "/etc/fstab"}[name]
        text = text.replace(f'"{usual}"', json.dumps(getattr(disk.program, name)))
    program.write_text(text)
    play = [{"hosts": "localhost", "gather_facts": False, "vars": variables, "roles": ["data"]}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    assert ran(tmp_path, "--check") == 1
    assert not os.path.ismount(disk.mount)
    assert ran(tmp_path) == 1
    assert os.path.ismount(disk.mount)
    assert ran(tmp_path) == 0
    assert ran(tmp_path, "--check") == 0


def ran(folder: Path, *options: str) -> int:
    """Run the play, of which no task fails; return how many tasks changed something."""
    argv = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local"]
    env = {**os.environ, "ANSIBLE_HOME": str(folder), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [*argv, *options, folder / "play.yml"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    recap = re.search(r"changed=(\d+) .*failed=(\d+)", done.stdout)
    assert recap, done.stdout + done.stderr
    assert recap[2] == "0", done.stdout
    return int(recap[1])
