"""Options about how a table is written for a paper, and the file of its BibTeX entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from flopscope.cli.options import natural
from flopscope.errors import BadInput, listed

if TYPE_CHECKING:
    from flopscope.cli.answering import Answer
    from flopscope.present.style import Style

Command = Callable[..., Any]

SHOWS: Mapping[str, Sequence[str]] = {
    "caption": ("table", "markdown", "latex", "html"),
    "label": ("latex",),
    "bold": ("markdown", "latex", "html"),
}
"""The formats that show what an option asks for. Units are ignored where counts stay exact."""

UNITS = click.option(
    "--units",
    help="The unit of counts: k, M, G or T, or exact for every digit; params=M,macs=G gives each "
    "column its own. CSV and JSON stay exact.",
)
DIGITS = click.option(
    "--digits",
    callback=natural("digits"),
    help="The decimals of counts in --units. MB, accuracies, ratios and shares keep theirs.  "
    "[default: 1 in k and M, 2 in G and T]",
)
CAPTION = click.option(
    "--caption",
    help="The text above the table. In LaTeX it makes a table environment with this caption.",
)
LABEL = click.option(
    "--label", help="The name by which LaTeX's \\ref finds a table with a caption."
)
BOLD = click.option(
    "--bold",
    is_flag=True,
    help="Set the lowest costs and the highest accuracy in bold, in Markdown, LaTeX and HTML.",
)
FIELDS = ("units", "digits", "caption", "label", "bold")


def style_options(*, rivals: bool = False) -> Callable[[Command], Command]:
    """The options of a table's style, as the argument `style`. The rows of `rivals` are networks of
    which one is the best."""

    def decorated(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            asked = {name: given.pop(name) for name in FIELDS if name in given}
            command(style=_style(asked), **given)

        found: Command = run
        for option in reversed([UNITS, DIGITS, CAPTION, LABEL, *([BOLD] if rivals else [])]):
            found = option(found)
        return found

    return decorated


def _style(asked: Mapping[str, Any]) -> Style | None:
    if not any(value not in (None, False) for value in asked.values()):
        return None
    from flopscope.present.style import Style

    return Style(**asked)


def check_shown(style: Style | None, format_name: str) -> None:
    """Raises BadInput for what this format cannot show."""
    if style is None:
        return
    from flopscope.present.render import FORMATS

    if format_name not in FORMATS:
        raise BadInput(
            f"a unit or a caption is for tables, and format {format_name} has none; give "
            f"{listed(FORMATS)}"
        )
    for name, formats in SHOWS.items():
        if getattr(style, name) and format_name not in formats:
            raise BadInput(
                f"--{name} is not shown in the format {format_name}; give --format "
                f"{listed(formats)}, or leave --{name} out"
            )


def in_style(answer: Answer, style: Style | None) -> Answer:
    """The answer with its page in this style. Raises BadInput where the page has no tables."""
    if style is None:
        return answer
    from flopscope.present.report import Report
    from flopscope.present.style import styled
    from flopscope.present.table import Document

    page = answer.page.document() if isinstance(answer.page, Report) else answer.page
    assert isinstance(page, Document)
    return answer._replace(page=styled(page, style), formats=None)
