"""Shapes of results on symbolic sizes: one literal table of rules.

With plain integer sizes torch's own meta kernels answer. Most of them refuse symbolic sizes, so
every common operator has a rule here or in the tables of `looks`, `lookups` and `sliding`. A rule
compares sizes as torch does and raises as torch does; where only the example decides, the
comparison goes on the trail. Layout is not modelled: every result is contiguous, since no count
depends on strides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from flopscope.tracing.fitting import (
    META,
    Rule,
    axes,
    axis,
    broadcast,
    broadcasts_to,
    demand,
    is_size,
    like,
    product,
    text,
)
from flopscope.tracing.looks import LOOKS
from flopscope.tracing.lookups import LOOKUPS
from flopscope.tracing.sliding import SLIDING

__all__ = ["META", "RULES", "Rule", "broadcast", "like"]

# --- element by element -----------------------------------------------------------------------


def _unary(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return like(x, x.shape)


def _floating(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return like(x, x.shape, _real(x.dtype))


def _real(dtype: torch.dtype) -> torch.dtype:
    """The type of a quotient or a root of such elements."""
    whole = not (dtype.is_floating_point or dtype.is_complex)
    return torch.get_default_dtype() if whole else dtype


def _truth(*operands: Any, **_: Any) -> torch.Tensor:
    tensors = _tensors(operands)
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), torch.bool)


def _pairwise(a: Any, b: Any, *_: Any, **__: Any) -> torch.Tensor:
    tensors = _tensors((a, b))
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), _type(a, b))


def _real_pairwise(a: Any, b: Any, *_: Any, **__: Any) -> torch.Tensor:
    result = _pairwise(a, b)
    return like(result, result.shape, _real(result.dtype))


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
            result = like(result, result.shape, _type(result, limit))
    return result


def _where(condition: torch.Tensor, a: Any, b: Any) -> torch.Tensor:
    tensors = _tensors((condition, a, b))
    return like(condition, broadcast(*(t.shape for t in tensors)), _type(a, b))


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    return [value for value in values if isinstance(value, torch.Tensor)]


def _type(a: Any, b: Any) -> torch.dtype:
    a, b = (1 if isinstance(v, torch.SymInt) else 1.0 if isinstance(v, torch.SymFloat) else v
            for v in (a, b))  # fmt: skip
    return torch.result_type(a, b)


def _prelu(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return like(x, broadcast(x.shape, weight.shape))


def _masked_fill(x: torch.Tensor, mask: torch.Tensor, _: Any) -> torch.Tensor:
    return like(x, broadcast(x.shape, mask.shape))


def _complex(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return like(a, broadcast(a.shape, b.shape), a.dtype.to_complex())


def _real_part(x: torch.Tensor, *_: Any) -> torch.Tensor:
    return like(x, x.shape, x.dtype.to_real() if x.dtype.is_complex else _real(x.dtype))


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


def _along(x: torch.Tensor, dim: int, *_: Any, **kwargs: Any) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, kwargs.get("dtype"))


def _sums_along(x: torch.Tensor, dim: int, *_: Any, **kwargs: Any) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, kwargs.get("dtype") or _summed_type(x))


def _softmax(x: torch.Tensor, dim: int, half_to_float: bool = False) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, torch.float32 if half_to_float else None)


def _safe_softmax(x: torch.Tensor, dim: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, dtype)


def _dropout(x: torch.Tensor, *_: Any) -> Any:
    return like(x, x.shape), like(x, x.shape, torch.bool)


def _triangle(x: torch.Tensor, *_: Any) -> torch.Tensor:
    if x.dim() < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return like(x, x.shape)


def _log_sigmoid(x: torch.Tensor) -> Any:
    return like(x, x.shape), like(x, (0,))


# --- losses -----------------------------------------------------------------------------------


def _loss(x: torch.Tensor, target: torch.Tensor, *options: Any, **_: Any) -> torch.Tensor:
    shape = broadcast(x.shape, target.shape)
    reduction = next((o for o in options if isinstance(o, int) and not isinstance(o, bool)), 1)
    return like(x, () if reduction else shape, _type(x, target))


def _entropy(x: torch.Tensor, target: torch.Tensor, _: Any = None, reduction: int = 1) -> Any:
    demand(
        x.dim() == target.dim() and all(map(is_size, x.shape, target.shape)),
        lambda: f"input and target must have the same shape: {product(x)} and {product(target)}",
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
        lambda: f"scores {product(x)} do not fit targets {product(target)}",
    )
    total = () if reduction or x.dim() == 1 else target.shape
    return like(x, total), like(x, ())


# --- products ---------------------------------------------------------------------------------


def _matmul(a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    fits = a.dim() == b.dim() in (2, 3) and is_size(a.shape[-1], b.shape[-2])
    fits = fits and all(map(is_size, a.shape[:-2], b.shape[:-2]))
    demand(
        fits,
        lambda: f"mat1 and mat2 shapes cannot be multiplied ({product(a)} and {product(b)})",
    )
    return like(a, (*a.shape[:-1], b.shape[-1]))


def _addmm(bias: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = _matmul(a, b)
    broadcasts_to(bias.shape, result.shape)
    return result


def _addbmm(bias: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = like(a, _matmul(a, b).shape[1:])
    broadcasts_to(bias.shape, result.shape)
    return result


def _mv(a: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    fits = a.dim() == 2 and vector.dim() == 1 and is_size(a.shape[1], vector.shape[0])
    demand(fits, lambda: f"size mismatch, got {product(a)} and {product(vector)}")
    return like(a, a.shape[:1])


def _addmv(bias: torch.Tensor, a: torch.Tensor, vector: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = _mv(a, vector)
    broadcasts_to(bias.shape, result.shape)
    return result


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    fits = a.dim() == b.dim() == 1 and is_size(a.shape[0], b.shape[0])
    demand(
        fits,
        lambda: f"inconsistent tensor size, got {product(a)} and {product(b)}",
    )
    return like(a, ())


def _addr(matrix: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> Any:
    result = like(a, (a.shape[0], b.shape[0]))
    broadcasts_to(matrix.shape, result.shape)
    return result


def _trilinear(a: Any, b: Any, c: Any, *options: Any) -> torch.Tensor:
    """The product of three, each with new dimensions of size 1, summed over some of the result."""
    wide = []
    for x, new in zip((a, b, c), options[:3], strict=True):
        rest = iter(x.shape)
        wide.append([1 if d in new else next(rest) for d in range(x.dim() + len(new))])
    shape = broadcast(*wide)
    return like(a, [n for d, n in enumerate(shape) if d not in options[3]])


def _distances(a: torch.Tensor, b: torch.Tensor, *_: Any) -> torch.Tensor:
    demand(
        is_size(a.shape[-1], b.shape[-1]),
        lambda: f"X1 and X2 must have the same number of columns: {product(a)} and {product(b)}",
    )
    return like(a, (*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-2]))


# --- norms ------------------------------------------------------------------------------------


def _fits_norm(x: torch.Tensor, wanted: Sequence[Any], axes_of: Sequence[Any]) -> None:
    demand(
        len(wanted) == len(axes_of) and all(map(is_size, axes_of, wanted)),
        lambda: f"a norm over [{text(wanted)}] does not fit an input of {product(x)}",
    )


def _batch_norm(x: torch.Tensor, *options: Any, **_: Any) -> Any:
    for stored in options[:4]:
        if isinstance(stored, torch.Tensor):
            _fits_norm(x, stored.shape, x.shape[1:2])
    own = len(options) > 4 and options[4] is True  # statistics of its own are kept
    statistics = (x.shape[1] if own else 0,)
    return like(x, x.shape), like(x, statistics), like(x, statistics)


def _layer_norm(x: torch.Tensor, normalised: Sequence[Any], *_: Any) -> Any:
    statistics = _norm_statistics(x, normalised)
    return like(x, x.shape), like(x, statistics), like(x, statistics)


def _norm_statistics(x: torch.Tensor, normalised: Sequence[Any]) -> list[Any]:
    apart = x.dim() - len(normalised)
    _fits_norm(x, normalised, x.shape[max(apart, 0) :])
    return [*x.shape[:apart], *([1] * len(normalised))]


def _group_norm(x: torch.Tensor, _: Any, __: Any, batch: Any, *sizes: Any) -> Any:
    channels, _positions, groups, *_rest = sizes
    demand(
        is_size(channels % groups, 0),
        lambda: f"{text(channels)} channels are not divisible by {text(groups)} groups",
    )
    statistics = (batch, groups)
    return like(x, x.shape), like(x, statistics), like(x, statistics)


def _rms_norm(x: torch.Tensor, normalised: Sequence[Any], *_: Any) -> Any:
    return like(x, x.shape), like(x, _norm_statistics(x, normalised))


# --- reductions -------------------------------------------------------------------------------


def _reduced(x: torch.Tensor, dims: Any = None, keep: bool = False) -> list[Any]:
    dims = [dims] if isinstance(dims, int) else list(dims or range(x.dim()))
    gone = axes(x, dims)
    return [1 if d in gone else n for d, n in enumerate(x.shape) if keep or d not in gone]


def _reduction(
    x: torch.Tensor, dims: Any = None, keep: bool = False, **kwargs: Any
) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), kwargs.get("dtype"))


def _mean(x: torch.Tensor, dims: Any = None, keep: bool = False, **kwargs: Any) -> torch.Tensor:
    dtype = kwargs.get("dtype") or x.dtype
    if dtype != _real(dtype):
        raise RuntimeError("mean(): the type of its result must be a floating or complex one")
    return like(x, _reduced(x, dims, keep), dtype)


def _truth_of(x: torch.Tensor, dims: Any = None, keep: bool = False) -> torch.Tensor:
    dtype = torch.uint8 if x.dtype is torch.uint8 else torch.bool
    return like(x, _reduced(x, dims, keep), dtype)


def _log_sum(x: torch.Tensor, dims: Any = None, keep: bool = False) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), _real(x.dtype))


def _summed_type(x: torch.Tensor) -> torch.dtype:
    return x.dtype if x.dtype.is_floating_point or x.dtype.is_complex else torch.int64


def _sum(x: torch.Tensor, dims: Any = None, keep: bool = False, **kwargs: Any) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), kwargs.get("dtype") or _summed_type(x))


def _places(x: torch.Tensor, dims: Any = None, keep: bool = False) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), torch.int64)


def _extremum(x: torch.Tensor, dim: int | None = None, keep: bool = False) -> Any:
    values = like(x, _reduced(x, dim, keep))
    return values if dim is None else (values, like(values, values.shape, torch.int64))


def _aminmax(x: torch.Tensor, **kwargs: Any) -> Any:
    result = like(x, _reduced(x, kwargs.get("dim"), kwargs.get("keepdim", False)))
    return result, like(result, result.shape)


def _norm(
    x: torch.Tensor, _: Any = 2, dims: Any = None, keep: bool = False, **kwargs: Any
) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), kwargs.get("dtype"))


def _counted(x: torch.Tensor, dims: Any = None) -> torch.Tensor:
    return like(x, _reduced(x, dims), torch.int64)


def _histogram(x: torch.Tensor, bins: Any = 100, *_: Any) -> torch.Tensor:
    return like(x, (bins,))


def _kth(x: torch.Tensor, _: Any, dim: int = -1, keep: bool = False) -> Any:
    return _extremum(x, dim, keep)


def _variance(x: torch.Tensor, dims: Any = None, *_: Any, **kwargs: Any) -> torch.Tensor:
    return like(x, _reduced(x, dims, kwargs.get("keepdim", False)))


def _variance_and_mean(x: torch.Tensor, dims: Any = None, *_: Any, **kwargs: Any) -> Any:
    result = _variance(x, dims, **kwargs)
    return result, like(result, result.shape)


def _ordered(x: torch.Tensor, *options: Any, **named: Any) -> Any:
    dims = [o for o in options if isinstance(o, int) and not isinstance(o, bool)]
    axis(x, named.get("dim", dims[0] if dims else -1))
    return like(x, x.shape), like(x, x.shape, torch.int64)


def _largest(x: torch.Tensor, k: Any, dim: int = -1, *_: Any) -> Any:
    at, shape = axis(x, dim), list(x.shape)
    demand(
        (shape[at] if shape else 1) >= k,
        lambda: f"selected index k={text(k)} out of range for {product(x)} in dimension {at}",
    )
    shape[at : at + 1] = [k] if shape else []
    return like(x, shape), like(x, shape, torch.int64)


# --- spectra ------------------------------------------------------------------------------------


def _spectrum(x: torch.Tensor, *_: Any) -> torch.Tensor:
    return like(x, x.shape, x.dtype.to_complex())


def _real_spectrum(x: torch.Tensor, dims: Sequence[int], _: Any, onesided: bool) -> torch.Tensor:
    shape, last = list(x.shape), axis(x, dims[-1])
    if onesided:
        shape[last] = shape[last] // 2 + 1
    return like(x, shape, x.dtype.to_complex())


def _from_spectrum(x: torch.Tensor, dims: Sequence[int], _: Any, size: Any) -> torch.Tensor:
    shape = list(x.shape)
    shape[axis(x, dims[-1])] = size
    return like(x, shape, x.dtype.to_real())


# --- made of sizes ----------------------------------------------------------------------------


def _filled(shape: Sequence[Any], *_: Any, **kwargs: Any) -> torch.Tensor:
    return torch.empty(tuple(shape), dtype=kwargs.get("dtype"), device=META)


def _full(shape: Sequence[Any], value: Any = 0.0, *_: Any, **kwargs: Any) -> torch.Tensor:
    dtype = kwargs.get("dtype") or _type(torch.empty((), dtype=torch.bool, device=META), value)
    return torch.empty(tuple(shape), dtype=dtype, device=META)


def _whole(*ends_and_shape: Any, **kwargs: Any) -> torch.Tensor:
    """randint and randperm: whole numbers, of the shape that is given last."""
    shape = ends_and_shape[-1]
    shape = shape if isinstance(shape, Sequence) else (shape,)
    return torch.empty(tuple(shape), dtype=kwargs.get("dtype") or torch.int64, device=META)


def _spaced(_: Any, __: Any, steps: Any, *___: Any, **kwargs: Any) -> torch.Tensor:
    return torch.empty((steps,), dtype=kwargs.get("dtype"), device=META)


def _eye(rows: Any, columns: Any = None, **kwargs: Any) -> torch.Tensor:
    shape = (rows, rows if columns is None else columns)
    return torch.empty(shape, dtype=kwargs.get("dtype"), device=META)


def _number(_: Any, **kwargs: Any) -> torch.Tensor:
    return torch.empty((), dtype=kwargs.get("dtype"), device=META)


def _drawn(x: torch.Tensor, number: Any, *_: Any, **__: Any) -> torch.Tensor:
    """multinomial: so many places of each row."""
    return like(x, (*x.shape[:-1], number), torch.int64)


def _new(x: torch.Tensor, shape: Sequence[Any], *_: Any, **kwargs: Any) -> torch.Tensor:
    return like(x, shape, kwargs.get("dtype"))


def _converted(x: torch.Tensor, *_: Any, **kwargs: Any) -> torch.Tensor:
    return like(x, x.shape, kwargs.get("dtype"))


def _arange(*ends: Any, **kwargs: Any) -> torch.Tensor:
    start, stop = (0, ends[0]) if len(ends) == 1 else ends[:2]
    step = ends[2] if len(ends) > 2 else 1
    whole = all(isinstance(end, int | torch.SymInt) for end in (start, stop, step))
    span = stop - start
    demand(
        span >= 0 if step > 0 else span <= 0,
        lambda: "upper bound and lower bound inconsistent with step sign",
    )
    dtype = kwargs.get("dtype") or (torch.int64 if whole else torch.get_default_dtype())
    if dtype == torch.int64:  # torch makes integers of the ends first
        start, stop, step = (torch.sym_int(end) for end in (start, stop, step))
        return torch.empty((-((start - stop) // step),), dtype=dtype, device=META)
    length = math.ceil((torch.sym_float(stop) - torch.sym_float(start)) / torch.sym_float(step))
    return torch.empty((length,), dtype=dtype, device=META)


def _as_whole(end: Any) -> Any:
    return int(end) if isinstance(end, float) and end.is_integer() else end


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
FILLED = "zeros ones empty rand randn"
LIKE = """
    zeros_like ones_like empty_like full_like rand_like randn_like randint_like _to_copy
