"""What torch's operators are in a ledger: one literal table, and the set of those that are free.

An operator that is in neither is a row of unknown kind: every reading over it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from flopscope.facts import Function, Kind, Window
from flopscope.sizes import Shape, Size, elements
from flopscope.tracing.node import size_value


@dataclass(frozen=True)
class Call:
    """One call of an operator: its name without overload, its arguments and its result."""

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any

    def argument(self, index: int, default: Any = None) -> Any:
        """The positional argument, or the default where the call left it out."""
        return self.args[index] if index < len(self.args) else default


class Facts(NamedTuple):
    """What a row is, in terms of the call's tensors: which are inputs, which are stored."""

    kind: Kind
    inputs: tuple[torch.Tensor, ...]
    weights: tuple[torch.Tensor | None, ...] = ()
    buffers: tuple[torch.Tensor | None, ...] = ()
    window: Window | None = None
    groups: Size = 1
    function: Function | None = None


def shape_of(tensor: torch.Tensor) -> Shape:
    """Sizes of a tensor as ints or polynomials."""
    return tuple(size_value(size) for size in tensor.shape)


def _convolution(call: Call) -> Facts:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.args[:9]
    kernel = shape_of(weight)[2:]
    window = _window(kernel, stride, padding, dilation)
    kind = Kind.TRANSPOSED_CONVOLUTION if transposed else Kind.CONVOLUTION
    return Facts(kind, (x,), (weight, bias), window=window, groups=size_value(groups))


def _addmm(call: Call) -> Facts:
    bias, x, weight = call.args[:3]
    return Facts(Kind.LINEAR, (x,), (weight, bias))


def _product(call: Call) -> Facts:
    """mm and bmm: a linear layer where the second operand is stored, else a product of two
    inputs."""
    return Facts(Kind.MATMUL, (call.args[0], call.args[1]))


def _baddbmm(call: Call) -> Facts:
    return Facts(Kind.MATMUL, (call.args[1], call.args[2]))


def _batch_norm(call: Call) -> Facts:
    x, weight, bias, mean, variance = call.args[:5]
    return Facts(Kind.BATCH_NORM, (x,), (weight, bias), (mean, variance))


def _layer_norm(call: Call) -> Facts:
    x, normalised, weight, bias = call.args[:4]
    leading = shape_of(x)[: x.dim() - len(normalised)]
    return Facts(Kind.LAYER_NORM, (x,), (weight, bias), groups=elements(leading))


def _group_norm(call: Call) -> Facts:
    x, weight, bias, batch, _, _, groups = call.args[:7]
    return Facts(
        Kind.GROUP_NORM, (x,), (weight, bias), groups=size_value(batch) * size_value(groups)
    )


def _activation(function: Function) -> Callable[[Call], Facts]:
    return lambda call: Facts(Kind.ACTIVATION, (call.args[0],), function=function)


def _hardtanh(call: Call) -> Facts | None:
    """ReLU6 is a hard tanh between 0 and 6; other bounds are no known function."""
    bounds = (call.argument(1, -1), call.argument(2, 1))
    return _activation(Function.RELU6)(call) if bounds == (0, 6) else None


def _softmax(call: Call) -> Facts:
    return Facts(Kind.SOFTMAX, (call.args[0],))


def _max_pool(call: Call) -> Facts:
    kernel, stride = call.args[1], call.argument(2) or call.args[1]
    window = _window(kernel, stride, call.argument(3, (0, 0)), call.argument(4, (1, 1)))
    return Facts(Kind.MAX_POOL, (call.args[0],), window=window)


def _avg_pool(call: Call) -> Facts:
    kernel, stride = call.args[1], call.argument(2) or call.args[1]
    window = _window(kernel, stride, call.argument(3, (0, 0)), (1, 1))
    return Facts(Kind.AVERAGE_POOL, (call.args[0],), window=window)


def _mean(call: Call) -> Facts | None:
    """The mean over the last two dimensions of a map is global pooling; other means are unknown."""
    x, dimensions = call.args[0], call.argument(1)
    last_two = x.dim() == 4 and dimensions and {d % 4 for d in dimensions} == {2, 3}
    return Facts(Kind.GLOBAL_POOL, (x,)) if last_two else None


def _adaptive_pool(call: Call) -> Facts | None:
    return Facts(Kind.GLOBAL_POOL, (call.args[0],)) if tuple(call.args[1]) == (1, 1) else None


def _pairwise(kind: Kind) -> Callable[[Call], Facts]:
    return lambda call: Facts(kind, tuple(a for a in call.args[:2] if isinstance(a, torch.Tensor)))


def _concatenation(call: Call) -> Facts:
    return Facts(Kind.CONCATENATION, tuple(call.args[0]))


def _pair(value: Any) -> tuple[Size, Size]:
    sizes = [size_value(v) for v in value] if isinstance(value, Sequence) else [size_value(value)]
    return (sizes[0], sizes[-1])


def _window(kernel: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    return Window(_pair(kernel), _pair(stride), _pair(padding), _pair(dilation))


OPERATORS: Mapping[str, Callable[[Call], Facts | None]] = {
    "convolution": _convolution,
    "addmm": _addmm,
    "mm": _product,
    "bmm": _product,
    "baddbmm": _baddbmm,
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "relu": _activation(Function.RELU),
    "hardtanh": _hardtanh,
    "sigmoid": _activation(Function.SIGMOID),
    "silu": _activation(Function.SILU),
    "tanh": _activation(Function.TANH),
    "gelu": _activation(Function.GELU),
    "hardsigmoid": _activation(Function.HARD_SIGMOID),
    "hardswish": _activation(Function.HARD_SWISH),
    "_softmax": _softmax,
    "max_pool2d_with_indices": _max_pool,
    "avg_pool2d": _avg_pool,
    "mean": _mean,
    "_adaptive_avg_pool2d": _adaptive_pool,
    "add": _pairwise(Kind.ADD),
    "sub": _pairwise(Kind.ADD),
    "mul": _pairwise(Kind.MULTIPLY),
    "cat": _concatenation,
}
"""The rule of each operator, under its name without overload or trailing underscore. A rule that
returns None does not know this use of its operator."""

VIEWS = frozenset(
    [
        "_reshape_alias",
        "_unsafe_view",
        "alias",
        "as_strided",
        "chunk",
        "detach",
        "diagonal",
        "expand",
        "narrow",
        "permute",
        "reshape",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "t",
        "transpose",
        "unbind",
        "unfold",
        "unsqueeze",
        "view",
        "view_as",
    ]
)
"""Another look at the same elements: no arithmetic, no new memory."""

FREE = VIEWS | frozenset(
    [
        "_to_copy",
        "arange",
        "clone",
        "constant_pad_nd",
        "contiguous",
        "copy",
        "empty",
        "empty_like",
        "empty_strided",
        "fill",
        "full",
        "full_like",
        "index",
        "index_select",
        "lift_fresh",
        "new_empty",
        "new_full",
        "new_ones",
        "new_zeros",
        "ones",
        "ones_like",
        "roll",
        "zero",
        "zeros",
        "zeros_like",
    ]
)
"""No arithmetic by definition: views, copies, look-ups, padding, and constants."""
