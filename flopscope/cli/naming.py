"""The format of an answer, which the name of its file may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

import click
from click.core import ParameterSource

from flopscope.errors import BadInput

ENDINGS: Mapping[str, str] = {
    ".csv": "csv",
    ".md": "markdown",
    ".tex": "latex",
    ".json": "json",
    ".html": "html",
    ".py": "python",
    ".js": "javascript",
}
"""The format that a file's ending names. Any other ending names none."""

PICTURES = (".pdf", ".png", ".svg")
NO_TEXT = (*PICTURES, ".jpg", ".jpeg", ".xlsx", ".xls", ".docx", ".parquet")
"""Endings of files that no text can be."""


def settle_format(output: str | None) -> str:
    """The format in which the command that is running answers: what --format says, else what the
    ending of its output file names, else the usual one.

    Raises BadInput where the ending is that of a picture or of another program's files, and where
    --format and the ending name different formats, UnknownName where the
    command does not have the format.
    """
    context = click.get_current_context()
    asked: str = context.params["format_name"]
    ending = PurePath(output or "").suffix.lower()
    if ending in NO_TEXT and not (ending == ".parquet" and _has(context, "keep")):
        raise BadInput(_no_text(context, str(output), ending))
    named = ENDINGS.get(ending)
    if named is None or named == asked:
        return asked
    if context.get_parameter_source("format_name") is not ParameterSource.DEFAULT:
        raise BadInput(
            f"--output {output} names the format {named}, and --format is {asked}; leave --format "
            "out, or give the file another ending"
        )
    context.params["format_name"] = named
    return _checked(context, named)


def _no_text(context: click.Context, output: str, ending: str) -> str:
    draws = _has(context, "plot_path") and ending in PICTURES
    rather = f", or draw the answer with --plot {output}" if draws else ""
    return (
        f"--output {output} would be text, and a file that ends in {ending} is none; give "
        f"an ending such as .csv or .html{rather}"
    )


def _has(context: click.Context, option: str) -> bool:
    return any(each.name == option for each in context.command.params)


def _checked(context: click.Context, format_name: str) -> str:
    """The format, if the option's own check lets it pass; a command without one checks itself."""
    option = next(each for each in context.command.params if each.name == "format_name")
    if option.callback is not None:
        option.callback(context, option, format_name)
    return format_name
