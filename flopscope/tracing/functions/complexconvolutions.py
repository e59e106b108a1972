"""Convolutions of complex numbers as one operator each.

torch splits each into three convolutions of real numbers: of the real parts, the imaginary parts
and their sums. That is an algorithm, like Winograd's; the products that define the convolution are
counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F

CONVOLUTIONS: Mapping[Any, tuple[int, bool]] = {
    F.conv1d: (1, False),
    F.conv2d: (2, False),
    F.conv3d: (3, False),
    F.conv_transpose1d: (1, True),
    F.conv_transpose2d: (2, True),
    F.conv_transpose3d: (3, True),
}
"""The functions, with their number of axes and whether they are transposed."""


def has_complex(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Is the input complex?"""
    x = args[0] if args else kwargs.get("input")
    return isinstance(x, torch.Tensor) and x.is_complex()


def convolution(function: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    """What the function returns, computed by torch's operator for any convolution."""
    axes, transposed = CONVOLUTIONS[function]
    take = _transposed if transposed else _forward
    x, weight, bias, stride, padding, extra, groups, dilation = take(*args, **kwargs)
    stride, padding, extra, dilation = (
        _axes(sizes, axes) for sizes in (stride, padding, extra, dilation)
    )
    batched = x if x.dim() == axes + 2 else x.unsqueeze(0)
    options = (stride, padding, dilation, transposed, extra, groups)
    run = Differentiable.apply if torch.is_grad_enabled() else torch.ops.aten.convolution.default
    result: torch.Tensor = run(batched, weight, bias, *options)  # type: ignore[no-untyped-call]
    return result if batched is x else result.squeeze(0)


class Differentiable(torch.autograd.Function):
    """The operator with its gradient, which torch has for real numbers only."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *options: Any
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.options = options
        ctx.bias = None if bias is None else list(bias.shape)
        result: torch.Tensor = torch.ops.aten.convolution.default(x, weight, bias, *options)
        return result

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        x, weight = ctx.saved_tensors
        gradients = torch.ops.aten.convolution_backward.default(
            grad, x, weight, ctx.bias, *ctx.options, list(ctx.needs_input_grad[:3])
        )
        return (*gradients, *(None for _ in ctx.options))


def _forward(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> tuple[Any, ...]:
    """Padding for `same`: an odd one has one more after the input."""
    if padding == "valid":
        padding = 0
    elif padding == "same":
        kernel = weight.shape[2:]
        spans = [d * (k - 1) for d, k in zip(_axes(dilation, len(kernel)), kernel, strict=True)]
        behind = [n for span in reversed(spans) for n in (0, span % 2)]
        input = F.pad(input, behind) if any(behind) else input
        padding = [span // 2 for span in spans]
    return input, weight, bias, stride, padding, 0, groups, dilation


def _transposed(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
) -> tuple[Any, ...]:
    return input, weight, bias, stride, padding, output_padding, groups, dilation


def _axes(sizes: Any, axes: int) -> list[Any]:
    listed = list(sizes) if isinstance(sizes, Sequence) else [sizes]
    return listed * axes if len(listed) == 1 else listed
