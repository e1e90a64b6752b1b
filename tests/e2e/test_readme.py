"""The README's commands, run in its order on a fresh account: the main job end to end."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openstack.connection import Connection

from orchestrator.paths import SANDBOX
from orchestrator.rendering import PROVIDER_VERSION
from tests.e2e.people import PROJECT, ROOT, Person, at_the_site, new_person, token_of
from tests.secretwatch import CHECK_IN_TOKEN, KEYSTONE_TOKEN, SecretWatch

pytestmark = pytest.mark.e2e

README = (ROOT / "README.md").read_text()
NAME = "first"


def commands() -> list[str]:
    """The lines that the README shows after a prompt."""
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def run(person: Person, command: str, *, code: int = 0) -> str:
    done = subprocess.run(
        shlex.split(command),
        cwd=ROOT,
        env=person.env(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=2400,
    )
    assert done.returncode == code, f"{command} -> {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, before: set[str]) -> Iterator[Person]:
    """Somebody who follows the README; the module's tests run in its order."""
    somebody = new_person(tmp_path_factory.mktemp("reader") / "home")
    yield somebody
    somebody.run("destroy", NAME, code=None)


@pytest.fixture(scope="module")
def watch() -> SecretWatch:
    """What the programs of the first deploy are seen to know; Terraform and its provider are given a token."""
    tokens = {"a token of Check-in": CHECK_IN_TOKEN, "a token of Keystone": KEYSTONE_TOKEN}
    passwords = {"the operator's password": re.escape(operator_password())}
    allowed = ("terraform", f"terraform-provider-openstack_v{PROVIDER_VERSION}")
    return SecretWatch(
        {**tokens, **passwords},
        may_know=dict.fromkeys(allowed, {"a token of Keystone"}),
        every=0.05,  # beside an emulated machine: each look costs a millisecond or two
    )


@pytest.fixture(scope="module")
def deployed(reader: Person, watch: SecretWatch) -> str:
    """What `make deploy` of the README's first block printed."""
    first = commands()[0]
    assert first == f"make deploy SITE=SANDBOX USECASE=docker NAME={NAME}"
    with watch:
        return run(reader, first)


def test_the_first_command_ends_with_a_ready_machine_and_says_what_and_why(deployed):
    assert f"{NAME} is ready after" in deployed
    assert f"orchestrator ssh {NAME}" in deployed
    assert f"make destroy NAME={NAME}" in deployed
    assert re.search(r"flavor +m1\.medium .*: smallest of \d+ that fit", deployed)
    assert re.search(r"image +.*debian.*newest of", deployed, flags=re.I)
    assert re.search(r"public network +ext-2083", deployed)


def test_again_there_is_nothing_to_do_and_no_machine_is_touched(reader, deployed, admin):
    server = find_server(admin)
    assert f"{NAME} is ready and as described: nothing to do" in run(reader, commands()[0])
    assert find_server(admin).updated_at == server.updated_at


@pytest.mark.parametrize("command", [c for c in commands() if not c.startswith("make")])
def test_every_other_command_of_the_readme_works(reader, deployed, command):
    assert run(reader, command).strip()


def test_containers_run_for_the_user_without_sudo(reader, deployed):
    """A container made of files of the VM: there is no registry here."""
    script = (
        "cd $(mktemp -d) && mkdir -p bin lib lib64 && cp /bin/echo bin/"
        " && cp -L --parents $(ldd /bin/echo | grep -o '/[^ ]*') . "
        "&& tar c . | docker import - probe >/dev/null"
        " && docker run --rm probe /bin/echo from a container; docker rmi -f probe >/dev/null"
    )
    done = reader.run("ssh", NAME, "--", script)
    assert done.stdout.strip() == "from a container"


def test_the_machine_keeps_the_time_of_the_sandbox(reader, deployed):
    """By a clock that is behind, a token made just now is not good yet."""
    reader.run("ssh", NAME, "--", "chronyc", "waitsync", "12", "0.1")
    sources = reader.run("ssh", NAME, "--", "chronyc", "-n", "sources").stdout
    assert re.search(r"^\^\* 198\.51\.100\.2 ", sources, flags=re.M), sources


