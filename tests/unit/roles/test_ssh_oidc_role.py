"""The role ssh_oidc: which accounts it makes, what it asks and writes, and what it is made of."""

from __future__ import annotations

import configparser
import importlib.util
import json
import re
import socket
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import jinja2
import pytest
import yaml

from orchestrator import paths

ROLE = paths.ANSIBLE_ROLES / "ssh_oidc"
EGI = "https://aai.egi.eu/auth/realms/egi"
IAM = "https://iam.example.org/"
ADA = "1f2e%40egi.eu@https%3A%2F%2Faai.egi.eu%2Fauth%2Frealms%2Fegi"
SETTINGS = {
    "group": "ssh-oidc",
    "groups": ["ssh-oidc", "docker"],
    "shell": "/bin/bash",
    "homes": "/home",
    "issuers": [EGI, IAM],
}


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROLE / "files" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the program that makes accounts


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program, on a machine with an administrator and with Ada's account."""
    module = program("accounts")
    there = {
        "egi": SimpleNamespace(pw_uid=1000, pw_gecos="the login of the deployment"),
        "ada": SimpleNamespace(pw_uid=1001, pw_gecos=ADA),
        "daemon": SimpleNamespace(pw_uid=1, pw_gecos=ADA),
    }
    monkeypatch.setattr(module.pwd, "getpwnam", there.__getitem__)
    return module


def useradd(name: str = "bob", identity: str = ADA, group: str = "ssh-oidc") -> list[str]:
    rest = ["--shell", "/bin/bash", "-b", "/home", "-m", name]
    return ["useradd", "--comment", identity, "-g", group, *rest]


@pytest.mark.parametrize(
    "argv",
    [
        useradd(),
        useradd(identity="u1@https%3A%2F%2Fiam.example.org%2F"),
        useradd(identity="u1@https%3A%2F%2Fiam.example.org"),
        ["usermod", "--groups", "docker,ssh-oidc", "ada"],
        ["chage", "-l", "ada"],
        ["chage", "-E", "2026-11-24", "ada"],
        ["chage", "-E", "-1", "ada"],
    ],
)
def test_what_the_adapter_needs_is_run_with_its_full_path(accounts: Any, argv: list[str]) -> None:
    command = accounts.command_of(argv, SETTINGS)
    assert (Path(command[0]).name, command[1:]) == (argv[0], argv[1:])
    assert command[0].startswith("/usr/")


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["sh", "-c", "id"],
        ["/bin/useradd", "-o", "-u", "0"],
        ["useradd", "-o", "-u", "0", "back"],
        [*useradd(), "--uid", "0"],
        useradd(group="sudo"),
        useradd(identity="u1@https%3A%2F%2Fevil.example"),
        useradd(identity="no issuer"),
        useradd(identity="a:b@https%3A%2F%2Fiam.example.org"),
        useradd(name="egi"),
        useradd(name="-D"),
        useradd(name="../x"),
        useradd(name="a\nroot::0:0"),
        ["usermod", "--groups", "docker,sudo", "ada"],
        ["usermod", "--groups", "docker", "egi"],
        ["usermod", "--groups", "docker", "daemon"],
        ["usermod", "-s", "/bin/sh", "ada"],
        ["usermod", "--groups", "docker", "nobody-here"],
        ["usermod", "--groups", "docker", "-o", "ada"],
        ["chage", "-l", "egi"],
        ["chage", "-E", "0", "ada"],
        ["chage", "-d", "0", "ada"],
        ["pkill", "-u", "ada"],
    ],
)
def test_anything_else_is_refused(accounts: Any, argv: list[str]) -> None:
    with pytest.raises(accounts.RefusedError):
        accounts.command_of(argv, SETTINGS)


@pytest.mark.parametrize("line", ["", "{}", '"useradd"', "[1, 2, 3]", '["pkill", "-u", "ada"]'])
def test_a_refusal_is_an_answer_that_runs_nothing(accounts: Any, line: str) -> None:
    told = accounts.answer(line, SETTINGS)
    assert told["code"] == 1
    assert told["stderr"].startswith("refused: ")


