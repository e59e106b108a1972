"""Shapes of the results of torch's backward operators: one literal table of rules.

A gradient has the shape of the tensor to which it belongs. These rules are used at plain sizes too,
because torch has no meta kernel for some of the operators, nor for those in `FORWARD`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.tracing.shapes.alike import with_mask
from flopscope.tracing.shapes.table import ShapeRule, like


def _like(index: int) -> ShapeRule:
    """The shape of the argument at this place."""

    def rule(*args: Any, **_: Any) -> torch.Tensor:
        return like(args[0], args[index].shape)

    return rule


def _sized(index: int) -> ShapeRule:
    """The shape that the argument at this place states."""

    def rule(*args: Any, **_: Any) -> torch.Tensor:
        return like(args[0], args[index])

    return rule


def _asked(
    grad: torch.Tensor, tensors: Sequence[torch.Tensor | None], mask: Sequence[bool]
) -> tuple[torch.Tensor | None, ...]:
    """A gradient for each tensor that requires one."""
    return tuple(
        like(grad, t.shape) if wanted and t is not None else None
        for t, wanted in zip(tensors, mask, strict=True)
    )


def _convolution(grad: Any, x: Any, weight: Any, bias_sizes: Any, *options: Any) -> Any:
    *_, mask = options
    bias = like(grad, (grad.shape[1],)) if mask[2] else None
    return (*_asked(grad, (x, weight), mask[:2]), bias)


def _batch_norm(grad: Any, x: Any, weight: Any, *options: Any) -> Any:
    return _asked(grad, (x, weight, weight), options[-1])


def _layer_norm(grad: Any, x: Any, _: Any, __: Any, ___: Any, *options: Any) -> Any:
    weight, bias, mask = options
    return _asked(grad, (x, weight, bias), mask)


def _group_norm(grad: Any, x: Any, _: Any, __: Any, weight: Any, *options: Any) -> Any:
    return _asked(grad, (x, weight, weight), options[-1])


def _rms_norm(grad: Any, x: Any, _: Any, __: Any, weight: Any, mask: Any) -> Any:
    return _asked(grad, (x, weight), mask)


def _prelu(grad: Any, x: Any, _: Any) -> Any:
    return like(grad, x.shape), like(grad, x.shape)


def _embedding(grad: Any, _: Any, rows: Any, *__: Any) -> torch.Tensor:
    return like(grad, (rows, grad.shape[-1]))


def _ctc_loss(scores: torch.Tensor, *_: Any) -> Any:
    """A loss for each sequence, and a table for the gradient, whose last size is given by the
    longest target. Scores are (T, N, C), or (T, C) for one sequence."""
    batch = scores.shape[1:-1]
    return like(scores, batch), like(scores, (*batch, scores.shape[0], 1))


LIKE_THE_GRADIENT = """
    threshold_backward hardtanh_backward hardsigmoid_backward hardswish_backward sigmoid_backward
    tanh_backward silu_backward gelu_backward leaky_relu_backward elu_backward softplus_backward
    mish_backward log_sigmoid_backward native_dropout_backward _softmax_backward_data
    _log_softmax_backward_data
""".split()
LIKE_THE_INPUT = """
    glu_backward max_pool2d_with_indices_backward max_pool3d_with_indices_backward
    adaptive_max_pool2d_backward adaptive_max_pool3d_backward avg_pool2d_backward
    multi_margin_loss_backward multilabel_margin_loss_backward fractional_max_pool3d_backward
    _ctc_loss_backward
    avg_pool3d_backward _adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward
""".split()
SIZED = "slice_backward select_backward diagonal_backward unfold_backward".split()
RESIZED = [
    *(f"upsample_nearest{n}d_backward" for n in (1, 2, 3)),
    *(f"_upsample_nearest_exact{n}d_backward" for n in (1, 2, 3)),
    *("upsample_linear1d_backward", "upsample_bilinear2d_backward"),
    *("upsample_trilinear3d_backward", "upsample_bicubic2d_backward"),
]

FORWARD: Mapping[str, ShapeRule] = {
    "_ctc_loss": _ctc_loss,
    "fake_quantize_per_tensor_affine_cachemask": with_mask,
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams": with_mask,
    "fake_quantize_per_channel_affine_cachemask": with_mask,
}

GRADIENT_SHAPES: Mapping[str, ShapeRule] = {
    **FORWARD,
    **dict.fromkeys(LIKE_THE_GRADIENT, _like(0)),
    **dict.fromkeys(LIKE_THE_INPUT, _like(1)),
    **dict.fromkeys(SIZED, _sized(1)),
    **dict.fromkeys(RESIZED, _sized(2)),
    "convolution_backward": _convolution,
    "native_batch_norm_backward": _batch_norm,
    "native_layer_norm_backward": _layer_norm,
    "native_group_norm_backward": _group_norm,
    "_fused_rms_norm_backward": _rms_norm,
    "_prelu_kernel_backward": _prelu,
    "embedding_dense_backward": _embedding,
}
"""The rules by operator, under its name without overload."""
