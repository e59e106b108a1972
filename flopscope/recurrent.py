"""What one step of a recurrent layer does: its gates, and its acts on vectors.

A step multiplies its input and its state by one matrix each, for all gates at once. The acts that
follow are on vectors of the hidden width, in the order of the equations.
"""

from __future__ import annotations

from typing import NamedTuple

from flopscope.facts import Function, Kind


class RecurrentCell(NamedTuple):
    """The number of gates, and the acts after the two products."""

    gates: int
    acts: tuple[Kind | Function, ...]


LSTM = RecurrentCell(
    4,
    (
        *[Kind.ADD] * 4,
        *[Function.SIGMOID] * 3,
        Function.TANH,
        *(Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD, Function.TANH, Kind.MULTIPLY),
    ),
)
"""Gates i, f, o and a candidate g; c' = f·c + i·g; h' = o·tanh(c')."""

GRU = RecurrentCell(
    3,
    (
        *[Kind.ADD] * 2,
        *[Function.SIGMOID] * 2,
        *(Kind.MULTIPLY, Kind.ADD, Function.TANH),
        *(Kind.ADD, Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD),
    ),
)
"""Gates r and z; n = tanh(x + r·h), with the product by r before or after the matrix;
h' = (1 − z)·n + z·h."""


def ungated(function: Function) -> RecurrentCell:
    """The step of a layer without gates: h' = function(x + h)."""
    return RecurrentCell(1, (Kind.ADD, function))
