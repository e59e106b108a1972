"""The attention operators of onnx and onnxruntime, and operators used with them.

Each is the product of queries and keys, and the product of the softmax of these scores and the
values, for all pairs of positions. A causal mask hides half of the pairs and saves no work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.expansions.heads import (
    Heads,
    attended,
    capped_and_masked,
    merged,
    repeated,
    split_heads,
    with_past,
)
from flopscope.onnxgraph.expansions.rotary import rotary, rotary_size, rotated
from flopscope.onnxgraph.expansions.shared import MS
from flopscope.onnxgraph.tensors import NodeCall, Tensor, shape_of
from flopscope.sizes import Size, exact_div, floor_div


def _causal(call: NodeCall, name: str, default: int, mask: Tensor | None) -> Tensor | None:
    """A tensor that stands for the causal mask, if the call asks for it and has no other mask."""
    return call.input(0) if mask is None and call.attribute(name, default) else None


# --- onnx's own ----------------------------------------------------------------------------------


def _attention(call: NodeCall, draft: Draft) -> Tensors | None:
    """Queries and keys are each scaled by the root of the scale, as in onnx's definition."""
    flat = len(call.shape(0)) == 3
    counts = [call.attribute(name) for name in ("q_num_heads", "kv_num_heads", "kv_num_heads")]
    parts = [call.input(index) for index in range(3)]
    if flat:
        parts = [split_heads(draft, t, n) for t, n in zip(parts, counts, strict=True)]
    query, key, value = parts
    key, value = (
        with_past(draft, call.optional(4), key),
        with_past(draft, call.optional(5), value),
    )
    scaled = [draft("Mul", t, draft.scalar(0.5)) for t in (query, key)]
    masks = [call.optional(3), _causal(call, "is_causal", 0, call.optional(3))]
    keys, values = (repeated(draft, t, query) for t in (scaled[1], value))
    scores = draft("MatMul", scaled[0], draft("Transpose", keys, perm=[0, 1, 3, 2]))
    raw = scores
    scores = capped_and_masked(draft, scores, masks, call.attribute("softcap", 0.0))
    mixed = draft("MatMul", draft("Softmax", scores, axis=-1), values)
    return [merged(draft, mixed) if flat else mixed, key, value, raw]


# --- onnxruntime's -------------------------------------------------------------------------------


def _joint_attention(call: NodeCall, draft: Draft) -> Tensors | None:
    """One matrix computes queries, keys and values from the input."""
    if call.attribute("past_present_share_buffer", 0):
        return None
    projected = draft("MatMul", call.input(0), call.input(1))
    if (bias := call.optional(2)) is not None:
        projected = draft("Add", projected, bias)
    return projected_attention(call, draft, projected, mask=3, past=4, bias=5)


def projected_attention(
    call: NodeCall,
    draft: Draft,
    projected: Tensor,
    *,
    mask: int,
    past: int,
    bias: int | None = None,
) -> Tensors:
    """Attention of queries, keys and values that one product made together."""
    width, heads = shape_of(projected)[-1], call.attribute("num_heads")
    sizes = call.attribute("qkv_hidden_sizes") or [floor_div(width, 3)] * 3
    parts = draft.several("Split", 3, projected, axis=-1, split=list(sizes))
    query, key, value = (split_heads(draft, part, heads) for part in parts)
    if (before := call.optional(past)) is not None:
        old = before._replace(shape=shape_of(before)[1:])
        key, value = draft("Concat", old, key, axis=2), draft("Concat", old, value, axis=2)
    own = call.optional(mask)
    masks = [own, None if bias is None else call.optional(bias)]
    masks.append(_causal(call, "unidirectional", 0, own))
    result = attended(draft, Heads(query, key, value), masks)
    return [merged(draft, result), key._replace(shape=(2, *shape_of(key)))]


def _multi_head(call: NodeCall, draft: Draft) -> Tensors | None:
    """Queries, keys and values are given separately or packed together."""
    if call.optional(8) is not None:  # a buffer longer than what is in it
        return None
    heads, parts = call.attribute("num_heads"), _unpacked(call, draft)
    if (bias := call.optional(3)) is not None:
        parts = _biased(draft, parts, bias)
    query, key, value = (t if _is_split(t) else split_heads(draft, t, heads) for t in parts)
    key, value = (with_past(draft, call.optional(n), t) for n, t in ((6, key), (7, value)))
    masks = [call.optional(4), call.optional(5)]
    masks.append(_causal(call, "unidirectional", 0, masks[0]))
    heads_ = Heads(query, key, value)
    return [merged(draft, attended(draft, heads_, masks)), key, value]


