"""Values and tables as short text, for the short forms of objects and for messages."""

from __future__ import annotations

from collections.abc import Sequence, Sized

MOST = 160
"""The most characters of a short form."""


def brief(text: str, most: int = MOST) -> str:
    """The text on one line, cut where it is longer than this.

    >>> brief("a  long\\n text", 8)
    'a long …'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()} …"


def short(of: object, text: str) -> str:
    """The short form of an object: its class and, in brackets, what it is about.

    >>> short(3, "three")
    'int(three)'
    """
    return f"{type(of).__name__}({brief(text)})"


def sizes_text(shape: Sequence[object]) -> str:
    """A shape as text: '(1, 3, 224, 224)', '(B, 8, H - 2, W - 2)'."""
    return f"({', '.join(map(str, shape))})"


def number_of(things: Sized, what: str) -> str:
    """How many things there are, with the word for one of them.

    >>> number_of([7], "row"), number_of([], "row")
    ('1 row', '0 rows')
    """
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def shown(value: object) -> str:
    """A value as a message shows it: as Python writes it, on one line of at most 60 characters.

    >>> shown(None), shown("224"), shown([0] * 99)[-7:]
    ('None', "'224'", ' 0, 0 …')
    """
    return brief(repr(value), 60)


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """Lines of a table, the last `numbers` columns flush right.

    >>> print(aligned(["layer", "MACs"], [["conv", "1,000"], ["fc", "50"]], 1))
    layer   MACs
    conv   1,000
    fc        50
    """
    lines = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    first = len(widths) - numbers
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index >= first else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
