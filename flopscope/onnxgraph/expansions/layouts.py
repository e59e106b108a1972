"""onnxruntime's layers on maps in other memory layouts: channels last, or channels in blocks."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.onnxgraph.expansions.drafts import Draft, Expansion, Tensors
from flopscope.onnxgraph.expansions.shared import (
    MS,
    NCHWC,
    NHWC,
    activated,
    channels_first,
    channels_last,
    plus,
    window,
)
from flopscope.onnxgraph.tensors import NodeCall, Tensor


def _blocked_conv(call: NodeCall, draft: Draft) -> Tensors:
    """A convolution on a map in blocks of channels. The kernel is padded with zeros to whole
    blocks."""
    batch, channels, *grid = call.shape(0)
    wide = call.shape(1)[1] * call.attribute("group", 1)
    filled = (batch, wide, *grid) if wide > channels else call.shape(0)
    x = call.input(0)._replace(shape=filled)
    y = draft("Conv", x, call.input(1), call.optional(2), **window(call))
    return [activated(call, draft, plus(draft, y, call.optional(3)))]


def _nhwc_conv(op: str) -> Expansion:
    def rule(call: NodeCall, draft: Draft) -> Tensors:
        x, weight = call.input(0), _channels_second(call, draft)
        y = draft(op, channels_first(draft, x), weight, call.optional(2), **window(call))
        y = channels_last(draft, y)
        return [activated(call, draft, plus(draft, y, call.optional(3)))]

    return rule


def _channels_second(call: NodeCall, draft: Draft) -> Tensor:
    """The kernel as (out, in, height, width). Some engines store (out, height, width, in)."""
    weight, shape = call.input(1), call.shape(1)
    kernel = call.attribute("kernel_shape")
    if kernel is None or tuple(shape[2:]) == tuple(kernel):
        return weight
    return channels_first(draft, weight)


def _nhwc(op: str, *, windowed: bool = True) -> Expansion:
    """The operator on (B, …, C)."""

    def rule(call: NodeCall, draft: Draft) -> Tensors:
        settings = window(call) if windowed else dict(call.attributes)
        rest = [call.optional(index) for index in range(1, len(call.inputs))]
        y = draft(op, channels_first(draft, call.input(0)), *rest, **settings)
        return [activated(call, draft, channels_last(draft, y))]

    return rule


def same(op: str) -> Expansion:
    """The operator of that name in onnx's own domain."""

    def rule(call: NodeCall, draft: Draft) -> Tensors:
        return draft.several(op, len(call.outputs), *call.inputs, **call.attributes)

    return rule


def _reordered(call: NodeCall, draft: Draft) -> Tensors:
    """The same map in another memory layout: (B, C, H, W) with channels padded to blocks."""
    x = call.input(0)
    last, channels = call.attribute("channels_last", 0), call.attribute("channels")
    if channels is not None:
        x = draft("Slice", x, starts=[0], ends=[channels], axes=[1])
        return [channels_last(draft, x) if last else x]
    return [channels_first(draft, x) if last else draft("Identity", x)]


LAYOUTS: Mapping[str, Expansion] = {
    f"{MS}NhwcConv": _nhwc_conv("Conv"),
    f"{MS}NhwcFusedConv": _nhwc_conv("Conv"),
    f"{MS}NhwcMaxPool": _nhwc("MaxPool"),
    f"{NCHWC}Conv": _blocked_conv,
    f"{NCHWC}ReorderInput": _reordered,
    f"{NCHWC}ReorderOutput": _reordered,
    **{
        f"{NCHWC}{op}": same(op)
        for op in ("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "Upsample")
    },
    f"{NHWC}Conv": _nhwc_conv("Conv"),
    f"{NHWC}ConvTranspose": _nhwc_conv("ConvTranspose"),
    **{f"{NHWC}{op}": _nhwc(op) for op in ("AveragePool", "MaxPool")},
    **{
        f"{NHWC}{op}": _nhwc(op, windowed=False)
        for op in ("BatchNormalization", "DepthToSpace", "GlobalAveragePool", "GlobalMaxPool",
                   "InstanceNormalization", "SpaceToDepth")
    },
}  # fmt: skip
"""The expansion of each operator."""
