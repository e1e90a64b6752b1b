#!/usr/bin/env python3
"""A page behind a password, on this machine's own address alone; counts its visits."""

import base64
import hmac
import html
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SETTINGS = json.loads(Path("/etc/my_use_case/settings.json").read_text())
PASSWORD = Path(os.environ["CREDENTIALS_DIRECTORY"], "password").read_text()
VISITS = Path("/srv/my_use_case/results/visits")


class Page(BaseHTTPRequestHandler):
    """Answers those who know the password."""

    def do_GET(self):
        wanted = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
        if not hmac.compare_digest(self.headers.get("Authorization", ""), wanted):
            self.answer(401, "a password, please", {"WWW-Authenticate": "Basic"})
            return
        count = int(VISITS.read_text()) + 1 if VISITS.exists() else 1
        VISITS.write_text(f"{count}\n")
        attached = SETTINGS["attachment"]
        size = f"<p>attached: {os.path.getsize(attached)} bytes</p>" if attached else ""
        self.answer(200, f"<h1>{html.escape(SETTINGS['greeting'])}</h1>{size}", {})

    def answer(self, status, text, headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", 8000), Page).serve_forever()
