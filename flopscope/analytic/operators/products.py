"""Products by matrices, and tables that are looked up."""

from __future__ import annotations

from flopscope.analytic.tape import Feature
from flopscope.errors import BadInput
from flopscope.facts import Kind, Weight
from flopscope.sizes import Size, any_of, is_symbolic


def linear(x: Feature, features: Size, *, bias: bool = True, name: str = "linear") -> Feature:
    """Fully connected layer over the last dimension: (…, in) → (…, features), weight (features,
    in)."""
    weight = (features, x.shape[-1])
    return x.tape.record(
        Kind.LINEAR,
        name,
        (x,),
        (*x.shape[:-1], features),
        weights=(("weight", weight), ("bias", (features,))) if bias else (("weight", weight),),
    )


def linear_by(x: Feature, matrix: Weight, *, name: str) -> Feature:
    """x by a stored matrix (features, in) that is no layer's: (…, in) → (…, features)."""
    output = (*x.shape[:-1], matrix.shape[0])
    return x.tape.record(Kind.LINEAR, name, (x,), output, weights=(matrix,))


def projected(x: Feature, features: Size, *, name: str = "projection") -> Feature:
    """x by a learnt matrix of this scope: (…, C) → (…, features).

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: projected(x, 5), (2, 3))
    >>> ledger.macs().value, ledger.rows[0].weights[0].key
    (30, 'projection')
    """
    return linear_by(x, x.tape.stored(name, (features, x.shape[-1])), name=name)


def matmul(a: Feature, b: Feature, *, name: str = "matmul") -> Feature:
    """Product of two computed tensors: (…, n, k) and (…, k, m) → (…, n, m), equal leading sizes."""
    if is_symbolic(difference := a.shape[-1] - b.shape[-2]) or any_of(difference != 0):
        raise BadInput(f"matmul of {a.shape} and {b.shape}: the inner sizes differ")
    return a.tape.record(Kind.MATMUL, name, (a, b), (*a.shape[:-1], b.shape[-1]))


def embedding(x: Feature, entries: Size, features: Size, *, name: str = "embedding") -> Feature:
    """A table looked up: token numbers (…) → (…, features), weight (entries, features)."""
    weights = (("weight", (entries, features)),)
    return x.tape.record(Kind.EMBEDDING, name, (x,), (*x.shape, features), weights=weights)


def embedding_by(x: Feature, table: Weight, *, name: str) -> Feature:
    """A stored table (entries, features) that is no layer's, looked up: (…) → (…, features)."""
    output = (*x.shape, table.shape[1])
    return x.tape.record(Kind.EMBEDDING, name, (x,), output, weights=(table,))
