"""Files of parameters on their way to a node that keeps what it has."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import dataclass, field, replace

import pytest

from orchestrator import uploading
from orchestrator.catalogue.usecases import find_use_case
from orchestrator.errors import DeploymentFailedError, InterruptedRunError, RequestError
from orchestrator.newusecase import make


@dataclass
class Node:
    """A node that takes files; it may have little room, or spoil what comes."""

    whole: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)
    free: int = 10**12
    spoils: int = 0

    def ask(self, path, sha256):
        content = self.whole.get(path)
        complete = content is not None and hashlib.sha256(content).hexdigest() == sha256
        return {
            "complete": complete,
            "have": len(self.parts.get(sha256, b"")),
            "free": self.free,
        }

    @contextlib.contextmanager
    def putting(self, path, sha256, *, offset, length):
        self.parts[sha256] = self.parts.get(sha256, b"")[:offset]
        yield Taker(self, path, sha256, offset + length)


@dataclass
class Taker:
    node: Node
    path: str
    sha256: str
    size: int

    def write(self, piece):
        self.node.parts[self.sha256] += piece

    def answer(self):
        content = self.node.parts.pop(self.sha256)
        assert len(content) == self.size
        if self.node.spoils:
            self.node.spoils -= 1
            return {"right": False}
        self.node.whole[self.path] = content
        return {"right": hashlib.sha256(content).hexdigest() == self.sha256}


@pytest.fixture
def cube(tmp_path):
    file = tmp_path / "cube.fits"
    file.write_bytes(b"x" * 3_000_000)
    return file


@pytest.fixture
def bring(workdir):
    def run(node, file, *, stop=None, said=None):
        uploading.upload(
            node,
            workdir,
            {"cube": file},
            stop=stop or threading.Event(),
            on_progress=(said if said is not None else []).append,
        )

    return run


REMOTE = "/srv/inputs/cube/cube.fits"


def test_a_file_is_brought_once(bring, cube):
    node, said = Node(), []
    bring(node, cube)
    assert node.whole == {REMOTE: cube.read_bytes()}
    bring(node, cube, said=said)
    assert said == ["cube.fits: its checksum is being made"]


def test_a_stop_ends_it_and_the_next_run_goes_on(bring, cube):
    node, stop, said = Node(), threading.Event(), []
    stop.set()
    with pytest.raises(InterruptedRunError):
        bring(node, cube, stop=stop)
    (sha256,) = node.parts
    node.parts[sha256] = b"x" * 2_500_000
    bring(node, cube, said=said)
    assert said[1:] == ["cube.fits: 3.0 MB of 3.0 MB"]
    assert node.whole[REMOTE] == cube.read_bytes()


def test_one_that_comes_spoilt_is_sent_again_and_given_up_the_second_time(bring, cube):
    node = Node(spoils=1)
    bring(node, cube)
    assert REMOTE in node.whole
    with pytest.raises(DeploymentFailedError, match="came twice with another checksum"):
        bring(Node(spoils=2), cube)


def test_a_node_without_room_is_told_before_anything_is_sent(bring, cube):
    node = Node(free=1000)
    with pytest.raises(DeploymentFailedError, match="no room for cube.fits"):
        bring(node, cube)
    assert node.parts == {}


def test_what_was_brought_may_be_gone_from_here_as_long_as_the_node_has_it(bring, cube):
    node = Node()
    bring(node, cube)
    cube.unlink()
    bring(node, cube)
    with pytest.raises(RequestError, match="is not there any more"):
        bring(Node(), cube)


def test_one_that_was_never_here_is_told(bring, tmp_path):
    with pytest.raises(RequestError, match="parameter cube is not there"):
        bring(Node(), tmp_path / "nothing")


def test_the_mark_changes_with_the_file_and_outlives_it(bring, workdir, cube):
    bring(Node(), cube)
    before = uploading.marks(workdir, {"cube": cube})
    cube.write_bytes(b"y")
    assert uploading.marks(workdir, {"cube": cube}) != before
    cube.unlink()
    assert uploading.marks(workdir, {"cube": cube}) == before


def test_only_files_that_were_given_are_brought(tmp_path):
    made = make("mine", tmp_path)
    use_case = find_use_case("mine", [made.folder.parent])
    assert uploading.files_given(use_case, {"attachment": "", "greeting": "/x"}) == {}
    given = uploading.files_given(replace(use_case), {"attachment": "/tmp/a.txt"})
    assert uploading.remote_path("attachment", given["attachment"]) == (
        "/srv/inputs/attachment/a.txt"
    )
