"""Sequences of tokens, (B, N, C): what hybrids do with them beside attention."""

from __future__ import annotations

from flopscope.analytic.tape import Feature
from flopscope.facts import Kind, Reduction
from flopscope.sizes import Shape, Size, elements


def token_mean(x: Feature, *, name: str = "pool") -> Feature:
    """Mean over the tokens: (B, N, C) → (B, C)."""
    output = (x.batch, x.shape[-1])
    return x.tape.record(
        Kind.REDUCTION, name, (x,), output, groups=elements(output), function=Reduction.MEAN
    )


def halved(x: Feature, *, name: str = "halve") -> Feature:
    """x over a constant: one division an element."""
    return x.tape.record(Kind.DIVIDE, name, (x,), x.shape)


def projected(x: Feature, features: Size, *, name: str = "projection") -> Feature:
    """x by a learnt matrix that is no layer's: (…, C) → (…, features).

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: projected(x, 5), (2, 3))
    >>> ledger.macs().value, ledger.rows[0].weights[0].key
    (30, 'projection')
    """
    matrix = x.tape.stored(name, (features, x.shape[-1]))
    return x.tape.record(Kind.LINEAR, name, (x,), (*x.shape[:-1], features), weights=(matrix,))


def looked_up(x: Feature, table: Shape, index: Shape, output: Shape, *, name: str) -> Feature:
    """Entries of a learnt table at stored positions, for x to be added to; no arithmetic.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: looked_up(x, (8, 49), (49, 49), (8, 49, 49), name="bias"), (1, 1))
    >>> ledger.params().value, ledger.buffers().value
    (392, 2401)
    """
    stored = ("table", table), ("index", index)
    return x.tape.record(Kind.EMBEDDING, name, (), output, weights=stored[:1], buffers=stored[1:])
