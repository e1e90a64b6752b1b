from __future__ import annotations

from datetime import UTC, datetime

import pytest
from keystoneauth1.session import Session

from orchestrator import entering
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.model import Share, Site

SESSION = Session()
LOGIN = KeystoneLogin(
    auth_url="https://k.example/v3",
    token="t",
    expires_at=datetime(2026, 11, 24, tzinfo=UTC),
    user_id="u",
    user_name="ada",
    projects=(),
    project_id="p",
    session=SESSION,
)


@pytest.mark.parametrize(("of_the_share", "region"), [("two", "two"), (None, "one")])
def test_a_share_may_lie_in_another_region_than_its_site(monkeypatch, of_the_share, region):
    monkeypatch.setattr(entering, "Cloud", lambda session, **asked: (session, asked))
    share = Share(vo="vo.example", project_id="p", region=of_the_share)
    site = Site(
        name="A", endpoint="https://k.example/v3", shares=(share,), origin="a.yaml", region="one"
    )
    found = entering.cloud_of(LOGIN, site, share)
    assert found == (SESSION, {"site": "A", "region": region})
