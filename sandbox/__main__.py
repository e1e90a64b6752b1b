"""The command line: `python3 -m sandbox up|registry|status|down|clean|token`."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

from sandbox import down, lock, passwords, preflight, registry, site, status, up
from sandbox.errors import SandboxError
from sandbox.layout import Layout, url


def _up(layout: Layout, _: argparse.Namespace) -> int:
    began = time.monotonic()

    def report(name: str, words: str, seconds: float) -> None:
        total = time.monotonic() - began
        print(f"[{total:5.0f} s] {name}: {words} ({seconds:.1f} s)", flush=True)

    with lock.held(layout.lock):
        up.bring_up(layout, report)
    print(
        f"The sandbox is up after {time.monotonic() - began:.1f} s.\n"
        f"  Keystone   {url('keystone')}\n  Check-in   {url('keycloak')}\n"
        f"  CA         {layout.ca}\n  site file  {layout.state}/sites/{site.NAME}.yaml\n"
        f"Deploy with: make deploy SITE={site.NAME} USECASE=docker"
    )
    return 0


def _registry(layout: Layout, _: argparse.Namespace) -> int:
    with lock.held(layout.lock):
        print(f"The registry is up: {registry.start(layout)}")
        up.Start(layout, passwords.load(layout.secrets)).site_file()
    return 0


def _status(layout: Layout, options: argparse.Namespace) -> int:
    found = status.lines(layout)
    print(status.as_json(found) if options.json else status.as_table(found))
    return 0 if status.all_up(found) else 1


def _down(layout: Layout, _: argparse.Namespace) -> int:
    with lock.held(layout.lock):
        print(down.bring_down(layout))
    return 0


def _clean(layout: Layout, options: argparse.Namespace) -> int:
    with lock.held(layout.lock):
        print(down.clean(layout, with_cache=options.cache))
    return 0


def _token(layout: Layout, options: argparse.Namespace) -> int:
    command = site.token_command(layout)
    if not command.is_file():
        raise SandboxError("there is no sandbox; start one with: python3 -m sandbox up")
    return subprocess.run([command, options.account], check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        return command

    add("up", _up, "start what is not running")
    add("registry", _registry, "start and fill the registry of container images")
    add("status", _status, "show every service").add_argument("--json", action="store_true")
    add("down", _down, "end everything, keep the data")
    clean = add("clean", _clean, "end everything and remove the data")
    clean.add_argument("--cache", action="store_true", help="and what was downloaded or built")
    token = add("token", _token, "print a fresh access token of Check-in")
    token.add_argument("account", nargs="?", default="operator")
    return parser


def main() -> int:
    """Run one command; an error of ours becomes one message and exit code 1."""
    options = _parser().parse_args()
    try:
        preflight.check_system()
        return int(options.run(Layout(), options))
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
