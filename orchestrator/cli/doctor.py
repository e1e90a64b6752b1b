"""orchestrator doctor"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click

from orchestrator.cli import context, tables, terminal
from orchestrator.drivers import provider
from orchestrator.drivers.terraform import read_version
from orchestrator.errors import OrchestratorError
from orchestrator.paths import SANDBOX

Finding = tuple[str, bool, str]


@click.command("doctor")
@click.option(
    "--install", is_flag=True, help="Install Terraform's OpenStack provider where it is missing."
)
@click.option(
    "--quiet",
    is_flag=True,
    help="With --install: say something only when there is something to do.",
)
@context.json_option
def command(*, install: bool, quiet: bool, as_json: bool) -> int:
    """Look whether this machine has all that a deployment needs; exit code 1 when not."""
    if install:
        _install()
        if quiet:
            return 0
    findings = [_terraform(), _provider(), _program("ssh"), _ansible(), _store(), _sandbox()]
    if as_json:
        terminal.echo(
            json.dumps([{"what": w, "well": ok, "found": text} for w, ok, text in findings])
        )
    else:
        rows = [(what, "ok" if well else "missing", text) for what, well, text in findings]
        terminal.echo(tables.render(("WHAT", "", "FOUND"), rows))
    # A sandbox is needed by those alone who want one.
    return 0 if all(well for what, well, _ in findings if what != "sandbox") else 1


def _install() -> None:
    cache, env = context.folders().cache, context.child_environment()
    terraform = provider.install_terraform(cache, env=env, on_step=_say)
    provider.install_provider(cache, terraform=terraform, env=env, on_step=_say)


def _say(text: str) -> None:
    terminal.echo(f"install: {text}")


def _terraform() -> Finding:
    env = context.child_environment()
    found = provider.find_terraform(context.folders().cache, env=env)
    if found is None:
        return (
            "terraform",
            False,
            "install Terraform 1.9 or newer, or: orchestrator doctor --install",
        )
    return _told("terraform", lambda: f"{read_version(found, env=env)} at {found}")


def _provider() -> Finding:
    cache = context.folders().cache
    if provider.provider_ready(cache):
        return "provider", True, str(provider.provider_of(cache).lock_file.parent)
    return "provider", False, "orchestrator doctor --install"


def _program(name: str) -> Finding:
    found = shutil.which(name)
    return name, found is not None, found or f"install it: apt-get install openssh-client ({name})"


def _ansible() -> Finding:
    found = Path(sys.executable).parent / "ansible-playbook"
    return "ansible", found.exists(), str(found)


def _store() -> Finding:
    def look() -> str:
        opened = context.store()
        opened.close()
        return str(context.folders().data / "store.sqlite")

    return _told("store", look)


def _sandbox() -> Finding:
    there = (SANDBOX / "sites" / "SANDBOX.yaml").exists()
    return "sandbox", there, str(SANDBOX) if there else "make sandbox"


def _told(what: str, look: Callable[[], str]) -> Finding:
    try:
        return what, True, look()
    except OrchestratorError as error:
        return what, False, error.message
