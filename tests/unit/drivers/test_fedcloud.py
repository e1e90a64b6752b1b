"""fedcloudclient behind its own process: a stand-in for its Python shows what that gets."""

from pathlib import Path

import pytest

from orchestrator.drivers.fedcloud import FedcloudClient
from orchestrator.errors import LoginError, SetupError

SOCK = {"OIDC_SOCK": "/run/agent", "OS_TOKEN": "leak", "PATH": "/usr/bin:/bin"}


def client(tmp_path, does, *, timeout=20.0, passed=SOCK):
    """Return a client whose Python is a script that notes how it was called, and then does."""
    script = tmp_path / "python"
    script.write_text(
        "#!/bin/sh\n"
        f'printf "%s" "$3" > {tmp_path}/argument\n'
        f'printf "%s" "$2" > {tmp_path}/program\n'
        f"env > {tmp_path}/env\n"
        'mkdir -p "$HOME/.config/fedcloud" && echo secret > "$HOME/.config/fedcloud/config.yaml"\n'
        f'ls -ld "$HOME" > {tmp_path}/home\n' + does + "\n"
    )
    script.chmod(0o700)
    return FedcloudClient(python=script, passed=passed, timeout=timeout)


def environment(tmp_path):
    lines = (tmp_path / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_agents_token_is_what_is_printed(tmp_path):
    assert client(tmp_path, "echo TOKEN").token_from_agent("egi") == "TOKEN"
    assert (tmp_path / "argument").read_text() == "egi"
    assert "get_token_from_oidc_agent" in (tmp_path / "program").read_text()
    found = environment(tmp_path)
    assert found["OIDC_SOCK"] == "/run/agent"
    assert "OS_TOKEN" not in found


def test_what_it_writes_is_private_and_thrown_away(tmp_path):
    client(tmp_path, "echo TOKEN").token_from_agent("egi")
    assert (tmp_path / "home").read_text().startswith("drwx------")
    assert not Path(environment(tmp_path)["HOME"]).exists()


def test_a_mytoken_travels_by_the_environment(tmp_path):
    made = client(tmp_path, "echo TOKEN", passed={})
    assert made.token_from_mytoken("my-secret", server="https://m.eu") == "TOKEN"
    found = environment(tmp_path)
    assert found["FEDCLOUD_MYTOKEN"] == "my-secret"
    assert found["FEDCLOUD_MYTOKEN_SERVER"] == "https://m.eu"
    assert (tmp_path / "argument").read_text() == ""


def test_a_failure_has_its_last_words_and_not_the_secret(tmp_path):
    made = client(tmp_path, 'echo "bad mytoken $FEDCLOUD_MYTOKEN" >&2; exit 1')
    with pytest.raises(LoginError, match=r"bad mytoken \*\*\*"):
        made.token_from_mytoken("my-secret", server="https://m.eu")


def test_no_token_and_no_answer_are_told(tmp_path):
    with pytest.raises(LoginError, match="gave no token"):
        client(tmp_path, "true").token_from_agent("egi")
    with pytest.raises(LoginError, match=r"within 0\.3 s"):
        client(tmp_path, "sleep 60", timeout=0.3).token_from_agent("egi")


def test_the_class_of_an_exception_is_left_out(tmp_path):
    made = client(
        tmp_path, 'echo "fedcloudclient.exception.TokenError: no such account" >&2; exit 1'
    )
    with pytest.raises(LoginError, match="gave no token: no such account"):
        made.token_from_agent("egi")


def test_a_python_without_fedcloudclient_is_told_with_the_cure(tmp_path):
    lost = "ModuleNotFoundError: No module named 'fedcloudclient'"
    with pytest.raises(SetupError, match="is not installed for") as caught:
        client(tmp_path, f'echo "{lost}" >&2; exit 1').token_from_agent("egi")
    assert "fedcloud_python" in caught.value.way_out[1]


def test_without_an_agent_nothing_is_started(tmp_path):
    with pytest.raises(LoginError, match="no oidc-agent is running") as caught:
        client(tmp_path, "echo TOKEN", passed={}).token_from_agent("egi")
    assert "oidc-add egi" in caught.value.way_out[0]
    assert not (tmp_path / "env").exists()
