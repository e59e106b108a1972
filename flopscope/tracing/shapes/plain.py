"""Shapes of results at plain sizes, by the rules for symbolic ones, where torch says the same.

At plain sizes torch's answers are right by definition, but they are Python that imports SymPy and
torch's compiler, which take longer to import than torch itself. So the operators of most networks
are answered here, for tensors of one floating-point type whose elements are in order in memory.
Everything else, and what a rule refuses, is left to torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch

from flopscope.tracing.shapes.fitting import ShapeRule, like
from flopscope.tracing.shapes.table import RULES
from flopscope.tracing.values.known import flat, is_in_order

Condition: TypeAlias = Callable[..., bool]
"""Does the rule say what torch says, for these arguments?"""

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def plain_result(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What an operator of aten returns; None where torch must say it."""
    agrees = CONDITIONS.get(function.__name__)
    if agrees is None or kwargs or not _are_plain(function, args):
        return None
    rule = AT_PLAIN_SIZES[function.overloadpacket.__name__.removesuffix("_")]
    try:
        return rule(*args) if agrees(*args) else None
    except (RuntimeError, IndexError, ValueError):
        return None  # torch words the refusal


def _are_plain(function: Any, args: Sequence[Any]) -> bool:
    """Are the tensors filled with numbers of one floating-point type, in order?"""
    tensors = [value for value in flat(args) if isinstance(value, torch.Tensor)]
    if function.__name__ not in IN_ANY_ORDER and not all(map(is_in_order, tensors)):
        return False
    dtype = tensors[0].dtype
    return dtype in FLOATS and all(t.numel() > 0 and t.dtype == dtype for t in tensors)


# --- where rules agree with torch ---------------------------------------------------------------


def _always(*_: Any) -> bool:
    return True


def _of_numbers(*args: Any) -> bool:
    """Two tensors, or a tensor and a real number, and nothing else."""
    return len(args) == 2 and isinstance(args[1], torch.Tensor | float | int)


def _slides(
    _x: Any, weight: Any, _bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
    *_: Any,
) -> bool:  # fmt: skip
    """A convolution with steps ahead that is not transposed."""
    plain = not transposed and weight.dim() > 2
    return plain and min(*stride, *dilation) > 0 and min(padding) >= 0


def _pools(_x: Any, kernel: Any, stride: Any = (), padding: Any = (0,), *options: Any) -> bool:
    """Windows with steps ahead; nothing is divided by a number of the caller's."""
    spread = options[0] if options and isinstance(options[0], list) else [1]
    return min(*kernel, *stride, *spread) > 0 and min(padding) >= 0 and len(options) < 3


def _knows_its_statistics(_x: Any, *options: Any) -> bool:
    """Batch norm by the statistics of the batch, or by stored ones."""
    return options[4] is True or all(isinstance(stored, torch.Tensor) for stored in options[2:4])


def _fits_weights(_x: Any, normalised: Any, *weights: Any) -> bool:
    """Layer norm whose weights have the shape that it normalises."""
    return all(w is None or list(w.shape) == list(normalised) for w in weights[:2])


def _fits_groups(x: Any, weight: Any, bias: Any, *sizes: Any) -> bool:
    """Group norm that is told the sizes of its input."""
    batch, channels, positions, *_ = sizes
    told = x.shape[:2] == (batch, channels) and x.numel() == batch * channels * positions
    return told and all(w is None or w.shape == (channels,) for w in (weight, bias))


def _of_one_type(_x: Any, _dim: int, to_float: bool) -> bool:
    """Softmax that keeps the type of its elements."""
    return not to_float


def _of_rank(*ranks: int) -> Condition:
    """A product of tensors of these numbers of dimensions, which are the last arguments."""

    def agrees(*args: Any) -> bool:
        return tuple(x.dim() for x in args[-len(ranks) :]) == ranks

    return agrees


def _batch_norm(x: torch.Tensor, *options: Any) -> Any:
    """On meta tensors torch gives statistics, whether they are used or not."""
    result, *_ = RULES["native_batch_norm"](x, *options)
    return result, *(like(x, (x.shape[1],)) for _ in range(2))


ELEMENTWISE = """
    relu hardtanh silu gelu hardsigmoid hardswish leaky_relu elu sigmoid tanh neg exp sqrt rsqrt
""".split()
PAIRWISE = "add sub mul div".split()

CONDITIONS: Mapping[str, Condition] = {
    **{f"{name}.default": _always for name in ELEMENTWISE},
    **{f"{name}_.default": _always for name in ELEMENTWISE},
    **{f"{name}.{kind}": _of_numbers for name in PAIRWISE for kind in ("Tensor", "Scalar")},
    **{f"{name}.default": _of_rank(2, 2) for name in ("mm", "addmm")},
    **dict.fromkeys(["mean.dim", "sum.dim_IntList", "cat.default"], _always),
    **dict.fromkeys(["max_pool2d_with_indices.default", "avg_pool2d.default"], _pools),
    "bmm.default": _of_rank(3, 3),
    "convolution.default": _slides,
    "native_batch_norm.default": _knows_its_statistics,
    "native_layer_norm.default": _fits_weights,
    "native_group_norm.default": _fits_groups,
    "_softmax.default": _of_one_type,
}
"""By operator of aten."""

IN_ANY_ORDER = ("mm.default", "addmm.default", "bmm.default")
"""Products of matrices are made in order, whatever they read."""

AT_PLAIN_SIZES: Mapping[str, ShapeRule] = {**RULES, "native_batch_norm": _batch_norm}