def test_the_way_to_it_takes_the_words_of_sudo_and_gives_back_what_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "socket"
    asked: list[str] = []

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rw") as stream:
            asked.append(stream.readline())
            stream.write(json.dumps({"code": 3, "stdout": "out", "stderr": "err"}) + "\n")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        code = program("ask_accounts").main(["-n", "--", "chage", "-l", "ada"], str(place))
        thread.join()
    assert (code, json.loads(asked[0])) == (3, ["chage", "-l", "ada"])
    assert tuple(capsys.readouterr()) == ("out", "err")
    assert program("ask_accounts").main(["-i"], str(place)) == 2


# --- the program that PAM asks


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ({"state": "deployed", "verified": True}, True),
        ({"state": "suspended", "verified": True}, False),
        ({"state": "deployed", "verified": False}, False),
        ({}, False),
    ],
)
def test_only_the_owner_of_an_account_in_use_is_let_in(
    told: dict[str, Any], right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = program("verify")
    seen = []

    class Answer:
        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self) -> str:
            return json.dumps(told)

    def opened(request: Any, timeout: float) -> Answer:
        seen.append((request.full_url, request.get_header("Authorization")))
        return Answer()

    monkeypatch.setattr(
        verify.urllib.request, "build_opener", lambda _: SimpleNamespace(open=opened)
    )
    assert verify.is_theirs("abc", "a&b", "http://127.0.0.1:1/v") is right
    assert seen == [("http://127.0.0.1:1/v?username=a%26b", "Bearer abc")]


@pytest.mark.parametrize("typed", ["", "a\nX: y", "é", "\x1b"])
def test_what_can_be_no_token_is_sent_nowhere(typed: str) -> None:
    assert program("verify").is_theirs(typed, "ada", "http://127.0.0.1:1/v") is False


# --- what is written


