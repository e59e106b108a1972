"""Operators that read stored tensors alone, and no input."""

from __future__ import annotations

from flopscope.analytic.tape import Feature, Tape
from flopscope.facts import Function, Interpolation, Kind, Weight
from flopscope.sizes import Shape, total


def stored(tape: Tape, weight: Weight, *, name: str) -> None:
    """A tensor that the network holds and no operator reads as a whole: it counts, and costs
    nothing."""
    tape.record(Kind.STORED, name, (), (0,), weights=(weight,))


def resized_table(
    tape: Tape, table: Weight, output: Shape, mode: Interpolation, *, name: str
) -> Feature:
    """A stored map, such as a table of positions, sampled on another grid."""
    return tape.record(Kind.RESIZE, name, (), output, weights=(table,), function=mode)


def looked_up(tape: Tape, table: Shape, index: Shape, output: Shape, *, name: str) -> Feature:
    """Entries of a learnt table at stored positions; no arithmetic.

    >>> from flopscope.analytic.tape import record
    >>> biases = lambda x: looked_up(x.tape, (8, 49), (49, 49), (8, 49, 49), name="bias")
    >>> ledger = record(biases, (1, 1))
    >>> ledger.params().value, ledger.buffers().value
    (392, 2401)
    """
    weights, buffers = (("table", table),), (("index", index),)
    return tape.record(Kind.EMBEDDING, name, (), output, weights=weights, buffers=buffers)


def stored_rows(tape: Tape, tensors: tuple[tuple[str, Shape], ...], *, name: str) -> Feature:
    """Learnt matrices of equal width, one under another."""
    output = (total(shape[0] for _, shape in tensors), tensors[0][1][1])
    return tape.record(Kind.CONCATENATION, name, (), output, weights=tensors)


def function_of_stored(tape: Tape, weight: Weight, function: Function, *, name: str) -> Feature:
    """A function of every element of a stored tensor."""
    return tape.record(
        Kind.ELEMENTWISE, name, (), weight.shape, weights=(weight,), function=function
    )
