"""A deployment's folder: for its owner alone, whole files, and a state that can be trusted."""

from __future__ import annotations

import errno
import json
import os
import stat

import pytest

from orchestrator.errors import SetupError
from orchestrator.workdir import StateLostError, StateMark, write_atomically


def write_state(workdir, *, serial=1, lineage="l", resources=2):
    state = {"lineage": lineage, "serial": serial, "resources": [{}] * resources}
    workdir.state.write_text(json.dumps(state))


def test_nobody_else_may_look_in(workdir):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (workdir.path, *workdir.path.iterdir())}
    assert modes == {0o700}


def test_code_is_written_once_and_kept(workdir, tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("first")
    workdir.write_code(main="one", lock_file=lock)
    lock.write_text("second")
    workdir.write_code(main="two", lock_file=lock)
    assert workdir.main.read_text() == "one"
    assert (workdir.path / ".terraform.lock.hcl").read_text() == "second"
    assert (workdir.path / "modules" / "nodes" / "main.tf").is_file()
    assert stat.S_IMODE(workdir.main.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file(workdir, monkeypatch):
    path = workdir.path / "file"
    write_atomically(path, "old")

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SetupError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert not list(workdir.path.glob(".file*"))


def test_runs_are_numbered(workdir):
    names = [workdir.next_run("run", "deploy").name, workdir.next_run("terraform", "plan").name]
    assert names == ["0001-run-deploy.jsonl", "0002-terraform-plan.jsonl"]


def test_no_state_is_fine_until_one_is_expected(workdir):
    assert workdir.check_state() is None
    with pytest.raises(StateLostError, match="is missing"):
        workdir.check_state(expected=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is empty"), ('{"lineage": "l", "ser', "cut off"), ("[]", "cut off")],
)
def test_a_broken_state_is_refused(workdir, content, words):
    workdir.state.write_text(content)
    with pytest.raises(StateLostError, match=words):
        workdir.check_state()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"serial": 3}, "is older"), ({"serial": 9, "lineage": "x"}, "another deployment")],
)
def test_a_state_that_is_not_the_last_one_is_refused(workdir, changes, words):
    write_state(workdir, serial=5)
    workdir.keep_state()
    write_state(workdir, **changes)
    with pytest.raises(StateLostError, match=words):
        workdir.check_state()


def test_a_state_that_went_away_is_refused(workdir):
    write_state(workdir)
    workdir.keep_state()
    workdir.state.unlink()
    with pytest.raises(StateLostError, match="is missing"):
        workdir.check_state()


def test_a_state_is_copied_once(workdir):
    write_state(workdir, serial=5)
    assert workdir.keep_state().name == "0001.tfstate"
    assert workdir.keep_state() is None
    write_state(workdir, serial=6)
    assert workdir.keep_state().name == "0002.tfstate"
    assert workdir.check_state() == StateMark(lineage="l", serial=6, resources=2)


def test_a_broken_state_is_not_copied(workdir):
    workdir.state.write_text("")
    assert workdir.keep_state() is None


def test_a_state_that_is_set_aside_takes_its_copies_with_it(workdir):
    write_state(workdir, serial=3)
    workdir.keep_state()
    aside = workdir.set_state_aside()
    assert aside is not None
    assert '"serial": 3' in aside.read_text()
    # A new one, of another lineage and younger, is as good as any first one.
    write_state(workdir, lineage="two", serial=1)
    assert workdir.check_state() == StateMark(lineage="two", serial=1, resources=2)


def test_what_is_to_be_taken_back_is_written_for_one_plan_and_removed(workdir):
    workdir.write_imports({'module.a.b.c["x"]': "id-1"})
    file = workdir.path / "imports.tf.json"
    assert json.loads(file.read_text()) == {"import": [{"to": 'module.a.b.c["x"]', "id": "id-1"}]}
    workdir.write_imports({})
    assert not file.exists()


def test_an_id_that_a_site_tells_is_no_template(workdir):
    workdir.write_imports({"module.a.b.c": '${file("/etc/hostname")}%{if true}'})
    (block,) = json.loads((workdir.path / "imports.tf.json").read_text())["import"]
    assert block["id"] == '$${file("/etc/hostname")}%%{if true}'


def test_only_the_last_copies_are_kept(workdir):
    for serial in range(1, 30):
        write_state(workdir, serial=serial)
        workdir.keep_state()
    assert len(list((workdir.path / "states").glob("*.tfstate"))) == 20


def test_removing_twice_is_fine(workdir):
    workdir.remove()
    workdir.remove()
    assert not workdir.path.exists()
