"""Shapes of results on symbolic sizes: one literal table of rules.

With plain integer sizes torch's own meta kernels answer. Most of them refuse symbolic sizes, so
every common operator has a rule here. A rule compares sizes as torch does and raises as torch does;
where only the example decides, the comparison goes on the trail. Layout is not modelled: every
result is contiguous, since no count depends on strides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import torch

from flopscope.sizes import conv_output, conv_transpose_output
from flopscope.tracing.node import size_value

META = torch.device("meta")

Rule: TypeAlias = Callable[..., Any]
"""From an operator's own arguments to its result; None leaves this use to torch."""


def like(x: torch.Tensor, shape: Sequence[Any], dtype: torch.dtype | None = None) -> torch.Tensor:
    """A meta tensor of this shape and of the type of `x`."""
    return torch.empty(tuple(shape), dtype=dtype or x.dtype, device=META)


def broadcast(*shapes: Sequence[Any]) -> list[Any]:
    """The common shape. Raises RuntimeError where there is none."""
    rank = max(map(len, shapes))
    padded = [[1] * (rank - len(shape)) + list(shape) for shape in shapes]
    return [_common(sizes) for sizes in zip(*padded, strict=True)]


def _common(sizes: Iterable[Any]) -> Any:
    common: Any = 1
    for size in sizes:
        if _is(size, 1) or _same(size, common):
            continue
        if _is(common, 1):
            common = size
        elif size == common:
            common = size if isinstance(size, int) else common
        elif common == 1:
            common = size
        elif size != 1:
            raise RuntimeError(
                f"The size of tensor a ({_text(common)}) must match the size of tensor b "
                f"({_text(size)})"
            )
    return common


def _is(size: Any, number: int) -> bool:
    return isinstance(size, int) and size == number


def _same(a: Any, b: Any) -> bool:
    va, vb = size_value(a), size_value(b)
    return type(va) is type(vb) and va == vb


def _text(size: Any) -> str:
    return str(size_value(size))


def _demand(truth: Any, message: Callable[[], str]) -> None:
    if not truth:
        raise RuntimeError(message())


def _axis(x: torch.Tensor, dim: int) -> int:
    return dim % x.dim() if x.dim() else 0


# --- element by element -----------------------------------------------------------------------


def _unary(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return like(x, x.shape)


def _floating(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    real = x.dtype.is_floating_point or x.dtype.is_complex
    return like(x, x.shape, None if real else torch.get_default_dtype())


def _truth(*operands: Any, **_: Any) -> torch.Tensor:
    tensors = _tensors(operands)
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), torch.bool)


def _pairwise(a: Any, b: Any, *_: Any, **__: Any) -> torch.Tensor:
    tensors = _tensors((a, b))
    return like(tensors[0], broadcast(*(t.shape for t in tensors)), _type(a, b))


def _quotient(a: Any, b: Any, *_: Any, **kwargs: Any) -> torch.Tensor:
    result = _pairwise(a, b)
    if kwargs.get("rounding_mode") or result.dtype.is_floating_point or result.dtype.is_complex:
        return result
    return like(result, result.shape, torch.get_default_dtype())


def _several(*operands: Any, **_: Any) -> torch.Tensor:
    """addcmul, lerp, clamp by tensors: the shape of all operands together."""
    tensors = _tensors(operands)
    return like(tensors[0], broadcast(*(t.shape for t in tensors)))


def _where(condition: torch.Tensor, a: Any, b: Any) -> torch.Tensor:
    tensors = _tensors((condition, a, b))
    return like(condition, broadcast(*(t.shape for t in tensors)), _type(a, b))


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    return [value for value in values if isinstance(value, torch.Tensor)]


def _type(a: Any, b: Any) -> torch.dtype:
    a, b = (1 if isinstance(v, torch.SymInt) else 1.0 if isinstance(v, torch.SymFloat) else v
            for v in (a, b))  # fmt: skip
    return torch.result_type(a, b)


