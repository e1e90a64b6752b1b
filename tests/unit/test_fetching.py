"""Results from a node that may lie: nothing of it lands outside its folder, nothing wrong is kept."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
from dataclasses import dataclass, field

import pytest

from orchestrator import fetching
from orchestrator.errors import DeploymentFailedError, SetupError

ROOT = "/srv/results"


@dataclass
class Node:
    """A node with files; it lists what a test tells it to and may send something else."""

    files: dict[str, bytes] = field(default_factory=dict)
    more: list[dict] = field(default_factory=list)  # lines that no honest node would write
    lies: dict[str, list[bytes]] = field(default_factory=dict)  # what is sent first, by path
    breaks_after: int | None = None
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def listing(self, roots):
        for name, content in self.files.items():
            yield {
                "root": ROOT,
                "kind": "file",
                "path": name,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        yield from ({"root": ROOT, "kind": "file", "path": "x"} | line for line in self.more)

    @contextlib.contextmanager
    def stream(self, wanted):
        self.asked += wanted
        sent = b"".join(self._sent(path)[first : first + size] for path, first, size in wanted)
        yield Stream(io.BytesIO(sent), self.breaks_after)

    def _sent(self, path):
        name = path.removeprefix(f"{ROOT}/")
        lies = self.lies.get(name)
        return lies.pop(0) if lies else self.files["" if path == ROOT else name]


@dataclass
class Stream:
    content: io.BytesIO
    breaks_after: int | None

    def read(self, size):
        size = min(size, 100)
        if self.breaks_after is not None and self.content.tell() + size > self.breaks_after:
            raise DeploymentFailedError("the connection ended")
        found = self.content.read(size)
        assert found, "more was asked for than there is"
        return found


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


def fetch(node, here):
    return fetching.fetch(node, [ROOT], here)


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_come_below_the_name_of_their_folder(here):
    found = fetch(Node(files={"a.csv": b"1", "plots/b.png": b"22", "empty": b""}), here)
    assert below(here) == ["results/a.csv", "results/empty", "results/plots/b.png"]
    assert (found.files, found.fetched, found.bytes) == (3, 3, 3)


def test_a_result_may_be_one_file(here):
    fetch(Node(files={"": b"all"}), here)
    assert (here / "results").read_bytes() == b"all"


def test_what_is_here_and_right_is_not_asked_for(here):
    node = Node(files={"a": b"1", "b": b"2"})
    fetch(node, here)
    (here / "results" / "b").write_text("changed by hand")
    node.asked.clear()
    assert fetch(node, here).fetched == 1
    assert node.asked == [(f"{ROOT}/b", 0, 1)]


def test_the_same_content_is_asked_for_once(here):
    node = Node(files={"a": b"same", "deep/b": b"same"})
    assert fetch(node, here).bytes == 4
    assert (here / "results" / "deep" / "b").read_bytes() == b"same"


def test_a_file_that_was_cut_off_is_continued(here):
    node = Node(files={"big": bytes(range(256)) * 4}, breaks_after=500)
    with pytest.raises(DeploymentFailedError, match="connection ended"):
        fetch(node, here)
    assert below(here / "results" if (here / "results").exists() else here / "none") == []
    node.breaks_after = None
    node.asked.clear()
    assert fetch(node, here).bytes == 1024 - 500
    assert node.asked == [(f"{ROOT}/big", 500, 524)]
    assert (here / "results" / "big").read_bytes() == node.files["big"]


def test_a_wrong_checksum_is_fetched_again_from_its_beginning(here):
    node = Node(files={"a": b"right"}, lies={"a": [b"wrong"]})
    fetch(node, here)
    assert (here / "results" / "a").read_bytes() == b"right"
    assert node.asked == [(f"{ROOT}/a", 0, 5)] * 2


def test_one_that_stays_wrong_is_told_and_not_kept(here):
    node = Node(files={"a": b"right", "b": b"fine"}, lies={"a": [b"wrong", b"again"]})
    with pytest.raises(DeploymentFailedError, match="twice with another checksum") as caught:
        fetch(node, here)
    assert caught.value.facts["files"] == f"{ROOT}/a"
    assert below(here) == ["results/b"]


HOSTILE = [
    "../evil",
    "a/../../evil",
    "/etc/evil",
    "..",
    ".",
    "a//b",
    "a/./b",
    "a\nb",
    "\x1b[2Jb",
    "a\0b",
    "\udcff",
    "x" * 256,
    "a/",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_left_out_and_told_in_plain_signs(tmp_path, here, name):
    found = fetch(Node(files={name: b"evil", "good": b"1"}), here)
    assert below(tmp_path) == ["here/results/good"]
    ((told, why),) = found.left_out
    assert why == "its name is not safe here"
    assert told.isprintable()
    assert told.isascii()


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "link"},
        {"kind": "other"},
        {"kind": "device", "size": 1},
        {"size": -1, "sha256": "0" * 64},
        {"size": True, "sha256": "0" * 64},
        {"size": "1", "sha256": "0" * 64},
        {"size": 1, "sha256": "../../evil"},
        {"size": 1},
    ],
)
def test_what_is_no_plain_file_with_a_size_and_a_sum_is_left_out(here, line):
    assert len(fetch(Node(more=[line]), here).left_out) == 1
    assert below(here) == []


@pytest.mark.parametrize("line", [{"root": "/etc"}, {"root": None}, {"path": 7}])
def test_a_list_that_is_not_of_what_was_asked_for_ends_the_fetch(here, line):
    with pytest.raises(DeploymentFailedError, match="not as expected"):
        fetch(Node(more=[line]), here)


def test_nothing_is_written_through_a_link_that_is_here(tmp_path, here):
    outside = tmp_path / "outside"
    outside.mkdir()
    (here / "results").mkdir(parents=True)
    (here / "results" / "plots").symlink_to(outside)
    (here / "results" / "a").symlink_to(outside / "a")
    found = fetch(Node(files={"plots/x": b"1", "a": b"2"}), here)
    assert list(outside.iterdir()) == []
    assert all("is in the way" in why for _, why in found.left_out)


def test_a_file_where_another_one_wants_a_folder_is_told(here):
    with pytest.raises(DeploymentFailedError, match="is in the way"):
        fetch(Node(files={"a": b"1", "a/b": b"2"}), here)


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(here, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(9, 9, 10))
    node = Node(files={"a": b"1" * 2000})
    with pytest.raises(SetupError, match="no room for the results") as caught:
        fetch(node, here)
    assert caught.value.facts == {"needed": "2.0 KB", "free": "10 bytes"}
    assert node.asked == []


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1500, "1.5 KB"), (2_000_000, "2.0 MB"), (3.2e9, "3.2 GB"), (4e12, "4.0 TB")],
)
def test_sizes_in_words(size, words):
    assert fetching.in_words(int(size)) == words
