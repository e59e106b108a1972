"""A network's rows with other numbers of channels: numbers give the counts of the pruned network,
symbols give formulas in the widths that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flopscope.answers.prune.channels import Axis, Groups
from flopscope.facts import Operator, Weight
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, Size, product


def at_widths(ledger: Ledger, groups: Groups, widths: Mapping[int, Size]) -> Ledger:
    """The ledger in which the groups of these numbers have so many channels, and the others all of
    theirs. Widths are numbers or symbols."""
    rows = tuple(_row(row, groups, widths) for row in ledger.rows)
    return Ledger(rows, ledger.conditions)


def _row(row: Operator, groups: Groups, widths: Mapping[int, Size]) -> Operator:
    axes = groups.inputs.get(row.id, (None,) * len(row.inputs))
    inputs = tuple(_shape(s, [axis], widths) for s, axis in zip(row.inputs, axes, strict=True))
    output = _shape(row.output, [groups.outputs.get(row.id)], widths)
    depth = _depth(row, axes, widths)
    return row._replace(
        inputs=inputs,
        output=output,
        weights=_weights(row.weights, groups, widths),
        buffers=_weights(row.buffers, groups, widths),
        groups=row.groups if depth is None else depth,
    )


def _depth(row: Operator, axes: Sequence[Axis | None], widths: Mapping[int, Size]) -> Size | None:
    """The groups of a depthwise convolution, which are its channels; None for another row."""
    taken = axes[0] if axes else None
    if row.window is None or taken is None or row.groups == 1 or taken.group not in widths:
        return None
    return product((widths[taken.group], taken.each))


def _weights(
    weights: Sequence[Weight], groups: Groups, widths: Mapping[int, Size]
) -> tuple[Weight, ...]:
    return tuple(
        weight._replace(shape=_shape(weight.shape, groups.weights.get(weight.key, ()), widths))
        for weight in weights
    )


def _shape(shape: Shape, axes: Sequence[Axis | None], widths: Mapping[int, Size]) -> Shape:
    sizes = list(shape)
    for axis in axes:
        if axis is not None and axis.group in widths and sizes[axis.axis] != 1:
            sizes[axis.axis] = product((widths[axis.group], axis.each))
    return tuple(sizes)
