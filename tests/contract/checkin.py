"""A small Keystone and Check-in on this machine: it knows a few answers and refuses the rest."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from orchestrator.auth.token import AccessToken

AUTH = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/{}/auth"
CREDENTIALS = "/v3/users/u1/application_credentials"
EXPIRES = "2036-01-01T00:00:00.000000Z"
DEVICE = {"device_code": "d", "user_code": "C", "verification_uri": "u", "interval": 0}
PROJECTS = [
    {"id": "p1", "name": "access", "enabled": True, "egi.VO": "vo.access.egi.eu"},
    {"id": "p2", "name": "closed", "enabled": False, "egi.VO": "enmr.eu"},
]


def access_token(issuer: str, **claims: object) -> AccessToken:
    """Return a token of that issuer, good for an hour, signed by nobody."""
    body = {"iss": issuer, "sub": "abc@egi.eu", "exp": time.time() + 3600, **claims}
    part = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    return AccessToken.read(f"a.{part}.c")


class Cloud:
    """What the fake believes: tests change it, and read what was asked."""

    def __init__(self) -> None:
        self.protocol = "openid"
        self.accepts: set[str] = set()
        self.status = 401
        self.date = 0.0  # how far its clock is ahead
        self.headers: dict[str, str] = {}  # of a refusal
        self.credentials: dict[str, dict[str, object]] = {}
        self.keeps_roles = True  # of people who come by Check-in, so that credentials work
        self.is_by_credential = False
        self.listing: dict[str, object] = {"projects": PROJECTS}
        self.refresh_token = "r1"
        self.seen: list[tuple[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.userinfo: dict[str, object] | None = None
        self.access_token = ""
        self.url = ""


class Answers(BaseHTTPRequestHandler):
    """The answers of one cloud."""

    cloud: Cloud

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.cloud.date)

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests do."""

    def do_GET(self) -> None:
        self._note()
        if self.path == "/v3/auth/projects":
            known = self.headers.get("X-Auth-Token") == "unscoped"
            self._say(200 if known else 401, self.cloud.listing)
        elif self.path.endswith("/userinfo") and self.cloud.userinfo is not None:
            self._say(200, self.cloud.userinfo)
        else:
            self._say(404)

    def do_POST(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path == AUTH.format(self.cloud.protocol):
            self._federated()
        elif self.path == "/v3/auth/tokens":
            self._scoped(json.loads(body)["auth"])
        elif self.path == CREDENTIALS:
            self._made(json.loads(body)["application_credential"])
        elif self.path.startswith("/realms/egi/"):
            self._issued({name: value[0] for name, value in parse_qs(body).items()})
        else:
            self._say(404, {"error": {"message": "Could not find protocol", "code": 404}})

    def do_DELETE(self) -> None:
        self._note()
        found = self.path.removeprefix(f"{CREDENTIALS}/")
        if self.cloud.is_by_credential:
            self._say(403, {"error": {"message": "not allowed", "code": 403}})
        elif self.cloud.credentials.pop(found, None) is None:
            self._say(404, {"error": {"message": "Could not find", "code": 404}})
        else:
            self._say(204)

    def _scoped(self, asked: dict) -> None:
        identity = asked["identity"]
        user = {"id": "u1", "name": "abc@egi.eu", "domain": {"id": "d", "name": "egi.eu"}}
        described = {"expires_at": EXPIRES, "user": user, "methods": identity["methods"]}
        if identity["methods"] == ["token"]:
            known = identity["token"]["id"] == "unscoped"
        else:
            given = identity["application_credential"]
            held = self.cloud.credentials.get(given["id"])
            known = bool(held) and held["secret"] == given["secret"] and "scope" not in asked
            self.cloud.is_by_credential = known
        if known:
            self._say(201, {"token": described}, X_Subject_Token="scoped")
        else:
            self._say(401, {"error": {"message": "requires authentication", "code": 401}})

    def _made(self, asked: dict) -> None:
        if self.headers.get("X-Auth-Token") != "scoped":
            self._say(401)
        elif not self.cloud.keeps_roles:
            words = "Invalid application credential: Could not find role assignment with role: r, user or group: u1"
            self._say(400, {"error": {"message": words, "code": 400}})
        else:
            made = {**asked, "id": f"c{len(self.cloud.credentials)}", "secret": "canary-app-secret"}
            self.cloud.credentials[made["id"]] = made
            self._say(201, {"application_credential": made})

    def _note(self) -> None:
        self.cloud.seen.append((self.path, self.headers.get("Authorization", "")))

    def _federated(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.cloud.accepts:
            elsewhere = f"{self.cloud.url}/elsewhere"
            self._say(self.cloud.status, **{"Location": elsewhere, **self.cloud.headers})
            return
        user = {"id": "u1", "name": "abc@egi.eu", "domain": {"id": "d", "name": "egi.eu"}}
        described = {"expires_at": EXPIRES, "user": user, "methods": ["openid"]}
        self._say(201, {"token": described}, X_Subject_Token="unscoped")

    def _issued(self, form: dict[str, str]) -> None:
        self.cloud.forms.append(form)
        known = self.cloud.refresh_token
        if self.path.endswith("/auth/device"):
            self._say(200, DEVICE)
        elif form.get("refresh_token", known) != known:
            self._say(400, {"error": "invalid_grant", "error_description": "not active"})
        else:
            self._say(200, {"access_token": self.cloud.access_token, "refresh_token": "r1"})

    def _say(self, status: int, body: object = None, **headers: str) -> None:
        content = json.dumps(body or {}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running():
    """Run a fake cloud and its issuer on a free port."""
    cloud = Cloud()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Known", (Answers,), {"cloud": cloud}))
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
