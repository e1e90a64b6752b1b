"""The folders of shared SSH connections: held while in use, and gone when their holder is."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from orchestrator.drivers import sockets

ENV = {"PATH": os.environ["PATH"]}
HELD = """
import sys
from pathlib import Path
from orchestrator.drivers import sockets
sockets._PARENT = Path(sys.argv[1])
with sockets.shared_connections({}) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(sockets, "_PARENT", tmp_path)
    return tmp_path


def age(folder):
    long_ago = time.time() - 7200
    os.utime(folder, (long_ago, long_ago))


@pytest.fixture
def holder(parent):
    argv = [sys.executable, "-c", HELD, str(parent)]
    with subprocess.Popen(argv, stdin=-1, stdout=-1, text=True) as process:
        folder = parent / os.path.basename(process.stdout.readline().strip())
        age(folder)
        yield process, folder
        process.kill()


def test_the_folder_is_ours_alone_and_gone_at_the_end(parent):
    with sockets.shared_connections(ENV) as folder:
        assert folder.parent == parent
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(parent.iterdir()) == []


def test_one_in_use_is_kept_and_one_whose_holder_was_killed_is_removed(parent, holder):
    process, folder = holder
    with sockets.shared_connections(ENV):
        assert folder.is_dir()
    process.kill()
    process.wait()
    with sockets.shared_connections(ENV):
        assert not folder.exists()


def test_a_young_one_a_link_and_a_file_are_left_alone(parent, tmp_path_factory):
    young, link, file = (parent / f"orch-ssh-{name}" for name in ("young", "link", "file"))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    young.mkdir()
    link.symlink_to(elsewhere)
    file.write_text("")
    age(elsewhere)
    with sockets.shared_connections(ENV):
        assert young.is_dir()
        assert link.is_symlink()
        assert file.is_file()
        assert elsewhere.is_dir()
