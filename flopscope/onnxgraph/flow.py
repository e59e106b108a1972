"""Branches and loops: If, whose branches are compared, and Loop and Scan, step by step.

A branch that is known ahead is taken. If it depends on data and both branches cost the same, that
is its cost; otherwise the cost is unknown, and a note names both. A loop with a known number of
steps is written out. If the number is a free size or large, one step stands for all of them,
provided that each is like the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from onnx import GraphProto, TensorProto

from flopscope.facts import Kind, Operator, Weight
from flopscope.ledger import Ledger
from flopscope.onnxgraph.arithmetic import boxed
from flopscope.onnxgraph.model.files import all_nodes
from flopscope.onnxgraph.rows import GraphRows, Mark
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, Undecided, shape_of
from flopscope.onnxgraph.truths import Open, decided
from flopscope.sizes import Shape, Size, is_symbolic


class Walker(Protocol):
    """What writes rows and walks through bodies."""

    rows: GraphRows

    def enter(self, body: GraphProto, scope: str) -> list[Tensor]:
        """Write a body's nodes in place of the node that holds it. Returns what the body gives."""


# --- If ------------------------------------------------------------------------------------------


def _if(call: NodeCall, walker: Walker) -> bool:
    condition = call.input(0)
    if is_decided(call):
        return _take(call, walker, condition.known_true)
    then, other = (_tried(call, walker, name) for name in ("then_branch", "else_branch"))
    sources = [condition.source, *(t.source for branch in (then, other) for t in branch.given)]
    source = next((s for s in sources if s is not None), None)
    given = [
        a._replace(shape=a.shape if a.shape == b.shape else None, numbers=None, stored=None)
        for a, b in zip(then.given, other.given, strict=True)
    ]
    kind, said = _compared(then, other)
    alike = kind is None and all(tensor.shape is not None for tensor in given)
    if condition.numbers is not None and not alike:  # free sizes decide the condition
        return _take(call, walker, decided(call, condition.numbers.item()))
    if kind is None:
        walker.rows.redo(then.rows, then.after)
        _name(call, walker, [t._replace(source=source) for t in given])
        return True
    if kind is Kind.OTHER:
        walker.rows.extend(row for row in then.rows if _macs(row) != 0)
    shapes = [tensor.shape for tensor in given]
    walker.rows.record(replace(call, op=f"If{said}"), NodeFacts(kind, (condition,)), shapes)
    return True


def _take(call: NodeCall, walker: Walker, truth: bool) -> bool:
    name = "then_branch" if truth else "else_branch"
    _name(call, walker, walker.enter(_body(call, name), f"{call.path}.{name}"))
    return True


class _Branch(NamedTuple):
    """What a branch would write and return, and what would be known after it."""

    rows: Sequence[Operator]
    given: Sequence[Tensor]
    after: Mark


def _tried(call: NodeCall, walker: Walker, name: str) -> _Branch:
    before = walker.rows.mark()
    given = walker.enter(_body(call, name), f"{call.path}.{name}")
    after = walker.rows.mark()
    return _Branch(walker.rows.undo(before), given, after)


def _compared(a: _Branch, b: _Branch) -> tuple[Kind | None, str]:
    """The kind of the row for a choice between two branches, and both costs in words. The kind is
    None if both do the same work, OTHER if they have equal products, else UNKNOWN."""
    if Counter(map(_work, a.rows)) == Counter(map(_work, b.rows)):
        return None, ""
    readings = [Ledger(tuple(branch.rows)).macs() for branch in (a, b)]
    products = [Counter(_work(r) for r in branch.rows if _macs(r) != 0) for branch in (a, b)]
    if all(reading.complete for reading in readings) and products[0] == products[1]:
        return Kind.OTHER, ""
    texts = [f"{'' if m.complete else '≥ '}{_number(m.value)}" for m in readings]
    return Kind.UNKNOWN, f" of {' or '.join(texts)} MACs"


def _macs(row: Operator) -> Size:
    return Ledger((row,)).macs().value


def _number(value: Size) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _work(row: Operator) -> Operator:
    """The row without its names."""
    return row._replace(
        path="", id=0, reads=(), weights=_nameless(row.weights), buffers=_nameless(row.buffers)
    )


def _nameless(weights: Sequence[Weight]) -> tuple[Weight, ...]:
    return tuple(weight._replace(key="") for weight in weights)


def is_decided(call: NodeCall) -> bool:
    """Is the choice known ahead? The other branch is then no part of the network."""
    condition = call.optional(0) if call.op == "If" else None
    if condition is None or condition.numbers is None:
        return False
    return not any(isinstance(truth, Open) for truth in condition.numbers.flat)


# --- Loop and Scan -------------------------------------------------------------------------------


class _Steps(NamedTuple):
    """How a body is run: how often, on which values beside the carried ones, and what it returns.

    `own` gives the values of one step, or with None the values of any step. The values that are
    `carried` come after them in the body's inputs, and after the `first` outputs in its outputs.
    """

    body: GraphProto
    scope: str
    times: Size | None
    own: Callable[[int | None], Sequence[Tensor]]
    carried: Sequence[Tensor]
    first: int
    own_come_first: bool


