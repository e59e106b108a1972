"""Rotation of positions: each head times cosines and sines."""

from __future__ import annotations

from flopscope.facts import Kind
from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.expansions.heads import merged, split_heads
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts, Tensor, shape_of
from flopscope.sizes import Size, exact_div


def rotary(caches: int) -> Expansion:
    """The rule of an operator on (B, positions, heads·d) or (B, heads, positions, d), whose input
    number `caches` has the cosines and the next one the sines."""

    def rule(call: NodeCall, draft: Draft) -> Tensors:
        x, pair = call.input(0), (call.input(caches), call.input(caches + 1))
        heads = call.attribute("num_heads", 0)
        if len(shape_of(x)) == 4:
            return [rotated(draft, x, pair, rotary_size(call, caches, x))]
        if not heads:  # the caches have half the size of a head
            heads = exact_div(shape_of(x)[-1], 2 * call.shape(caches)[-1])
        apart = split_heads(draft, x, heads)
        turned = rotated(draft, apart, pair, rotary_size(call, caches, apart))
        return [merged(draft, turned)]

    return rule


def rotary_size(call: NodeCall, cache: int, x: Tensor) -> Size:
    """How much of each head is rotated."""
    return call.attribute("rotary_embedding_dim", 0) or 2 * call.shape(cache)[-1]


def rotated(draft: Draft, x: Tensor, caches: tuple[Tensor, Tensor], size: Size) -> Tensor:
    """Each number times a cosine, its partner times a sine, and their sum."""
    shape = shape_of(x)
    part = (*shape[:-1], size)
    cosine, sine = (t._replace(learnt=False) for t in caches)
    whole = size == shape[-1]
    front = x if whole else draft("Slice", x, starts=[0], ends=[size], axes=[3])
    one = draft.row(NodeFacts(Kind.MULTIPLY, (front,), buffers=_stored(cosine)), part)
    other = draft.row(NodeFacts(Kind.MULTIPLY, (front,), buffers=_stored(sine)), part)
    turned = draft.row(NodeFacts(Kind.ADD, (one, other)), part)
    if whole:
        return turned
    rest = draft("Slice", x, starts=[size], ends=[shape[-1]], axes=[3])
    return draft("Concat", turned, rest, axis=3)


def _stored(tensor: Tensor) -> tuple[Tensor, ...]:
    return (tensor,) if tensor.stored else ()
