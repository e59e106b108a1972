"""A command's text: its format, and where it goes: stdout, or a file that appears when complete."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from flopscope.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.present.table import Document


@contextmanager
def output(path: str | None) -> Iterator[Callable[[str], None]]:
    """A function that writes a command's whole text. Raises BadInput for a hopeless path."""
    if path is None:
        yield lambda text: click.echo(text, nl=False)
        return
    file = _writable(path)
    yield lambda text: _write_whole({file: text.encode()})


Export: TypeAlias = Callable[[str, Callable[[], dict[str, Any]]], None]
"""Writes a table's text, and beside a file what the function says of how it is made."""


@contextmanager
def exported(path: str | None) -> Iterator[Export]:
    """As `output`, for a table; what makes it again goes to <path>.json: both files or neither."""
    if path is None:
        yield lambda text, made: click.echo(text, nl=False)
        return
    file, beside = _writable(path), _writable(f"{path}.json")

    def write(text: str, made: Callable[[], dict[str, Any]]) -> None:
        _write_whole({file: text.encode(), beside: _json(made())})

    yield write


def check_picture(path: str | None) -> None:
    """Raises BadInput for a path where no picture can be written, for another ending than .png,
    .svg and .pdf, and where matplotlib is missing: before anything is computed."""
    if path is not None:
        from flopscope.extras import require_plots
        from flopscope.present.plots.export import picture_format

        picture_format(path)
        for file in (path, f"{path}.json"):
            _writable(file)
        require_plots()


def write_picture(path: str, figure: Figure, made: dict[str, Any]) -> None:
    """Write a figure, and in <path>.json what makes it again: both or neither."""
    from flopscope.present.plots.export import drawn, picture_format

    image = drawn(figure, picture_format(path))
    _write_whole({Path(path): image, Path(f"{path}.json"): _json(made)})


def _json(made: dict[str, Any]) -> bytes:
    return (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()


def command_line() -> list[str]:
    """The words of the command that is running."""
    words: list[str] = click.get_current_context().obj
    return ["flopscope", *words]


def _writable(path: str) -> Path:
    """The path as a file that can be written. Raises BadInput."""
    file = Path(path)
    if file.is_dir() or not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise BadInput(
            f"cannot write '{path}'; give a file in a folder that exists and is writable"
        )
    return file


def rendered(document: Document, format_name: str) -> str:
    """The document as text. Raises UnknownName."""
    from flopscope.present.render import render

    return render(document, format_name)


def check_format(name: str) -> None:
    """Raises UnknownName for a format that tables do not have, before anything is computed."""
    from flopscope.present import render

    render.check_format(name)


def _write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write beside the files and rename: a reader sees the old files or the new, never a part."""
    parts: dict[Path, str] = {}
    try:
        for file, content in contents.items():
            handle, parts[file] = tempfile.mkstemp(dir=file.parent)
            with open(handle, "wb") as stream:
                stream.write(content)
            os.chmod(parts[file], _mode())
        for file in contents:
            os.replace(parts[file], file)
            del parts[file]
    except OSError as error:
        raise BadInput(f"cannot write '{file}': {error.strerror}; give another file") from error
    finally:
        for part in parts.values():
            os.unlink(part)


def _mode() -> int:
    """What a new file may be read by; mkstemp makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
