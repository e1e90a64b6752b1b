"""Pins motley-cue and what it imports, in the files of its role: python -m tests.pin_ssh_oidc

By version and checksum, not by address: a site's own mirror serves as well, and pip takes nothing
that was not looked at here.
"""

from __future__ import annotations

from orchestrator.paths import ANSIBLE_ROLES
from tests.pin_snakemake import report

FOLDER = ANSIBLE_ROLES / "ssh_oidc" / "files"

# Of these only source archives are published: what builds them comes along.
SOURCES = ("motley-cue==0.8.8", "sqlitedict==2.1.0")
WANTED = (
    "feudalAdapter==2.0.4",
    "flaat==1.3.1",
    "setuptools",
    "wheel",
    # Of motley-cue: its server alone, without gunicorn and what makes uvicorn fast.
    "cryptography==50.*",
    "fastapi==0.*",
    "markdown==3.*",
    "pydantic==2.*",
    "pydantic-settings==2.*",
    "uvicorn==0.*",
    # Of flaat: not its command line.
    "aarc-entitlement==1.*",
    "cachetools==5.*",
    "pyjwt[crypto]>=2.4",
    "requests>=2.31",
    "requests-cache>=1.1",
    # Of feudalAdapter: not its LDAP, mail and shell, which want a compiler and OpenLDAP.
    "regex",
    "Unidecode>=1.1.1",
    # Of anyio and cattrs, on Python 3.10.
    "exceptiongroup",
)
NOT_THEIR_NEEDS = ("feudalAdapter", "flaat")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
GLIBCS = ("2014", "_2_17", "_2_26", "_2_27", "_2_28", "_2_34")


def platform(machine: str, python: str) -> list[str]:
    """Return pip's options that speak of one Python on one kind of machine."""
    names = [f"--platform=manylinux{glibc}_{machine}" for glibc in GLIBCS]
    return ["--only-binary=:all:", "--target=unused", f"--python-version={python}", *names]


def pins() -> list[str]:
    """Return each package with its version, which the oldest Python decides."""
    apart = [one for one in WANTED if one.startswith(NOT_THEIR_NEEDS)]
    rest = [one for one in WANTED if one not in apart]
    found = report([*platform("x86_64", PYTHONS[0]), *rest])
    named = (one["metadata"] for one in found)
    return sorted([*apart, *(f"{one['name']}=={one['version']}" for one in named)], key=str.lower)


def checksums(pinned: list[str]) -> dict[str, set[str]]:
    """Return the checksums of the wheels that any known machine and Python would take."""
    found: dict[str, set[str]] = {}
    for python in PYTHONS:
        for machine in MACHINES:
            for one in report(["--no-deps", *platform(machine, python), *pinned]):
                _add(found, one)
    return found


def sources() -> dict[str, set[str]]:
    """Return the checksums of the source archives."""
    found: dict[str, set[str]] = {}
    for one in report(["--no-deps", *SOURCES]):
        _add(found, one)
    return found


def _add(found: dict[str, set[str]], one: dict[str, dict[str, dict[str, dict[str, str]]]]) -> None:
    name = f"{one['metadata']['name']}=={one['metadata']['version']}".replace("_", "-").lower()
    found.setdefault(name, set()).add(one["download_info"]["archive_info"]["hashes"]["sha256"])


def write(name: str, what: str, found: dict[str, set[str]]) -> None:
    """Write the requirements of some packages."""
    lines = [f"# Made by tests/pin_ssh_oidc.py: {what}."]
    for package in sorted(found):
        hashes = (f"--hash=sha256:{one}" for one in sorted(found[package]))
        lines.append(" ".join([package, *hashes]))
    (FOLDER / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write("wheels.txt", "what motley-cue imports, and what builds it", checksums(pins()))
    write("sources.txt", "what is published as source alone", sources())
