"""Shapes of results on symbolic sizes: norms, reductions, spectra and sorting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.tracing.shapes.fitting import (
    ShapeRule,
    axes,
    axis,
    demand,
    is_size,
    like,
    real_type,
    tensor_text,
    text,
)

__all__ = ["FOLDS"]


# --- norms -------------------------------------------------------------------------------------


def _fits_norm(x: torch.Tensor, wanted: Sequence[Any], axes_of: Sequence[Any]) -> None:
    demand(
        len(wanted) == len(axes_of) and all(map(is_size, axes_of, wanted)),
        lambda: f"a norm over [{text(wanted)}] does not fit an input of {tensor_text(x)}",
    )


def _batch_norm(x: torch.Tensor, *options: Any, **_: Any) -> Any:
    for stored in options[:4]:
        if isinstance(stored, torch.Tensor):
            _fits_norm(x, stored.shape, x.shape[1:2])
    own = len(options) > 4 and options[4] is True  # the statistics of the batch are kept
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


# --- reductions --------------------------------------------------------------------------------


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
    if dtype != real_type(dtype):
        raise RuntimeError("mean(): the type of its result must be a floating or complex one")
    return like(x, _reduced(x, dims, keep), dtype)


def _truth_of(x: torch.Tensor, dims: Any = None, keep: bool = False) -> torch.Tensor:
    dtype = torch.uint8 if x.dtype is torch.uint8 else torch.bool
    return like(x, _reduced(x, dims, keep), dtype)


def _log_sum(x: torch.Tensor, dims: Any = None, keep: bool = False) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), real_type(x.dtype))


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


def _mode(x: torch.Tensor, dim: int = -1, keep: bool = False) -> Any:
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
        lambda: f"selected index k={text(k)} out of range for {tensor_text(x)} in dimension {at}",
    )
    shape[at : at + 1] = [k] if shape else []
    return like(x, shape), like(x, shape, torch.int64)


def _along(x: torch.Tensor, dim: int, *_: Any, **kwargs: Any) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, kwargs.get("dtype"))


def _sums_along(x: torch.Tensor, dim: int, *_: Any, **kwargs: Any) -> torch.Tensor:
    axis(x, dim)
    return like(x, x.shape, kwargs.get("dtype") or _summed_type(x))


# --- spectra -----------------------------------------------------------------------------------


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


FOLDS: Mapping[str, ShapeRule] = {
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
    **dict.fromkeys(["max", "min", "median", "nanmedian"], _extremum),
    **dict.fromkeys(["cummax", "cummin"], _ordered),
    "aminmax": _aminmax,
    "kthvalue": _kth,
    "mode": _mode,
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
    **dict.fromkeys(["cumsum", "cumprod"], _sums_along),
    "logcumsumexp": _along,
}