# --- products ---------------------------------------------------------------------------------


def _convolution(x: torch.Tensor, weight: torch.Tensor, _: Any, *options: Any) -> torch.Tensor:
    stride, padding, dilation, transposed, output_padding, groups = options[:6]
    rank = weight.dim() - 2
    stride, padding, dilation, extra = (
        _per_axis(option, rank) for option in (stride, padding, dilation, output_padding)
    )
    axes = list(zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True))
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    _demand(
        x.shape[1] == channels,
        lambda: f"expected {_text(channels)} input channels, but got {_text(x.shape[1])}",
    )
    if transposed:
        grid = [conv_transpose_output(*axis, e) for axis, e in zip(axes, extra, strict=True)]
        return like(x, (x.shape[0], weight.shape[1] * groups, *grid))
    for size, kernel, _stride, pad, spread in axes:
        _demand(
            size + 2 * pad >= spread * (kernel - 1) + 1,
            lambda: "the kernel is larger than the padded input",
        )
    return like(x, (x.shape[0], weight.shape[0], *(conv_output(*axis) for axis in axes)))


def _per_axis(option: Sequence[Any], rank: int) -> list[Any]:
    return list(option) * (rank if len(option) == 1 else 1)


def _addmm(_: torch.Tensor, a: torch.Tensor, b: torch.Tensor, **__: Any) -> torch.Tensor:
    return _matmul(a, b)


