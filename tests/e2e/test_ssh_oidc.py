"""A machine that takes tokens of the sandbox's Check-in beside its key: who is mapped, who gets in, and back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from orchestrator.workdir import Workdir
from tests.e2e.people import Person, new_person, token_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NAME = "tokens-e2e"
CHECK_IN = 28443  # of the sandbox, met on this machine's 127.0.0.1 alone
API = 8181
ANYBODY = "ssh-oidc-door"
NO_KEY = ("-oPubkeyAuthentication=no", "-oIdentityAgent=none")


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody whose machine the module's tests share."""
    somebody = new_person(tmp_path_factory.mktemp("owner") / "home")
    yield somebody
    somebody.run("destroy", NAME, code=None)


def deploy(owner: Person, *more: str) -> str:
    return owner.run(
        "deploy", "machine", "--site", "SANDBOX", "--name", NAME, *more, timeout=2400
    ).stdout


@pytest.fixture(scope="module")
def deployed(owner: Person) -> str:
    """What the first deploy said; the groups are one that is there already."""
    asked = ("ssh_oidc=true", "ssh_oidc_door=true", "ssh_oidc_groups=[users]")
    return deploy(owner, *(word for one in asked for word in ("--param", one)))


@dataclass(frozen=True)
class Door:
    """The machine as OpenSSH reaches it."""

    address: str
    workdir: Workdir

    @classmethod
    def of(cls, owner: Person) -> Door:
        record: dict[str, Any] = owner.show(NAME)
        (node,) = record["nodes"]
        return cls(node["address"], Workdir(owner.folders.deployments / record["id"]))

    def ssh(self, *more: str) -> list[str]:
        known = f"-oUserKnownHostsFile={self.workdir.known_hosts}"
        return ["ssh", "-F", "none", known, "-oStrictHostKeyChecking=yes", *more]

    @property
    def key(self) -> list[str]:
        return ["-i", str(self.workdir.private_key), "-oIdentitiesOnly=yes", "-oBatchMode=yes"]

    def with_password(self, user: str, password: str, folder: Path) -> tuple[int, str]:
        """Log in as somebody who has no key, and ask who that is."""
        program = folder / "askpass"
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$ANSWER"\n')
        program.chmod(0o700)
        env = os.environ | {"SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force"}
        once = [*NO_KEY, "-oNumberOfPasswordPrompts=1"]
        done = subprocess.run(
            self.ssh(*once, f"{user}@{self.address}", "id"),
            env=env | {"ANSWER": password},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True)
class Api:
    """motley-cue through a tunnel."""

    port: int

    def ask(self, path: str, token: str = "") -> tuple[int, dict[str, Any]]:
        request = Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            said = error.read().decode()
            # A fault of its own is no JSON.
            return error.code, {"said": said} if error.code == 500 else json.loads(said)


@pytest.fixture(scope="module")
def door(owner: Person, deployed: str) -> Door:
    return Door.of(owner)


