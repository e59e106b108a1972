"""A command's text: its format, and where it goes: stdout, or a file that appears when complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.present.table import Document


@contextmanager
def output(path: str | None) -> Iterator[Callable[[str], None]]:
    """A function that writes a command's whole text. Raises BadInput for a hopeless path."""
    if path is None:
        yield lambda text: click.echo(text, nl=False)
        return
    file = Path(path)
    if file.is_dir() or not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise BadInput(
            f"cannot write '{path}'; give a file in a folder that exists and is writable"
        )
    yield lambda text: _write_whole(file, text)


def rendered(document: Document, format_name: str) -> str:
    """The document as text. Raises UnknownName."""
    from flopscope.present.render import render

    return render(document, format_name)


def check_format(name: str) -> None:
    """Raises UnknownName for a format that tables do not have, before anything is computed."""
    from flopscope.present import render

    render.check_format(name)


def _write_whole(file: Path, text: str) -> None:
    """Write beside the file and rename: a reader sees the old file or the new one, never a part."""
    handle, part = tempfile.mkstemp(dir=file.parent)
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(part, _mode())
        os.replace(part, file)
    except OSError as error:
        os.unlink(part)
        raise BadInput(f"cannot write '{file}': {error.strerror}; give another file") from error


def _mode() -> int:
    """What a new file may be read by; mkstemp makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
