"""LSTM, GRU and RNN as rows, with all steps and both directions of a layer together.

A step multiplies its input and its state by one matrix each. Over T steps these are two linear
layers on T·B positions, whether or not the steps can run at once. Then come the acts of a step on
vectors of the hidden width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from flopscope.facts import Function, Kind
from flopscope.onnxgraph.tensors import NodeCall, Tensor, Undecided, shape_of
from flopscope.recurrent import GRU, LSTM, RecurrentCell, ungated
from flopscope.sizes import Shape, Size


class RecurrentOperator(NamedTuple):
    """What a step does, and its default functions, those of the gates first."""

    cell: RecurrentCell
    activations: tuple[str, ...]


RECURRENT: Mapping[str, RecurrentOperator] = {
    "LSTM": RecurrentOperator(LSTM, ("Sigmoid", "Tanh", "Tanh")),
    "GRU": RecurrentOperator(GRU, ("Sigmoid", "Tanh")),
    "RNN": RecurrentOperator(ungated(Function.TANH), ("Tanh",)),
}
"""By operator."""


class Link(NamedTuple):
    """One row of a chain, which reads what the row before it writes."""

    kind: Kind
    input: Shape
    output: Shape
    weights: tuple[Tensor | None, ...] = ()
    function: Function | None = None


class _Layer(NamedTuple):
    """The sizes of a layer, for all steps and sequences and both directions together."""

    time: Size
    batch: Size
    width: Size
    both: Size
    directions: int


def chain_of(call: NodeCall) -> list[Link] | None:
    """The layer's rows in order, or None for a use that is not known.

    Input (T, B, in), weights (directions, gates·hidden, in) and (directions, gates·hidden, hidden),
    bias (directions, 2·gates·hidden): each product adds one half of it. Weights that the graph
    computes from stored ones, by reordering the gates, count in the same way.
    """
    try:
        layer = _layer(call)
        return None if layer is None else _chain(call, RECURRENT[call.op], layer)
    except Undecided:
        return None


def _layer(call: NodeCall) -> _Layer | None:
    """The sizes of the layer; None if its sequences have different lengths."""
    directions, _, hidden = call.shape(2)
    if directions not in (1, 2) or call.shape(1)[0] != directions:
        return None
    time, batch, width = call.shape(0)
    if call.attribute("layout", 0):
        time, batch = batch, time
    if not _is_full(call.optional(4), time):
        return None
    call.premises.same(width, call.shape(1)[-1], call.path)
    return _Layer(time, batch, width, directions * hidden, directions)


def _is_full(lengths: Tensor | None, time: Size) -> bool:
    """Is every sequence as long as the input?"""
    if lengths is None:
        return True
    return lengths.numbers is not None and all(n == time for n in lengths.numbers.flat)


def _chain(call: NodeCall, operator: RecurrentOperator, layer: _Layer) -> list[Link]:
    from_input, from_state, bias = call.input(1), call.input(2), call.optional(3)
    time, batch, both = layer.time, layer.batch, layer.both
    sums = (time, batch, operator.cell.gates * both)
    links = [
        Link(Kind.LINEAR, (time, batch, n), sums, (_matrix(weight), bias))
        for n, weight in ((layer.width, from_input), (both, from_state))
    ]
    out = (time, batch, both)
    if (peepholes := call.optional(7)) is not None:
        looked = (time, batch, 3 * both)
        links.append(Link(Kind.MULTIPLY, looked, looked, (peepholes,)))
        links.append(Link(Kind.ADD, looked, looked))
    steps = _steps(call, operator, layer.directions)
    if steps is None:
        return [*links, Link(Kind.OTHER, sums, out)]
    for step in steps:
        kind = step if isinstance(step, Kind) else Kind.ACTIVATION
        function = step if isinstance(step, Function) else None
        if function is Function.CLAMP:
            kind = Kind.ELEMENTWISE
        links.append(Link(kind, out, out, function=function))
    return links


def shapes_of_layer(call: NodeCall) -> list[Shape]:
    """The shapes of the outputs of all steps (T, directions, B, hidden), and of the last states,
    with the batch first if the layout says so."""
    first, second, _ = call.shape(0)
    directions, _, hidden = call.shape(2)
    if call.attribute("layout", 0):
        state: Shape = (first, directions, hidden)
        return [(first, second, directions, hidden), *[state] * (len(call.outputs) - 1)]
    state = (directions, second, hidden)
    return [(first, *state), *[state] * (len(call.outputs) - 1)]


FUNCTIONS: Mapping[str, Function] = {
    "Relu": Function.RELU,
    "Tanh": Function.TANH,
    "Sigmoid": Function.SIGMOID,
    "LeakyRelu": Function.LEAKY_RELU,
    "Elu": Function.ELU,
    "Softplus": Function.SOFTPLUS,
}
"""The functions that a layer may name instead of its default ones."""


def _steps(
    call: NodeCall, operator: RecurrentOperator, directions: int
) -> Sequence[Kind | Function] | None:
    """The acts of a step on vectors of the hidden width, in order. None if they are not stated: for
    coupled gates, and for functions that are not in the table or that differ between directions.
    """
    usual = operator.activations
    named = tuple(call.attribute("activations", usual * directions))
    mine = named[: len(usual)]
    if call.attribute("input_forget", 0) or named != mine * directions:
        return None
    if any(name not in FUNCTIONS for name in mine):
        return None
    steps: list[Kind | Function] = []
    used = iter(_in_order(operator, mine))
    for step in operator.cell.acts:
        if isinstance(step, Function):
            steps += [Function.CLAMP] if call.attribute("clip", 0.0) else []
            step = FUNCTIONS[next(used)]
        steps.append(step)
    return steps


def _in_order(operator: RecurrentOperator, names: Sequence[str]) -> Iterator[str]:
    """The names of the functions as the steps need them: those of the gates first, each as often as
    the default one."""
    gates = [step for step in operator.cell.acts if step is Function.SIGMOID]
    yield from [names[0]] * len(gates)
    yield from names[min(1, len(gates)) :]


def _matrix(weight: Tensor) -> Tensor:
    """The matrices of all directions, one below the other."""
    directions, rows, columns = shape_of(weight)
    return weight._replace(shape=(directions * rows, columns))
