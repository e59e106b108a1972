"""Counts over rows: parameters, work under a convention, and activations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from flopscope.conventions import CONVENTIONS, MULTIPLYING, Convention
from flopscope.conventions import convention as convention_named
from flopscope.facts import Kind, Operator, Weight
from flopscope.readings.reading import Reading
from flopscope.sizes import Size, elements, product, scaled, total

CONVOLUTIONS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.DEFORMABLE_CONVOLUTION)


def params(rows: Sequence[Operator]) -> Reading:
    """Parameters, frozen ones included. A tensor that several rows share (one key) counts once."""
    learnt = ((row, w) for row in rows for w in row.weights if w.learnt)
    return Reading(_stored(learnt), "parameters")


def active_params(rows: Sequence[Operator]) -> Reading:
    """Parameters that one token uses; of experts, as many as a token is sent to.

    >>> expert = Weight("w", (8, 6, 4), share=Fraction(2, 8))
    >>> active_params([Operator(Kind.EMBEDDING, "", ((5, 2),), (5, 2, 6, 4), (expert,))]).value
    48
    """
    shares: dict[str, Fraction] = {}
    for row in rows:
        for weight in row.weights:
            shares[weight.key] = min(weight.share, shares.get(weight.key, Fraction(1)))
    used = {
        weight.key: product((scaled(elements(weight.shape), row.repeat), shares[weight.key]))
        for row in rows
        for weight in row.weights
        if weight.learnt
    }
    found = total(used.values())
    whole = isinstance(found, Fraction) and found.denominator == 1
    return Reading(int(found) if whole else found, "parameters", "active")


def trainable(rows: Sequence[Operator]) -> Reading:
    """Parameters that are not frozen, which a training step changes."""
    learnt = ((row, w) for row in rows for w in row.weights if w.learnt and not w.frozen)
    return Reading(_stored(learnt), "parameters")


def buffers(rows: Sequence[Operator]) -> Reading:
    """Elements stored with the weights but not learnt: batch norm's running mean and variance."""
    constant = ((row, w) for row in rows for w in row.weights if w.key and not w.learnt)
    stored = ((row, w) for row in rows for w in row.buffers)
    return Reading(_stored((*constant, *stored)), "buffer elements")


def macs(rows: Sequence[Operator]) -> Reading:
    """Multiply-accumulates of convolution, linear and matmul (convention `macs`)."""
    return flops(rows, "macs")


def flops(rows: Sequence[Operator], convention: str) -> Reading:
    """Work under the named convention, in that convention's own unit.

    Raises UnknownName for a convention that is not in the table. A row whose kind is unknown to the
    convention makes the reading a lower bound, and `missing` names it.
    """
    counting = convention_named(convention)
    value = total(scaled(counting.count(row), row.repeat) for row in rows)
    return Reading(value, counting.unit, counting.name, _unknown(rows, counting))


def activations(rows: Sequence[Operator], *, convolutions_only: bool = False) -> Reading:
    """Elements of the outputs of convolution, linear and matmul: fvcore's ActivationCountAnalysis.

    With `convolutions_only`, of convolutions alone, as the RegNet paper counts (arXiv 2003.13678,
    section 3.2: "the size of the output tensors of all conv layers"). Outputs in the backward pass
    are gradients and are not counted.
    """
    kinds = CONVOLUTIONS if convolutions_only else MULTIPLYING
    counted = [row for row in rows if row.kind in kinds and not row.backward]
    value = total(scaled(elements(row.output), row.repeat) for row in counted)
    name, missing = "conv" if convolutions_only else "fvcore", _unknown(rows, CONVENTIONS["macs"])
    return Reading(value, "elements", name, missing)


def _unknown(rows: Sequence[Operator], counting: Convention) -> tuple[str, ...]:
    return tuple(row.path for row in rows if not counting.knows(row))


def _stored(weights: Iterable[tuple[Operator, Weight]]) -> Size:
    distinct = {weight.key: scaled(elements(weight.shape), row.repeat) for row, weight in weights}
    return total(distinct.values())
