"""A document as text in a named format, and the table of formats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any, TypeAlias

from flopscope.errors import check_name
from flopscope.present.table import Document

Formats: TypeAlias = Mapping[str, Callable[[Any], str]]
"""The formats of one kind of page by name. Each writes such a page as text."""


def _written_by(name: str) -> Callable[[Document], str]:
    """The format whose file in `formats/` has this name, which is loaded when a page is written."""

    def text(document: Document) -> str:
        written: str = import_module(f"flopscope.present.formats.{name}").text(document)
        return written

    return text


FORMATS: Mapping[str, Callable[[Document], str]] = {
    "table": _written_by("terminal"),
    **{name: _written_by(name) for name in ("markdown", "latex", "csv", "json", "html")},
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
