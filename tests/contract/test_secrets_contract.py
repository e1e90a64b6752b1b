"""The command itself as a process, watched from outside: what its children are seen to know."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.lifecycle import Phase
from orchestrator.paths import Folders
from orchestrator.store import Store
from tests.contract import checkin, postoffice
from tests.secretwatch import CHECK_IN_TOKEN, SecretWatch
from tests.unit.tokens import jwt

pytestmark = pytest.mark.contract

COMMAND = Path(sys.executable).parent / "orchestrator"
PASSWORD = "canary-4711"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def orchestrator(tmp_path):
    """Run the command in a home of its own."""

    def run(*words, **env):
        # The code of this checkout, whichever one the command was installed from.
        known = {"PATH": "/usr/bin:/bin", "LOGNAME": "ada", "PYTHONPATH": str(ROOT)}
        known |= {"ORCHESTRATOR_HOME": str(tmp_path)}
        return subprocess.run(
            [COMMAND, *words], env=known | env, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def ending(tmp_path, deployment):
    """A deployment of ada's that ends today."""
    store = Store.in_folder(Folders.under(tmp_path).data)
    soon = datetime.now(UTC) + timedelta(hours=5)
    store.add(replace(deployment, phase=Phase.READY, expires_at=soon))
    store.close()


@pytest.fixture
def config(tmp_path):
    """Write config.yaml."""

    def write(**content):
        folder = Folders.under(tmp_path).config
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(json.dumps(content))

    return write


def test_a_given_token_and_a_password_are_seen_in_no_child(orchestrator, ending, config, tmp_path):
    token = jwt(sub="canary")
    office = postoffice.Office(certificate=postoffice.make_certificate(tmp_path))
    office.login = ("ada", PASSWORD)
    (tmp_path / "password").write_text(PASSWORD)
    show = f"sleep 0.3; cat {tmp_path / 'password'}"
    with postoffice.running(office):
        config(
            warning_hook=["/bin/dash", "-c", "cat >/dev/null; sleep 0.3"],
            warning_mail={
                "host": "127.0.0.1",
                "port": office.port,
                "from": "o@b.eu",
                "to": ["ada@b.eu"],
                "user": "ada",
                "password_command": ["/bin/sh", "-c", show],
                "ca_file": str(office.certificate),
            },
        )
        secrets = {"the token": re.escape(token), "the password": PASSWORD}
        # The command itself is told its token by its environment: that is how it is given.
        itself = {COMMAND.read_text().splitlines()[0].rpartition("/")[2]: {"the token"}}
        with SecretWatch(secrets, may_know=itself) as watch:
            done = orchestrator("expire", OIDC_ACCESS_TOKEN=token)
    assert done.returncode == 0, done.stderr
    assert "it ends within a day" in done.stdout
    assert len(office.letters) == 1
    assert {"sh -c", "dash -c"} <= watch.programs
    assert watch.found == set()
    assert PASSWORD not in done.stdout + done.stderr


def test_a_login_shows_its_token_to_no_program(orchestrator, config, tmp_path):
    with checkin.running() as cloud:
        token = jwt(iss=f"{cloud.url}/realms/egi", iat=int(time.time()))
        cloud.accepts = {token}
        printed = tmp_path / "token"
        printed.write_text(token)
        folder = Folders.under(tmp_path).config / "sites"
        folder.mkdir(parents=True)
        site = {
            "gocdb": "S",
            "endpoint": f"{cloud.url}/v3",
            "issuer": f"{cloud.url}/realms/egi",
            "token_command": ["/bin/sh", "-c", f"sleep 0.2; cat {printed}"],
            "vos": [{"name": "vo.access.egi.eu", "auth": {"project_id": "p1"}}],
        }
        (folder / "S.yaml").write_text(json.dumps(site))
        with SecretWatch({"a token": CHECK_IN_TOKEN}) as watch:
            done = orchestrator("discover", "S", "--json")
    assert ("/v3/auth/projects", "") in cloud.seen, done.stderr
    assert "sh -c" in watch.programs
    assert watch.found == set()
    assert token not in done.stdout + done.stderr
