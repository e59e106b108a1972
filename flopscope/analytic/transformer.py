"""Transformer layers with norms before their parts: arXiv 2010.11929, section 3.1;
apple/ml-mobileclip mobileclip/modules/common/transformer.py.

The products of attention are those of the heads of all images, one after another: queries are
scaled before they meet the keys.
"""

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


def attention(
    x: Feature, heads: Size, *, bias: bool = True, mask: Feature | None = None
) -> Feature:
    """(B, n, C) → (B, n, C): queries, keys and values by one linear layer, softmax(q·kᵀ/√d)·v in
    heads of d = C/heads, a linear layer with bias. A mask (n, n) is added to the scores: what it
    hides is computed all the same. Products read their operands head by head, and the last layer
    token by token, so that each is written out anew.

    4·B·n·C² + 2·B·n²·C multiply-accumulates.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: attention(x, 4), (1, 10, 32)).macs().value
    47360
    """
    batch, n, channels = x.shape
    d = exact_div(channels, heads)
    parts = linear(x, 3 * channels, bias=bias, name="qkv")
    stacked = (batch * heads, n, d)
    q = with_number(parts.view(batch, heads, n, d), Kind.MULTIPLY, name="scale")
    q = permuted(q, batch, heads, n, d, name="q_heads")
    k = permuted(parts, batch, heads, d, n, name="k_heads")
    scores = matmul(q.view(*stacked), k.view(batch * heads, d, n), name="scores")
    scores = scores._replace(shape=(batch, heads, n, n))
    if mask is not None:
        scores = add_broadcast(scores, mask, name="mask")
    weights = softmax(scores)._replace(shape=(batch * heads, n, n))
    v = permuted(parts, batch, heads, n, d, name="v_heads")
    mixed = matmul(weights, v.view(*stacked), name="values")
    mixed = permuted(mixed, batch, n, heads, d, name="tokens")
    return linear(mixed.view(*x.shape), channels, name="proj")


def transformer_layer(
    x: Feature, heads: Size, hidden: Size, mask: Feature | None = None
) -> Feature:
    """(B, n, C) → (B, n, C): norm, attention, shortcut; norm, two linear layers, shortcut."""
    with x.tape.scope("attention"):
        y = attention(layer_norm(x), heads, mask=mask)
    x = add(x, y, name="add1")
    with x.tape.scope("mlp"):
        y = linear(layer_norm(x), hidden, name="expand")
        y = linear(activation(y, Function.GELU), x.shape[-1], name="project")
    return add(x, y, name="add2")
