"""Warnings by mail over real SMTP: what is said in clear, and what each refusal means."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import warning
from orchestrator.errors import SetupError, SiteError
from orchestrator.settings import MailSettings
from tests.contract import postoffice

pytestmark = pytest.mark.contract

PASSWORD = "canary-4711"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    return postoffice.make_certificate(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(certificate):
    with postoffice.running(postoffice.Office(certificate=certificate)) as running:
        yield running


@pytest.fixture
def settings(office, certificate, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    return MailSettings(
        host="127.0.0.1",
        port=office.port,
        sender="orchestrator@b.eu",
        to=("ada@b.eu", "bob@b.eu"),
        user="ada",
        password_file=password,
        ca_file=certificate,
    )


def send(settings, deployment):
    return warning.send_mail(settings, deployment, environment={"PATH": "/usr/bin:/bin"})


def refused(settings, deployment, kind=SiteError):
    with pytest.raises(kind) as caught:
        send(settings, deployment)
    assert PASSWORD not in f"{caught.value.message}{caught.value.facts}{caught.value.way_out}"
    return caught.value.message


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_says_what_ends_when_and_how_to_put_it_off(office, settings, deployment, security):
    office.security = security
    office.login = ("ada", PASSWORD)
    send(replace(settings, security=security), deployment)
    (letter,) = office.letters
    assert "Subject: sky at SANDBOX ends on 30 Nov 2026, 12:00 UTC" in letter
    assert "To: ada@b.eu, bob@b.eu" in letter
    assert "orchestrator extend sky --days 7" in letter
    assert not any(word.startswith(("AUTH", "MAIL", "RCPT")) for word in office.in_clear)


def test_the_password_may_come_from_a_command(office, settings, deployment):
    office.login = ("ada", PASSWORD)
    printing = ("sh", "-c", f"echo {PASSWORD}")
    send(replace(settings, password_file=None, password_command=printing), deployment)
    assert len(office.letters) == 1


def test_a_server_that_offers_no_tls_is_told_nothing(office, settings, deployment):
    office.offers_tls = False
    assert "STARTTLS" in refused(settings, deployment)
    assert not any(word.startswith(("AUTH", "MAIL")) for word in office.in_clear)


def test_a_certificate_that_nobody_trusts_ends_it(office, settings, deployment):
    assert "certificate is not trusted" in refused(replace(settings, ca_file=None), deployment)
    assert office.letters == []


def test_a_wrong_password_is_said_without_its_words(office, settings, deployment):
    office.login = ("ada", "another")
    assert "does not take the password of ada" in refused(settings, deployment)


def test_somebody_who_gets_no_letters_is_named(office, settings, deployment):
    office.login = ("ada", PASSWORD)
    office.refuses = "bob@b.eu"
    assert send(settings, deployment) == "127.0.0.1 takes no letters for bob@b.eu"
    assert len(office.letters) == 1
    office.refuses = "@b.eu"
    assert "none for ada@b.eu, bob@b.eu" in refused(settings, deployment)


def test_without_a_login_none_is_tried(office, settings, deployment):
    plain = replace(settings, security="none", user=None, password_file=None, ca_file=None)
    send(plain, deployment)
    assert len(office.letters) == 1


def test_a_server_that_is_down_is_named(settings, deployment):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert f"127.0.0.1:{port} took no letter" in refused(replace(settings, port=port), deployment)


def test_a_password_that_cannot_be_read_is_told_before_anybody_is_asked(
    office, settings, deployment, tmp_path
):
    gone = replace(settings, password_file=tmp_path / "gone")
    assert "No such file" in refused(gone, deployment, SetupError)
    assert office.in_clear == []
