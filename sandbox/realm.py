"""The realm `egi` of the sandbox's Check-in: its clients, accounts and claims."""

import json
from typing import Any

from sandbox.vos import NAMES, OTHERS

Json = dict[str, Any]

REALM = "egi"
CLAIM = "eduperson_entitlement"
DEFAULT_SCOPES = ["basic", "profile", "email", CLAIM]
# Ports on which oidc-agent waits for a login in the browser.
AGENT_PORTS = (8080, 4242, 43985)


def entitlement(vo: str, role: str) -> str:
    """Return how Check-in says that somebody has this role in this VO."""
    return f"urn:mace:egi.eu:group:{vo}:role={role}#aai.egi.eu"


def _operates(*vos: str) -> tuple[str, ...]:
    return tuple(entitlement(vo, role) for vo in vos for role in ("vm_operator", "member"))


ACCOUNTS: dict[str, tuple[str, ...]] = {
    "operator": _operates(*(name for name in NAMES if name != OTHERS)),
    "member": (entitlement(NAMES[0], "member"),),
    "other-vo": _operates(OTHERS),
    "no-vo": (),
}


def realm(passwords: dict[str, str]) -> Json:
    """Return the realm as Keycloak imports it at its first start."""
    return {
        "realm": REALM,
        "enabled": True,
        "accessTokenLifespan": 3600,
        "sslRequired": "all",
        "clients": [_public("token-portal"), _public("oidc-agent"), _robot(passwords["robot"])],
        "clientScopes": _scopes(),
        "users": [_user(name, passwords[name]) for name in ACCOUNTS],
    }


def _public(name: str) -> Json:
    redirects = [f"http://localhost:{port}{end}" for port in AGENT_PORTS for end in ("", "/*")]
    return {
        "clientId": name,
        "publicClient": True,
        "enabled": True,
        "standardFlowEnabled": True,
        "directAccessGrantsEnabled": True,
        "redirectUris": redirects,
        "attributes": {
            "oauth2.device.authorization.grant.enabled": "true",
            "oauth2.device.polling.interval": "1",
        },
        "defaultClientScopes": DEFAULT_SCOPES,
        "optionalClientScopes": ["offline_access"],
    }


def _robot(secret: str) -> Json:
    value = json.dumps([entitlement(NAMES[0], "vm_operator")])
    config = {"claim.name": CLAIM, "claim.value": value, "jsonType.label": "JSON"}
    return {
        "clientId": "robot",
        "secret": secret,
        "enabled": True,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "defaultClientScopes": ["basic"],
        "protocolMappers": [_mapper("robot", "oidc-hardcoded-claim-mapper", config)],
    }


def _scopes() -> list[Json]:
    return [
        _scope("basic", _mapper("sub", "oidc-sub-mapper", {})),
        _scope("profile", _attribute("username", claim="preferred_username")),
        _scope("email", _attribute("email")),
        _scope("offline_access"),
        _scope(CLAIM, _attribute(CLAIM, many=True)),
    ]


def _scope(name: str, *mappers: Json) -> Json:
    return {
        "name": name,
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "true"},
        "protocolMappers": list(mappers),
    }


def _attribute(name: str, *, claim: str = "", many: bool = False) -> Json:
    config = {
        "user.attribute": name,
        "claim.name": claim or name,
        "jsonType.label": "String",
        "multivalued": str(many).lower(),
    }
    return _mapper(name, "oidc-usermodel-attribute-mapper", config)


def _mapper(name: str, kind: str, config: Json) -> Json:
    places = ("access.token.claim", "userinfo.token.claim", "introspection.token.claim")
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": {**config, **{place: "true" for place in places}},
    }


def _user(name: str, password: str) -> Json:
    return {
        "username": name,
        "enabled": True,
        "email": f"{name}@example.org",
        "emailVerified": True,
        "firstName": name,
        "lastName": "of the sandbox",
        "credentials": [{"type": "password", "value": password, "temporary": False}],
        "attributes": {CLAIM: list(ACCOUNTS[name])},
        # Keycloak refuses long-lived logins to imported users without this role.
        "realmRoles": ["offline_access"],
    }
