"""Attention and what surrounds it, over vectors (B, n, C): arXiv 1706.03762, section 3."""

from __future__ import annotations

from flopscope.analytic.operators import (
    activation,
    add,
    add_broadcast,
    layer_norm,
    linear,
    matmul,
    permuted,
    softmax,
    with_number,
)
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Kind
from flopscope.sizes import Size, exact_div


def attend(
    q: Feature,
    k: Feature,
    v: Feature,
    heads: Size,
    *,
    mask: Feature | None = None,
    cached: bool = False,
) -> Feature:
    """softmax(q·kᵀ/√d)·v in heads of d = C/heads: queries (B, n, C), keys (B, m, C), values (B, m,
    D), whose width may be another; (B, n, D).

    B·n·m·(C + D) multiply-accumulates, with or without a mask, because masked pairs are computed
    too. Biases are treated as a mask. Products read their operands head by head, and what
    follows reads tokens, so that each is written out anew. Keys and values that are `cached` lie
    head by head already.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: attend(x, x, x, 4), (1, 10, 32)).macs().value
    6400
    """
    batch, n, c = q.shape
    m, d, e = k.shape[1], exact_div(c, heads), exact_div(v.shape[2], heads)
    q = permuted(q, batch, heads, n, d, name="q_heads")
    k = k if cached else permuted(k, batch, heads, d, m, name="k_heads")
    scores = matmul(q.view(batch * heads, n, d), k.view(batch * heads, d, m), name="scores")
    scores = scores.view(batch, heads, n, m)
    scores = with_number(scores, Kind.MULTIPLY, name="scale")
    if mask is not None:
        scores = add_broadcast(scores, mask, name="mask")
    weights = softmax(scores).view(batch * heads, n, m)
    v = v if cached else permuted(v, batch, heads, m, e, name="v_heads")
    mixed = matmul(weights, v.view(batch * heads, m, e), name="mix")
    mixed = permuted(mixed, batch, n, heads, e, name="tokens")
    return mixed.view(batch, n, heads * e)


def fused_self_attention(x: Feature, heads: Size) -> Feature:
    """Queries, keys and values by one linear layer of 3·C, attention, and a linear layer."""
    batch, n, c = x.shape
    parts = linear(x, 3 * c, name="qkv").view(batch, n, c)
    return linear(attend(parts, parts, parts, heads), c, name="proj")


def mlp(x: Feature, hidden: Size, function: Function) -> Feature:
    """A hidden layer and back."""
    y = activation(linear(x, hidden, name="fc1"), function)
    return linear(y, x.shape[-1], name="fc2")


def transformer_block(x: Feature, heads: Size) -> Feature:
    """Attention and an MLP of 4·C, each after a norm and beside a shortcut: arXiv 2010.11929,
    section 3.1. B·n·C·(12·C + 2·n) multiply-accumulates."""
    x = add(x, fused_self_attention(layer_norm(x, name="norm1"), heads), name="add1")
    y = mlp(layer_norm(x, name="norm2"), 4 * x.shape[-1], Function.GELU)
    return add(x, y, name="add2")
