"""The use case that a deployment keeps: with its roles, whole, and its own."""

from __future__ import annotations

import shutil

import pytest

from orchestrator import keeping
from orchestrator.catalogue.usecases import find_use_case
from orchestrator.errors import RequestError


@pytest.fixture
def toy(world):
    return lambda: find_use_case("toy", [world.folders.config / "usecases"])


def role(world, name, *, needs=()):
    """Make a role that depends on others."""
    folder = world.role_folder.parent / name
    for part in ("tasks", "meta"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "tasks" / "main.yml").write_text("[]\n")
    listed = "".join(f"\n  - {one}" for one in needs) or " []"
    (folder / "meta" / "main.yml").write_text(f"dependencies:{listed}\n")


def test_nothing_is_kept_before_the_first_time(workdir):
    assert keeping.kept_use_case(workdir, "toy") is None


def test_what_is_kept_is_read_under_its_own_name(workdir, toy):
    kept = keeping.keep(workdir, toy())
    assert (kept.name, kept.title, kept.folder) == ("toy", toy().title, workdir.use_case)
    assert keeping.kept_use_case(workdir, "toy") == kept


def test_a_role_comes_with_those_it_depends_on_and_no_others(workdir, toy, world):
    role(world, "toy", needs=["wheels", "{role: paint}"])
    role(world, "wheels", needs=["axle", "toy"])
    for name in ("axle", "paint", "stranger"):
        role(world, name)
    kept = keeping.keep(workdir, toy())
    assert {one.name for one in (kept.folder / "roles").iterdir()} == {
        "toy",
        "wheels",
        "axle",
        "paint",
    }


def test_a_role_of_the_use_case_itself_comes_before_a_shipped_one(workdir, toy, world):
    own = world.use_case_folder / "roles" / "toy" / "tasks"
    own.mkdir(parents=True)
    (own / "main.yml").write_text("- ping:\n")
    kept = keeping.keep(workdir, toy())
    assert (kept.folder / "roles" / "toy" / "tasks" / "main.yml").read_text() == "- ping:\n"


def test_a_dependency_that_is_not_there_is_named(workdir, toy, world):
    role(world, "toy", needs=["nowhere"])
    with pytest.raises(RequestError, match="a role 'nowhere' that is not there"):
        keeping.keep(workdir, toy())


def test_what_is_taken_anew_replaces_all_of_what_was_there(workdir, toy, world):
    (world.use_case_folder / "gone.txt").touch()
    keeping.keep(workdir, toy())
    (world.use_case_folder / "gone.txt").unlink()
    kept = keeping.keep(workdir, toy())
    names = [str(file.relative_to(kept.folder)) for file in keeping.files_of(kept)]
    assert names == [
        "playbook.yml",
        "roles/toy/tasks/main.yml",
        "usecase.yaml",
        "volumes/playbook.yml",
        "volumes/roles/data/tasks/main.yml",
    ]


def test_a_role_of_its_own_does_not_mount_the_volumes(workdir, toy, world):
    own = world.use_case_folder / "roles" / "data" / "tasks"
    own.mkdir(parents=True)
    (own / "main.yml").write_text("- debug:\n")
    kept = keeping.keep(workdir, toy())
    mounting = kept.folder / "volumes" / "roles" / "data" / "tasks" / "main.yml"
    assert mounting.read_text() == "[]\n"


def test_a_copy_that_breaks_off_leaves_what_was_there(workdir, toy, monkeypatch):
    before = keeping.keep(workdir, toy())

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(Exception, match="No space left"):
        keeping.keep(workdir, toy())
    assert keeping.kept_use_case(workdir, "toy") == before
    assert [one.name for one in workdir.path.iterdir() if "usecase" in one.name] == ["usecase"]
