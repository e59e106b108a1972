"""Standard output and standard error, whatever their encoding and width."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

LEAST = 40
"""Nothing is laid out for a terminal that is narrower."""


class Spelled:
    """A stream that writes ASCII for the signs that its encoding lacks."""

    encoding = "utf-8"
    """What may be written to it. click would write UTF-8 past a stream that says ASCII."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text that has any signs."""
        return self.stream.write(self.spell(text))

    def spell(self, text: str) -> str:
        """The text as it is written."""
        from flopscope.present.spelling import spelled

        return text if text.isascii() else spelled(text, self.stream.encoding)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def spelled_streams() -> Iterator[None]:
    """While active, standard output and standard error take any sign."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_spelled, before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _spelled(stream: Any) -> Any:
    return stream if getattr(stream, "encoding", None) is None else Spelled(stream)


def as_shown(text: str, width: int) -> str:
    """The text as standard output shows it to people, in lines of this width at most."""
    from flopscope.present.spelling import fitted

    spell = sys.stdout.spell if isinstance(sys.stdout, Spelled) else str
    return fitted(spell(text), width)


def as_json(text: str) -> str:
    """JSON as standard output can take it, which a program reads as the same strings."""
    from flopscope.present.spelling import escaped

    stream: Any = sys.stdout
    return escaped(text, stream.stream.encoding) if isinstance(stream, Spelled) else text


def given_width() -> int | None:
    """The columns that COLUMNS or the terminal gives; None for a pipe or a file."""
    on_a_terminal = sys.stdout is not None and sys.stdout.isatty()  # None where it is closed
    if on_a_terminal or os.environ.get("COLUMNS", "").isdecimal():
        import shutil

        return max(shutil.get_terminal_size().columns, LEAST)
    return None
