"""Operators that write the elements of a tensor at other places in memory.

A view has no row: `views.py`. Which permutation is a view and which is written out is decided by
who reads it, as in PyTorch: a product of stacks of matrices and a change of shape read elements in
the order of the axes, while norms, functions and convolutions take any order.
"""

from __future__ import annotations

from flopscope.analytic.tape import Feature
from flopscope.facts import Kind, Movement
from flopscope.sizes import Shape, Size


def permuted(x: Feature, *shape: Size, name: str) -> Feature:
    """The elements of x in another order of axes, in which it has this shape.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: permuted(x, 2, 4, 3, 5, name="heads"), (2, 3, 4, 5)).rows[0].output
    (2, 4, 3, 5)
    """
    return x.tape.record(Kind.MOVE, name, (x.view(*shape),), shape, function=Movement.PERMUTE)


def padded(x: Feature, *shape: Size, name: str = "pad") -> Feature:
    """x with further elements at the edges, or without some, so that it has this shape."""
    return x.tape.record(Kind.MOVE, name, (x,), shape, function=Movement.PAD)


def repeated(x: Feature, *shape: Size, name: str = "repeat") -> Feature:
    """x several times along some axes, so that it has this shape."""
    return x.tape.record(Kind.MOVE, name, (x,), shape, function=Movement.REPEAT)


def sliced(x: Feature, *shape: Size, name: str) -> Feature:
    """A part of x that has this shape, written without gaps."""
    return x.tape.record(Kind.MOVE, name, (x.view(*shape),), shape, function=Movement.SLICE)


def gathered(x: Feature, places: Feature, shape: Shape, *, name: str) -> Feature:
    """The elements of x at computed places."""
    return x.tape.record(Kind.MOVE, name, (x, places), shape, function=Movement.GATHER)
