"""Zeros among weights, as a theoretical factor: what would be left if each zero could be skipped.

Kernels for dense tensors multiply zeros like other numbers, so nothing here is a count of what
runs, and nothing of it is added to one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from flopscope.brief import short
from flopscope.facts import Kind, Operator
from flopscope.readings import macs
from flopscope.sizes import elements

THINNED = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR)
"""Kinds whose weights are set to zero; biases and norms keep theirs."""
BITS = 8
WORD = 4


@dataclass(frozen=True)
class Sparse:
    """Weights of convolutions and linear layers of which a share stays. `weights` are all of them
    and `left` those that are not zero, layer by layer rounded as torch's `l1_unstructured` does.
    `macs` are all multiply-accumulates, and `reached` those by a weight that is not zero or by none
    of these weights."""

    density: Fraction
    weights: int
    left: int
    macs: int
    reached: int

    def __repr__(self) -> str:
        return short(self, f"{self.left:,} of {self.weights:,} weights")

    @property
    def dense_bytes(self) -> int:
        """All of the weights in float32."""
        return WORD * self.weights

    @property
    def bytes(self) -> int:
        """What is left in float32, with a bit a weight that says where it stood."""
        return WORD * self.left + -(-self.weights // BITS)


def sparse(rows: Iterable[Operator], density: Fraction) -> Sparse:
    """The theoretical counts of these rows at numbers, at a density of each layer's weight.

    >>> from flopscope.facts import Weight
    >>> row = Operator(Kind.LINEAR, "fc", ((1, 10),), (1, 4), (Weight("fc.weight", (4, 10)),))
    >>> found = sparse([row], Fraction(3, 10))
    >>> found.left, found.reached, found.bytes
    (12, 12, 53)
    """
    whole = reached = 0
    left: dict[str, int] = {}
    weights: dict[str, int] = {}
    for row in rows:
        work = int(macs([row]).value)
        whole += work
        if row.kind in THINNED and row.weights:
            key, n = row.weights[0].key, int(elements(row.weights[0].shape))
            weights[key], left[key] = n, n - round((1 - density) * n)
            reached += work * left[key] // n
        else:
            reached += work
    return Sparse(density, sum(weights.values()), sum(left.values()), whole, reached)
