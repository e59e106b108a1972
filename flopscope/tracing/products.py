"""Products of stacks of matrices on free sizes, without torch's questions whether a size is 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch

from flopscope.tracing.shapes import broadcast


def batched_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """matmul of two operands of at least three dimensions."""
    stack = broadcast(a.shape[:-2], b.shape[:-2])
    first, second = (
        x.expand(*stack, *x.shape[-2:]).reshape(prod(stack), *x.shape[-2:]) for x in (a, b)
    )
    return torch.bmm(first, second).reshape(*stack, a.shape[-2], b.shape[-1])


def is_product_of_two(equation: Any, operands: Sequence[Any]) -> bool:
    """Is it an einsum of two operands whose every index is written once in each?"""
    if not isinstance(equation, str) or len(operands) != 2 or "->" not in equation:
        return False
    terms = _terms(equation)
    letters = all(term.isalpha() and len(set(term)) == len(term) for term in terms[:2])
    return letters and len(terms) == 3 and set(terms[2]) <= set(terms[0]) | set(terms[1])


def einsum(equation: str, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor | None:
    """The product as one bmm: indices of both and the result, of one, and summed ones.

    Where both have an index its sizes are equal, and not 1 in one of them only. None where nothing
    is summed over more than one element: torch multiplies element by element then.
    """
    left, right, result = _terms(equation)
    a, left = _summed(a, left, keep=right + result)
    b, right = _summed(b, right, keep=left + result)
    stack = [i for i in result if i in left and i in right]
    summed = [i for i in left if i in right and i not in result]
    rows, columns = ([i for i in term if i not in stack + summed] for term in (left, right))
    sizes = dict(zip(left + right, (*a.shape, *b.shape), strict=True))
    if all(sizes[i] == 1 for i in summed):
        return None
    first = _grouped(a, left, sizes, stack, rows, summed)
    second = _grouped(b, right, sizes, stack, summed, columns)
    order = stack + rows + columns
    product = torch.bmm(first, second).reshape([sizes[i] for i in order])
    return product.permute([order.index(i) for i in result])


def _terms(equation: str) -> list[str]:
    return equation.replace(" ", "").replace("->", ",").split(",")


def _summed(x: torch.Tensor, term: str, keep: str) -> tuple[torch.Tensor, str]:
    """Sums over the indices that neither the other operand nor the result has."""
    own = [d for d, index in enumerate(term) if index not in keep]
    return (x.sum(own), "".join(i for i in term if i in keep)) if own else (x, term)


def _grouped(
    x: torch.Tensor, term: str, sizes: dict[str, Any], *groups: Sequence[str]
) -> torch.Tensor:
    order = [index for group in groups for index in group]
    turned = x.permute([term.index(index) for index in order])
    return turned.reshape([prod(sizes[index] for index in group) for group in groups])


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """F.scaled_dot_product_attention as torch writes it out: query and key are scaled by the root
    of the scale each, so that no product overflows; no count depends on the scale itself."""
    if enable_gqa:
        key, value = (shared_by(query, x) for x in (key, value))
    scores = batched_product(query * 1.0, key.transpose(-2, -1) * 1.0)
    if is_causal:
        scores = scores + query.new_zeros(scores.shape[-2:])
    if attn_mask is not None:
        scores = scores + attn_mask
    return batched_product(scores.softmax(-1), value)


def is_plain_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    *_: Any,
    **__: Any,
) -> bool:
    """Has it no dropout and no mask of truths? Those are left to torch."""
    truths = attn_mask is not None and attn_mask.dtype is torch.bool
    return min(query.dim(), key.dim(), value.dim()) > 2 and not dropout_p and not truths


def shared_by(query: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Heads of keys or values, each repeated for the query heads that share it."""
    *stack, heads, tokens, width = x.shape
    times = query.shape[-3] // heads
    repeated = x.unsqueeze(-3).expand(*stack, heads, times, tokens, width)
    return repeated.reshape(*stack, heads * times, tokens, width)