def test_the_python_of_the_readme_finds_it_ready(reader, deployed):
    program = re.search(r"```python\n(.*?)```", README, flags=re.S)
    assert program is not None
    # The README's reader uses the platform's folders; this one has their own.
    text = program[1].replace(
        "Folders.default()", f"Folders.under(__import__('pathlib').Path({str(reader.home)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], env=reader.env(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    address = reader.show(NAME)["nodes"][0]["address"]
    assert done.stdout.splitlines()[-1] == f"{address} False"


def test_the_machine_powers_itself_off_at_its_end_and_extend_moves_that(reader, deployed):
    look = "systemctl is-active deployment-end.timer; systemctl cat deployment-end.timer"
    assert on_calendar(reader) in reader.run("ssh", NAME, "--", look).stdout
    before = on_calendar(reader)
    assert "could not be told" not in reader.run("extend", NAME, "--days", "30").stdout
    after = on_calendar(reader)
    assert after != before
    told = reader.run("ssh", NAME, "--", look).stdout
    assert told.splitlines()[0] == "active"
    assert after in told
    assert before not in told


def on_calendar(reader: Person) -> str:
    """The end of the deployment as systemd's timers name it."""
    end = datetime.fromisoformat(str(reader.show(NAME)["expires_at"])).astimezone(UTC)
    return f"OnCalendar={end:%Y-%m-%d %H:%M:%S} UTC"


def test_the_configuration_again_changes_nothing_on_the_machine(reader, deployed):
    out = reader.run("deploy", "docker", "--site", "SANDBOX", "--name", NAME, "--configure").stdout
    assert re.search(r"configure .*0 changed", out), out


def test_no_program_was_seen_with_a_secret_that_is_not_its_own(deployed, watch):
    names = {program.split()[0] for program in watch.programs}
    assert {"terraform", "ssh"} <= names, "the watch has seen too little"
    assert watch.found == set()


def test_no_secret_is_in_any_file(reader, deployed):
    """Canaries: every secret of this run, looked for in every file we wrote."""
    key = next(reader.home.rglob("ssh/id_ed25519"))
    body = "".join(key.read_text().splitlines()[1:-1])
    secrets = {
        "the private key": body[40:90],
        "the operator's password": operator_password(),
        "a token's signed head": token_of("operator").split(".")[0] + ".",
    }
    found = [
        f"{what} in {file}"
        for file in files_of(reader.home)
        for what, secret in secrets.items()
        if secret.encode() in read(file) and not (file == key and what == "the private key")
    ]
    assert found == []


def test_no_keystone_token_is_in_any_file(reader, deployed):
    # A fernet token begins so: version byte and the time of the last years.
    pattern = re.compile(rb"gAAAAAB[A-Za-z0-9_-]{100,}")
    assert [str(file) for file in files_of(reader.home) if pattern.search(read(file))] == []


def test_what_is_private_is_readable_by_its_owner_alone(reader, deployed):
    work = next((reader.home / "data" / "deployments").iterdir())
    assert work.stat().st_mode & 0o077 == 0
    key = next(work.rglob("ssh/id_ed25519"))
    assert key.stat().st_mode & 0o077 == 0


def test_destroy_leaves_nothing_but_the_record(reader, deployed, admin, before):
    assert any(entry.startswith("server") for entry in at_the_site(admin) - before)
    out = run(reader, commands()[1])
    assert f"{NAME} is gone: nothing of it is left at SANDBOX" in out
    assert find_server(admin) is None
    assert at_the_site(admin) - before == set()
    assert list((reader.home / "data" / "deployments").iterdir()) == []
    assert reader.show(NAME)["phase"] == "destroyed"
    assert json.loads(reader.run("list", "--json").stdout) == []


def find_server(admin: Connection):
    project = admin.identity.find_project(PROJECT, ignore_missing=False).id
    servers = admin.compute.servers(all_projects=True, project_id=project)
    return next((server for server in servers if server.name.startswith(NAME)), None)


def operator_password() -> str:
    return str(json.loads((SANDBOX / "secrets" / "passwords.json").read_text())["operator"])


def files_of(home: Path) -> list[Path]:
    # The cache is a link to what every account shares: the provider, nothing of a run.
    return [
        Path(folder) / name
        for folder, _, names in os.walk(home, followlinks=False)
        for name in names
        if (Path(folder) / name).is_file()
    ]


def read(file: Path) -> bytes:
    return file.read_bytes()
