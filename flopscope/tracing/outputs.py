"""The results of operators on symbolic sizes: shape rules for the common ones, torch for the rest.

With plain integer sizes torch's own meta kernels answer. Most of them refuse symbolic sizes, so the
common operators have a rule here; for the others a fake tensor mode runs the operator's own
decomposition, slower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import _pytree as pytree

from flopscope.sizes import conv_output, conv_transpose_output
from flopscope.tracing.node import size_value

META = torch.device("meta")
CPU = torch.device("cpu")

UNARY = frozenset(
    [
        "relu",
        "hardtanh",
        "sigmoid",
        "silu",
        "tanh",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "leaky_relu",
        "elu",
        "exp",
        "log",
        "neg",
        "abs",
        "sqrt",
        "rsqrt",
        "erf",
        "softplus",
        "mish",
        "clamp",
    ]
)
PAIRWISE = frozenset(["add", "sub", "mul", "div"])


def result_of(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the operator returns, on meta tensors."""
    if not _symbolic((args, kwargs)):
        return function(*args, **kwargs)
    name = function.overloadpacket.__name__
    if name.endswith("_") and not name.endswith("__"):
        return args[0]
    rule = RULES.get(name)
    result = rule(args, kwargs) if rule is not None else None
    return fake_result(function, args, kwargs) if result is None else result


