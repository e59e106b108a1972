"""Shapes of results on symbolic sizes: operators that work element by element, and losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    axis,
    broadcast,
    demand,
    is_size,
    joint_type,
    like,
    real_type,
    tensor_text,
    text,
)

__all__ = ["ALIKE"]


# --- element by element ------------------------------------------------------------------------


def _unary(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return like(x, x.shape)


def _floating(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return like(x, x.shape, real_type(x.dtype))


def _truth(*operands: Any, **_: Any) -> torch.Tensor:
    tensors = _tensors(operands)
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), torch.bool)


def _pairwise(a: Any, b: Any, *_: Any, **__: Any) -> torch.Tensor:
    tensors = _tensors((a, b))
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), joint_type(a, b))


def _real_pairwise(a: Any, b: Any, *_: Any, **__: Any) -> torch.Tensor:
    result = _pairwise(a, b)
    return like(result, result.shape, real_type(result.dtype))


def _quotient(a: Any, b: Any, *_: Any, **kwargs: Any) -> torch.Tensor:
    return _pairwise(a, b) if kwargs.get("rounding_mode") else _real_pairwise(a, b)


def _several(*operands: Any, **named: Any) -> torch.Tensor:
    """addcmul, lerp, clamp by tensors: the shape and type of all operands together."""
    tensors = _tensors((*operands, *named.values()))
    dtype = tensors[0].dtype
    for other in tensors[1:]:
        dtype = torch.promote_types(dtype, other.dtype)
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), dtype)


def _clamp(x: torch.Tensor, *limits: Any, **named: Any) -> torch.Tensor:
    result = _several(x, *limits, **named)
    for limit in (*limits, *named.values()):
        if limit is not None and not isinstance(limit, torch.Tensor):
            result = like(result, result.shape, joint_type(result, limit))
    return result


def _where(condition: torch.Tensor, a: Any, b: Any) -> torch.Tensor:
    tensors = _tensors((condition, a, b))
    return like(condition, broadcast(*(t.shape for t in tensors)), joint_type(a, b))


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    return [value for value in values if isinstance(value, torch.Tensor)]


def stretched(x: torch.Tensor, other: torch.Tensor, *_: Any) -> torch.Tensor:
    """The first one's type of elements, in the common shape of both."""
    return like(x, broadcast(x.shape, other.shape))


