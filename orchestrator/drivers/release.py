"""A pinned release of Terraform, for a machine that has none."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from orchestrator.errors import SetupError

VERSION = "1.11.4"
_SHA256 = {
    "amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}
ADVICE = (
    f"install Terraform {VERSION} from https://releases.hashicorp.com/terraform/{VERSION}/"
    " and put it on the PATH (1.9 or newer works)"
)
_LARGEST = 200 * 1024 * 1024


def architecture() -> str:
    """Return this machine's architecture as Go and HashiCorp call it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def program(folder: Path) -> Path:
    """Return where the fetched program is, or will be."""
    return folder / f"terraform-{VERSION}" / "terraform"


def fetch(folder: Path, *, env: Mapping[str, str], on_step: Callable[[str], None]) -> Path:
    """Fetch the release, check its sum and unpack it; SetupError says what to install instead."""
    name = f"terraform_{VERSION}_linux_{architecture()}.zip"
    url = f"https://releases.hashicorp.com/terraform/{VERSION}/{name}"
    on_step(f"fetching Terraform {VERSION}")
    archive = _download(url, env=env)
    if hashlib.sha256(archive).hexdigest() != _SHA256.get(architecture()):
        raise missing(f"{url} is not that release: its SHA-256 differs")
    return _unpack(archive, program(folder))


def _download(url: str, *, env: Mapping[str, str]) -> bytes:
    with requests.Session() as session:
        # The environment is the caller's to give.
        session.trust_env = False
        session.proxies = _proxies(env)
        session.verify = env.get("REQUESTS_CA_BUNDLE") or env.get("SSL_CERT_FILE") or True
        try:
            with session.get(url, timeout=(5, 30), stream=True) as answer:
                answer.raise_for_status()
                return answer.raw.read(_LARGEST)
        except (requests.RequestException, OSError) as error:
            raise missing(f"{url} cannot be fetched ({type(error).__name__})") from error


def _unpack(archive: bytes, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".terraform-{os.getpid()}")
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        temporary.write_bytes(opened.read("terraform"))
    temporary.chmod(0o555)
    os.replace(temporary, target)
    return target


def _proxies(env: Mapping[str, str]) -> dict[str, str]:
    given = {name.lower(): value for name, value in env.items()}
    return {"https": given["https_proxy"]} if given.get("https_proxy") else {}


def missing(why: str) -> SetupError:
    """Return the error of a machine without Terraform."""
    return SetupError("Terraform is not installed", facts={"because": why}, way_out=[ADVICE])
