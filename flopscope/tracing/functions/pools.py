"""Pools for which torch insists on numbers: on lines of free length, and with free windows.

A line is pooled as a map of height 1, as torch does. A window with a free size, as in
`avg_pool2d(x, x.shape[2:])`, would become a number on its way to the operator; so the rule for
shapes gives the result, and the call is recorded with the free window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional as F

from flopscope.tracing.shapes.table import RULES

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


class Pool(NamedTuple):
    """The operator of a pooling function, its number of axes, its options after kernel, stride and
    padding, and whether it also returns the places of the largest elements."""

    operator: str
    rank: int
    options: Mapping[str, Any]
    places: bool = False


AVERAGE = {"ceil_mode": False, "count_include_pad": True, "divisor_override": None}
LARGEST = {"dilation": 1, "ceil_mode": False}
MAX = "max_pool{}d_with_indices"

POOLS: Mapping[Any, Pool] = {
    torch.avg_pool1d: Pool("avg_pool2d", 1, AVERAGE),
    F.avg_pool2d: Pool("avg_pool2d", 2, AVERAGE),
    F.avg_pool3d: Pool("avg_pool3d", 3, AVERAGE),
    **dict.fromkeys([torch.max_pool1d, F.max_pool1d], Pool(MAX.format(2), 1, LARGEST)),
    **dict.fromkeys([torch.max_pool2d, F.max_pool2d], Pool(MAX.format(2), 2, LARGEST)),
    **dict.fromkeys([torch.max_pool3d, F.max_pool3d], Pool(MAX.format(3), 3, LARGEST)),
    F.max_pool1d_with_indices: Pool(MAX.format(2), 1, LARGEST, places=True),
    F.max_pool2d_with_indices: Pool(MAX.format(2), 2, LARGEST, places=True),
    F.max_pool3d_with_indices: Pool(MAX.format(3), 3, LARGEST, places=True),
}
"""The pools by the function that is called. What a Python function calls in turn is not seen."""


def pooled(
    recorder: Recorder,
    pool: Pool,
    input: torch.Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    *options: Any,
    return_indices: bool = False,
    **named: Any,
) -> Any:
    """The result; None if torch's own function can be called."""
    windows = [kernel_size, stride, padding]
    free = any(isinstance(size, torch.SymInt) for window in windows for size in _each(window))
    if (free and torch.is_grad_enabled()) or (not free and pool.rank > 1):
        return None  # what is recorded here has no backward pass
    rest = {**pool.options, **dict(zip(pool.options, options, strict=False)), **named}
    x = input.unsqueeze(-2) if pool.rank == 1 else input
    kernel, steps, pads = (
        _lifted(pool, window, first) for window, first in zip(windows, (1, 1, 0), strict=True)
    )
    if "dilation" in rest:
        rest["dilation"] = _lifted(pool, rest["dilation"], 1)
    args = (x, kernel, steps, pads, *rest.values())
    operator = getattr(torch.ops.aten, pool.operator).default
    result = RULES[pool.operator](*args) if free else operator(*args)
    if free:
        recorder.record(pool.operator, args, {}, result)
    if pool.rank == 1:
        result = (
            tuple(part.squeeze(-2) for part in result) if "dilation" in rest else result.squeeze(-2)
        )
    return result[0] if "dilation" in rest and not pool.places else result


def _each(window: Any) -> Sequence[Any]:
    return window if isinstance(window, Sequence) else (window,)


def _lifted(pool: Pool, window: Any, first: int) -> list[Any]:
    """An option for every axis. On a line, `first` is the option for the height. An empty stride
    means that of the kernel."""
    sizes = [] if window is None else list(_each(window))
    return [first, *sizes] if pool.rank == 1 and sizes else sizes
