"""Application credentials over real HTTP: what is asked for, what is used, and why there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.auth import appcredentials, keystone
from orchestrator.errors import LoginError
from tests.contract import checkin

pytestmark = pytest.mark.contract

END = datetime(2036, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def login(site, cloud):
    token = checkin.access_token(site.issuer)
    cloud.accepts = {token.raw}
    return keystone.login(site, token, project_id="p1")


def make(site, login):
    return appcredentials.make(site, login, name="sky", expires_at=END)


def test_it_is_asked_for_until_its_end_and_without_power_to_make_more(site, login, cloud):
    made = make(site, login)
    asked = cloud.credentials[made.id]
    assert (asked["unrestricted"], asked["expires_at"]) == (False, "2036-01-01T12:00:00.000000")
    assert "roles" not in asked, "the roles of the login and no others"
    assert "canary" not in repr(made)


def test_it_is_kept_for_its_owner_alone_and_read_again(site, login, tmp_path):
    made = make(site, login)
    appcredentials.keep(tmp_path, made)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert appcredentials.kept(tmp_path) == made


def test_one_that_has_expired_is_none(tmp_path, site, login):
    gone = appcredentials.make(
        site, login, name="sky", expires_at=datetime.now(UTC) - timedelta(hours=1)
    )
    appcredentials.keep(tmp_path, gone)
    assert appcredentials.kept(tmp_path) is None


def test_a_broken_file_is_told_without_its_words(tmp_path):
    (tmp_path / "application-credential.json").write_text('{"secret": "canary-app-secret"')
    with pytest.raises(LoginError, match="cannot be read") as caught:
        appcredentials.kept(tmp_path)
    assert "canary" not in f"{caught.value.message}{caught.value.facts}"


def test_a_login_by_it_names_no_project_and_is_bound_to_one(site, login, cloud):
    found = appcredentials.login(site, make(site, login))
    assert (found.token, found.project_id, found.user_id) == ("scoped", "p1", "u1")
    assert found.is_scoped
    assert "canary" not in repr(found)


def test_one_that_the_site_no_longer_knows_is_a_login_error(site, login, cloud):
    made = make(site, login)
    cloud.credentials.clear()
    with pytest.raises(LoginError, match="does not accept the deployment's application credential"):
        appcredentials.login(site, made)


def test_it_is_removed_and_again_is_no_error(site, login, cloud):
    made = make(site, login)
    appcredentials.remove(site, login, made)
    assert cloud.credentials == {}
    appcredentials.remove(site, login, made)


def test_it_cannot_remove_itself_and_says_when_it_ends(site, login):
    made = make(site, login)
    itself = appcredentials.login(site, made)
    with pytest.raises(LoginError, match="until it expires \\(2036-01-01\\)"):
        appcredentials.remove(site, itself, made)


def test_roles_that_come_with_each_login_and_are_not_kept_are_told_as_the_cause(site, login, cloud):
    """What Keystone answers where authorization_ttl is 0, which is the default."""
    cloud.keeps_roles = False
    with pytest.raises(LoginError, match="not kept") as caught:
        make(site, login)
    assert "authorization_ttl" in caught.value.way_out[0]
