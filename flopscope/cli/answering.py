"""What happens to the answer of every command: it is rendered, printed or written to a file, and
drawn where --plot asks for it. The exit status says whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from flopscope.cli.bibliography import write_bib
from flopscope.cli.files import STANDARD_OUTPUT, check_apart, write_with
from flopscope.cli.naming import settle_format
from flopscope.cli.streams import as_json, as_shown, given_width
from flopscope.cli.tables import check_shown, in_style
from flopscope.errors import BadInput
from flopscope.storing import Content

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.cli.options import Plot
    from flopscope.present.provenance import Sources
    from flopscope.present.render import Formats
    from flopscope.present.style import Style


class Answer(NamedTuple):
    """What a command has found, laid out.

    `page` is a document, or another kind of page that the `formats` write. The `sources` go with
    its data into a file beside the one that is written; without sources no such file is written.
    `holds` is false where a check failed or a budget is broken. `picture` draws what --plot asks
    for; `bibliography` is what --bib writes. `content` is what the file of -o has where the page is
    printed beside it, and `beside` what the files have that belong to it, by their paths. An answer
    that `refrains` writes nothing under that name. `written` is called when the file is in its
    place. One that is `told` is printed as tables too where it is written to a file, because to ask
    again would take minutes.
    """

    page: Any
    sources: Sources | None = None
    holds: bool = True
    picture: Callable[[Plot], Figure] | None = None
    formats: Formats | None = None
    bibliography: str = ""
    content: Content | None = None
    beside: Mapping[str, bytes] | None = None
    refrains: bool = False
    written: Callable[[], None] = lambda: None
    told: bool = False

    def text(self, format_name: str) -> str:
        """The page in a format."""
        from flopscope.present.render import FORMATS, render

        return render(self.page, format_name, self.formats or FORMATS)

    def shown(self, format_name: str, width: int | None) -> str:
        """The page as people read it on a terminal of this width."""
        from flopscope.present.formats import terminal
        from flopscope.present.report import Report
        from flopscope.present.table import Document

        page = self.page.document() if isinstance(self.page, Report) else self.page
        if format_name == "table" and isinstance(page, Document):
            return terminal.text(page, width).rstrip("\n") + "\n"
        return self.text(format_name)

    def without_entries(self) -> Answer:
        """The answer whose tables do not repeat the bibliography in comments."""
        tables = [replace(table, bibliography=()) for table in self.page.tables]
        return self._replace(page=replace(self.page, tables=tables))

    def made(self, *, drawn: bool = False) -> dict[str, Any] | None:
        """How the answer is made, as an object for JSON."""
        if self.sources is None:
            return None
        from flopscope.present.provenance import explained

        return explained(self.sources, command_line(), self.page.data, drawn=drawn)


def answered(command: Callable[..., Answer]) -> Callable[..., None]:
    """Make a command of click from a function that takes the command's own options and returns the
    answer."""

    @wraps(command)
    def run(
        format_name: str,
        output_path: str | None,
        plot: Plot | None = None,
        style: Style | None = None,
        bib_path: str | None = None,
        **given: Any,
    ) -> None:
        pictures = {plot.option: plot.path} if plot else {}
        check_apart(output=output_path, **pictures, bib=bib_path)
        asked, format_name = format_name, settle_format(output_path)
        check_shown(style, format_name)
        answer = in_style(command(**given), style)
        if bib_path is not None:
            answer = write_bib(answer, bib_path)
        if answer.content is not None and output_path is not None:
            write_with(output_path, answer.content, answer.made(), answer.beside)
            format_name, output_path = asked, None  # the ending named the form of the content
        if answer.refrains:
            output_path = None
        text = _rendered(answer, format_name, output_path)
        if plot is not None and answer.picture is not None:
            _draw(answer, answer.picture(plot), plot.path)
        _write(answer, text, output_path)
        answer.written()
        if not answer.holds:
            raise click.exceptions.Exit(1)

    return run


def _draw(answer: Answer, picture: Figure, path: str) -> None:
    from flopscope.present.plots.export import drawn, picture_format

    write_with(path, drawn(picture, picture_format(path)), answer.made(drawn=True))


FOR_PEOPLE = ("table", "text")
"""The formats whose lines may be broken."""


def _rendered(answer: Answer, format_name: str, path: str | None) -> str:
    """The answer as text. On standard output it is as wide as people see, and JSON stays exact."""
    if format_name == "json" and _is_printed(path):
        return as_json(answer.text(format_name))
    width = given_width()
    if width is None or not _is_printed(path) or format_name not in FOR_PEOPLE:
        return answer.text(format_name)
    return as_shown(answer.shown(format_name, width), width)


def _is_printed(path: str | None) -> bool:
    return path is None or path == STANDARD_OUTPUT


def _write(answer: Answer, text: str, path: str | None) -> None:
    if path is None or _is_printed(path):
        _print(text)
    else:
        write_with(path, text.encode(), answer.made())
        if answer.told:
            _print(_rendered(answer, "table", None))


def _print(text: str) -> None:
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        raise  # whoever read it has read enough
    except OSError as error:
        raise BadInput(
            f"cannot write to standard output: {error.strerror}; give a file with -o"
        ) from error


def command_line() -> list[str]:
    """The words of the command that is running."""
    words: list[str] = click.get_current_context().obj
    return ["flopscope", *words]


def check_asked_format(formats: Formats) -> None:
    """Raises UnknownName for a --format that these formats lack, before anything is computed."""
    from flopscope.present.render import check_format

    check_format(asked("format_name"), formats)


def asked(option: str) -> Any:
    """The value of an option of the running command, where the command's function does not receive
    it."""
    return click.get_current_context().params.get(option)
