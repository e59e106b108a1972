"""The command line."""

from __future__ import annotations

import sys

import click

from flopscope.cli.commands import cli
from flopscope.cli.garbage import leave_the_rest, rare_collections
from flopscope.cli.streams import spelled_streams
from flopscope.errors import FlopscopeError

__all__ = ["cli", "main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 a check failed, 2 bad input."""
    with spelled_streams(), rare_collections():
        status = _run(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        leave_the_rest()
    return status


def _run(arguments: list[str]) -> int:
    try:
        status = cli.main(arguments, prog_name="flopscope", standalone_mode=False, obj=arguments)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except FlopscopeError as error:
        if "--debug" in arguments:
            raise
        click.echo(f"flopscope: {error}", err=True)
        return 2
    return status if isinstance(status, int) else 0