"""

RULES: Mapping[str, Rule] = {
    **LOOKS,
    **LOOKUPS,
    **SLIDING,
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
    "masked_fill": _masked_fill,
    "_prelu_kernel": _prelu,
    **dict.fromkeys(["complex", "polar"], _complex),
    "angle": _real_part,
    "abs": _magnitude,
    "glu": _glu,
    **dict.fromkeys(["tril", "triu"], _triangle),
    **dict.fromkeys(["cumsum", "cumprod"], _sums_along),
    "logcumsumexp": _along,
    **dict.fromkeys(["_softmax", "_log_softmax"], _softmax),
    "_safe_softmax": _safe_softmax,
    "native_dropout": _dropout,
    "log_sigmoid_forward": _log_sigmoid,
    "binary_cross_entropy": _entropy,
    "binary_cross_entropy_with_logits": _entropy_of_logits,
    **dict.fromkeys(["nll_loss_forward", "nll_loss2d_forward"], _nll_loss),
    **dict.fromkeys(["mm", "bmm"], _matmul),
    **dict.fromkeys(["addmm", "baddbmm"], _addmm),
    "addbmm": _addbmm,
    "mv": _mv,
    "addmv": _addmv,
    **dict.fromkeys(["dot", "vdot"], _dot),
    "addr": _addr,
    "_trilinear": _trilinear,
    **dict.fromkeys(["_cdist_forward", "_euclidean_dist"], _distances),
    **dict.fromkeys(["native_batch_norm", "_native_batch_norm_legit_no_training"], _batch_norm),
    **dict.fromkeys(["_native_batch_norm_legit", "cudnn_batch_norm"], _batch_norm),
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "_fused_rms_norm": _rms_norm,
    **dict.fromkeys(["amax", "amin"], _reduction),
    "prod": _sum,
    **dict.fromkeys(["sum", "nansum"], _sum),
    "mean": _mean,
    "logsumexp": _log_sum,
    **dict.fromkeys(["all", "any"], _truth_of),
    **dict.fromkeys(["argmax", "argmin"], _places),
    **dict.fromkeys(["max", "min", "median", "nanmedian", "mode"], _extremum),
    **dict.fromkeys(["cummax", "cummin"], _ordered),
    "aminmax": _aminmax,
    "kthvalue": _kth,
    **dict.fromkeys(["var", "std"], _variance),
    **dict.fromkeys(["var_mean", "std_mean"], _variance_and_mean),
    **dict.fromkeys(["linalg_vector_norm", "norm"], _norm),
    "count_nonzero": _counted,
    "histc": _histogram,
    "sort": _ordered,
    "_fft_c2c": _spectrum,
    "_fft_r2c": _real_spectrum,
    "_fft_c2r": _from_spectrum,
    "topk": _largest,
    **dict.fromkeys(FILLED.split(), _filled),
    "full": _full,
    **dict.fromkeys(["randint", "randperm"], _whole),
    **dict.fromkeys(["linspace", "logspace"], _spaced),
    "eye": _eye,
    "scalar_tensor": _number,
    "multinomial": _drawn,
    **dict.fromkeys(["new_zeros", "new_ones", "new_empty", "new_full"], _new),
    **dict.fromkeys(["empty_strided", "empty_permuted"], _filled),
    "new_empty_strided": _new,
    **dict.fromkeys(LIKE.split(), _converted),
    "arange": _arange,
}
"""Rules by operator, under its name without overload. One that returns None leaves this use to
torch."""
