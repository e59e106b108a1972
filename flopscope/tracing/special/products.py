"""Products of stacks of matrices on free sizes, without asking whether a size is 1 as torch
does."""

from __future__ import annotations

from math import prod

import torch

from flopscope.tracing.shapes.table import broadcast


def batched_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """matmul of two operands of at least three dimensions."""
    stack = broadcast(a.shape[:-2], b.shape[:-2])
    first, second = (
        x.expand(*stack, *x.shape[-2:]).reshape(prod(stack), *x.shape[-2:]) for x in (a, b)
    )
    return torch.bmm(first, second).reshape(*stack, a.shape[-2], b.shape[-1])


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
    """F.scaled_dot_product_attention as torch defines it: query and key are each scaled by the root
    of the scale, so that no product overflows. No count depends on the scale itself."""
    if is_causal and attn_mask is not None:
        raise RuntimeError("Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        key, value = (shared_by(query, x) for x in (key, value))
    scores = _product(query * 1.0, key.transpose(-2, -1) * 1.0)
    if is_causal:
        scores = scores + query.new_zeros(scores.shape[-2:])
    if attn_mask is not None:  # a boolean mask becomes numbers first
        scores = scores + torch.zeros_like(attn_mask, dtype=query.dtype)
    weights = scores.softmax(-1)
    if dropout_p:
        weights = weights * torch.empty_like(weights).bernoulli_(0.5).div_(1 - dropout_p)
    return _product(weights, value)


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return batched_product(a, b) if min(a.dim(), b.dim()) > 2 else torch.matmul(a, b)


def shared_by(query: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Heads of keys or values, each repeated for the query heads that share it."""
    *stack, heads, tokens, width = x.shape
    times = query.shape[-3] // heads
    repeated = x.unsqueeze(-3).expand(*stack, heads, times, tokens, width)
    return repeated.reshape(*stack, heads * times, tokens, width)
