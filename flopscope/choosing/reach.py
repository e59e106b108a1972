"""How far a network looks: how many positions its attention relates with each other."""

from __future__ import annotations

from flopscope.facts import Kind
from flopscope.ledger import Ledger


def related_positions(ledger: Ledger) -> int:
    """The most positions that one attention relates at these sizes; 0 of a network without one.

    They are the longer side of the scores behind a softmax. Attention without a softmax sums over
    positions in a matrix product, whose inner length is taken.

    >>> from flopscope.catalog.variant import parse
    >>> [related_positions(parse(name).ledger((256, 256))) for name in ("mobilevit_s", "resnet18")]
    [256, 0]
    """
    scores = [row.output[-2:] for row in ledger.rows if row.kind is Kind.SOFTMAX]
    if scores:
        return max(int(side) for shape in scores for side in shape)
    inner = [row.inputs[0][-1] for row in ledger.rows if row.kind is Kind.MATMUL]
    return max(map(int, inner), default=0)
