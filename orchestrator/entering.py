"""Into a project of a site: a login there, and the Cloud that is asked with it."""

from __future__ import annotations

from orchestrator.auth import keystone
from orchestrator.auth.keystone import KeystoneLogin
from orchestrator.auth.token import AccessToken
from orchestrator.drivers.openstack import Cloud
from orchestrator.model import Share, Site


def enter(site: Site, share: Share, token: AccessToken) -> tuple[KeystoneLogin, Cloud]:
    """Log in to the project of a VO's share, or the one that the site keeps for the VO."""
    login = keystone.login(site, token, project_id=share.project_id, vo=share.vo)
    return login, cloud_of(login, site, share)


def cloud_of(login: KeystoneLogin, site: Site, share: Share) -> Cloud:
    """Return the project of a login, in the region of the share."""
    return Cloud(login.session, site=site.name, region=share.region or site.region)
