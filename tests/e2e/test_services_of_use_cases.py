"""A use case of one's own, made with one command, from its first deployment to its results."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest

from tests.e2e.people import Person, new_person

pytestmark = pytest.mark.e2e

NAME = "page"
RESULTS = "/srv/own/results"


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody with a use case of their own; the module's tests share its one machine."""
    somebody = new_person(tmp_path_factory.mktemp("owner") / "home")
    somebody.run("usecase", "new", "own")
    yield somebody
    somebody.run("destroy", NAME, code=None)


@pytest.fixture(scope="module")
def note(owner: Person) -> Path:
    """A file that goes to the machine."""
    file = owner.home / "a note.txt"
    file.write_text("seven\n")
    return file


@pytest.fixture(scope="module")
def deployed(owner: Person, note: Path) -> str:
    """What the first deploy said."""
    return deploy(owner, "--param", "greeting=Good morning", "--param", f"attachment={note}")


@pytest.fixture
def password(owner: Person, deployed: str) -> str:
    return owner.run("secret", NAME, "page_password").stdout.strip()


def deploy(owner: Person, *more: str) -> str:
    """Deploy it to a project of the lane's own: see tests/conftest.py."""
    place = ("--site", "SANDBOX", "--vo", "routed.sandbox")
    return owner.run("deploy", "own", *place, "--name", NAME, *more).stdout


@dataclass
class Opened:
    """A page that `orchestrator open` holds open."""

    process: subprocess.Popen[str]
    url: str

    def get(self, password: str = "") -> tuple[int, str]:
        request = Request(self.url)
        if password:
            pair = b64encode(f"me:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, ""


@pytest.fixture
def opened(owner: Person, deployed: str) -> Iterator[Opened]:
    process = owner.start("open", NAME, "--no-browser", "--json")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    url = next(json.loads(line)["url"] for line in lines if line.startswith("{"))
    yield Opened(process, url)
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


def test_the_first_deploy_says_what_can_be_opened(deployed):
    assert f"{NAME} is ready after" in deployed
    assert f"open            orchestrator open {NAME}          The page" in deployed


def test_the_page_is_open_to_the_password_alone_and_shows_the_file(opened, password):
    assert opened.get() == (401, "")
    assert opened.get("wrong") == (401, "")
    status, page = opened.get(password)
    assert status == 200
    assert "<h1>Good morning</h1>" in page
    assert "attached: 6 bytes" in page


def test_ctrl_c_closes_the_tunnel_and_leaves_nothing(opened):
    port = int(opened.url.split(":")[2].split("/")[0])
    opened.process.send_signal(signal.SIGINT)
    assert opened.process.wait(timeout=30) == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_kill_closes_the_tunnel_too(opened):
    port = int(opened.url.split(":")[2].split("/")[0])
    opened.process.kill()
    opened.process.wait()
    for _ in range(50):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return
        time.sleep(0.2)
    pytest.fail(f"something still listens on {port}")


def test_the_password_is_in_its_own_files_alone(owner, password):
    found = {
        file.name
        for file in owner.home.rglob("*")
        if file.is_file() and not file.is_symlink() and password.encode() in file.read_bytes()
    }
    assert found == {"page_password.secret", "variables.json"}
    told = owner.run("logs", NAME, "--all").stdout + json.dumps(owner.show(NAME))
    assert password not in told


def test_status_tells_how_often_the_page_was_seen(owner, opened, password):
    opened.get(password)
    told = owner.run("status", NAME).stdout
    count = re.search(r"visits: (\d+)\n", told)
    assert count is not None, told
    assert int(count[1]) >= 1


def test_results_are_continued_after_a_kill(owner, deployed, tmp_path):
    size = 40 << 20
    make = f"sudo sh -c 'head -c {size} /dev/urandom > {RESULTS}/big; sha256sum {RESULTS}/big'"
    sha256 = owner.run("ssh", NAME, "--", make).stdout.split()[0]
    folder = tmp_path / "here"
    cut = owner.start("results", NAME, str(folder), "--json")
    wait_for_part(folder)
    cut.kill()
    cut.wait()
    last = json.loads(owner.run("results", NAME, str(folder), "--json").stdout.splitlines()[-1])
    assert last["bytes"] < size
    told = subprocess.run(
        ["sha256sum", str(folder / "results" / "big")], capture_output=True, text=True, check=True
    )
    assert told.stdout.split()[0] == sha256


def wait_for_part(folder: Path) -> None:
    """Wait until some of a file has come."""
    for _ in range(1200):
        parts = [part.stat().st_size for part in folder.glob(".orchestrator-parts/*")]
        if sum(parts) > 1 << 20:
            return
        time.sleep(0.05)
    pytest.fail("nothing came")


def test_names_that_would_escape_stay_out(owner, deployed, tmp_path):
    script = (
        f"cd {RESULTS} && sudo ln -sf /etc/shadow link && sudo ln -sfn / root"
        r" && sudo touch -- \'-rf\' 'a'$'\\n''b'"
    )
    owner.run("ssh", NAME, "--", f'bash -c "{script}"')
    last = owner.run("results", NAME, str(tmp_path / "here"), "--json").stdout.splitlines()[-1]
    left_out = {one["name"]: one["why"] for one in json.loads(last)["left_out"]}
    assert left_out[f"{RESULTS}/link"] == "a symbolic link"
    assert left_out[f"{RESULTS}/root"] == "a symbolic link"
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]


def test_a_check_that_does_not_hold_is_told_until_it_does(owner, deployed, tmp_path):
    report = tmp_path / "checks.xml"
    owner.run("verify", NAME, "--junit", str(report))
    root = ElementTree.parse(report).getroot()
    assert (root.get("tests"), root.get("failures")) == ("4", "0")
    owner.run("ssh", NAME, "--", "sudo systemctl stop own")
    told = owner.run("verify", NAME, "--json", code=6).stdout.splitlines()[-1]
    failed = [one["title"] for one in json.loads(told)["checks"] if not one["ok"]]
    assert "the page is served" in failed
    owner.run("ssh", NAME, "--", "sudo systemctl start own")
    owner.run("verify", NAME)


def test_the_configuration_again_changes_nothing(owner, deployed):
    assert re.search(r"configure .*0 changed", deploy(owner, "--configure"))


@pytest.mark.slow
def test_a_change_of_the_use_case_counts_once_it_is_asked_for(owner, deployed, password):
    playbook = owner.home / "config" / "usecases" / "own" / "serve.py"
    playbook.write_text(playbook.read_text().replace("<h1>", "<h1>Dear reader: "))
    assert "nothing to do" in deploy(owner)
    assert re.search(r"configure .*[1-9] changed", deploy(owner, "--upgrade"))


@pytest.mark.slow
def test_everything_holds_again_after_a_reboot(owner, deployed):
    told = owner.run("verify", NAME, "--reboot", "--json").stdout.splitlines()[-1]
    checks = json.loads(told)["checks"]
    assert [one["after_reboot"] for one in checks] == [False] * 4 + [True] * 4
    assert all(one["ok"] for one in checks)
