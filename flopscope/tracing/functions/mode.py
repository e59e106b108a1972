"""Functions of torch that are met before they reach the dispatcher.

Interpolation takes no symbolic size in torch's compiled code; its arithmetic is done here and the
operator called itself. Recurrent layers unroll one step after the other there; here they are the
same products at once, so that the length may be free. A root-mean-square norm is taken apart there
where nothing learns; here it is the one operator that it is where something does. A convolution of
complex numbers is three of real ones there, with sums around them; here it is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller
from flopscope.tracing.functions.complexconvolutions import CONVOLUTIONS, convolution, has_complex
from flopscope.tracing.functions.composites import composed
from flopscope.tracing.functions.factories import FACTORIES
from flopscope.tracing.functions.literals import MET
from flopscope.tracing.functions.products import attention, batched_product
from flopscope.tracing.functions.recurrent import RECURRENT, recurrent
from flopscope.tracing.node import size_value
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.shapes.outputs import is_symbolic
from flopscope.tracing.shapes.table import RULES
from flopscope.tracing.special.table import called


class Functions(TorchFunctionMode):
    """Stands in for the functions of the tables below while it is active, on plain sizes too where
    `always`."""

    def __init__(self, recorder: Recorder, *, always: bool = False) -> None:
        super().__init__()
        self._recorder = recorder
        self._always = always

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        special = called(self, self._recorder, function, args, kwargs or {})
        if special is not NotImplemented:
            return special
        if function in MET:
            return MET[function](function, args, dict(kwargs or {}))
        args, kwargs = with_numbers(function, args, kwargs or {})
        free = self._always or is_symbolic((args, kwargs))
        if function is F.linear and args and args[0].dim() > 2:
            with self._recorder.positions(args[0].shape[:-1]):
                return function(*args, **kwargs)
        if function in CONVOLUTIONS and has_complex(args, kwargs):
            return convolution(function, *args, **kwargs)
        if function in MEANS and free and _is_one(*args[1:], **kwargs):
            return args[0].mean(MEANS[function], keepdim=True)
        if function is F.rms_norm and not self._recorder.trains:
            return _rms_norm(self._recorder, *args, **kwargs)
        if function in AFFINE_GRIDS and free and not torch.is_grad_enabled():
            return _affine_grid(self._recorder, *args, **kwargs)
        if function in FACTORIES and free:
            return FACTORIES[function](*args, **kwargs)
        if function is F.interpolate and free:
            return _interpolate(*args, **kwargs)
        if function in PRODUCTS and free and not kwargs and min(x.dim() for x in args) > 2:
            return batched_product(*args)
        result = composed(self._recorder, function, args, kwargs) if free else NotImplemented
        if result is not NotImplemented:
            return result
        if function is F.scaled_dot_product_attention and free:
            return attention(*args, **kwargs)
        if function in RECURRENT and self._recorder.trains:
            raise BadInput(
                f"the backward pass of {RECURRENT[function].name} is not known; "
                "trace the network without backward"
            )
        if function in RECURRENT:
            return recurrent(self._recorder, function, args)
        return self._called(function, args, kwargs)

    def _called(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The call; where compiled code insists on numbers, at those of the example, which are
        fixed."""
        rows = len(self._recorder.rows)
        try:
            return function(*args, **kwargs)
        except RuntimeError as error:
            if "with symbolic sizes" not in str(error):
                raise
        del self._recorder.rows[rows:]
        return function(
            *pytree.tree_map(_at_numbers, tuple(args)), **pytree.tree_map(_at_numbers, kwargs)
        )


class Values(TorchFunctionMode):
    """While it is active, symbolic real numbers reach torch's functions as numbers."""

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in MET:
            return MET[function](function, args, dict(kwargs or {}))
        args, kwargs = with_numbers(function, args, kwargs or {})
        if function in FACTORIES and is_symbolic((args, kwargs)):
            return FACTORIES[function](*args, **kwargs)
        return function(*args, **kwargs)


