"""What the command line takes from its surroundings: environment, folders, the person."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from orchestrator.model import Deployment
from orchestrator.paths import Folders

if TYPE_CHECKING:
    # Listing deployments must not pay for OpenStack's and Ansible's libraries, and what needs no
    # store not for SQLAlchemy.
    from orchestrator.deployer import Deployer
    from orchestrator.journal import OnProgress
    from orchestrator.store import Store
    from orchestrator.visiting import Visit

_Command = TypeVar("_Command", bound=Callable[..., object])

# Ours, and the two names under which fedcloudclient's documentation gives a token.
_TOKEN_VARIABLES = (
    "ORCHESTRATOR_ACCESS_TOKEN",
    "OIDC_ACCESS_TOKEN",
    "FEDCLOUD_OIDC_ACCESS_TOKEN",
)
# Its address may hold a password.
STORE_VARIABLE = "ORCHESTRATOR_STORE"


def folders() -> Folders:
    """Return the folders of this user, or those below ORCHESTRATOR_HOME."""
    home = os.environ.get("ORCHESTRATOR_HOME")
    return Folders.under(Path(home).absolute()) if home else Folders.default()


def owner() -> str:
    """Return who the deployments belong to."""
    return f"local:{getpass.getuser()}"


def store() -> Store:
    """Open the store of this user, or the one that several machines share."""
    from orchestrator.store import Store

    shared = os.environ.get(STORE_VARIABLE, "").strip()
    if shared:
        return Store(shared)
    return Store.in_folder(folders().data)


def given_token() -> str | None:
    """Return the access token that the environment gives, if any."""
    found = (os.environ.get(name, "").strip() for name in _TOKEN_VARIABLES)
    return next((token for token in found if token), None)


def known_secrets() -> list[str]:
    """Return the secrets that the environment holds: to be struck out of what leaves this machine."""
    return [
        value for name in (*_TOKEN_VARIABLES, STORE_VARIABLE) if (value := os.environ.get(name))
    ]


def child_environment() -> Mapping[str, str]:
    """Return what child processes may know of our environment: never a secret of ours."""
    secret = (*_TOKEN_VARIABLES, STORE_VARIABLE)
    return {name: value for name, value in os.environ.items() if name not in secret}


def deployer(on_progress: OnProgress, *, stop: object = None) -> Deployer:
    """Return the library's Deployer for this user."""
    import threading

    from orchestrator.deployer import Deployer
    from orchestrator.settings import Settings

    places = folders()
    return Deployer(
        folders=places,
        settings=Settings.read(places.config),
        store=store(),
        environment=child_environment(),
        owner=owner(),
        access_token=given_token(),
        on_progress=on_progress,
        stop=stop if isinstance(stop, threading.Event) else None,
    )


def visit(name: str) -> Visit:
    """Return a visit to a deployment of this user, or raise RequestError."""
    from orchestrator.visiting import Visit

    _, deployment = existing(name)
    return Visit.of(deployment, folders=folders(), environment=child_environment())


def existing(name: str, *, destroyed: bool = False) -> tuple[Store, Deployment]:
    """Return the store and a deployment of this user by name, or raise RequestError."""
    opened = store()
    return opened, opened.require(name, owner=owner(), destroyed=destroyed)


def json_option(command: _Command) -> _Command:
    """Add ``--json`` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="For programs: JSON.")(command)