@pytest.fixture(scope="module")
def check_in(owner: Person, door: Door) -> Iterator[None]:
    """A tunnel by which the machine meets the Check-in of the one that it is emulated on.

    By a clock that is behind, a token made just now is not good yet.
    """
    owner.run("ssh", NAME, "--", "chronyc", "waitsync", "12", "0.1")
    there = f"-R127.0.0.1:{CHECK_IN}:127.0.0.1:{CHECK_IN}"
    options = ["-N", "-oExitOnForwardFailure=yes", there]
    process = subprocess.Popen(door.ssh(*door.key, *options, f"egi@{door.address}"))
    yield
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def api(door: Door, check_in: None) -> Iterator[Api]:
    """motley-cue as somebody reaches it who has nothing but a token."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["-N", *NO_KEY, "-oNumberOfPasswordPrompts=0", f"-L127.0.0.1:{port}:127.0.0.1:{API}"]
    process = subprocess.Popen(door.ssh(*options, f"{ANYBODY}@{door.address}"))
    try:
        wait_for(Api(port))
        yield Api(port)
    finally:
        process.terminate()
        process.wait()


def journal(owner: Person) -> str:
    """What motley-cue and those who make its accounts have written last."""
    units = ["-u", "motley-cue", "-u", "'motley-cue-accounts@*'"]
    asked = ["sudo", "journalctl", "--no-pager", "-n", "80", *units]
    return owner.run("ssh", NAME, "--", *asked).stdout


def wait_for(api: Api) -> None:
    for _ in range(120):
        try:
            api.ask("/info")
        except (URLError, ConnectionError):
            time.sleep(0.5)
        else:
            return
    pytest.fail("motley-cue does not answer through the tunnel")


def test_the_first_deploy_checks_it_and_says_how_it_is_opened(deployed):
    assert re.search(r"verify .*\b(\d+) of \1 checks hold", deployed)
    assert f"orchestrator open {NAME}" in deployed
    assert "motley-cue" in deployed


def test_it_believes_the_sites_own_issuer_and_nobody_without_a_token(api):
    status, told = api.ask("/info")
    assert status == 200
    assert told["supported_OPs"] == [f"https://127.0.0.1:{CHECK_IN}/auth/realms/egi"]
    assert api.ask("/user/get_status")[0] == 401
    assert api.ask("/user/deploy", "no.real.token")[0] == 401


@pytest.mark.parametrize("account", ["member", "other-vo", "no-vo"])
def test_who_may_make_no_machines_in_the_vo_is_not_mapped(account, api):
    assert api.ask("/user/deploy", token_of(account))[0] == 403


def test_an_operators_token_becomes_an_account_and_lets_them_in_once(owner, api, door, tmp_path):
    token = token_of("operator")
    status, told = api.ask("/user/deploy", token)
    assert (status, told.get("state")) == (200, "deployed"), f"{told}\n{journal(owner)}"
    user = told["credentials"]["ssh_user"]
    assert user not in ("egi", "root")
    assert api.ask("/user/status", token)[1]["username"] == user
    assert api.ask("/user/generate_otp", token)[1] == {"supported": True, "successful": True}
    password = hashlib.sha512(token.encode()).hexdigest()
    code, said = door.with_password(user, password, tmp_path)
    assert code == 0, said
    assert set(re.findall(r"\((\S+?)\)", said)) == {user, "ssh-oidc", "users"}
    assert door.with_password(user, password, tmp_path)[0] != 0


def test_a_password_opens_no_other_account(api, door, tmp_path):
    token = token_of("operator")
    api.ask("/user/generate_otp", token)
    password = hashlib.sha512(token.encode()).hexdigest()
    assert door.with_password("egi", password, tmp_path)[0] != 0
    assert door.with_password("root", password, tmp_path)[0] != 0


def test_who_has_only_a_token_is_led_to_motley_cue_and_nowhere_else(api, door):
    for more in (["id"], ["-N", "-oExitOnForwardFailure=yes", "-R28999:127.0.0.1:22"]):
        options, command = (more, []) if more[0] == "-N" else ([], more)
        argv = [*NO_KEY, "-oNumberOfPasswordPrompts=0", *options, f"{ANYBODY}@{door.address}"]
        done = subprocess.run(
            door.ssh(*argv, *command), capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stdout) == (255, "")


def test_the_key_stays_a_way_in_and_a_second_run_changes_nothing(owner, api):
    assert owner.run("ssh", NAME, "--", "id", "-un").stdout.strip() == "egi"
    assert re.search(r"configure .*0 changed", deploy(owner, "--configure"))


def test_no_token_is_written_down_on_the_machine(api, door):
    token = token_of("operator")
    api.ask("/user/deploy", token)
    api.ask("/user/generate_otp", token)
    part = token.rpartition(".")[2][:40]
    # By its input: sudo writes the command line down, and the search would find itself.
    search = "sudo grep -rlF -f - /var/lib/motley_cue /var/log /etc/motley_cue /run"
    done = subprocess.run(
        door.ssh(*door.key, f"egi@{door.address}", search),
        input=part + "\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr


def test_switched_off_it_leaves_the_key_alone(owner, deployed, door):
    deploy(owner, "--param", "ssh_oidc=false")
    left = "ls -d /opt/motley_cue /etc/motley_cue /etc/ssh/sshd_config.d/30-ssh-oidc.conf; grep -c motley /etc/pam.d/sshd"
    told = owner.run("ssh", NAME, "--", f"({left}) 2>/dev/null || true").stdout.split()
    assert told == ["0"]
    done = subprocess.run(
        door.ssh(*door.key, f"egi@{door.address}", "true"), timeout=120, check=False
    )
    assert done.returncode == 0