def _matmul(a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    _demand(
        a.shape[-1] == b.shape[-2],
        lambda: f"mat1 and mat2 shapes cannot be multiplied ({_shape(a)} and {_shape(b)})",
    )
    batch = broadcast(a.shape[:-2], b.shape[:-2]) if a.dim() > 2 else []
    return like(a, (*batch, a.shape[-2], b.shape[-1]))


def _shape(x: torch.Tensor) -> str:
    return "×".join(map(_text, x.shape))


# --- windows ----------------------------------------------------------------------------------


def _pool(
    x: torch.Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> Any:
    rank = x.dim() - 2 if x.dim() > 2 else 1
    rank = min(rank, max(len(kernel), 1)) if len(kernel) > 1 else rank
    kernel, padding, dilation = (_per_axis(v, rank) for v in (kernel, padding, dilation))
    stride = _per_axis(stride, rank) if stride else kernel
    axes = zip(x.shape[-rank:], kernel, stride, padding, dilation, strict=True)
    return like(x, (*x.shape[:-rank], *(_windows(*axis, ceil) for axis in axes)))


def _windows(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Any:
    behind = stride - 1 if ceil else 0  # a last window may reach this far beyond the input
    _demand(
        size + 2 * padding + behind >= dilation * (kernel - 1) + 1,
        lambda: "the pooling window is larger than the padded input",
    )
    if not ceil:
        return conv_output(size, kernel, stride, padding, dilation)
    count = conv_output(size + stride - 1, kernel, stride, padding, dilation)
    # a last window may not start in the padding behind the input
    return count - 1 if (count - 1) * stride >= size + padding else count


def _max_pool(
    x: torch.Tensor,
    kernel: Any,
    stride: Any = (),
    padding: Any = (0,),
    dilation: Any = (1,),
    ceil: bool = False,
) -> Any:
    values = _pool(x, kernel, stride, padding, dilation, ceil)
    return values, like(values, values.shape, torch.int64)


def _average_pool(
    x: torch.Tensor, kernel: Any, stride: Any = (), padding: Any = (0,), ceil: bool = False, *_: Any
) -> torch.Tensor:
    result: torch.Tensor = _pool(x, kernel, stride, padding, (1,), ceil)
    return result


def _average_pool3d(x: torch.Tensor, kernel: Any, *options: Any) -> torch.Tensor:
    """Unlike the others it takes no input below its kernel, whatever the padding."""
    for size, own in zip(x.shape[-3:], _per_axis(kernel, 3), strict=True):
        _demand(size >= own, lambda: "the input is smaller than the kernel")
    return _average_pool(x, kernel, *options)


def _adaptive_pool(x: torch.Tensor, grid: Sequence[Any]) -> torch.Tensor:
    return like(x, (*x.shape[: -len(grid)], *grid))


def _adaptive_max_pool(x: torch.Tensor, grid: Sequence[Any]) -> Any:
    values = _adaptive_pool(x, grid)
    return values, like(values, values.shape, torch.int64)


def _upsample(x: torch.Tensor, grid: Sequence[Any], *_: Any, **__: Any) -> torch.Tensor:
    for size in grid:
        _demand(size >= 1, lambda: "an interpolation leaves no element")
    return like(x, (*x.shape[:2], *grid))


def _pad(x: torch.Tensor, padding: Sequence[Any], *_: Any, **__: Any) -> torch.Tensor:
    shape = list(x.shape)
    for axis, (before, after) in enumerate(zip(padding[::2], padding[1::2], strict=True), start=1):
        shape[-axis] = shape[-axis] + before + after
    return like(x, shape)


def _reflection_pad(x: torch.Tensor, padding: Sequence[Any], *_: Any, **__: Any) -> torch.Tensor:
    for axis, pads in enumerate(zip(padding[::2], padding[1::2], strict=True), start=1):
        for pad in pads:
            _demand(x.shape[-axis] >= pad + 1, lambda: "the padding is not smaller than the input")
    return _pad(x, padding)


# --- norms ------------------------------------------------------------------------------------


def _batch_norm(x: torch.Tensor, *options: Any, **_: Any) -> Any:
    own = len(options) > 4 and options[4] is True  # statistics of its own are kept
    statistics = (x.shape[1] if own else 0,)
    return like(x, x.shape), like(x, statistics), like(x, statistics)


def _layer_norm(x: torch.Tensor, normalised: Sequence[Any], *_: Any) -> Any:
    apart = x.dim() - len(normalised)
    statistics = (*x.shape[:apart], *([1] * len(normalised)))
    return like(x, x.shape), like(x, statistics), like(x, statistics)


def _group_norm(x: torch.Tensor, _: Any, __: Any, batch: Any, *sizes: Any) -> Any:
    statistics = (batch, sizes[2])
    return like(x, x.shape), like(x, statistics), like(x, statistics)


def _rms_norm(x: torch.Tensor, normalised: Sequence[Any], *_: Any) -> Any:
    apart = x.dim() - len(normalised)
    return like(x, x.shape), like(x, (*x.shape[:apart], *([1] * len(normalised))))


# --- reductions -------------------------------------------------------------------------------


def _reduced(x: torch.Tensor, dims: Any = None, keep: bool = False) -> list[Any]:
    dims = [dims] if isinstance(dims, int) else list(dims or range(x.dim()))
    gone = {_axis(x, d) for d in dims}
    return [1 if d in gone else n for d, n in enumerate(x.shape) if keep or d not in gone]


def _reduction(
    x: torch.Tensor, dims: Any = None, keep: bool = False, **kwargs: Any
) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), kwargs.get("dtype"))


def _sum(x: torch.Tensor, dims: Any = None, keep: bool = False, **kwargs: Any) -> torch.Tensor:
    counted = x.dtype if x.dtype.is_floating_point or x.dtype.is_complex else torch.int64
    return like(x, _reduced(x, dims, keep), kwargs.get("dtype") or counted)


def _places(x: torch.Tensor, dims: Any = None, keep: bool = False) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep), torch.int64)


def _extremum(x: torch.Tensor, dim: int | None = None, keep: bool = False) -> Any:
    values = like(x, _reduced(x, dim, keep))
    return values if dim is None else (values, like(values, values.shape, torch.int64))


def _variance(x: torch.Tensor, dims: Any = None, *_: Any, **kwargs: Any) -> torch.Tensor:
    return like(x, _reduced(x, dims, kwargs.get("keepdim", False)))


