"""A real oidc-agent with an account for `operator`, asked by the real fedcloudclient."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.paths import SANDBOX
from tests.e2e.people import Person

pytestmark = pytest.mark.e2e

ISSUER = "https://127.0.0.1:28443/auth/realms/egi"
PLAN = ("plan", "probe", "--site", "SANDBOX", "--name", "byagent")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an agent that holds the account `egi` of the sandbox's operator."""
    home = tmp_path / "agent"
    home.mkdir(mode=0o700)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    command = "umask 077; oidc-agent --quiet --no-autoload --no-autoreauthenticate"
    said = subprocess.run(
        ["bash", "-c", command], env=env, check=True, capture_output=True, text=True
    ).stdout
    settings = dict(re.findall(r"(OIDC_SOCK|OIDCD_PID)=([^;]+);", said))
    env |= settings
    try:
        add_account(home, env)
        yield settings["OIDC_SOCK"]
    finally:
        subprocess.run(["oidc-agent", "-k"], env=env, check=True, capture_output=True)


def add_account(home: Path, env: dict[str, str]) -> None:
    password = json.loads((SANDBOX / "secrets" / "passwords.json").read_text())["operator"]
    secret = home / "pw"
    secret.write_text("an encryption password of the test\n")
    secret.chmod(0o600)
    argv = [
        *("oidc-gen", "egi", f"--cp={SANDBOX / 'ca.pem'}", f"--iss={ISSUER}"),
        *("--client-id=oidc-agent", "--client-secret=", "--flow=password", "--prompt=none"),
        "--scope=openid profile email offline_access eduperson_entitlement",
        # oidc-gen takes it in no other way without a terminal; it is the sandbox's own.
        *("--op-username=operator", f"--op-password={password}", f"--pw-file={secret}"),
    ]
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )
    assert done.returncode == 0, done.stderr


def use_the_agent(person: Person) -> None:
    config = person.home / "config"
    (config / "config.yaml").write_text(f"issuer: {ISSUER}\noidc_agent_account: egi\n")
    (config / "sites").mkdir()
    # The sandbox's own token command would be asked first.
    (config / "sites" / "SANDBOX.yaml").write_text("gocdb: SANDBOX\ntoken_command: []\n")


def test_the_agents_token_logs_in_and_stays_nowhere(person, agent):
    use_the_agent(person)
    out = person.run(*PLAN, code=2, OIDC_SOCK=agent, HOME=str(person.home)).stdout
    assert "as operator" in out
    kept = [file for file in person.home.rglob("*") if file.is_file() and "cache" not in file.parts]
    assert [file for file in kept if b"eyJhbGciOi" in file.read_bytes()] == []
    person.run("destroy", "byagent")


def test_an_agent_that_is_gone_is_named(person, tmp_path):
    use_the_agent(person)
    said = person.run(*PLAN, code=4, OIDC_SOCK=str(tmp_path / "nobody")).stderr
    assert "egi" in said
    assert "oidc-agent" in said
