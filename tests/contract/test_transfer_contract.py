"""Files to and from a node over a real SSH: checksums, what is continued, and names that would escape."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest

from orchestrator import fetching, uploading
from orchestrator.drivers.transfer import NodeFiles
from orchestrator.errors import DeploymentFailedError, InterruptedRunError

pytestmark = pytest.mark.contract


@pytest.fixture
def files(on_node):
    return NodeFiles(node=on_node.node, workdir=on_node.workdir, env=dict(os.environ))


@pytest.fixture
def results(tmp_path):
    """A folder on the node with files of all sorts."""
    made = tmp_path / "node" / "results"
    (made / "plots").mkdir(parents=True)
    (made / "catalogue.csv").write_text("id,x\n1,2\n")
    (made / "plots" / "a b 'ü'.png").write_bytes(os.urandom(3 << 20))
    (made / "empty").touch()
    return made


def test_a_folder_comes_whole_and_the_second_time_nothing_comes(files, results, tmp_path):
    here = tmp_path / "here"
    first = fetching.fetch(files, [str(results)], here)
    assert (first.files, first.fetched, first.left_out) == (3, 3, ())
    for file in (path for path in results.rglob("*") if path.is_file()):
        assert (here / "results" / file.relative_to(results)).read_bytes() == file.read_bytes()
    again = fetching.fetch(files, [str(results)], here)
    assert (again.files, again.fetched, again.bytes) == (3, 0, 0)
    assert not (here / fetching.PARTS).exists()


def test_links_and_pipes_are_left_out_and_told(files, results, tmp_path):
    (results / "passwd").symlink_to("/etc/passwd")
    (results / "etc").symlink_to("/etc")
    os.mkfifo(results / "pipe")
    found = fetching.fetch(files, [str(results), "/does/not/exist"], tmp_path / "here")
    told = {name.removeprefix(f"{results}/"): why for name, why in found.left_out}
    assert told == {
        "passwd": "a symbolic link",
        "etc": "a symbolic link",
        "pipe": "not a plain file",
        "/does/not/exist/": "not there",
    }


def test_a_connection_that_breaks_is_told_and_the_next_fetch_goes_on(
    files, on_node, results, tmp_path
):
    here, broken = tmp_path / "here", []

    def break_once(text):
        if "MB of" in text and not broken:
            broken.append(text)
            on_node.drop_connections()

    big = os.urandom(40 << 20)
    (results / "big").write_bytes(big)
    with pytest.raises(DeploymentFailedError, match="ended before all had been transferred"):
        fetching.fetch(files, [str(results)], here, on_progress=break_once)
    left = sum(part.stat().st_size for part in (here / fetching.PARTS).iterdir())
    rest = fetching.fetch(files, [str(results)], here)
    total = sum(path.stat().st_size for path in results.rglob("*") if path.is_file())
    assert rest.bytes <= total - left
    assert (here / "results" / "big").read_bytes() == big


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Where files of parameters come to lie on the node."""
    monkeypatch.setattr(uploading, "INPUTS", str(tmp_path / "node"))
    return tmp_path / "node" / "cube"


def test_a_file_arrives_once_whole_and_alone(files, on_node, inputs, tmp_path):
    source, said = tmp_path / "cube.fits", []
    inputs.mkdir(parents=True)
    (inputs / "earlier.fits").write_text("x")
    source.write_bytes(os.urandom(5 << 20))
    put(files, on_node, source, said.append)
    (there,) = inputs.iterdir()
    assert (there.name, there.read_bytes()) == (source.name, source.read_bytes())
    assert there.stat().st_mode & 0o777 == 0o644
    assert said[-1] == "cube.fits: 5.2 MB of 5.2 MB"
    said.clear()
    put(files, on_node, source, said.append)
    assert said == []


def test_a_stopped_upload_goes_on_where_it_ended(files, on_node, inputs, tmp_path):
    source, stop, said = tmp_path / "cube.fits", threading.Event(), []
    source.write_bytes(os.urandom(20 << 20))
    with pytest.raises(InterruptedRunError):
        put(files, on_node, source, lambda _text: stop.set(), stop=stop)
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    there = files.ask(str(inputs / source.name), sha256)
    assert not there["complete"]
    assert 0 < there["have"] < 20 << 20
    put(files, on_node, source, said.append)
    assert (inputs / source.name).read_bytes() == source.read_bytes()
    assert said[0].startswith(f"cube.fits: {fetching.in_words(there['have'] + (1 << 20))} of")


def test_a_node_without_our_key_says_so(files, on_node):
    on_node.authorized_keys.write_text("")
    with pytest.raises(DeploymentFailedError, match="ended before") as caught:
        list(files.listing(["/tmp"]))
    assert "Permission denied" in caught.value.facts["it says"]


def put(files, on_node, source, said, *, stop=None):
    """Upload one file as the parameter `cube`; ``said`` takes what is told while it is on its way."""
    uploading.upload(
        files,
        on_node.workdir,
        {"cube": source},
        stop=stop or threading.Event(),
        on_progress=lambda text: said(text) if " of " in text else None,
    )
