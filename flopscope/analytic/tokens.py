"""Sequences of tokens: what attention is written with.

A map is (B, C, H, W), its tokens (B, N, C) with N = H·W, the heads of a projection (B, h, N, d).
Views of one tensor leave no row.
"""

from __future__ import annotations

from flopscope.analytic.operators import matmul
from flopscope.analytic.tape import Feature
from flopscope.facts import Kind, Reduction
from flopscope.sizes import Shape, Size, elements


def seen_as(x: Feature, *shape: Size) -> Feature:
    """Another view of the same tensor, no row.

    >>> from flopscope.analytic.tape import Tape
    >>> seen_as(Feature(Tape(), (2, 32, 7, 7)), 2, 49, 32).shape
    (2, 49, 32)
    """
    return Feature(x.tape, shape, x.source)


def scores(q: Feature, k: Feature, *, name: str = "scores") -> Feature:
    """q·kᵀ of every head: (B, h, N, d) twice → (B, h, N, N), N²·d multiply-accumulates a head."""
    stack, n, d = q.shape[0] * q.shape[1], q.shape[2], q.shape[3]
    product = matmul(seen_as(q, stack, n, d), seen_as(k, stack, d, n), name=name)
    return seen_as(product, *q.shape[:3], n)


def weighted(attention: Feature, v: Feature, *, name: str = "values") -> Feature:
    """Sums of values: (B, h, N, N) and (B, h, N, d) → (B, h, N, d), N²·d a head."""
    stack, n, d = v.shape[0] * v.shape[1], v.shape[2], v.shape[3]
    product = matmul(seen_as(attention, stack, n, n), seen_as(v, stack, n, d), name=name)
    return seen_as(product, *v.shape)


def times_number(x: Feature, *, name: str = "scale") -> Feature:
    """x times a constant: one multiplication an element."""
    return x.tape.record(Kind.MULTIPLY, name, (x,), x.shape)


def over_number(x: Feature, *, name: str = "divide") -> Feature:
    """x over a constant: one division an element."""
    return x.tape.record(Kind.DIVIDE, name, (x,), x.shape)


def token_mean(x: Feature, *, name: str = "pool") -> Feature:
    """Mean over the tokens: (B, N, C) → (B, C)."""
    output = (x.batch, x.shape[-1])
    return x.tape.record(
        Kind.REDUCTION, name, (x,), output, groups=elements(output), function=Reduction.MEAN
    )


def looked_up(x: Feature, table: Shape, index: Shape, output: Shape, *, name: str) -> Feature:
    """Entries of a learnt table at stored positions, for x to be added to; no arithmetic.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: looked_up(x, (8, 49), (49, 49), (8, 49, 49), name="bias"), (1, 1))
    >>> ledger.params().value, ledger.buffers().value
    (392, 2401)
    """
    stored = ("table", table), ("index", index)
    return x.tape.record(Kind.EMBEDDING, name, (), output, weights=stored[:1], buffers=stored[1:])