def with_numbers(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments with the example's numbers for symbolic real ones.

    Only values of tensors depend on those, a scale or a momentum, and no count on them; but for the
    scale of an interpolation.
    """
    given = (*args, *kwargs.values())
    if function is F.interpolate or not any(isinstance(value, torch.Tensor) for value in given):
        return args, kwargs
    if any(isinstance(value, torch.SymFloat) for value in given):
        args = [_number(value) for value in args]
        kwargs = {name: _number(value) for name, value in kwargs.items()}
    return args, kwargs


def _at_numbers(value: Any) -> Any:
    """The value with every free size at the example's number, from now on."""
    if isinstance(value, torch.Tensor):
        return value.expand([int(size) for size in value.shape]) if is_symbolic(value) else value
    return int(value) if isinstance(value, torch.SymInt) else value


def _number(value: Any) -> Any:
    return value.node.example() if isinstance(value, torch.SymFloat) else value


MEANS: Mapping[Any, tuple[int, ...]] = {
    F.adaptive_avg_pool2d: (-2, -1),
    F.adaptive_avg_pool3d: (-3, -2, -1),
}
"""Pooling to one position is the mean over these axes; torch asks whether there are two channels,
for the sake of strides."""


def _is_one(output_size: Any = None) -> bool:
    sizes = output_size if isinstance(output_size, Sequence) else (output_size,)
    return all(isinstance(size, int) and size == 1 for size in sizes)


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


AFFINE_GRIDS = frozenset({F.affine_grid, torch.affine_grid_generator})


def _affine_grid(
    recorder: Recorder, theta: torch.Tensor, size: Sequence[Any], align_corners: bool | None = None
) -> torch.Tensor:
    """The grid as one operator, whose sizes torch takes as numbers only. Raises BadInput for
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


PRODUCTS = frozenset({torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__})


UPSAMPLES: Mapping[tuple[str, int], Callable[..., Any]] = {
    ("nearest", 3): torch.ops.aten.upsample_nearest1d.default,
    ("nearest", 4): torch.ops.aten.upsample_nearest2d.default,
    ("nearest", 5): torch.ops.aten.upsample_nearest3d.default,
    ("nearest-exact", 3): torch.ops.aten._upsample_nearest_exact1d.default,
    ("nearest-exact", 4): torch.ops.aten._upsample_nearest_exact2d.default,
    ("nearest-exact", 5): torch.ops.aten._upsample_nearest_exact3d.default,
    ("linear", 3): torch.ops.aten.upsample_linear1d.default,
    ("bilinear", 4): torch.ops.aten.upsample_bilinear2d.default,
    ("trilinear", 5): torch.ops.aten.upsample_trilinear3d.default,
    ("bicubic", 4): torch.ops.aten.upsample_bicubic2d.default,
}
"""By mode and rank of the input."""

ANTIALIASED: Mapping[tuple[str, int], Callable[..., Any]] = {
    ("bilinear", 4): torch.ops.aten._upsample_bilinear2d_aa.default,
    ("bicubic", 4): torch.ops.aten._upsample_bicubic2d_aa.default,
}


def _interpolate(
    input: torch.Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> torch.Tensor:
    """F.interpolate with its sizes computed here; `area` is adaptive pooling there too."""
    axes = input.shape[2:]
    if size is not None:
        grid = list(size) if isinstance(size, Sequence) else [size] * len(axes)
    else:
        given = isinstance(scale_factor, Sequence)
        scales = list(scale_factor) if given else [scale_factor] * len(axes)
        grid = [_scaled(n, scale) for n, scale in zip(axes, scales, strict=True)]
    if mode == "area":
        pools: tuple[Callable[..., torch.Tensor], ...] = (
            F.adaptive_avg_pool1d,
            F.adaptive_avg_pool2d,
            F.adaptive_avg_pool3d,
        )
        return pools[len(axes) - 1](input, grid)
    operators = ANTIALIASED if antialias else UPSAMPLES
    if (mode, input.dim()) not in operators:
        how = f"{mode}, antialiased" if antialias else mode
        raise BadInput(
            f"the interpolation at {caller()} ({how}, of {input.dim()} dimensions) takes no free "
            "sizes; give numbers for them"
        )
    corners = () if mode.startswith("nearest") else (bool(align_corners),)
    result: torch.Tensor = operators[mode, input.dim()](input, grid, *corners)
    return result


def _scaled(size: Any, scale: Any) -> Any:
    """⌊size · scale⌋, exact where the scale is a whole number."""
    whole = isinstance(scale, float) and scale.is_integer()
    return size * int(scale) if whole else torch.sym_int(size * scale)
