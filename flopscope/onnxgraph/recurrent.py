"""LSTM, GRU and RNN as rows: all steps of a layer together, both directions too.

A step multiplies its input and its state by one matrix each; over T steps that is two linear layers
on T·B positions, whether they can run at once or not. Then come what a step does with vectors of
the hidden width, as ONNX's operator specifications write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.facts import Function, Kind
from flopscope.onnxgraph.tensors import Call, Tensor, Undecided
from flopscope.sizes import Shape


class Cell(NamedTuple):
    """Gates, their default functions, and what follows the two products."""

    gates: int
    activations: tuple[str, ...]
    steps: tuple[Kind | Function, ...]


CELLS: Mapping[str, Cell] = {
    # i, o, f, c; C = f·C + i·c; H = o·tanh(C)
    "LSTM": Cell(
        4,
        ("Sigmoid", "Tanh", "Tanh"),
        (
            *[Kind.ADD] * 4,
            *[Function.SIGMOID] * 3,
            Function.TANH,
            *(Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD, Function.TANH, Kind.MULTIPLY),
        ),
    ),
    # z, r; h = tanh(x + r·h), the product with r before or after the matrix; H = (1 − z)·h + z·H
    "GRU": Cell(
        3,
        ("Sigmoid", "Tanh"),
        (
            *[Kind.ADD] * 2,
            *[Function.SIGMOID] * 2,
            *(Kind.MULTIPLY, Kind.ADD, Function.TANH),
            *(Kind.ADD, Kind.MULTIPLY, Kind.MULTIPLY, Kind.ADD),
        ),
    ),
    "RNN": Cell(1, ("Tanh",), (Kind.ADD, Function.TANH)),
}
"""By operator."""


class Link(NamedTuple):
    """One row of a chain, which reads what the row before it writes."""

    kind: Kind
    input: Shape
    output: Shape
    weights: tuple[Tensor | None, ...] = ()
    function: Function | None = None


def chain_of(call: Call) -> list[Link] | None:
    """The layer's rows in order, or None for a use that is not known.

    Input (T, B, in), weights (directions, gates·hidden, in) and (directions, gates·hidden, hidden),
    bias (directions, 2·gates·hidden): both products add one half of it.
    """
    try:
        return _chain(call, CELLS[call.op])
    except Undecided:
        return None


def _chain(call: Call, cell: Cell) -> list[Link] | None:
    steps = _steps(call, cell)
    from_input, from_state, bias = call.input(1), call.input(2), call.optional(3)
    if steps is None or not from_input.stored or not from_state.stored:
        return None
    time, batch, width = call.shape(0)
    directions, _, hidden = call.shape(2)
    call.premises.same(width, call.shape(1)[-1], call.path)
    both = directions * hidden
    sums = (time, batch, cell.gates * both)
    links = [
        Link(Kind.LINEAR, (time, batch, n), sums, (_matrix(weight), bias))
        for n, weight in ((width, from_input), (both, from_state))
    ]
    out = (time, batch, both)
    for step in steps:
        kind = step if isinstance(step, Kind) else Kind.ACTIVATION
        function = step if isinstance(step, Function) else None
        links.append(Link(kind, out, out, function=function))
    return links


def shapes_of_layer(call: Call) -> list[Shape]:
    """Outputs of all steps (T, directions, B, hidden), and the last states."""
    if call.attribute("layout", 0):
        raise Undecided
    time, batch, _ = call.shape(0)
    directions, _, hidden = call.shape(2)
    state = (directions, batch, hidden)
    return [(time, *state), *[state] * (len(call.outputs) - 1)]


def _steps(call: Call, cell: Cell) -> tuple[Kind | Function, ...] | None:
    """None for sequences of their own length each, peepholes, and functions of one's own."""
    own = any(call.attribute(name) for name in ("clip", "input_forget", "layout"))
    directions = call.shape(2)[0]
    if own or call.optional(4) or call.optional(7) or directions not in (1, 2):
        return None
    functions = tuple(call.attribute("activations", cell.activations * directions))
    if call.op == "RNN" and functions == ("Relu",) * directions:
        return (Kind.ADD, Function.RELU)
    return cell.steps if functions == cell.activations * directions else None


def _matrix(weight: Tensor) -> Tensor:
    """The matrices of all directions on top of each other."""
    if weight.shape is None:
        raise Undecided
    directions, rows, columns = weight.shape
    return weight._replace(shape=(directions * rows, columns))
