"""Two bugs of the product, planted in the process of a trial only: the trials have to find both.

`tags`: what Neutron makes carries its mark in tags, which are a second request, and is found by
them. `copies`: the state is not copied after a run, so that an older one cannot be told.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator import paths
from orchestrator.drivers import openstack_marks
from orchestrator.workdir import Workdir

# Of what Neutron has; a rule has no tags, and a server's metadata is part of its request.
_DESCRIBED = re.compile(r"^(  description\s*= )(\"\$\{local\.mark\}[^\n]*)$", re.MULTILINE)
_RULE = "openstack_networking_secgroup_rule_v2"


def plant(bug: str, home: Path) -> None:
    """Plant the bug of that name; an empty name is none."""
    _BUGS[bug](home)


def tagged(main: str) -> str:
    """Return Terraform code with the marks of its descriptions moved into tags."""

    def moved(found: re.Match[str]) -> str:
        return found[0] if _RULE in found[2] else f"  tags = [{found[2]}]"

    return _DESCRIBED.sub(moved, main)


def _tags(home: Path) -> None:
    modules = home / "planted" / "modules"
    if not modules.exists():
        shutil.copytree(paths.TERRAFORM_MODULES, modules)
        for file in modules.glob("*/main.tf"):
            file.write_text(tagged(file.read_text()))
    paths.TERRAFORM_MODULES = modules
    found = openstack_marks._network
    openstack_marks._network = lambda network, marked: found(_Tagged(network), marked)


class _Tagged:
    """Neutron's listings as if their tags were their descriptions."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __getattr__(self, name: str) -> Callable[..., Iterator[Any]]:
        listing = getattr(self._network, name)

        def described(*args: Any, **known: Any) -> Iterator[Any]:
            for one in listing(*args, **known):
                one.description = next(iter(one.tags or ()), one.description)
                yield one

        return described


def _copies(_home: Path) -> None:
    def nothing(_self: Workdir) -> Path | None:
        return None

    Workdir.keep_state = nothing  # type: ignore[method-assign,assignment]


_BUGS: dict[str, Callable[[Path], None]] = {
    "": lambda _home: None,
    "tags": _tags,
    "copies": _copies,
}
