"""The running sandbox as its users meet it: endpoints, accounts, repair, a server that boots."""

import json
import os
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import cache, enclosure
from sandbox.layout import PUBLIC_PORTS, Layout, url
from sandbox.vos import OTHERS, VOS

pytestmark = [pytest.mark.sandbox, pytest.mark.e2e, pytest.mark.usefixtures("running")]
LAYOUT = Layout()
OPERATED = [vo.project for vo in VOS if vo.name != OTHERS]
LOGIN = f"{url('keystone')}/OS-FEDERATION/identity_providers/egi.eu/protocols/openid/auth"


def check_in_token(account: str) -> str:
    command = LAYOUT.state / "bin/token"
    return subprocess.run(
        [command, account], capture_output=True, text=True, check=True
    ).stdout.strip()


def ask(address: str, headers: dict[str, str] | None = None, method: str = "GET") -> Any:
    context = ssl.create_default_context(cafile=str(LAYOUT.ca))
    request = urllib.request.Request(address, headers=headers or {}, method=method)
    return urllib.request.urlopen(request, timeout=30, context=context)


def keystone_token(token: str) -> str:
    answer = ask(LOGIN, {"Authorization": f"Bearer {token}"}, method="POST")
    return str(answer.headers["X-Subject-Token"])


def projects_of(account: str) -> list[str]:
    token = keystone_token(check_in_token(account))
    answer = ask(f"{url('keystone')}/auth/projects", {"X-Auth-Token": token})
    return [project["name"] for project in json.load(answer)["projects"]]


def processes() -> dict[int, int]:
    return enclosure.processes(LAYOUT)


@pytest.mark.parametrize("service", sorted(PUBLIC_PORTS))
def test_an_endpoint_answers_with_a_certificate_of_our_authority(service):
    try:
        status = ask(f"https://127.0.0.1:{PUBLIC_PORTS[service]}/").status
    except urllib.error.HTTPError as error:
        status = error.code
    assert status < 500


@pytest.mark.parametrize("service", sorted(PUBLIC_PORTS))
def test_an_endpoint_is_refused_without_our_authority(service):
    context = ssl.create_default_context()
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://127.0.0.1:{PUBLIC_PORTS[service]}/", context=context)


def test_an_operator_gets_the_projects_of_the_vos():
    assert sorted(projects_of("operator")) == sorted(OPERATED)


def test_an_operator_of_another_vo_gets_only_that_project():
    assert projects_of("other-vo") == ["synergy"]


def test_a_robot_logs_in_with_its_client_credentials():
    assert projects_of("robot") == ["access"]


@pytest.mark.parametrize("account", ["member", "no-vo"])
def test_nobody_without_the_role_of_operator_gets_in(account):
    with pytest.raises(urllib.error.HTTPError) as refused:
        keystone_token(check_in_token(account))
    assert refused.value.code == 401


@pytest.mark.parametrize("spoil", [lambda token: token[:-8] + "AAAAAAAA", lambda token: "no-token"])
def test_a_forged_token_is_refused(spoil):
    with pytest.raises(urllib.error.HTTPError) as refused:
        keystone_token(spoil(check_in_token("operator")))
    assert refused.value.code == 401


def test_a_claim_in_a_header_of_ones_own_counts_for_nothing():
    headers = {"Authorization": f"Bearer {check_in_token('member')}"}
    claim = "urn:mace:egi.eu:group:vo.access.egi.eu:role=vm_operator#aai.egi.eu"
    headers["OIDC-eduperson_entitlement"] = claim
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(LOGIN, headers, method="POST")
    assert refused.value.code == 401


def test_an_unknown_account_is_an_error_that_names_the_known():
    done = subprocess.run(
        [LAYOUT.state / "bin/token", "nobody"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "operator" in done.stderr


def test_up_does_nothing_when_all_is_up(sandbox):
    before = sandbox("status", "--json").stdout

    done = sandbox("up")

    assert sandbox("status", "--json").stdout == before
    assert done.stdout.startswith("The sandbox is up")


def test_status_says_that_all_is_up(sandbox):
    answer = json.loads(sandbox("status", "--json").stdout)

    assert answer["up"]
    running = [line for line in answer["services"] if line["state"] != "off"]
    assert all(line["pid"] for line in running)
    # Only what was not asked for is off.
    assert {line["service"] for line in answer["services"] if line not in running} <= {"registry"}


def test_secrets_are_not_on_command_lines_and_not_readable_by_others():
    secrets = json.loads((LAYOUT.secrets / "passwords.json").read_text())
    listing = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True).stdout

    assert not [name for name, secret in secrets.items() if secret in listing]
    for path in (LAYOUT.state / "admin.json", LAYOUT.tls / "ca.key", LAYOUT.etc / "nova.conf"):
        assert path.stat().st_mode & 0o077 == 0


def pids(sandbox: Callable[..., subprocess.CompletedProcess[str]]) -> dict[str, int]:
    lines = json.loads(sandbox("status", "--json").stdout)["services"]
    return {line["service"]: line["pid"] for line in lines}


def test_a_killed_service_comes_back(sandbox):
    outside = pids(sandbox)
    for name in ("keystone", "nova-api", "neutron-server"):
        os.kill(outside[name], signal.SIGKILL)

    sandbox("up")
    assert json.loads(sandbox("status", "--json").stdout)["up"]


def test_a_killed_service_leaves_no_worker_that_answers_for_it(sandbox):
    master = pids(sandbox)["keystone"]
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    assert len(workers) == 4

    os.kill(master, signal.SIGKILL)
    sandbox("up")

    assert not [pid for pid in workers if Path("/proc", pid).exists()]


def test_a_sandbox_killed_outright_comes_up_again(sandbox):
    for pid in processes().values():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue

    sandbox("up")
    assert sorted(projects_of("operator")) == sorted(OPERATED)


# Slow: minutes of CPU, and every deployment of the e2e ring boots a server like it.
@pytest.mark.slow
def test_a_server_boots_and_answers_ssh_with_its_host_keys_on_the_console(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    admin = json.loads((LAYOUT.state / "admin.json").read_text())
    assert admin["cacert"] == str(LAYOUT.ca)
    site = (LAYOUT.state / "sites/SANDBOX.yaml").read_text()
    project = site.split("vo.access.egi.eu")[1].split('"project_id": "')[1].split('"')[0]

    python = cache.environment(LAYOUT) / "bin/python"
    script = Path(__file__).with_name("boot_server.py")
    command = [python, script, project, key, "no-dns"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["host_keys"]


def test_down_leaves_no_process_and_the_data_come_back(sandbox):
    before = projects_of("operator")

    sandbox("down")

    assert processes() == {}
    assert enclosure.pids(LAYOUT) == []
    assert sandbox("status", check=False).returncode == 1
    sandbox("up")
    assert sorted(projects_of("operator")) == sorted(before)