def _variance_and_mean(x: torch.Tensor, dims: Any = None, *_: Any, **kwargs: Any) -> Any:
    result = _variance(x, dims, **kwargs)
    return result, like(result, result.shape)


def _vector_norm(
    x: torch.Tensor, _: Any = 2, dims: Any = None, keep: bool = False, **__: Any
) -> torch.Tensor:
    return like(x, _reduced(x, dims, keep))


def _ordered(x: torch.Tensor, *_: Any, **__: Any) -> Any:
    return like(x, x.shape), like(x, x.shape, torch.int64)


# --- other looks at the same elements -----------------------------------------------------------


def _view(x: torch.Tensor, shape: Any, *_: Any) -> torch.Tensor | None:
    if isinstance(shape, torch.dtype):
        return None
    shape, whole = list(shape), prod(x.shape)
    unknown = [i for i, size in enumerate(shape) if _is(size, -1)]
    if unknown:
        known = prod(size for i, size in enumerate(shape) if i not in unknown)
        shape[unknown[0]] = whole // known
    _demand(
        prod(shape) == whole,
        lambda: f"shape [{', '.join(map(_text, shape))}] is invalid for {_text(whole)} elements",
    )
    return like(x, shape)


def _t(x: torch.Tensor) -> torch.Tensor:
    return like(x, x.shape[::-1])


def _transpose(x: torch.Tensor, a: int, b: int) -> torch.Tensor:
    shape = list(x.shape)
    shape[a], shape[b] = shape[b], shape[a]
    return like(x, shape)


