"""Commands that print a token."""

import sys

import pytest

from orchestrator.auth.printed import PrintedToken
from orchestrator.errors import LoginError, SetupError
from tests.unit.tokens import jwt


def printing(text, **given):
    return PrintedToken(argv=(sys.executable, "-c", text), origin="config.yaml", **given)


def test_what_the_command_prints_is_the_token():
    assert printing(f"print('{jwt()}')").access_token().subject == "abc@egi.eu"


def test_the_command_sees_what_is_passed_and_nothing_else(monkeypatch):
    monkeypatch.setenv("OS_TOKEN", "leak")
    source = printing(
        "import os; print(os.environ['T'] if 'OS_TOKEN' not in os.environ else '')",
        env={"T": jwt()},
    )
    assert source.access_token()
    assert jwt() not in repr(source)


def test_a_failing_command_is_named_with_its_last_words():
    with pytest.raises(LoginError, match="gave no token: account not loaded") as caught:
        printing("import sys; sys.exit('account not loaded')").access_token()
    assert caught.value.facts == {"named in": "config.yaml"}


def test_what_is_no_token_and_what_is_dying_is_refused():
    with pytest.raises(LoginError, match="is not an access token"):
        printing("print('hello')").access_token()
    with pytest.raises(LoginError, match="expired"):
        printing(f"print('{jwt(left=-5)}')").access_token()


def test_a_silent_command_is_ended():
    with pytest.raises(LoginError, match=r"no answer within 0\.2 s"):
        printing("import time; time.sleep(60)", timeout=0.2).access_token()


def test_a_missing_command_is_named():
    with pytest.raises(SetupError, match="oidc-tokken"):
        PrintedToken(argv=("oidc-tokken",), origin="config.yaml").access_token()
