"""Operators on single elements, and operators that put tensors together or reduce groups of
elements."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Kind, Reduction, Weight
from flopscope.sizes import Shape, Size, elements, equal, total


def activation(x: Feature, function: Function, *, name: str = "act") -> Feature:
    """An element-wise function, as networks write it between layers."""
    return x.tape.record(Kind.ACTIVATION, name, (x,), x.shape, function=function)


def elementwise(x: Feature, function: Function, *, name: str) -> Feature:
    """An element-wise function that is not the activation of a layer."""
    return x.tape.record(Kind.ELEMENTWISE, name, (x,), x.shape, function=function)


def add(x: Feature, y: Feature, *, name: str = "add") -> Feature:
    """x + y, equal shapes."""
    return x.tape.record(Kind.ADD, name, (x, y), y.shape)


def add_broadcast(x: Feature, y: Feature, *, name: str) -> Feature:
    """x + y, y broadcast to the shape of x: a mask, or positions that every image has."""
    return x.tape.record(Kind.ADD, name, (x, y), x.shape)


def shortcut(x: Feature, y: Feature, *, name: str = "add") -> Feature:
    """x + y where both have as many channels, y alone otherwise.

    Rounded widths may coincide at some width multipliers only: for arrays and symbols the row has
    the multiplicity [C_x = C_y], which is 1 or 0.
    """
    same = equal(x.channels, y.channels)
    if isinstance(same, int):
        return add(x, y, name=name) if same else y
    with x.tape.scope(name, repeat=same):
        return add(Feature(x.tape, y.shape, x.source), y, name=name)


def multiply(x: Feature, gate: Feature, *, name: str = "mul") -> Feature:
    """x · gate, the gate broadcast to the shape of x."""
    return x.tape.record(Kind.MULTIPLY, name, (x, gate), x.shape)


def divide(x: Feature, y: Feature, *, name: str = "div") -> Feature:
    """x / y, equal shapes."""
    return x.tape.record(Kind.DIVIDE, name, (x, y), x.shape)


def with_number(x: Feature, kind: Kind, *, name: str) -> Feature:
    """Every element and one number: added, multiplied, divided or compared, as the kind says."""
    return x.tape.record(kind, name, (x,), x.shape)


def with_stored(
    x: Feature,
    kind: Kind,
    tensor: tuple[str, Shape],
    *,
    learnt: bool = True,
    output: Shape | None = None,
    name: str,
) -> Feature:
    """x and a stored tensor: added, multiplied or divided element by element, as the kind says.

    The smaller is broadcast to the larger; `output` is the shape where that is not x's.
    """
    weights, buffers = ((tensor,), ()) if learnt else ((), (tensor,))
    shape = x.shape if output is None else output
    return x.tape.record(kind, name, (x,), shape, weights=weights, buffers=buffers)


def scale(x: Feature, weight: Shape, *, name: str = "scale") -> Feature:
    """x times a learnt tensor of shape `weight`, broadcast to x's: (C, 1, 1) is a factor a channel.

    One multiplication an output element, no multiply-accumulate: arXiv 2103.17239, section 2.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: scale(x, (8, 1, 1)), (1, 8, 7, 7))
    >>> ledger.params().value, ledger.macs().value
    (8, 0)
    """
    return with_stored(x, Kind.MULTIPLY, ("weight", weight), name=name)


def concatenate(
    parts: Sequence[Feature], *, axis: int = 1, first: Weight | None = None, name: str = "cat"
) -> Feature:
    """Tensors one behind another along an axis, that of channels unless told; `first` is a stored
    tensor before them.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: concatenate([x, x], axis=-1), (2, 3, 5)).rows[0].output
    (2, 3, 10)
    """
    shapes = [part.shape for part in parts] + ([first.shape] if first else [])
    output = list(parts[0].shape)
    output[axis] = total(shape[axis] for shape in shapes)
    weights = (first,) if first else ()
    record = parts[0].tape.record
    return record(Kind.CONCATENATION, name, tuple(parts), tuple(output), weights=weights)


def stack(parts: Sequence[Feature], axis: int, *, name: str) -> Feature:
    """Tensors of one shape side by side along a new axis, which stands there in the result.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: stack([x, x], 2, name="both"), (2, 3, 5)).rows[0].output
    (2, 3, 2, 5)
    """
    shape = parts[0].shape
    output = (*shape[:axis], len(parts), *shape[axis:])
    return parts[0].tape.record(Kind.CONCATENATION, name, tuple(parts), output)


def reduce(
    x: Feature, output: Shape, function: Reduction, *, groups: Size | None = None, name: str
) -> Feature:
    """Groups of elements, each of them one number: as many groups as the output has elements,
    unless told.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: reduce(x, (2, 5), Reduction.MEAN, name="pool"), (2, 3, 5)).rows[0].groups
    10
    """
    groups = elements(output) if groups is None else groups
    return x.tape.record(Kind.REDUCTION, name, (x,), output, groups=groups, function=function)
