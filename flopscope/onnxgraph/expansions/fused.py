"""onnxruntime's contributed operators, written as the operators of onnx that were fused into them.

Each is written as its documentation states, in the order of its inputs. Details on which no count
depends are left out, such as dropout in inference and the values of masks.
"""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.expansions.layouts import same
from flopscope.onnxgraph.expansions.shared import (
    MS,
    activated,
    channels_first,
    channels_last,
    plus,
    window,
)
from flopscope.onnxgraph.tensors import NodeCall, Tensor, Undecided, shape_of

# --- activations ---------------------------------------------------------------------------------


def _gelu(call: NodeCall, draft: Draft) -> Tensors:
    return [draft("Gelu", call.input(0))]


def _bias_gelu(call: NodeCall, draft: Draft) -> Tensors:
    return [draft("Gelu", draft("Add", call.input(0), call.input(1)))]


def _fast_gelu(call: NodeCall, draft: Draft) -> Tensors:
    """GELU with tanh, after the bias is added if there is one."""
    return [draft("Gelu", plus(draft, call.input(0), call.optional(1)), approximate="tanh")]


def _quick_gelu(call: NodeCall, draft: Draft) -> Tensors:
    """x·σ(alpha·x)."""
    x, alpha = call.input(0), call.attribute("alpha", 1.702)
    scaled = x if alpha == 1 else draft("Mul", x, draft.scalar(alpha))
    return [draft("Mul", x, draft("Sigmoid", scaled))]


def _bias_split_gelu(call: NodeCall, draft: Draft) -> Tensors:
    """Half of the channels times GELU of the other half."""
    x = draft("Add", call.input(0), call.input(1))
    value, gate = draft.several("Split", 2, x, axis=-1, num_outputs=2)
    return [draft("Mul", value, draft("Gelu", gate))]


# --- sums and norms ------------------------------------------------------------------------------


def _bias_add(call: NodeCall, draft: Draft) -> Tensors:
    return [draft("Add", draft("Add", call.input(0), call.input(1)), call.input(2))]


def _bias_dropout(call: NodeCall, draft: Draft) -> Tensors:
    return [plus(draft, draft("Add", call.input(0), call.input(1)), call.optional(2))]


def _bias_softmax(call: NodeCall, draft: Draft) -> Tensors:
    axis = call.attribute("axis", 1)
    return [draft("Softmax", draft("Add", call.input(0), call.input(1)), axis=axis)]


def _skip_norm(norm: str, bias: int) -> Expansion:
    """The norm of input + skip (+ bias), and that sum."""

    def rule(call: NodeCall, draft: Draft) -> Tensors:
        total = draft("Add", call.input(0), call.input(1))
        total = plus(draft, total, call.optional(bias))
        shift = call.optional(3) if bias == 4 else None
        normed = draft(norm, total, call.input(2), shift, axis=-1)
        return [normed, None, None, total]

    return rule


def _simplified_norm(call: NodeCall, draft: Draft) -> Tensors:
    return [
        draft("RMSNormalization", call.input(0), call.input(1), axis=call.attribute("axis", -1))
    ]


def _group_norm(call: NodeCall, draft: Draft) -> Tensors:
    """Group norm of (B, H, W, C) unless channels come first; activation 1 is SiLU."""
    return _normed(call, draft, call.input(0))


def _skip_group_norm(call: NodeCall, draft: Draft) -> Tensors:
    total = draft("Add", call.input(0), call.input(3))
    total = plus(draft, total, call.optional(4))
    return [*_normed(call, draft, total), total]


def _normed(call: NodeCall, draft: Draft, x: Tensor) -> list[Tensor]:
    groups, last = call.attribute("groups"), call.attribute("channels_last", 1)
    x = channels_first(draft, x) if last else x
    y = draft("GroupNormalization", x, call.input(1), call.input(2), num_groups=groups)
    y = draft("Swish", y) if call.attribute("activation", 0) == 1 else y
    return [channels_last(draft, y) if last else y]


def _embed_norm(call: NodeCall, draft: Draft) -> Tensors:
    """Embeddings of words, positions and segments, added and normed."""
    words = draft("Gather", call.input(2), call.input(0))
    batch, tokens, *_ = shape_of(words)
    places = call.optional(8)
    if places is None:
        table = call.input(3)
        positions = draft("Slice", table, starts=[0], ends=[tokens], axes=[0])
    else:
        positions = draft("Gather", call.input(3), places)
    total = draft("Add", words, positions)
    if (segments := call.optional(1)) is not None:
        total = draft("Add", total, draft("Gather", call.input(4), segments))
    normed = draft("LayerNormalization", total, call.input(5), call.input(6), axis=-1)
    mask = draft("ReduceSum", call.input(7), axes=[1], keepdims=0) if call.optional(7) else None
    return [normed, mask if mask is not None else normed._replace(shape=(batch,)), total]


