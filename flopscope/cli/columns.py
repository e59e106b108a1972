"""The option --columns, which lists what it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from flopscope.cli.streams import given_width

HELP = "help"
"""What --columns is given to list the names that it takes."""


def columns_option(rows: str, words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --columns of a table with such rows, a name in `present.columns.Rows`. With `help`
    it lists its columns and ends the command before anything is read or counted."""

    def listing(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
        if text is None or text.strip() != HELP:
            return text
        from flopscope.present.columns import Rows, columns_document
        from flopscope.present.formats.terminal import text as as_table

        click.echo(as_table(columns_document(Rows[rows]), given_width()))
        context.exit()

    return click.option(
        "--columns", callback=listing, is_eager=True, help=f"{words} `--columns help` lists all."
    )
