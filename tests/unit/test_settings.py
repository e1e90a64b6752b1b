"""config.yaml: defaults that work, and errors that name file and key."""

import pytest

from orchestrator.errors import SetupError
from orchestrator.settings import EGI_ISSUER, Settings


def read(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    return Settings.read(tmp_path)


def test_no_file_and_an_empty_one_are_the_defaults(tmp_path):
    assert Settings.read(tmp_path) == Settings()
    assert (Settings().vo, Settings().issuer) == ("vo.access.egi.eu", EGI_ISSUER)
    assert read(tmp_path, "").lifetime_days == 7


def test_what_is_written_holds(tmp_path):
    found = read(tmp_path, "vo: enmr.eu\ntoken_command: [oidc-token, egi]\nlifetime_days: 2\n")
    assert (found.vo, found.token_command, found.lifetime_days) == (
        "enmr.eu",
        ("oidc-token", "egi"),
        2,
    )
    assert found.origin == str(tmp_path / "config.yaml")


def test_a_relative_path_lies_beside_the_file(tmp_path):
    assert read(tmp_path, "mytoken_file: my").mytoken_file == tmp_path / "my"
    assert str(read(tmp_path, "fedcloud_python: /v/bin/python").fedcloud_python) == "/v/bin/python"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("vo: [", "config.yaml"),
        ("- a", "mapping"),
        ("vo: 5", "vo:"),
        ("lifetime_days: 0", "lifetime_days:"),
        ("mytoken_file: ~nobody-here/token", "home folder that is not here"),
        ("issuer: http://i.eu", "issuer:"),
        ("token_command: oidc-token egi", "token_command:"),
        ("warning_mail: {host: h, to: [a@b.eu]}", "warning_mail.from:"),
        ("warning_mail: {host: h, from: a@b.eu, to: []}", "warning_mail.to:"),
        (
            'warning_mail: {host: h, from: "a@b.eu\\nBcc: c@d.eu", to: [a@b.eu]}',
            "warning_mail.from:",
        ),
        (
            "warning_mail: {host: h, from: a@b.eu, to: [a@b.eu], security: none, user: a}",
            "in clear",
        ),
        ("lifetime: 3", "lifetime: there is no such key, did you mean lifetime_days?"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path, text, why):
    with pytest.raises(SetupError) as caught:
        read(tmp_path, text)
    assert why in caught.value.message
    assert "config.yaml" in caught.value.message


def test_a_mail_server_is_read_with_its_files_beside_the_settings(tmp_path):
    text = "warning_mail: {host: h, from: o@b.eu, to: [a@b.eu], password_file: smtp}\n"
    found = read(tmp_path, text).warning_mail
    assert (found.host, found.sender, found.to) == ("h", "o@b.eu", ("a@b.eu",))
    assert (found.security, found.password_file) == ("starttls", tmp_path / "smtp")