# --- layers --------------------------------------------------------------------------------------


def _fused_conv(call: NodeCall, draft: Draft) -> Tensors:
    """A convolution, then a sum with the fourth input if there is one, then an activation."""
    y = draft("Conv", call.input(0), call.input(1), call.optional(2), **window(call))
    return [activated(call, draft, plus(draft, y, call.optional(3)))]


def _fused_gemm(call: NodeCall, draft: Draft) -> Tensors:
    names = ("alpha", "beta", "transA", "transB")
    settings = {name: call.attributes[name] for name in names if name in call.attributes}
    y = draft("Gemm", call.input(0), call.input(1), call.optional(2), **settings)
    return [activated(call, draft, y)]


def _gemm_fast_gelu(call: NodeCall, draft: Draft) -> Tensors:
    y = plus(draft, draft("MatMul", call.input(0), call.input(1)), call.optional(2))
    return [draft("Gelu", y, approximate="tanh")]


def _fused_matmul(call: NodeCall, draft: Draft) -> Tensors:
    """alpha·A·B. Each operand may have its last two axes swapped, or its batch axes after its
    rows."""
    a = _turned(call, draft, 0, "transA", "transBatchA")
    b = _turned(call, draft, 1, "transB", "transBatchB")
    y = draft("MatMul", a, b)
    if (alpha := call.attribute("alpha", 1.0)) != 1:
        y = draft("Mul", y, draft.scalar(alpha))
    return [activated(call, draft, y)]


def _turned(call: NodeCall, draft: Draft, index: int, matrix: str, batch: str) -> Tensor:
    tensor, rank = call.input(index), len(call.shape(index))
    order = list(range(rank))
    if call.attribute(batch, 0) and rank > 1:
        order = [*order[1:-1], 0, rank - 1]
    if call.attribute(matrix, 0) and rank > 1:
        order[-2:] = reversed(order[-2:])
    return tensor if order == sorted(order) else draft("Transpose", tensor, perm=order)


def _expand_dims(call: NodeCall, draft: Draft) -> Tensors:
    axis = call.input(1).numbers
    if axis is None:
        raise Undecided
    return [draft("Unsqueeze", call.input(0), axes=[axis.item()])]


def _embedding(call: NodeCall, draft: Draft) -> Tensors:
    return [draft("Gather", call.input(0), call.input(1))]


def _complex_product(call: NodeCall, draft: Draft) -> Tensors:
    """(…, 2) times (…, 2): four products, a sum and a difference."""
    a, b = (draft.several("Split", 2, call.input(n), axis=-1, num_outputs=2) for n in (0, 1))
    (p, q), (r, s) = a, b
    real = draft("Sub", draft("Mul", p, r), draft("Mul", q, s))
    imaginary = draft("Add", draft("Mul", p, s), draft("Mul", q, r))
    return [draft("Concat", real, imaginary, axis=-1)]


FUSED: Mapping[str, Expansion] = {
    f"{MS}Gelu": _gelu,
    f"{MS}BiasGelu": _bias_gelu,
    f"{MS}FastGelu": _fast_gelu,
    f"{MS}QuickGelu": _quick_gelu,
    f"{MS}BiasSplitGelu": _bias_split_gelu,
    f"{MS}BiasAdd": _bias_add,
    f"{MS}BiasDropout": _bias_dropout,
    f"{MS}BiasSoftmax": _bias_softmax,
    f"{MS}SkipLayerNormalization": _skip_norm("LayerNormalization", 4),
    f"{MS}SkipSimplifiedLayerNormalization": _skip_norm("RMSNormalization", 3),
    "SimplifiedLayerNormalization": _simplified_norm,
    f"{MS}GroupNorm": _group_norm,
    f"{MS}SkipGroupNorm": _skip_group_norm,
    f"{MS}EmbedLayerNormalization": _embed_norm,
    f"{MS}FusedConv": _fused_conv,
    f"{MS}FusedGemm": _fused_gemm,
    f"{MS}GemmFastGelu": _gemm_fast_gelu,
    f"{MS}FusedMatMul": _fused_matmul,
    f"{MS}FusedMatMulActivation": _fused_matmul,
    f"{MS}TransposeMatMul": _fused_matmul,
    f"{MS}SparseToDenseMatMul": _fused_matmul,
    f"{MS}ExpandDims": _expand_dims,
    f"{MS}TorchEmbedding": _embedding,
    f"{MS}ComplexMul": _complex_product,
    f"{MS}ComplexMulConj": _complex_product,
    **{f"{MS}{op}": same(op) for op in ("GatherND", "GridSample", "Pad", "Range", "Trilu")},
}
"""The expansion of each contributed operator on floating-point numbers."""
