"""A document as text in a named format, and the table of formats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from flopscope.errors import check_name
from flopscope.present.formats import csv, html, json, latex, markdown, terminal
from flopscope.present.table import Document

Formats: TypeAlias = Mapping[str, Callable[[Any], str]]
"""The formats of one kind of page by name. Each writes such a page as text."""

FORMATS: Mapping[str, Callable[[Document], str]] = {
    "table": terminal.text,
    "markdown": markdown.text,
    "latex": latex.text,
    "csv": csv.text,
    "json": json.text,
    "html": html.text,
}
"""The formats of documents. Formulas, laws and profiles state their own."""


def render(page: Any, format_name: str, formats: Formats = FORMATS) -> str:
    """The page in the named format, ending in one newline. Raises UnknownName for an unknown
    format."""
    check_format(format_name, formats)
    return formats[format_name](page).rstrip("\n") + "\n"


def check_format(format_name: str, formats: Collection[str] = FORMATS) -> None:
    """Raises UnknownName for a format that pages of this kind do not have."""
    check_name("format", format_name, formats)