def rendered(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {
        "to_json": json.dumps,
        "regex_replace": lambda text, pattern, new: re.sub(pattern, new, text),
    }
    known = {
        "_ssh_oidc_venv": "/opt/motley_cue/1",
        "_ssh_oidc_group": "ssh-oidc",
        "_ssh_oidc_shell": "/bin/bash",
        "_ssh_oidc_homes": "/home",
        "_ssh_oidc_system_authorities": "/etc/ssl/all.pem",
        "ssh_oidc_contact": "ada@example.org",
        "ssh_oidc_host": "198.51.100.7",
        "ssh_oidc_groups": ["docker", "users"],
        "ssh_oidc_port": 8181,
        "ssh_oidc_door": False,
        "_ssh_oidc_door": "ssh-oidc-door",
        "ssh_oidc_issuers": [
            {"url": EGI, "allowed": ["urn:mace:egi.eu:group:v:role=member#aai.egi.eu"]},
            {"url": IAM, "allowed": ["/escape", "/ska"], "claim": "wlcg.groups", "audience": "ssh"},
        ],
    }
    return environment.get_template(template).render(**(known | values))


def parsed(template: str) -> configparser.ConfigParser:
    text = rendered(template)
    # Such a line would belong to the value above it.
    assert not [line for line in text.splitlines() if line[:1].isspace()]
    read = configparser.ConfigParser()
    read.read_string(text)
    return read


def test_each_issuer_has_its_own_people_and_nobody_else_gets_in():
    read = parsed("motley_cue.conf.j2")
    assert read["DEFAULT"]["authorise_all"] == "False"
    egi, iam = read["authorisation.issuer1"], read["authorisation.issuer2"]
    assert (egi["op_url"], egi["vo_claim"]) == (EGI, "eduperson_entitlement")
    assert json.loads(egi["authorised_vos"]) == ["urn:mace:egi.eu:group:v:role=member#aai.egi.eu"]
    assert json.loads(egi["scopes"])[-1] == "eduperson_entitlement"
    assert "audience" not in egi
    assert (iam["op_url"], iam["vo_claim"], iam["audience"]) == (IAM, "wlcg.groups", "ssh")
    assert json.loads(iam["authorised_vos"]) == ["/escape", "/ska"]
    assert "authorised_users" not in egi


def test_one_time_passwords_outlive_a_start_and_lie_where_nobody_else_writes():
    otp = parsed("motley_cue.conf.j2")["mapper.otp"]
    assert (otp["use_otp"], otp["backend"]) == ("True", "sqlite")
    assert {Path(otp[key]).parent for key in ("db_location", "keyfile")} == {
        Path("/var/lib/motley_cue")
    }


def test_no_group_of_an_issuer_becomes_one_of_the_machine():
    read = parsed("feudal_adapter.conf.j2")
    assert read["groups"]["policy"] == "listed"
    for key in ("supported_entitlements", "supported_groups"):
        for name in ("sudo", "docker", "urn:mace:egi.eu:group:v#aai.egi.eu"):
            assert not re.search(read["groups"][key], name)
    assert read["ldf_adapter"]["primary_group"] == "ssh-oidc"
    assert read["ldf_adapter"]["additional_groups"].split() == ["docker", "users"]
    assert read["backend.local_unix"]["use_sudo"] == "yes"


def test_signatures_are_looked_at_for_every_issuer():
    ops = parsed("flaat.conf.j2")["ops"]
    assert json.loads(ops["ops_that_support_jwt"]) == [EGI, IAM.rstrip("/")]
    assert json.loads(ops["ops_that_support_audience"]) == [IAM.rstrip("/")]


def test_motley_cue_is_met_on_this_machine_alone_and_has_no_right():
    text = rendered("motley-cue.service.j2")
    assert "--host 127.0.0.1 --port 8181" in text
    for line in ("User=motley_cue", "NoNewPrivileges=true", "CapabilityBoundingSet="):
        assert line in text.splitlines()
    assert "ProtectSystem=strict" in text


def test_only_motley_cue_may_ask_for_accounts():
    text = rendered("motley-cue-accounts.socket.j2")
    assert {"SocketUser=root", "SocketGroup=motley_cue", "SocketMode=0660"} <= set(
        text.splitlines()
    )


def blocks(**values: Any) -> dict[str, dict[str, str]]:
    """What sshd is told, by whom it is about; everybody is the empty name."""
    found: dict[str, dict[str, str]] = {"": {}}
    for line in rendered("sshd.conf.j2", **values).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "Match":
            found[rest] = {}
        elif word and word != "#":
            list(found.values())[-1][word] = rest
    return found


def test_sshd_asks_its_own_people_and_nothing_changes_for_the_others():
    assert blocks() == {"": {}, "Group ssh-oidc": {"KbdInteractiveAuthentication": "yes"}}


def test_a_login_without_a_password_leads_to_motley_cue_and_nowhere_else():
    told = blocks(ssh_oidc_door=True)
    assert told[""] == {}
    door = told["User ssh-oidc-door"]
    assert (door["AllowTcpForwarding"], door["PermitOpen"]) == ("local", "127.0.0.1:8181")
    assert (door["MaxSessions"], door["ForceCommand"]) == ("0", "/usr/sbin/nologin")
    refused = ("AllowAgentForwarding", "AllowStreamLocalForwarding", "PermitTunnel", "PermitTTY")
    assert {door[key] for key in refused} == {"no"}


def test_every_template_is_written_and_every_unit_known():
    told = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    tasks = "".join(file.read_text() for file in (ROLE / "tasks").iterdir())
    for file in (ROLE / "templates").iterdir():
        named = f"'{file.stem}'" in tasks or f"src: {file.name}" in tasks
        assert named or file.stem in told["_ssh_oidc_units"]


def test_each_family_of_systems_says_the_same_things():
    debian, redhat = (
        yaml.safe_load((ROLE / "vars" / f"{family}.yml").read_text())
        for family in ("Debian", "RedHat")
    )
    assert set(debian) == set(redhat)
    assert {file.name for file in (ROLE / "tasks").glob("vendor_*")} == {
        "vendor_Debian.yml",
        "vendor_RedHat.yml",
    }


# --- what it is made of


@pytest.mark.parametrize("name", ["wheels.txt", "sources.txt"])
def test_every_package_has_its_version_and_checksums_and_no_index(name: str) -> None:
    lines = (ROLE / "files" / name).read_text().splitlines()
    assert lines[0].startswith("# Made by tests/pin_ssh_oidc.py")
    for line in lines[1:]:
        assert re.fullmatch(r"[a-z0-9-]+==\S+( --hash=sha256:[0-9a-f]{64})+", line), line


def test_a_compiled_package_has_wheels_for_each_python_and_machine() -> None:
    text = (ROLE / "files" / "wheels.txt").read_text()
    (line,) = re.findall(r"^pydantic-core==.*$", text, re.M)
    assert line.count("--hash") >= 8  # four Pythons, two kinds of machine


def test_the_programs_run_on_the_oldest_python_of_a_node() -> None:
    import ast

    for file in (ROLE / "files").glob("*.py"):
        ast.parse(file.read_text(), feature_version=(3, 9))
        assert file.read_text().startswith("#!/usr/bin/python3")
