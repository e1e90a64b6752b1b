"""Secrets are struck out by value and by looks, and nothing else is."""

from __future__ import annotations

import json

import pytest

from orchestrator.redaction import GONE, Redaction
from tests.unit.tokens import jwt

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\nAAAAcanary\n-----END OPENSSH PRIVATE KEY-----"
FERNET = "gAAAAABlcanary-0123456789abcdefghijklmnop_canary=="


@pytest.mark.parametrize(
    "text",
    [
        jwt(name="canary"),
        f"token is {jwt()} and more",
        FERNET,
        f"X-Auth-Token: {FERNET}",
        KEY,
        KEY.rpartition("-----END")[0],
        json.dumps({"output": KEY}),
        json.dumps(json.dumps({"key": KEY})),
        "Authorization: Bearer canary0123456789",
        "bearer canary0123456789",
        "password: canary01",
        "PASSWORD=canary01",
        "toy_password: 'can ary'",
        '{"toy_password": "canary"}',
        '{"password": "with \\"canary\\" inside"}',
        json.dumps(json.dumps({"client_secret": "the canary"})),
        "--os-password=canary",
        "api_key = canary",
        "https://ada:canary@site.eu/path",
        "postgresql://ada:canary@db/orchestrator",
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text):
    struck = Redaction()(text)
    assert "canary" not in struck
    assert "eyJ" not in struck
    assert GONE in struck


@pytest.mark.parametrize(
    "text",
    [
        "login   docker on SIM  ·  VO vo.access.egi.eu  ·  as ada (token good for 50 min)",
        "the site no longer accepts the token",
        "the project's quota of vCPU at the site is used up",
        "https://keystone.site.eu/v3 answered with HTTP 503",
        "ssh egi@198.51.100.7, host key as the console shows it",
        '{"passwords": []}',
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI ada",
    ],
)
def test_what_is_no_secret_stays(text):
    assert Redaction()(text) == text


def test_known_values_are_struck_out_whatever_they_look_like():
    redact = Redaction(["orange tree", "line one of it\nline two of it", "abc"])
    assert redact("the orange tree") == f"the {GONE}"
    assert redact("then line two of it") == f"then {GONE}"
    # A word is no secret that could be kept.
    assert redact("abc") == "abc"


def test_a_value_that_is_a_part_of_another_leaves_nothing_of_it():
    assert Redaction(["secret", "secretsecret"])("secretsecret") == GONE


def test_knowing_one_private_key_hides_another_one_all_the_same():
    assert "canary" not in Redaction([KEY.replace("canary", "known")])(KEY)


def test_what_it_knows_is_not_in_its_repr():
    assert "canary-value" not in repr(Redaction(["canary-value"]))