def _loop(call: NodeCall, walker: Walker) -> bool:
    body = _body(call, "body")
    times, condition = _sole(call.optional(0)), call.optional(1)
    if condition is not None and condition.numbers is None:
        return False
    if condition is not None and not condition.known_true:
        times = 0

    def own(step: int | None) -> list[Tensor]:
        number = None if step is None else boxed(step)
        return [
            Tensor("", (), number, element=TensorProto.INT64),
            Tensor("", (), boxed(True), element=TensorProto.BOOL),
        ]

    carried = [call.input(index) for index in range(2, len(call.inputs))]
    return _run(
        call, walker, _Steps(body, f"{call.path}.body", times, own, carried, 1, True), _stacked
    )


def _stacked(call: NodeCall, tensor: Tensor, times: Size, index: int) -> Shape:
    return (times, *shape_of(tensor))


def _scan(call: NodeCall, walker: Walker) -> bool:
    if call.opset < 9:
        return False
    body, sequences = _body(call, "body"), int(call.attribute("num_scan_inputs"))
    states = len(call.inputs) - sequences
    axes = call.attribute("scan_input_axes", (0,) * sequences)
    read = [call.input(states + n) for n in range(sequences)]
    lengths, slices = [], []
    for tensor, axis in zip(read, axes, strict=True):
        shape = list(shape_of(tensor))
        lengths.append(shape.pop(axis))
        slices.append(tensor._replace(shape=tuple(shape), numbers=None))
    times = lengths[0]
    for length in lengths[1:]:
        times = call.premises.same(times, length, call.path)
    carried = [call.input(index) for index in range(states)]
    steps = _Steps(body, f"{call.path}.body", times, lambda _: slices, carried, 0, False)
    return _run(call, walker, steps, _collected)


def _collected(call: NodeCall, tensor: Tensor, times: Size, index: int) -> Shape:
    shape = list(shape_of(tensor))
    axes = call.attribute("scan_output_axes", ())
    axis = axes[index] if axes else 0
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, times)
    return tuple(shape)


Collect = Callable[[NodeCall, Tensor, Size, int], Shape]


def _run(call: NodeCall, walker: Walker, steps: _Steps, collect: Collect) -> bool:
    """Run the steps. Returns what the call gives: the last carried values, and the others of every
    step together."""
    times, inner = steps.times, sum(1 for _ in all_nodes(steps.body))
    if times is None:
        return False
    if not is_symbolic(times) and walker.rows.room(times * inner):
        done = _written_out(walker, steps, times)
    else:
        done = _repeated(walker, steps, times)
    if done is None:
        return False
    times, given = done
    states = len(steps.carried)
    scans = [
        t._replace(shape=collect(call, t, times, index), numbers=None)
        for index, t in enumerate(given[states:])
    ]
    _name(call, walker, [*given[:states], *scans])
    return True


def _written_out(walker: Walker, steps: _Steps, times: int) -> tuple[Size, Sequence[Tensor]] | None:
    """Write every step by itself, until the body says that a step was the last."""
    carried, given, done = list(steps.carried), None, 0
    for step in range(times):
        given = _step(walker, steps, steps.own(step), carried)
        carried, done = given[steps.first :][: len(carried)], done + 1
        if steps.first and not given[0].known_true:
            if given[0].numbers is None:
                return None
            break
    if given is None:
        return None if len(steps.body.output) > steps.first + len(carried) else (0, carried)
    return done, given[steps.first :]


def _repeated(walker: Walker, steps: _Steps, times: Size) -> tuple[Size, Sequence[Tensor]] | None:
    """Write one step for all of them. No step may change the shapes of carried values."""
    carried = [walker.rows.as_data(tensor) for tensor in steps.carried]
    before = walker.rows.mark()
    given = _step(walker, steps, steps.own(None), carried)
    after = given[steps.first :][: len(carried)]
    if steps.first and not given[0].known_true:
        return None
    if any(a.shape is None or a.shape != b.shape for a, b in zip(carried, after, strict=True)):
        return None
    walker.rows.repeat(before, times)
    unknown = [t._replace(numbers=None) for t in given[steps.first :]]
    return times, [walker.rows.as_data(t) for t in unknown]


def _step(
    walker: Walker, steps: _Steps, own: Sequence[Tensor], carried: Sequence[Tensor]
) -> list[Tensor]:
    values = [*own, *carried] if steps.own_come_first else [*carried, *own]
    for value, tensor in zip(steps.body.input, values, strict=True):
        walker.rows.tensors[value.name] = tensor._replace(name=value.name)
    return walker.enter(steps.body, steps.scope)


# --- what they share -----------------------------------------------------------------------------


def _body(call: NodeCall, name: str) -> GraphProto:
    body = call.attribute(name)
    if not isinstance(body, GraphProto):
        raise Undecided
    return body


def _name(call: NodeCall, walker: Walker, tensors: Sequence[Tensor]) -> None:
    for name, tensor in zip(call.outputs, tensors, strict=False):
        walker.rows.tensors[name] = tensor._replace(name=name)


def _sole(tensor: Tensor | None) -> Any:
    """The one number of a tensor; None if it is not known."""
    if tensor is None or tensor.numbers is None or tensor.numbers.size != 1:
        return None
    return tensor.numbers.item()


FLOW: Mapping[str, Callable[[NodeCall, Walker], bool]] = {"If": _if, "Loop": _loop, "Scan": _scan}
"""The function that writes the rows of each operator. It returns False for a use that it does not
know."""