def _unpacked(call: NodeCall, draft: Draft) -> list[Tensor]:
    """Packed tensors are (B, positions, heads, 3 or 2, d)."""
    query, key, value = call.input(0), call.optional(1), call.optional(2)
    if key is None:
        return _apart(draft, query, 3)
    if value is None:
        return [query, *_apart(draft, key, 2)]
    return [query, key, value]


def _apart(draft: Draft, packed: Tensor, parts: int) -> list[Tensor]:
    batch, length, heads, _, size = shape_of(packed)
    split = draft.several("Split", parts, packed, axis=3, num_outputs=parts)
    return [draft.reshape(t, batch, length, heads * size) for t in split]


def _biased(draft: Draft, parts: Sequence[Tensor], bias: Tensor) -> list[Tensor]:
    """A part of the bias is added to each."""
    start: Size = 0
    result = []
    for part in parts:
        if _is_split(part):  # keys and values of an encoder, projected before
            result.append(part)
            continue
        width = shape_of(part)[-1]
        own = draft("Slice", bias, starts=[start], ends=[start + width], axes=[0])
        result.append(draft("Add", part, own))
        start = start + width
    return result


def _is_split(tensor: Tensor) -> bool:
    return len(shape_of(tensor)) == 4


def _grouped(call: NodeCall, draft: Draft) -> Tensors | None:
    """Heads of queries share keys and values. The past is as long as the file states."""
    heads, groups = call.attribute("num_heads"), call.attribute("kv_num_heads")
    query, key, value = call.input(0), call.optional(1), call.optional(2)
    if key is None or value is None:
        size = exact_div(shape_of(query)[-1], heads + 2 * groups)
        split = [heads * size, groups * size, groups * size]
        query, key, value = draft.several("Split", 3, query, axis=-1, split=split)
    query = split_heads(draft, query, heads)
    key, value = (split_heads(draft, t, groups) for t in (key, value))
    norms = call.optional(14), call.optional(15)
    query, key = (
        t if norm is None else draft("RMSNormalization", t, norm, axis=-1)
        for t, norm in zip((query, key), norms, strict=True)
    )
    if call.attribute("do_rotary", 0):
        caches = call.input(7), call.input(8)
        query, key = (rotated(draft, t, caches, rotary_size(call, 7, t)) for t in (query, key))
    key, value = (with_past(draft, call.optional(n), t) for n, t in ((3, key), (4, value)))
    masks = [call.optional(10), _causal(call, "causal", 1, call.optional(10))]
    result = attended(draft, Heads(query, key, value), masks, call.attribute("softcap", 0.0))
    return [merged(draft, result), key, value]


# --- rotation of positions -----------------------------------------------------------------------


# --- recurrences that stand for attention --------------------------------------------------------


def _causal_conv(call: NodeCall, draft: Draft) -> Tensors | None:
    """A depthwise convolution over earlier positions, and the state that is kept for the next
    step."""
    x, weight = call.input(0), call.input(1)
    if len(shape_of(x)) != 3 or call.attribute("channels_last", 0):
        return None
    channels, length = shape_of(weight)[0], shape_of(weight)[-1]
    past = call.optional(3)
    kept = length - 1
    whole = (
        draft("Pad", x, pads=[0, 0, kept, 0, 0, 0])
        if past is None
        else draft("Concat", past, x, axis=2)
    )
    y = draft("Conv", whole, weight, call.optional(2), group=channels)
    if call.attribute("activation", "none") in ("silu", "swish"):
        y = draft("Swish", y)
    batch, width, _ = shape_of(x)
    return [y, whole._replace(shape=(batch, width, kept))]


ATTENTION: Mapping[str, Expansion] = {
    "Attention": _attention,
    "RotaryEmbedding": rotary(1),
    "CausalConvWithState": _causal_conv,
    f"{MS}CausalConvWithState": _causal_conv,
    f"{MS}Attention": _joint_attention,
    f"{MS}MultiHeadAttention": _multi_head,
    f"{MS}GroupQueryAttention": _grouped,
    f"{MS}RotaryEmbedding": rotary(2),
}
"""The expansion of each operator, which returns None for a use that it does not know."""
