"""Debian's nginx, certbot and ACME server, unpacked and run on ports of this machine."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import jinja2
import yaml

from orchestrator import paths

ROLE = paths.ANSIBLE_ROLES / "https"
ADDRESS = "127.0.0.1"
NAME = "sky.vm.fedcloud.eu"
PAIR = "Basic " + b64encode(b"abc:s3cret").decode()
LINEAGE = "https-ours"
_PACKAGES = (
    *("nginx", "nginx-common", "pebble", "certbot"),
    *(
        f"python3-{name}"
        for name in (
            *("certbot", "acme", "josepy", "configargparse", "configobj", "parsedatetime"),
            *("rfc3339", "tz", "requests", "urllib3", "idna", "charset-normalizer", "certifi"),
            *("chardet", "cryptography", "openssl", "cffi-backend", "six", "distro"),
            "pkg-resources",
        )
    ),
)
_NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/temporary/body;
    proxy_temp_path {folder}/temporary/proxy;
    fastcgi_temp_path {folder}/temporary/fastcgi;
    uwsgi_temp_path {folder}/temporary/uwsgi;
    scgi_temp_path {folder}/temporary/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


def unpack(folder: Path) -> Path:
    """Return a folder with the programs in it: installing them would start what listens."""
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"]
    subprocess.run([*download, *_PACKAGES], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return folder


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@dataclass
class Page:
    """A page with a password that also echoes what comes after an upgrade, as a desktop's does."""

    port: int = 0
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def a_page() -> Iterator[Page]:
    """Give a page that listens on this machine alone."""
    page = Page()

    class Asked(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page.seen.append({key.lower(): value for key, value in self.headers.items()})
            if self.headers["Authorization"] != PAIR:
                self._say(401, "who are you?")
            elif self.headers.get("Upgrade") == "websocket":
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.end_headers()
                while piece := self.connection.recv(100):
                    self.connection.sendall(piece.upper())
                self.close_connection = True
            else:
                self._say(200, "the desktop")

        def _say(self, code: int, text: str) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer((ADDRESS, 0), Asked)
    page.port = server.server_port
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield page
    server.shutdown()
    server.server_close()


@dataclass
class Machine:
    """A folder laid out as the role lays out a machine, with its ports moved to free ones."""

    folder: Path
    programs: Path
    page: Page
    scheme: str = "http"
    acme: str = ""
    authorities: str = ""
    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)

    @property
    def nginx(self) -> list[str]:
        """The program with its folder and settings."""
        program = self.programs / "usr/sbin/nginx"
        where = ["-p", str(self.folder), "-c", "nginx.conf", "-e", str(self.folder / "error.log")]
        return [str(program), *where]

    @property
    def environment(self) -> dict[str, str]:
        """Where the role's programs find certbot and systemctl."""
        return {"PATH": f"{self.folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def lay_out(self) -> None:
        """Write what the role writes, by its own templates and its own task."""
        for part in ("conf.d", "temporary", "bin", "https/own", "challenges"):
            (self.folder / part).mkdir(parents=True)
        user = "user root;" if os.getuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(_NGINX.format(folder=self.folder, user=user))
        site = self._rendered("site.conf.j2")
        for usual, ours in ((80, self.http), (443, self.https)):
            site = site.replace(f"listen {usual} ", f"listen {ADDRESS}:{ours} ")
            site = site.replace(f"listen [::]:{usual} ", f"listen [::1]:{ours} ")
        (self.folder / "conf.d/https.conf").write_text(site)
        self._program("https/certificate", self._rendered("certificate.sh.j2"))
        nginx = " ".join(self.nginx)
        self._program(
            "bin/systemctl", f'#!/bin/sh\n[ "$*" = "reload nginx" ] && exec {nginx} -s reload'
        )
        modules = self.programs / "usr/lib/python3/dist-packages"
        places = " ".join(
            f"--{kind}-dir {self.folder / kind}" for kind in ("config", "work", "logs")
        )
        run = f"/usr/bin/python3 {self.programs / 'usr/bin/certbot'} {places}"
        self._program("bin/certbot", f'#!/bin/sh\nPYTHONPATH={modules} exec {run} "$@"')
        self._sign_itself()

    def ask_for_certificate(self) -> subprocess.CompletedProcess[str]:
        """Run what the role and the distribution's timer run."""
        return subprocess.run(
            [str(self.folder / "https/certificate")],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def _sign_itself(self) -> None:
        tasks = yaml.safe_load((ROLE / "tasks/main.yml").read_text())
        named = {task["name"]: task for task in tasks}
        signing = named["Let the machine sign a certificate itself"]["ansible.builtin.shell"]["cmd"]
        own = self.folder / "https/own"
        given = {"OWN": str(own), "NAME": NAME, "ALSO": f"DNS:{NAME},IP:{ADDRESS}"}
        subprocess.run(
            ["sh", "-c", signing], env=self.environment | given, check=True, capture_output=True
        )
        (self.folder / "https/shown").symlink_to(own)

    def _rendered(self, template: str) -> str:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(ROLE / "templates"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        )
        return environment.get_template(template).render(
            _https_folder=self.folder / "https",
            _https_challenges=self.folder / "challenges",
            _https_signed=self.folder / "config",
            _https_lineage=LINEAGE,
            https_name=NAME,
            https_page_scheme=self.scheme,
            https_page_port=self.page.port,
            https_acme=self.acme,
            https_acme_authorities=self.authorities,
        )

    def _program(self, place: str, text: str) -> None:
        (self.folder / place).write_text(text + "\n")
        (self.folder / place).chmod(0o755)


@contextmanager
def running(argv: Sequence[str], *, port: int, log: Path, **env: str) -> Iterator[None]:
    """Run a program that listens on a port, until the block ends."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **env}
    with log.open("ab") as output:
        process = subprocess.Popen(list(argv), env=environment, stdout=output, stderr=output)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex((ADDRESS, port)) == 0:
                    break
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


@dataclass(frozen=True)
class Authority:
    """An ACME server that looks whether a name leads here, and what vouches for it."""

    directory: str
    authorities: str


@contextmanager
def an_authority(folder: Path, programs: Path, *, looks_at: int) -> Iterator[Authority]:
    """Run Pebble, for which every name leads to this machine's port ``looks_at``."""
    port, management, names, other = (free_port() for _ in range(4))
    key, certificate = folder / "pebble.key", folder / "pebble.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pebble"]
    asked += ["-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", str(key)]
    subprocess.run([*asked, "-out", str(certificate)], check=True, capture_output=True)
    settings = {
        "listenAddress": f"{ADDRESS}:{port}",
        "managementListenAddress": f"{ADDRESS}:{management}",
        "certificate": str(certificate),
        "privateKey": str(key),
        "httpPort": looks_at,
        "tlsPort": free_port(),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    resolver = [str(programs / "usr/bin/pebble-challtestsrv"), "-defaultIPv6", ""]
    resolver += ["-dns01", f"{ADDRESS}:{names}", "-management", f"{ADDRESS}:{other}"]
    for unused in ("-http01", "-https01", "-tlsalpn01"):
        resolver += [unused, ""]
    pebble = [str(programs / "usr/bin/pebble"), "-config", str(folder / "pebble.json")]
    pebble += ["-dnsserver", f"{ADDRESS}:{names}"]
    quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (
        running(resolver, port=names, log=folder / "resolver.log"),
        running(pebble, port=port, log=folder / "pebble.log", **quick),
    ):
        yield Authority(
            directory=f"https://{ADDRESS}:{port}/dir", authorities=certificate.read_text()
        )
