"""Groups of commands whose modules are imported when one of them is named."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LateGroup(click.Group):
    """A group that knows for each subcommand the module that has it as ``command``."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **named: Any) -> None:
        super().__init__(*args, **named)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the registry."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of a subcommand and return its ``command``."""
        if name not in self._modules:
            return None
        command: Any = importlib.import_module(self._modules[name]).command
        return command if isinstance(command, click.Command) else None
