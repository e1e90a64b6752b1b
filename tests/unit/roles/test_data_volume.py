"""The program of the role `data`, with disks that are told: which one it is, what may be done with it.

tests/contract/test_data_role_contract.py has it on real ones.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orchestrator import paths

VOLUME = "70000000-0000-4000-8000-000000000001"
SHORT = VOLUME[:20]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    file = paths.ANSIBLE_ROLES / "data" / "files" / "data_volume.py"
    spec = importlib.util.spec_from_file_location("data_volume", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    for name in ("BY_ID", "SYS_BLOCK", "FSTAB"):
        monkeypatch.setattr(made, name, str(tmp_path / name))
    (tmp_path / "BY_ID").mkdir()
    return made


class Machine:
    """What lsblk, blkid, wipefs and findmnt say here."""

    def __init__(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mounted: dict[str, str] = {}
        self.told: dict[str, tuple[int, str]] = {}
        monkeypatch.setattr(program, "run", self.run)

    def run(self, *argv: str, fine: tuple[int, ...] = (0,)) -> tuple[int, str]:
        if argv[0] in self.told:
            code, said = self.told[argv[0]]
            assert code in fine
            return code, said
        raise AssertionError(f"this machine knows no {argv}")


@pytest.fixture
def machine(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(program, monkeypatch)


def volume(**given: Any) -> dict[str, Any]:
    return {"id": VOLUME, "size_gb": 20, "made": True, **given}


def block(tmp_path: Path, name: str, *, serial: str = "", gb: int = 20) -> None:
    folder = tmp_path / "SYS_BLOCK" / name
    folder.mkdir(parents=True)
    (folder / "serial").write_text(f"{serial}\n")
    (folder / "size").write_text(f"{(gb << 30) // 512}\n")


def named(tmp_path: Path, name: str, disk: str) -> None:
    (tmp_path / "BY_ID" / name).symlink_to(f"/dev/{disk}")


def refused(program: ModuleType, call: Any) -> str:
    with pytest.raises(program.Refused) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [f"virtio-{SHORT}", f"scsi-0QEMU_QEMU_HARDDISK_{SHORT}", f"scsi-0QEMU_QEMU_HARDDISK_{VOLUME}"],
)
def test_a_disk_is_found_by_the_volumes_id_on_any_bus(
    program: ModuleType, tmp_path: Path, name: str
) -> None:
    named(tmp_path, "virtio-99999999-0000-4000-8", "vdc")
    named(tmp_path, f"{name}-part1", "vdq1")
    named(tmp_path, name, "vdq")
    assert program.find_disk(volume(), 0) == "/dev/vdq"


def test_where_udev_gives_no_name_the_serial_number_tells(
    program: ModuleType, tmp_path: Path
) -> None:
    block(tmp_path, "vda")
    block(tmp_path, "vdc", serial=SHORT)
    assert program.find_disk(volume(), 0) == "/dev/vdc"


def test_a_disk_that_appears_late_is_waited_for(program: ModuleType, tmp_path: Path) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            named(tmp_path, f"virtio-{SHORT}", "vdb")

    found = program.find_disk(volume(), 10, sleep=sleep, clock=lambda: float(len(waited)))
    assert (found, waited) == ("/dev/vdb", [1, 1, 1])


def test_a_disk_of_the_same_size_is_not_taken_for_the_volume(
    program: ModuleType, tmp_path: Path
) -> None:
    block(tmp_path, "vdb")
    said = refused(program, lambda: program.find_disk(volume(), 0))
    assert f"the volume {VOLUME} of 20 GB is not among the disks of this machine: vdb" in said


def test_an_empty_disk_is_what_all_three_programs_call_empty(
    program: ModuleType, machine: Machine
) -> None:
    machine.told = {"blkid": (2, ""), "wipefs": (0, "# offset,uuid,label,type\n")}
    machine.told["lsblk"] = (0, "vdb\n")
    assert program.content("/dev/vdb", True) is None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"lsblk": (0, "vdb\nvdb1\n")}, "partition vdb1"),
        ({"wipefs": (0, "0x200,,,gpt\n")}, "gpt"),
        ({"blkid": (0, "TYPE=crypto_LUKS\nUUID=u\n")}, "crypto_LUKS"),
        ({"blkid": (0, "TYPE=LVM2_member\nUUID=u\n")}, "LVM2_member"),
        ({"blkid": (0, "PTTYPE=dos\n")}, "dos"),
        ({"blkid": (0, "PTTYPE=dos\nTYPE=ext4\nUUID=u\n")}, "dos"),
        ({"blkid": (8, "")}, "several signatures"),
    ],
)
def test_what_any_of_them_finds_is_foreign(
    program: ModuleType, machine: Machine, told: dict[str, tuple[int, str]], why: str
) -> None:
    empty = {"blkid": (2, ""), "wipefs": (0, ""), "lsblk": (0, "vdb\n")}
    machine.told = {**empty, **told}
    said = refused(program, lambda: program.content("/dev/vdb", True))
    assert why in said
    assert "Nothing was written" in said


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_a_filesystem_is_taken_as_it_is(program: ModuleType, machine: Machine, kind: str) -> None:
    machine.told = {"blkid": (0, f"DEVNAME=/dev/vdb\nUUID=u-1\nTYPE={kind}\n")}
    assert program.content("/dev/vdb", False) == (kind, "u-1")


ENTRY = "UUID=u-1 /srv ext4 defaults,nofail 0 2"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{ENTRY}\n"),
        ("LABEL=root / ext4\n", f"LABEL=root / ext4\n{ENTRY}\n"),
        ("LABEL=root / ext4", f"LABEL=root / ext4\n{ENTRY}\n"),
        ("# LABEL=x /srv ext4\n", f"# LABEL=x /srv ext4\n{ENTRY}\n"),
        ("LABEL=x /srv/nfs ext4\n", f"LABEL=x /srv/nfs ext4\n{ENTRY}\n"),
        (f"{ENTRY}\n", f"{ENTRY}\n"),
        # A person's own options stay.
        ("UUID=u-1 /srv ext4 noatime 0 0\n", "UUID=u-1 /srv ext4 noatime 0 0\n"),
    ],
)
def test_an_entry_is_written_once_beside_the_others(
    program: ModuleType, before: str, after: str
) -> None:
    assert program.with_entry(before, "/srv", ENTRY) == after


def test_another_entry_for_the_mount_point_is_not_replaced(program: ModuleType) -> None:
    text = "nfs:/x /srv nfs defaults 0 0\n"
    assert "nfs:/x" in refused(program, lambda: program.with_entry(text, "/srv", ENTRY))


@pytest.mark.parametrize("mount", ["/srv/my data", "/srv\n/", ""])
def test_a_mount_point_that_breaks_the_table_is_refused(program: ModuleType, mount: str) -> None:
    told = {"volumes": [volume()], "mount": mount, "check": False, "wait_seconds": 0}
    assert "cannot be a mount point" in refused(program, lambda: program.mount_volume(told))


def test_without_a_volume_only_the_room_is_looked_at(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"volumes": [], "mount": str(tmp_path / "not" / "yet"), "check": False}
    assert program.main({**told, "free_gb": 0}) == 0
    assert program.main({**told, "free_gb": 10**6}) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "1000000 GB are needed" in err
