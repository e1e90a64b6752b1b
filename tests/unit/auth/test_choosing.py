"""The order of token sources: the most explicit wins."""

from pathlib import Path

import pytest

from orchestrator.auth.choosing import Given, choose_source, issuer_of
from orchestrator.auth.refreshing import RefreshTokens
from orchestrator.errors import LoginError
from orchestrator.model import Site
from orchestrator.settings import Settings
from tests.unit.tokens import EGI


def site(**given):
    return Site(name="S", endpoint="https://s.eu/v3", shares=(), origin="sites/S.yaml", **given)


def choose(tmp_path, settings=None, given=None, **of_site):
    return choose_source(settings or Settings(), site=site(**of_site), tokens=tmp_path, given=given)


def test_each_source_gives_way_to_a_more_explicit_one(tmp_path):
    RefreshTokens(folder=tmp_path).keep(issuer_of(site()), "r")
    assert choose(tmp_path).name == f"the login at {EGI}"
    account = Settings(oidc_agent_account="egi")
    assert choose(tmp_path, account).name == "oidc-agent account egi"
    assert choose(tmp_path, account, token_command=("/bin/site",)).name == "the command /bin/site"
    command = Settings(oidc_agent_account="egi", token_command=("oidc-token", "egi"))
    assert choose(tmp_path, command, token_command=("x",)).name == "the command oidc-token"
    assert choose(tmp_path, command, Given(token="t")).name == "the given token"


def test_a_mytoken_goes_before_the_agent(tmp_path):
    settings = Settings(mytoken_server="https://m.eu", oidc_agent_account="egi")
    assert choose(tmp_path, settings).name == "oidc-agent account egi"
    found = choose(tmp_path, settings, Given(mytoken="secret"))
    assert found.name == "the mytoken at https://m.eu"
    assert "secret" not in repr(found)


def test_a_service_account_is_configured_by_two_keys(tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    found = choose(tmp_path, Settings(client_id="robot", client_secret_file=tmp_path / "secret"))
    assert found.name == "the service account robot"
    assert "s3cret" not in repr(found)


def test_a_secret_that_cannot_be_read_names_its_key(tmp_path):
    settings = Settings(client_id="r", client_secret_file=tmp_path / "gone", origin="config.yaml")
    with pytest.raises(LoginError) as caught:
        choose(tmp_path, settings)
    assert caught.value.facts == {"named by": "client_secret_file in config.yaml"}


def test_what_is_configured_for_egi_does_not_stand_in_the_way_of_the_sandbox(tmp_path):
    settings = Settings(token_command=("oidc-token", "egi"), oidc_agent_account="egi")
    own = {"issuer": "https://127.0.0.1:28443/auth/realms/egi", "token_command": ("/bin/token",)}
    assert choose(tmp_path, settings, **own).name == "the command /bin/token"


def test_nobody_logged_in_is_told_how(tmp_path):
    with pytest.raises(LoginError, match="not logged in") as caught:
        choose(tmp_path)
    assert caught.value.way_out[0] == "orchestrator login"
    with pytest.raises(LoginError) as caught:
        choose(tmp_path, issuer="https://own/realms/egi")
    assert caught.value.way_out[0] == "orchestrator login --site S"


def test_the_issuer_of_a_site_has_its_client_and_ca():
    issuer = issuer_of(site(ca_bundle=Path("/ca.pem"), client_id="c"))
    assert (issuer.url, issuer.client_id, issuer.ca_bundle) == (EGI, "c", Path("/ca.pem"))
