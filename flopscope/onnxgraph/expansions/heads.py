"""Heads of attention: how they are split, how scores mix their values, and how they are merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flopscope.facts import Kind
from flopscope.onnxgraph.expansions.drafts import Draft
from flopscope.onnxgraph.tensors import NodeFacts, Tensor, shape_of
from flopscope.sizes import Size, exact_div


class Heads(NamedTuple):
    """Queries, keys and values, each (B, heads, positions, size of a head)."""

    query: Tensor
    key: Tensor
    value: Tensor


def _scores(draft: Draft, heads: Heads, masks: Sequence[Tensor | None], softcap: float) -> Tensor:
    """The products of queries and keys times 1/√d, capped and masked."""
    scores = draft("MatMul", heads.query, draft("Transpose", heads.key, perm=[0, 1, 3, 2]))
    scores = draft("Mul", scores, draft.scalar(0.125))
    return capped_and_masked(draft, scores, masks, softcap)


def capped_and_masked(
    draft: Draft, scores: Tensor, masks: Sequence[Tensor | None], softcap: float
) -> Tensor:
    """The scores after a soft cap, if there is one, and after each mask is added."""
    if softcap:
        capped = draft("Tanh", draft("Div", scores, draft.scalar(softcap)))
        scores = draft("Mul", capped, draft.scalar(softcap))
    for mask in masks:
        scores = scores if mask is None else _masked(draft, scores, mask)
    return scores


def _masked(draft: Draft, scores: Tensor, mask: Tensor) -> Tensor:
    """The scores after a number is added to each."""
    shape = shape_of(scores)
    data = mask._replace(shape=shape, numbers=None, stored=None)
    return draft.row(NodeFacts(Kind.ADD, (scores, data)), shape)


def attended(
    draft: Draft, heads: Heads, masks: Sequence[Tensor | None], softcap: float = 0.0
) -> Tensor:
    """The values mixed by the heads: (B, heads, positions of queries, size of a value)."""
    key, value = (repeated(draft, t, heads.query) for t in (heads.key, heads.value))
    scores = _scores(draft, Heads(heads.query, key, value), masks, softcap)
    return draft("MatMul", draft("Softmax", scores, axis=-1), value)


def repeated(draft: Draft, shared: Tensor, query: Tensor) -> Tensor:
    """Keys or values that several heads of queries share, repeated for each of these heads."""
    batch, groups, length, size = shape_of(shared)
    heads = shape_of(query)[1]
    if heads == groups:
        return shared
    wide = draft("Unsqueeze", shared, axes=[2])
    wide = draft(
        "Expand", wide, draft.constant(batch, groups, exact_div(heads, groups), length, size)
    )
    return draft.reshape(wide, batch, heads, length, size)


def split_heads(draft: Draft, x: Tensor, heads: Size) -> Tensor:
    """(B, positions, heads·d) as (B, heads, positions, d)."""
    batch, length, width = shape_of(x)
    apart = draft.reshape(x, batch, length, heads, exact_div(width, heads))
    return draft("Transpose", apart, perm=[0, 2, 1, 3])


def merged(draft: Draft, x: Tensor) -> Tensor:
    """(B, heads, positions, d) as (B, positions, heads·d)."""
    batch, heads, length, size = shape_of(x)
    together = draft("Transpose", x, perm=[0, 2, 1, 3])
    return draft.reshape(together, batch, length, heads * size)


def with_past(draft: Draft, past: Tensor | None, new: Tensor) -> Tensor:
    """Keys or values of the earlier positions, if any, and of the new ones."""
    return new if past is None else draft("Concat", past, new, axis=2)
