"""Pins Snakemake and what it imports: python -m tests.pin_snakemake VERSION >ansible/roles/snakemake/files/requirements.txt

Each wheel is named by its address and checksum: pip then reads no index, which is most of its work
on a small machine, and takes nothing that was not looked at here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64")
# Snakemake asks for it and imports it nowhere; it has no wheel.
LEFT_OUT = "connection_pool"
# Not asked for, and needed for its report.
BESIDE = ("pygments",)


def report(arguments: list[str]) -> list[dict[str, Any]]:
    """Return what pip would install."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--report", str(out), *arguments]
        subprocess.run(command, check=True)
        installed: list[dict[str, Any]] = json.loads(out.read_text())["install"]
        return installed


def pinned(installed: list[dict[str, Any]]) -> list[str]:
    """Return names with their versions."""
    named = (one["metadata"] for one in installed)
    return [f"{one['name']}=={one['version']}" for one in named if one["name"] != LEFT_OUT]


def wheels(pins: list[str], python: str) -> dict[str, str]:
    """Return the address and checksum of each pinned wheel for one Python."""
    arguments = ["--no-deps", "--only-binary", ":all:", "--target", "unused"]
    arguments += ["--python-version", python, "--implementation", "cp"]
    arguments += [part for platform in PLATFORMS for part in ("--platform", platform)]
    found = {}
    for one in report([*arguments, *pins]):
        archive = one["download_info"]
        checksum = archive["archive_info"]["hashes"]["sha256"]
        name = f"{one['metadata']['name']}=={one['metadata']['version']}"
        found[name] = f"{archive['url']}#sha256={checksum}"
    return found


def lines(pin: str, places: dict[str, str]) -> list[str]:
    """Return the requirements of one package: its wheel, or one for each Python."""
    name = pin.partition("==")[0]
    if len(set(places.values())) == 1 and "-none-any.whl" in places[PYTHONS[0]]:
        return [f"{name} @ {places[PYTHONS[0]]}"]
    known = " ".join(PYTHONS)
    return [
        *(
            f'{name} @ {place} ; python_version == "{python}" and platform_machine == "x86_64"'
            for python, place in places.items()
        ),
        f'{pin} ; platform_machine != "x86_64" or python_version not in "{known}"',
    ]


def main(version: str) -> None:
    """Print the requirements of one version of Snakemake."""
    pins = pinned(report([f"snakemake=={version}", *BESIDE]))
    found = {python: wheels(pins, python) for python in PYTHONS}
    print("# Made by tests/pin_snakemake.py: Snakemake and all that it imports, wheel by wheel.")
    for pin in sorted(pins, key=str.lower):
        places = {python: found[python][pin] for python in PYTHONS}
        print("\n".join(lines(pin, places)))


if __name__ == "__main__":
    main(sys.argv[1])
