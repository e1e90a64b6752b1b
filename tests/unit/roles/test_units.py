"""The systemd units that roles write, rendered as Ansible renders them."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from orchestrator import paths


def rendered(role: str, template: str, **values: Any) -> str:
    folder = paths.ANSIBLE_ROLES / role / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals |= {
        "role_path": str(folder.parent),
        "lookup": lambda _kind, path: Path(path).read_text(),
    }
    return environment.get_template(template).render(**values)


def unit(*containers: dict[str, Any], index: int = -1, sequence: bool = False) -> str:
    place = range(len(containers))[index]
    return rendered(
        "containers",
        "container.service.j2",
        item=containers[place],
        index=place,
        containers_list=containers,
        containers_sequence=sequence,
        mark="m",
    )


def command(text: str, key: str = "ExecStart=") -> list[str]:
    """The words of a command line, continued lines joined."""
    lines = text.replace("\\\n", " ").splitlines()
    (line,) = [line.removeprefix(key) for line in lines if line.startswith(key)]
    return shlex.split(line)


WEB = {"name": "web", "image": "r:5000/web@sha256:1"}
JOB = {"name": "fit", "image": "fit:2", "job": True}


def test_ports_are_met_on_this_machine_alone() -> None:
    words = command(unit({**WEB, "ports": ["8080:80", "9000", 9100]}))
    published = [words[at + 1] for at, word in enumerate(words) if word == "--publish"]
    assert published == [f"127.0.0.1:{way}" for way in ("8080:80", "9000:9000", "9100:9100")]
    assert words[-1] == "r:5000/web@sha256:1"


def test_variables_come_from_a_file_and_are_on_no_command_line() -> None:
    text = unit({**WEB, "environment": {"TOKEN": "secret"}})
    assert "--env-file /etc/containers.d/web.env" in text
    assert "secret" not in text


def test_words_reach_docker_as_they_were_given() -> None:
    given = ["sh", "-c", 'echo "50%" $HOME', "back\\slash"]
    words = command(unit({**WEB, "command": given}))
    # What systemd makes of a doubled sign.
    assert [word.replace("%%", "%").replace("$$", "$") for word in words[-4:]] == given


def test_side_by_side_nothing_waits() -> None:
    assert "container-web.service" not in unit(WEB, JOB)


def test_in_order_each_needs_the_one_before() -> None:
    text = unit(WEB, JOB, sequence=True)
    assert "Requires=container-web.service\nAfter=container-web.service\n" in text
    assert "container-fit.service" not in unit(WEB, JOB, index=0, sequence=True)


def test_what_starts_them_is_there_before_the_last_job_has_ended() -> None:
    text = rendered(
        "containers", "containers.target.j2", containers_list=[JOB], _containers_services={}
    )
    # By default a target comes after all that it wants.
    assert "DefaultDependencies=no\n" in text
    assert "Wants=container-fit.service\n" in text


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("active running", 0),
        ("activating condition", 0),
        ("activating start-pre", 0),
        ("inactive dead", 0),
        ("activating auto-restart", 1),
        ("failed failed", 1),
    ],
)
def test_a_container_that_is_being_started_has_not_failed(tmp_path, state, code) -> None:
    script = tmp_path / "containers"
    script.write_text(rendered("containers", "containers.sh.j2", containers_list=[JOB]))
    for name, answer in (("systemctl", state.replace(" ", "\\n")), ("sleep", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '{answer}\\n'\n")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", script, "check"], env=env, capture_output=True, text=True)
    assert (done.returncode, "failed: fit" in done.stdout) == (code, bool(code)), done.stderr


def test_a_job_ends_once_and_keeps_its_container() -> None:
    text = unit(JOB)
    assert "Type=oneshot" in text
    assert "ExecCondition=/usr/local/bin/containers unfinished fit m" in text
    assert "--rm" not in command(text)
    assert "Restart=" not in text
    assert "Restart=always" in unit(WEB)


OLIGIA = {
    "oligia_shm_size": "1g",
    "oligia_seccomp_unconfined": False,
    "oligia_timezone": "Europe/Madrid",
    "_oligia_image": "r:5000/d:t@sha256:1",
    "_oligia_account": {"uid": 997, "group": 996},
    "_oligia_launchers": yaml.safe_load((paths.ANSIBLE_ROLES / "oligia/vars/main.yml").read_text())[
        "_oligia_launchers"
    ],
}


def test_the_desktop_is_met_on_this_machine_alone_and_keeps_its_files() -> None:
    words = command(rendered("oligia", "image.service.j2", **OLIGIA))
    assert [words[at + 1] for at, word in enumerate(words) if word == "--publish"] == [
        "127.0.0.1:3000:3000"
    ]
    assert "/srv/oligia/config:/config" in words
    assert {"PUID=997", "PGID=996", "TZ=Europe/Madrid"} <= set(words)
    assert "seccomp=unconfined" not in words


@pytest.mark.parametrize("source", ["image", "packages"])
def test_the_password_is_on_no_command_line(source: str) -> None:
    text = rendered("oligia", "oligia.sh.j2", oligia_source=source, oligia_autostart=True)
    assert "oligia_password" not in text
    if source == "image":
        assert "printf 'abc:%s\\n' \"$(cat /etc/oligia.password)\" | docker exec" in text


@pytest.mark.parametrize("source", ["image", "packages"])
def test_the_program_of_the_desktop_is_a_shell_script(source: str, tmp_path: Path) -> None:
    script = tmp_path / "oligia"
    script.write_text(
        rendered("oligia", "oligia.sh.j2", oligia_source=source, oligia_autostart=True)
    )
    subprocess.run(["sh", "-n", script], check=True)
    refused = subprocess.run(["sh", script, "dance"], capture_output=True, text=True)
    assert (refused.returncode, refused.stderr) == (64, "oligia: there is no dance\n")
