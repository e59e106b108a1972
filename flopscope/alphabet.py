"""The one alphabet for dimensions, used in code, tables, plots and formulas.

It says which symbols there are, how each is written, and which of them are integers."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple


class Dimension(NamedTuple):
    """How a dimension is written in text and LaTeX, what it means, and which numbers it takes.

    A dimension is an integer from 1, or a real number above 0 if it is `real`. `free` says that
    networks of the catalogue have it as a free size, of their inputs or among their options.
    """

    text: str
    latex: str
    meaning: str
    real: bool = False
    free: bool = False


ALPHABET: Mapping[str, Dimension] = {
    "B": Dimension("B", "B", "batch size", free=True),
    "H": Dimension("H", "H", "height of the input", free=True),
    "W": Dimension("W", "W", "width of the input", free=True),
    "C_in": Dimension("C_in", r"C_{\mathrm{in}}", "input channels"),
    "C_out": Dimension("C_out", r"C_{\mathrm{out}}", "output channels"),
    "K": Dimension("K", "K", "kernel size, odd"),
    "S": Dimension("S", "S", "stride"),
    "G": Dimension("G", "G", "groups"),
    "d": Dimension("d", "d", "kernel size of the cheap operation, odd"),
    "s": Dimension("s", "s", "ratio of a Ghost module"),
    "t": Dimension("t", "t", "expansion"),
    "C_se": Dimension("C_se", r"C_{\mathrm{se}}", "squeezed channels"),
    "C_hid": Dimension("C_hid", r"C_{\mathrm{hid}}", "hidden channels"),
    "width": Dimension("α", r"\alpha", "width multiplier", real=True, free=True),
    "depth": Dimension("d", "d", "depth multiplier", real=True, free=True),
    "rho": Dimension("ρ", r"\rho", "resolution multiplier", real=True),
    "R": Dimension("R", "R", "resolution at ρ = 1"),
    "classes": Dimension("classes", r"\mathrm{classes}", "number of classes", free=True),
    "heads": Dimension("h", "h", "heads of attention"),
    "tokens": Dimension("T", "T", "tokens", free=True),
    "prompts": Dimension("P", "P", "points in a prompt", free=True),
    "queries": Dimension("Q", "Q", "prompts for one image", free=True),
}

MULTIPLIERS = frozenset(name for name, dimension in ALPHABET.items() if dimension.real)
"""The names of real numbers. A reader's file may call an integer by one of these names; it is then
written by its name and not by the letter."""

FREE = tuple(name for name, dimension in ALPHABET.items() if dimension.free)
"""The names of the sizes that are free in the catalogue's networks."""

KERNEL_ARGUMENTS = ("*kernel*",)
"""Names of a module's arguments that mean the side of a kernel, which is odd, with * for any
letters: `kernel_size`, `dw_kernel`."""


def is_kernel(argument: str) -> bool:
    """Does the name of an argument say that it is the side of a kernel?

    >>> is_kernel("dw_kernel_size"), is_kernel("groups")
    (True, False)
    """
    return any(fnmatchcase(argument, pattern) for pattern in KERNEL_ARGUMENTS)


def text_of(name: str) -> str:
    """How a symbol is written in text: 'width' is written 'α', and a name outside the alphabet
    stays as it is.

    >>> text_of("width"), text_of("frames")
    ('α', 'frames')
    """
    return ALPHABET[name].text if name in ALPHABET else name
