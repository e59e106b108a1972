"""What products of matrices cost."""

from __future__ import annotations

from flopscope.costs.acts import Cost
from flopscope.facts import Operator
from flopscope.sizes import Size, elements, product


def linear(row: Operator) -> Cost:
    """positions · in · out multiply-accumulates: input (…, in), weight (out, in), output (…, out).

    >>> from flopscope.facts import Kind, Weight
    >>> weights = (Weight("w", (4, 9)), Weight("b", (4,)))
    >>> row = Operator(Kind.LINEAR, "", ((16, 9),), (16, 4), weights)
    >>> linear(row).macs, linear(row).acts
    (576, 1152)
    """
    return dot_products(elements(row.output), row.weights[0].shape[-1], row.has_bias)


def matmul(row: Operator) -> Cost:
    """batch · n · m · k multiply-accumulates: inputs (…, n, k) and (…, k, m), output (…, n, m).

    If `groups` share k among them, with output (groups, n, m), they take n · m · k together.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.MATMUL, "", ((2, 3, 4), (2, 4, 5)), (2, 3, 5))
    >>> matmul(row).macs
    120
    """
    outputs, inner = row.output, row.inputs[0][-1]
    if isinstance(row.groups, int) and row.groups == 1:
        return dot_products(elements(outputs), inner, False)
    macs = product((*outputs[1:], inner))
    return Cost(macs, add=macs - elements(outputs), multiply=macs)


def sparse_matmul(row: Operator) -> Cost:
    """entries · vectors multiply-accumulates: each stored entry of the sparse matrix is multiplied
    once for each vector of the dense one, and the product is added into zeros. `groups` is the
    number of products.

    Entries (nnz,), dense (k, vectors), output (m, vectors). The same holds for a dense matrix on
    the left.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.SPARSE_MATMUL, "", ((7,), (6, 4)), (6, 4), groups=28)
    >>> sparse_matmul(row).macs
    28
    """
    return Cost(row.groups, add=row.groups, multiply=row.groups)


def dot_products(outputs: Size, length: Size, bias: bool) -> Cost:
    """`outputs` dot products of `length` terms, plus one addition each where there is a bias."""
    macs = product((outputs, length))
    return Cost(macs, add=macs if bias else macs - outputs, multiply=macs)