def _complex(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return like(a, broadcast(a.shape, b.shape), a.dtype.to_complex())


def _real_part(x: torch.Tensor, *_: Any) -> torch.Tensor:
    return like(x, x.shape, x.dtype.to_real() if x.dtype.is_complex else real_type(x.dtype))


def _magnitude(x: torch.Tensor) -> torch.Tensor:
    return like(x, x.shape, x.dtype.to_real() if x.dtype.is_complex else None)


def _glu(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    at, shape = axis(x, dim), list(x.shape)
    demand(
        is_size(shape[at] % 2, 0),
        lambda: f"Halving dimension must be even, but dimension {at} is size {text(shape[at])}",
    )
    shape[at] = shape[at] // 2
    return like(x, shape)


def _softmax(x: torch.Tensor, dim: int, half_to_float: bool = False) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, torch.float32 if half_to_float else None)


def _safe_softmax(x: torch.Tensor, dim: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, dtype)


def with_mask(x: torch.Tensor, *_: Any) -> Any:
    """The same shape twice: of the results, and of booleans that say which elements were kept."""
    return like(x, x.shape), like(x, x.shape, torch.bool)


def _triangle(x: torch.Tensor, *_: Any) -> torch.Tensor:
    if x.dim() < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return like(x, x.shape)


def _log_sigmoid(x: torch.Tensor) -> Any:
    return like(x, x.shape), like(x, (0,))


# --- losses ------------------------------------------------------------------------------------


def _loss(x: torch.Tensor, target: torch.Tensor, *options: Any, **_: Any) -> torch.Tensor:
    shape = broadcast(x.shape, target.shape)
    reduction = next((o for o in options if isinstance(o, int) and not isinstance(o, bool)), 1)
    return like(x, () if reduction else shape, joint_type(x, target))


def _entropy(x: torch.Tensor, target: torch.Tensor, _: Any = None, reduction: int = 1) -> Any:
    demand(
        x.dim() == target.dim() and all(map(is_size, x.shape, target.shape)),
        lambda: (
            f"input and target must have the same shape: {tensor_text(x)} and {tensor_text(target)}"
        ),
    )
    return like(x, () if reduction else x.shape)


def _entropy_of_logits(x: torch.Tensor, target: torch.Tensor, *options: Any) -> Any:
    return _entropy(x, target, None, options[2] if len(options) > 2 else 1)


def _nll_loss(x: torch.Tensor, target: torch.Tensor, weight: Any, reduction: int, *_: Any) -> Any:
    """Of class scores (N, C) or (C), or a map of them (N, C, H, W)."""
    if x.dim() != target.dim() + 1 or x.dim() not in (1, 2, 4):
        raise RuntimeError(f"{x.dim()}D scores do not fit {target.dim()}D targets")
    scores = [n for d, n in enumerate(x.shape) if d != (1 if x.dim() > 1 else 0)]
    demand(
        all(map(is_size, scores, target.shape)),
        lambda: f"scores {tensor_text(x)} do not fit targets {tensor_text(target)}",
    )
    total = () if reduction or x.dim() == 1 else target.shape
    return like(x, total), like(x, ())


UNARY = """
    relu hardtanh silu gelu hardsigmoid hardswish leaky_relu elu celu selu softplus mish relu6
    neg abs square floor ceil round trunc frac sgn sign fill zero clone threshold softshrink
    hardshrink detach alias lift_fresh bernoulli nan_to_num bitwise_not rrelu_with_noise
    rrelu exponential normal uniform random positive conj _conj _conj_physical resolve_conj
    resolve_neg cauchy geometric log_normal renorm
"""
FLOATING = """
    exp exp2 expm1 log log1p log2 log10 sqrt rsqrt reciprocal erf erfc erfinv sin cos tan tanh sinh
    cosh asin acos atan asinh acosh atanh sigmoid logit lgamma digamma i0 sinc deg2rad rad2deg
    special_i0e special_i1 special_entr special_ndtr special_log_ndtr
"""
TRUTHS = """
    eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite signbit
    isposinf isneginf isin
"""
PAIRWISE = """
    add sub rsub mul pow maximum minimum fmax fmin fmod remainder floor_divide
    bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift
    heaviside gcd lcm __and__ __or__ __xor__ __lshift__ __rshift__
"""
REAL_PAIRWISE = "atan2 hypot logaddexp logaddexp2 copysign xlogy special_xlog1py"
LOSSES = "mse_loss smooth_l1_loss huber_loss soft_margin_loss"

ALIKE: Mapping[str, ShapeRule] = {
    **dict.fromkeys(UNARY.split(), _unary),
    **dict.fromkeys(FLOATING.split(), _floating),
    **dict.fromkeys(TRUTHS.split(), _truth),
    **dict.fromkeys(PAIRWISE.split(), _pairwise),
    **dict.fromkeys(REAL_PAIRWISE.split(), _real_pairwise),
    **dict.fromkeys(LOSSES.split(), _loss),
    **dict.fromkeys(["addcmul", "addcdiv", "lerp"], _several),
    **dict.fromkeys(["clamp", "clamp_min", "clamp_max"], _clamp),
    **dict.fromkeys(["div", "true_divide"], _quotient),
    "where": _where,
    "masked_fill": stretched,
    "_prelu_kernel": stretched,
    **dict.fromkeys(["complex", "polar"], _complex),
    "angle": _real_part,
    "abs": _magnitude,
    "glu": _glu,
    **dict.fromkeys(["tril", "triu"], _triangle),
    **dict.fromkeys(["_softmax", "_log_softmax"], _softmax),
    "_safe_softmax": _safe_softmax,
    "native_dropout": with_mask,
    "log_sigmoid_forward": _log_sigmoid,
    "binary_cross_entropy": _entropy,
    "binary_cross_entropy_with_logits": _entropy_of_logits,
    **dict.fromkeys(["nll_loss_forward", "nll_loss2d_forward"], _nll_loss),
}
