"""The one alphabet for dimensions, used in code, tables, plots and formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Dimension(NamedTuple):
    """How a dimension is written in text and LaTeX, and what it means."""

    text: str
    latex: str
    meaning: str


ALPHABET: Mapping[str, Dimension] = {
    "B": Dimension("B", "B", "batch size"),
    "H": Dimension("H", "H", "height of the input"),
    "W": Dimension("W", "W", "width of the input"),
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
    "width": Dimension("α", r"\alpha", "width multiplier"),
    "depth": Dimension("d", "d", "depth multiplier"),
    "rho": Dimension("ρ", r"\rho", "resolution multiplier"),
    "R": Dimension("R", "R", "resolution at ρ = 1"),
    "classes": Dimension("classes", r"\mathrm{classes}", "number of classes"),
    "heads": Dimension("h", "h", "heads of attention"),
    "tokens": Dimension("T", "T", "tokens"),
    "prompts": Dimension("P", "P", "points of a prompt"),
    "queries": Dimension("Q", "Q", "prompts asked of one image"),
}

MULTIPLIERS = frozenset({"width", "depth", "rho"})
"""Names of real numbers. A size of one of these names is an integer, and written by its name."""


def text_of(name: str) -> str:
    """How a symbol is written in text: 'width' as 'α'; a name outside the alphabet as itself.

    >>> text_of("width"), text_of("frames")
    ('α', 'frames')
    """
    return ALPHABET[name].text if name in ALPHABET else name