def _permute(x: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
    return like(x, [x.shape[i] for i in order])


def _expand(x: torch.Tensor, shape: Sequence[Any], **_: Any) -> torch.Tensor:
    own = [1] * (len(shape) - x.dim()) + list(x.shape)
    sizes = [n if _is(size, -1) else _common((size, n)) for size, n in zip(shape, own, strict=True)]
    return like(x, sizes)


def _unsqueeze(x: torch.Tensor, dim: int) -> torch.Tensor:
    at = dim % (x.dim() + 1)
    return like(x, (*x.shape[:at], 1, *x.shape[at:]))


def _squeeze(x: torch.Tensor, dims: Any = None) -> torch.Tensor:
    dims = [dims] if isinstance(dims, int) else range(x.dim()) if dims is None else dims
    gone = {_axis(x, d) for d in dims if x.shape[d] == 1}
    return like(x, [n for d, n in enumerate(x.shape) if d not in gone])


def _select(x: torch.Tensor, dim: int, _: Any) -> torch.Tensor:
    at = _axis(x, dim)
    return like(x, (*x.shape[:at], *x.shape[at + 1 :]))


def _slice(
    x: torch.Tensor, dim: int = 0, start: Any = None, stop: Any = None, step: int = 1
) -> torch.Tensor:
    at, shape = _axis(x, dim), list(x.shape)
    first, last = (_place(end, shape[at], missing) for end, missing in ((start, 0), (stop, None)))
    length = last - first if last > first else 0
    shape[at] = (length + step - 1) // step
    return like(x, shape)


def _place(end: Any, size: Any, missing: int | None) -> Any:
    """An end of a slice as a position from 0 to size."""
    if end is None or _is(end, 2**63 - 1):
        return size if missing is None else missing
    end = end + size if end < 0 else end
    return 0 if end < 0 else size if end > size else end


def _split(x: torch.Tensor, size: Any, dim: int = 0) -> list[torch.Tensor]:
    at = _axis(x, dim)
    whole = x.shape[at]
    pieces = int((whole + size - 1) // size)
    sizes = [size] * (pieces - 1) + [whole - size * (pieces - 1)]
    return _split_with_sizes(x, sizes, dim)


def _split_with_sizes(x: torch.Tensor, sizes: Sequence[Any], dim: int = 0) -> list[torch.Tensor]:
    at = _axis(x, dim)
    _demand(
        sum(sizes) == x.shape[at],
        lambda: f"split sizes {', '.join(map(_text, sizes))} do not add up to {_text(x.shape[at])}",
    )
    return [like(x, (*x.shape[:at], size, *x.shape[at + 1 :])) for size in sizes]


def _unbind(x: torch.Tensor, dim: int = 0) -> list[torch.Tensor]:
    return [_select(x, dim, i) for i in range(int(x.shape[dim]))]


def _cat(parts: Sequence[torch.Tensor], dim: int = 0) -> torch.Tensor:
    parts = [part for part in parts if not (part.dim() == 1 and _is(part.shape[0], 0))]
    first, at = parts[0], _axis(parts[0], dim)
    shape = list(first.shape)
    for part in parts[1:]:
        for d, size in enumerate(part.shape):
            if d != at and size != shape[d]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {at}: "
                    f"{_text(shape[d])} and {_text(size)}"
                )
        shape[at] = shape[at] + part.shape[at]
    return like(first, shape)


def _stack(parts: Sequence[torch.Tensor], dim: int = 0) -> torch.Tensor:
    first = parts[0]
    at = dim % (first.dim() + 1)
    return like(first, (*first.shape[:at], len(parts), *first.shape[at:]))


def _repeat(x: torch.Tensor, times: Sequence[Any]) -> torch.Tensor:
    own = [1] * (len(times) - x.dim()) + list(x.shape)
    return like(x, [n * k for n, k in zip(own, times, strict=True)])


def _index(x: torch.Tensor, indices: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    """Look-ups by tensors of numbers, in neighbouring dimensions; masks are left to torch."""
    places = [d for d, index in enumerate(indices) if index is not None]
    found = [index for index in indices if index is not None]
    neighbours = places == list(range(places[0], places[-1] + 1))
    if not neighbours or any(index.dtype in (torch.bool, torch.uint8) for index in found):
        return None
    shape = broadcast(*(index.shape for index in found))
    return like(x, (*x.shape[: places[0]], *shape, *x.shape[places[-1] + 1 :]))


def _index_select(x: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    at = _axis(x, dim)
    return like(x, (*x.shape[:at], index.shape[0], *x.shape[at + 1 :]))


def _gather(x: torch.Tensor, _: int, index: torch.Tensor, **__: Any) -> torch.Tensor:
    return like(x, index.shape)


def _embedding(weight: torch.Tensor, index: torch.Tensor, *_: Any) -> torch.Tensor:
    return like(weight, (*index.shape, weight.shape[1]))


def _filled(shape: Sequence[Any], *_: Any, **kwargs: Any) -> torch.Tensor:
    return torch.empty(tuple(shape), dtype=kwargs.get("dtype"), device=META)


def _new(x: torch.Tensor, shape: Sequence[Any], *_: Any, **kwargs: Any) -> torch.Tensor:
    return like(x, shape, kwargs.get("dtype"))


def _converted(x: torch.Tensor, *_: Any, **kwargs: Any) -> torch.Tensor:
    return like(x, x.shape, kwargs.get("dtype"))


def _arange(*ends: Any, **kwargs: Any) -> torch.Tensor:
    start, stop = (0, ends[0]) if len(ends) == 1 else ends[:2]
    step = ends[2] if len(ends) > 2 else 1
    whole = all(isinstance(end, int | torch.SymInt) for end in ends)
    dtype = kwargs.get("dtype") or (torch.int64 if whole else torch.get_default_dtype())
    if dtype == torch.int64:  # torch makes integers of the ends first
        start, stop, step = (torch.sym_int(end) for end in (start, stop, step))
        return torch.empty((-((start - stop) // step),), dtype=dtype, device=META)
    length = math.ceil((torch.sym_float(stop) - torch.sym_float(start)) / torch.sym_float(step))
    return torch.empty((length,), dtype=dtype, device=META)


UNARY = """
    relu hardtanh sigmoid silu gelu hardsigmoid hardswish leaky_relu elu celu selu softplus mish
    neg abs square clamp clamp_min clamp_max floor ceil round trunc sign fill zero clone roll flip
    _softmax _log_softmax _safe_softmax cumsum cumprod tril triu detach alias lift_fresh
    bernoulli native_channel_shuffle scatter index_put
    index_add scatter_add slice_scatter select_scatter copy nan_to_num bitwise_not
    index_fill scatter_reduce
"""
FLOATING = (
    "exp expm1 log log1p log2 log10 sqrt rsqrt reciprocal erf sin cos tan tanh sinh cosh atan"
)
TRUTHS = """
    eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite
"""
PAIRWISE = """
    add sub rsub mul pow maximum minimum fmod remainder floor_divide atan2 masked_fill
    bitwise_and bitwise_or bitwise_xor _prelu_kernel
"""
UPSAMPLES = """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
    upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa
"""
PADS = """
    constant_pad_nd replication_pad1d replication_pad2d replication_pad3d
"""

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(UNARY.split(), _unary),
    **dict.fromkeys(FLOATING.split(), _floating),
    **dict.fromkeys(TRUTHS.split(), _truth),
    **dict.fromkeys(PAIRWISE.split(), _pairwise),
    **dict.fromkeys(UPSAMPLES.split(), _upsample),
    **dict.fromkeys(PADS.split(), _pad),
    **{f"reflection_pad{axes}d": _reflection_pad for axes in (1, 2, 3)},
    **dict.fromkeys(["addcmul", "addcdiv", "lerp"], _several),
    **dict.fromkeys(["mm", "bmm"], _matmul),
    **dict.fromkeys(["addmm", "baddbmm"], _addmm),
    **dict.fromkeys(["max_pool2d_with_indices", "max_pool3d_with_indices"], _max_pool),
    "avg_pool2d": _average_pool,
    "avg_pool3d": _average_pool3d,
    **dict.fromkeys(["_adaptive_avg_pool2d", "_adaptive_avg_pool3d"], _adaptive_pool),
    **dict.fromkeys(["adaptive_max_pool2d", "adaptive_max_pool3d"], _adaptive_max_pool),
    **dict.fromkeys(["native_batch_norm", "_native_batch_norm_legit_no_training"], _batch_norm),
    **dict.fromkeys(["_native_batch_norm_legit", "cudnn_batch_norm"], _batch_norm),
    **dict.fromkeys(["amax", "amin", "prod", "logsumexp", "all", "any"], _reduction),
    **dict.fromkeys(["argmax", "argmin"], _places),
    **dict.fromkeys(["max", "min"], _extremum),
    **dict.fromkeys(["var", "std"], _variance),
    **dict.fromkeys(["var_mean", "std_mean"], _variance_and_mean),
    **dict.fromkeys(["view", "_unsafe_view", "reshape", "_reshape_copy"], _view),
    **dict.fromkeys(["split_with_sizes", "unsafe_split_with_sizes"], _split_with_sizes),
    **dict.fromkeys(["split", "unsafe_split"], _split),
    **dict.fromkeys(["zeros", "ones", "empty", "full", "rand", "randn"], _filled),
    **dict.fromkeys(["new_zeros", "new_ones", "new_empty", "new_full"], _new),
    **dict.fromkeys(
        ["zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"],
        _converted,
    ),
    "div": _quotient,
    "true_divide": _quotient,
    "where": _where,
    "convolution": _convolution,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "_fused_rms_norm": _rms_norm,
    "mean": _reduction,
    "sum": _sum,
    "linalg_vector_norm": _vector_norm,
    "sort": _ordered,
    "t": _t,
    "transpose": _transpose,
    "permute": _permute,
    "expand": _expand,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "select": _select,
    "slice": _slice,
    "unbind": _unbind,
    "cat": _cat,
    "stack": _stack,
    "repeat": _repeat,
    "index": _index,
    "index_select": _index_select,
    "gather": _gather,
    "embedding": _embedding,
    "arange": _arange,
    "_to_copy": _converted,
}
"""Rules by operator, under its name without overload. One that returns None leaves this use to
torch."""
