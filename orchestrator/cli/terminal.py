"""What is written for a person: text of others that stands in it acts on no terminal."""

from __future__ import annotations

import click

from orchestrator import plaintext


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Write lines to standard output, or to standard error."""
    click.echo(plaintext.lines(text), err=err, nl=nl)
