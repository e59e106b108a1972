"""Functions of torch that run differently in a trace, in two literal tables: one for any sizes, and
one for free sizes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller
from flopscope.tracing.functions.complexconvolutions import CONVOLUTIONS, convolution, has_complex
from flopscope.tracing.functions.composites import COMPOSITES, composed
from flopscope.tracing.functions.factories import FACTORIES
from flopscope.tracing.functions.interpolation import interpolated
from flopscope.tracing.functions.pools import POOLS
from flopscope.tracing.node import size_value
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.shapes.table import RULES
from flopscope.tracing.special.products import attention, batched_product
from flopscope.tracing.special.recurrent import RECURRENT, recurrent
from flopscope.tracing.special.table import Handler
from flopscope.tracing.values.known import has_free_size

# --- on any sizes -------------------------------------------------------------------------------


def _linear(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A linear layer with the axes of its input, which torch would fold into one. Where they
    cannot be seen as one, it copies the input, at least if the weights learn."""
    if not args or args[0].dim() <= 2:
        return NotImplemented
    x = _foldable(recorder, args[0])
    with recorder.positions(x.shape[:-1]), recorder.moves.inside_a_kernel():
        return function(x, *args[1:], **kwargs)


def _foldable(recorder: Recorder, x: torch.Tensor) -> torch.Tensor:
    """The tensor, or a copy of it whose first axes can be seen as one."""
    layout = recorder.moves.of(x)
    if layout is None or layout.merges(range(x.dim() - 1)):
        return x
    return x.clone(memory_format=torch.contiguous_format)


def with_foldable(recorder: Recorder, args: Sequence[Any]) -> Sequence[Any]:
    """The operands of a product, of which the first is copied as that of a linear layer is, where
    the second is a stored matrix."""
    if len(args) != 2 or not args[0].dim() > 2 >= args[1].dim() or not recorder.stores(args[1]):
        return args
    return (_foldable(recorder, args[0]), args[1])


def _contiguous(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Tensor.contiguous where the elements do not lie in the order of the axes; also at a size of
    1, where torch could do without. On free sizes all else is contiguous."""
    x, given = args[0], [*args[1:], *kwargs.values()]
    wanted = given[0] if given else torch.contiguous_format
    if not recorder.moves.lies(x, wanted):
        return x.clone(memory_format=wanted)
    return x if has_free_size(x) else NotImplemented


def _convolution(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A convolution of complex numbers as one operator."""
    return convolution(function, *args, **kwargs) if has_complex(args, kwargs) else NotImplemented


def _norm(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return NotImplemented if recorder.trains else _rms_norm(recorder, *args, **kwargs)


def _rms_norm(
    recorder: Recorder,
    input: torch.Tensor,
    normalized_shape: Sequence[Any],
    weight: torch.Tensor | None = None,
    eps: float | None = None,
) -> torch.Tensor:
    """The norm as one operator, `_fused_rms_norm`."""
    result, _ = RULES["_fused_rms_norm"](input, normalized_shape)
    recorder.record("_fused_rms_norm", (input, normalized_shape, weight, eps), {}, result)
    return result  # type: ignore[no-any-return]


def _recurrent(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Run all steps of a recurrent layer at once. Raises BadInput in a training step."""
    if recorder.trains:
        raise BadInput(
            f"the backward pass of {function.__name__} is not known; "
            "trace the network without backward"
        )
    return recurrent(recorder, function, args)


ON_ANY_SIZES: Mapping[Any, Handler] = {
    F.linear: _linear,
    torch.Tensor.contiguous: _contiguous,
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    F.rms_norm: _norm,
    **dict.fromkeys(RECURRENT, _recurrent),
}
"""Handlers by function, for any sizes."""

# --- on free sizes ------------------------------------------------------------------------------

MEANS: Mapping[Any, tuple[int, ...]] = {
    F.adaptive_avg_pool2d: (-2, -1),
    F.adaptive_avg_pool3d: (-3, -2, -1),
}
"""Pooling to one position is the mean over these axes, for which torch would ask about strides."""


def _is_one(output_size: Any = None) -> bool:
    sizes = output_size if isinstance(output_size, Sequence) else (output_size,)
    return all(isinstance(size, int) and size == 1 for size in sizes)


def _mean(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if _is_one(*args[1:], **kwargs):
        return args[0].mean(MEANS[function], keepdim=True)
    return composed(recorder, function, args, kwargs)


AFFINE_GRIDS = frozenset({F.affine_grid, torch.affine_grid_generator})


def _grid(
    recorder: Recorder, theta: torch.Tensor, size: Sequence[Any], align_corners: bool | None = None
) -> torch.Tensor:
    """The grid as one operator, of which torch takes the sizes only as numbers. Raises BadInput for
    matrices that do not map grids of this rank."""
    axes = len(size) - 2
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (axes, axes + 1) or axes not in (2, 3):
        text = "×".join(str(size_value(n)) for n in theta.shape)
        raise BadInput(
            f"affine_grid at {caller()} takes matrices of N×2×3 for a size of 4 numbers, of N×3×4 "
            f"for one of 5, and these are {text} for one of {len(size)}"
        )
    result = theta.new_empty((*size[:1], *size[2:], axes))
    args = (theta, size, align_corners)
    recorder.record("affine_grid_generator", args, {}, result)
    return result


def _affine_grid(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    return NotImplemented if torch.is_grad_enabled() else _grid(recorder, *args, **kwargs)


def _made(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return FACTORIES[function](*args, **kwargs)


def _interpolated(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    return interpolated(*args, **kwargs)


def _attention(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    return attention(*args, **kwargs)


def _product(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    if not kwargs and min(x.dim() for x in args) > 2:
        return batched_product(*args)
    return composed(recorder, function, args, kwargs)


PRODUCTS = frozenset({torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__})

ON_FREE_SIZES: Mapping[Any, Handler] = {
    **dict.fromkeys([*POOLS, *COMPOSITES], composed),
    **dict.fromkeys(MEANS, _mean),
    **dict.fromkeys(AFFINE_GRIDS, _affine_grid),
    **dict.fromkeys(FACTORIES, _made),
    F.interpolate: _interpolated,
    **dict.fromkeys(PRODUCTS, _product),
    F.scaled_dot_product_attention: _attention,
}
"""Handlers by function, for arguments with a free size."""
