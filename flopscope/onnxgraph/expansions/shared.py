"""What expansions share: activations by name, windows, orders of axes, onnxruntime's domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flopscope.onnxgraph.expansions.drafts import Draft
from flopscope.onnxgraph.tensors import NodeCall, Tensor, Undecided, shape_of

MS, NCHWC, NHWC = "com.microsoft.", "com.microsoft.nchwc.", "com.ms.internal.nhwc."

WINDOW = ("auto_pad", "ceil_mode", "count_include_pad", "dilations", "group", "kernel_shape",
          "output_padding", "output_shape", "pads", "strides")  # fmt: skip


def activated(call: NodeCall, draft: Draft, x: Tensor) -> Tensor:
    """The tensor The tensor x after the activation that a fused operator names, if it names one."""
    name = str(call.attribute("activation", "") or "")
    if name in ("", "None", "none", "Identity"):
        return x
    given = call.attribute("activation_params", ())
    named = [call.attribute(f"activation_{letter}") for letter in ("alpha", "beta")]
    numbers = [n for n in (given or named) if n is not None]
    settings = dict(zip(PARAMETERS.get(name, ()), numbers, strict=False))
    if name not in ACTIVATIONS:
        raise Undecided
    return draft(ACTIVATIONS[name], x, **settings)


PARAMETERS: Mapping[str, Sequence[str]] = {
    "Clip": ("min", "max"),
    "HardSigmoid": ("alpha", "beta"),
    "LeakyRelu": ("alpha",),
}

ACTIVATIONS: Mapping[str, str] = {
    **{name: name for name in ("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid")},
    **{name: name for name in ("Elu", "Softplus", "Gelu", "HardSwish", "Softsign", "Selu")},
    **{name.lower(): name for name in ("Relu", "Gelu")},
    **dict.fromkeys(["silu", "Silu", "swish", "Swish"], "Swish"),
}
"""onnx's operator for each name of an activation."""


def channels_first(draft: Draft, x: Tensor) -> Tensor:
    """(B, …, C) as (B, C, …)."""
    rank = len(shape_of(x))
    return draft("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])


def channels_last(draft: Draft, x: Tensor) -> Tensor:
    """(B, C, …) as (B, …, C)."""
    rank = len(shape_of(x))
    return draft("Transpose", x, perm=[0, *range(2, rank), 1])


def plus(draft: Draft, x: Tensor, other: Tensor | None) -> Tensor:
    """The sum of x and the other tensor, if there is one."""
    return x if other is None else draft("Add", x, other)


def window(call: NodeCall) -> dict[str, Any]:
    """The attributes of a sliding window that the call has."""
    return {name: call.attributes[name] for name in WINDOW if name in call.attributes}
