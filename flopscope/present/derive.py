"""A derivation as a page of formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flopscope.answers.derive import Derivation
from flopscope.closedform import Formula
from flopscope.present.formula import FormulaPage

OF_INPUTS = frozenset({"B", "H", "W", "width"})
"""The letters that the page explains; any other letter is the reader's own."""


def derivation_page(found: Derivation) -> FormulaPage:
    """The pieces one after the other. The name of each formula says to which piece it belongs."""
    inputs = " and ".join(_shape(shape) for shape in found.inputs)
    formulas = [
        _named(found, number, quantity, formula)
        for number, piece in enumerate(found.pieces, start=1)
        for quantity, formula in piece.formulas.items()
    ]
    title = f"derived from its code, on an input of {inputs}" if inputs else "from its code"
    return FormulaPage(found.target, title, formulas, found.notes, OF_INPUTS)


def _named(found: Derivation, number: int, quantity: str, formula: Formula) -> Formula:
    name = f"{found.target} {quantity}"
    if len(found.pieces) > 1:
        name += f", piece {number} of {len(found.pieces)}"
    return replace(formula, name=name)


def _shape(shape: Any) -> str:
    return "×".join(map(str, shape)) if isinstance(shape, tuple) else str(shape)
