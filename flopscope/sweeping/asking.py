"""What is kept of a grid, as it is asked: count, histogram:40, top:100, bottom:10, front, all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flopscope.answers.ranges import Range
from flopscope.errors import BadInput, UnknownName
from flopscope.numerals import integer_from
from flopscope.quantities import QUANTITIES

USUAL = {"count": 0, "front": 0, "all": 0, "histogram": 40, "top": 100, "bottom": 100}
"""What can be kept, and how many bins or designs without a number; 0 where no number belongs."""
MOST = 10_000
"""The most bins of a histogram and designs of a list."""


class Keep(NamedTuple):
    """A kind of answer, and how many bins or designs it has."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}" if self.number else self.kind


def parse_keep(text: str) -> Keep:
    """Read 'count' or 'top:100'. Raises UnknownName for another kind, BadInput for what is no
    number of designs or bins.

    >>> str(parse_keep("top:5")), str(parse_keep("histogram"))
    ('top:5', 'histogram:40')
    """
    kind, colon, number = text.partition(":")
    if kind not in USUAL:
        raise UnknownName("part of a sweep to keep", kind, USUAL)
    if not colon:
        return Keep(kind, USUAL[kind])
    read = integer_from(number, 1)
    if not USUAL[kind]:
        raise BadInput(f"--keep {text} has a number, and {kind} takes none; write --keep {kind}")
    if read is None or read > MOST:
        raise BadInput(
            f"--keep {text} does not say how many in 1 to {MOST:,}; write such as --keep {kind}:50"
        )
    return Keep(kind, read)


def check_gains(gains: Sequence[str], axes: Sequence[Range], keep: Keep) -> None:
    """Raises BadInput for gains where no frontier is kept, UnknownName for one that is neither a
    free size nor a quantity."""
    if gains and keep.kind != "front":
        raise BadInput(
            f"--gain says what a frontier has more of, and --keep {keep} keeps none; leave --gain "
            "out, or write --keep front"
        )
    known = [*(axis.name for axis in axes), *QUANTITIES]
    for name in gains:
        if name not in known:
            raise UnknownName("free size or quantity", name, known)