def fake_result(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The operator run by torch's fake tensors, which know every operator and are slow."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    mode.cache_enabled = False
    originals: dict[int, torch.Tensor] = {}

    def to_fake(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.device == META:
            fake = FakeTensor(mode, value.detach(), CPU)
            originals[id(fake)] = value
            return fake
        return CPU if value == META else value

    def to_meta(value: Any) -> Any:
        if not isinstance(value, FakeTensor):
            return value
        if id(value) in originals:
            return originals[id(value)]
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)

    with mode:
        fake_args, fake_kwargs = pytree.tree_map(to_fake, (tuple(args), dict(kwargs)))
        result = function(*fake_args, **fake_kwargs)
    return pytree.tree_map(to_meta, result)


def _symbolic(values: Any) -> bool:
    for value in pytree.tree_leaves(values):
        if isinstance(value, torch.SymInt | torch.SymFloat):
            return True
        if isinstance(value, torch.Tensor) and any(
            isinstance(n, torch.SymInt) for n in value.shape
        ):
            return True
    return False


def _like(x: torch.Tensor, shape: Sequence[Any] | None = None) -> torch.Tensor:
    return torch.empty(x.shape if shape is None else shape, dtype=x.dtype, device=META)


def _same(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    return _like(args[0])


def _pairwise(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor | None:
    """The operands' common shape where one covers the other dimension by dimension."""
    tensors = [a for a in args[:2] if isinstance(a, torch.Tensor)]
    if len({t.dtype for t in tensors}) > 1 or not tensors[0].dtype.is_floating_point:
        return None
    rank = max(t.dim() for t in tensors)
    shapes = [[1] * (rank - t.dim()) + list(t.shape) for t in tensors]
    merged = [_merged(sizes) for sizes in zip(*shapes, strict=True)]
    return None if None in merged else _like(tensors[0], merged)


def _merged(sizes: Sequence[Any]) -> Any:
    """The one size other than 1, or None where two differ."""
    other = [n for n in sizes if not (isinstance(n, int) and n == 1)]
    values = {size_value(n) for n in other}
    return 1 if not other else other[0] if len(values) == 1 else None


def _convolution(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    x, weight, _, stride, padding, dilation, transposed, output_padding, groups = args[:9]
    axes = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    if transposed:
        sizes = [
            conv_transpose_output(*axis, extra)
            for axis, extra in zip(axes, output_padding, strict=True)
        ]
        return _like(x, (x.shape[0], weight.shape[1] * groups, *sizes))
    return _like(x, (x.shape[0], weight.shape[0], *(conv_output(*axis) for axis in axes)))


def _pool(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor | None:
    x, kernel = args[0], args[1]
    stride = args[2] if len(args) > 2 and args[2] else kernel
    padding = args[3] if len(args) > 3 else (0, 0)
    if (len(args) > 4 and args[4] not in (False, [1, 1], (1, 1))) or x.dim() != 4:
        return None  # ceil mode or dilation: torch's own rule
    pairs = [p if len(p) == 2 else (p[0], p[0]) for p in (kernel, stride, padding)]
    axes = zip(x.shape[2:], *pairs, strict=True)
    return _like(x, (*x.shape[:2], *(conv_output(*axis) for axis in axes)))


def _max_pool(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if len(args) > 5 and args[5]:
        return None
    values = _pool(args, kwargs)
    return (
        None
        if values is None
        else (values, torch.empty(values.shape, dtype=torch.int64, device=META))
    )


def _batch_norm(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    empty = torch.empty(0, device=META)
    return _like(args[0]), empty, empty


def _layer_norm(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    x, normalised = args[0], args[1]
    statistics = (*x.shape[: x.dim() - len(normalised)], *([1] * len(normalised)))
    return _like(x), torch.empty(statistics, device=META), torch.empty(statistics, device=META)


def _group_norm(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    statistics = (args[3], args[6])
    return (
        _like(args[0]),
        torch.empty(statistics, device=META),
        torch.empty(statistics, device=META),
    )


def _mean(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor | None:
    x, dimensions, keep = args[0], args[1] if len(args) > 1 else None, len(args) > 2 and args[2]
    if not dimensions:
        return None
    gone = {d % x.dim() for d in dimensions}
    return _like(x, [1 if d in gone else n for d, n in enumerate(x.shape) if keep or d not in gone])


def _view(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor | None:
    x, shape = args[0], list(args[1]) if not isinstance(args[1], torch.dtype) else None
    if shape is None or not x.is_contiguous():
        return None
    for i, size in enumerate(shape):
        if isinstance(size, int) and size == -1:
            known: Any = 1
            for j, other in enumerate(shape):
                known = known * other if j != i else known
            shape[i] = x.numel() // known
    return _like(x, shape)


def _permuted(x: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
    sizes, strides = [x.shape[i] for i in order], [x.stride()[i] for i in order]
    return torch.empty_strided(sizes, strides, dtype=x.dtype, device=META)


def _t(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    return _permuted(args[0], range(args[0].dim() - 1, -1, -1))


def _transpose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    order = list(range(args[0].dim()))
    order[args[1]], order[args[2]] = order[args[2]], order[args[1]]
    return _permuted(args[0], order)


def _permute(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    return _permuted(args[0], [i % args[0].dim() for i in args[1]])


def _addmm(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    return _like(args[1], (args[1].shape[0], args[2].shape[1]))


def _mm(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    return _like(args[0], (*args[0].shape[:-1], args[1].shape[-1]))


def _cat(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    first, along = args[0][0], (args[1] if len(args) > 1 else 0) % args[0][0].dim()
    size: Any = 0
    for part in args[0]:
        size = size + part.shape[along]
    return _like(first, [size if d == along else n for d, n in enumerate(first.shape)])


RULES: Mapping[str, Callable[[Sequence[Any], Mapping[str, Any]], Any]] = {
    **dict.fromkeys(UNARY, _same),
    **dict.fromkeys(PAIRWISE, _pairwise),
    "_softmax": _same,
    "convolution": _convolution,
    "avg_pool2d": _pool,
    "max_pool2d_with_indices": _max_pool,
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "mean": _mean,
    "view": _view,
    "_unsafe_view": _view,
    "t": _t,
    "transpose": _transpose,
    "permute": _permute,
    "addmm": _addmm,
    "mm": _mm,
    "bmm": _mm,
    "cat": _cat,
}
"""Rules by operator. One that returns None leaves this use to torch."""
