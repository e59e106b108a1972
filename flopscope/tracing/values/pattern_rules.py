"""Patterns of results: one rule for each operator that makes numbers, views them or sums them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from flopscope.tracing.values.patterns import Memory, Pattern, one_number, pattern

# --- makers -----------------------------------------------------------------------------------


def _filled(value: Any) -> Callable[..., Pattern | None]:
    return lambda result, *_, **__: one_number(_element(result.dtype, value))


def _full(result: torch.Tensor, _: Any, value: Any, *__: Any, **___: Any) -> Pattern | None:
    return one_number(_element(result.dtype, value)) if isinstance(value, int | float) else None


def _arange(result: torch.Tensor, *ends: Any, **_: Any) -> Pattern | None:
    start, step = (0, 1) if len(ends) == 1 else (ends[0], ends[2] if len(ends) > 2 else 1)
    if not isinstance(start, int | float) or not isinstance(step, int | float):
        return None
    return Pattern(_element(result.dtype, start), _element(result.dtype, step), -1, Memory())


class Unheld(Exception):
    """Raised if a type of elements cannot hold the number, since torch does not define the
    result."""


def _element(dtype: torch.dtype, value: Any) -> Any:
    """The number as an element of that type."""
    if dtype is torch.bool:
        return bool(value)
    if dtype.is_floating_point:
        return float(value)
    if dtype.is_complex or not math.isfinite(value):
        raise Unheld
    limits, whole = torch.iinfo(dtype), int(value)
    if not limits.min <= whole <= limits.max:
        raise Unheld
    return whole


# --- other looks at the same elements -----------------------------------------------------------


def _same(result: torch.Tensor, x: Any, *_: Any, **__: Any) -> Pattern | None:
    return pattern(x)


def _copied(result: torch.Tensor, x: Any, *_: Any, **__: Any) -> Pattern | None:
    found = pattern(x)
    if found is None or (result.dtype is torch.bool and not found.uniform):
        return None
    step = found.step if found.uniform else _element(result.dtype, found.step)
    return Pattern(_element(result.dtype, found.start), step, found.axis, Memory())


def _if_uniform(result: torch.Tensor, x: Any, *_: Any, **__: Any) -> Pattern | None:
    found = pattern(x)
    return found if found is not None and found.uniform else None


def _average(result: torch.Tensor, x: Any, *rest: Any, **options: Any) -> Pattern | None:
    """The average of equal integers, which is exact, in windows that do not reach beyond an
    edge."""
    found = _if_uniform(result, x)
    over = options or any(map(bool, pytree.tree_leaves(rest[2:4])))
    return None if found is None or over or found.start % 1 else found


def _extremum(neutral: Any) -> Callable[..., Pattern | None]:
    """The extremum of equal numbers is that number. Without elements it would be the neutral number
    or an error."""

    def rule(result: torch.Tensor, x: torch.Tensor, *_: Any, **__: Any) -> Pattern | None:
        found = pattern(x)
        if found is None or not found.uniform:
            return None
        return found if found.start is neutral or x.numel() > 0 else None

    return rule


def _least(result: torch.Tensor, x: torch.Tensor, *rest: Any, **_: Any) -> Pattern | None:
    found = pattern(x)
    if found is not None and found.step > 0 and result.dim() == 0 and x.numel() > 0:
        return one_number(found.start)
    return _extremum(None)(result, x, *rest)


def _unsqueeze(result: torch.Tensor, x: torch.Tensor, dim: int) -> Pattern | None:
    found = pattern(x)
    after = dim % result.dim() > x.dim() + (found.axis if found else 0)
    return replace(found, axis=found.axis - 1) if found and after else found


def _transpose(result: torch.Tensor, x: torch.Tensor, a: int = 0, b: int = 1) -> Pattern | None:
    order = list(range(x.dim()))
    order[a], order[b] = order[b], order[a]
    return _permute(result, x, order)


def _permute(result: torch.Tensor, x: torch.Tensor, order: Sequence[int]) -> Pattern | None:
    found = pattern(x)
    if found is None or found.uniform:
        return found
    rank = x.dim()
    return replace(found, axis=[d % rank for d in order].index(rank + found.axis) - rank)


def _select(result: torch.Tensor, x: torch.Tensor, dim: int, place: Any) -> Pattern | None:
    found = pattern(x)
    if found is None or found.uniform:
        return found
    at, axis = dim % x.dim(), x.dim() + found.axis
    if at == axis:
        if not isinstance(place, int) or place < 0:
            return None
        return replace(found, start=found.start + found.step * place, step=0)
    return replace(found, axis=found.axis + (at > axis))


def _slice(
    result: torch.Tensor,
    x: torch.Tensor,
    dim: int = 0,
    start: Any = None,
    _: Any = None,
    step: int = 1,
) -> Pattern | None:
    found, start = pattern(x), start or 0
    if found is None or found.uniform or dim % x.dim() != x.dim() + found.axis:
        return found
    if not isinstance(start, int) or start < 0:
        return None
    return replace(found, start=found.start + found.step * start, step=found.step * step)


def _cat(result: torch.Tensor, parts: Sequence[torch.Tensor], dim: int = 0) -> Pattern | None:
    found = [pattern(part) for part in parts]
    axis = dim % result.dim() - result.dim()
    if any(p is None or (not p.uniform and p.axis != axis) for p in found):
        return None
    steps = [p for p in found if p is not None]
    step = next((p.step for p in steps if not p.uniform), 0)
    first = expected = steps[0].start
    for part, own in zip(parts, steps, strict=True):
        size: Any = part.shape[axis]
        last = part is parts[-1]
        if own.start != expected or (not last and not isinstance(size, int)):
            return None
        if own.step != step and not (isinstance(size, int) and size == 1):
            return None
        expected = expected if last else own.start + step * size
    return Pattern(first, step, axis, Memory())


def _stacked(result: torch.Tensor, parts: Sequence[torch.Tensor], _: int = 0) -> Pattern | None:
    found = [pattern(part) for part in parts]
    starts = {p.start if p is not None and p.uniform else None for p in found}
    return one_number(starts.pop()) if len(starts) == 1 and None not in starts else None


# --- sums -------------------------------------------------------------------------------------


def _sum(result: torch.Tensor, x: torch.Tensor, *_: Any, **__: Any) -> Pattern | None:
    """The sum of zeros, or of a known number of equal numbers."""
    found, counts = pattern(x), (x.numel(), result.numel())
    if found is None or not found.uniform:
        return None
    if found.start == 0:
        return one_number(_element(result.dtype, 0))
    if not all(isinstance(n, int) for n in counts) or not counts[1]:
        return None
    return one_number(_element(result.dtype, found.start * (counts[0] // counts[1])))


def _running_sum(result: torch.Tensor, x: torch.Tensor, dim: int, **_: Any) -> Pattern | None:
    found = pattern(x)
    if found is None or not found.uniform:
        return None
    start = _element(result.dtype, found.start)
    return Pattern(start, start, dim % x.dim() - x.dim(), Memory())


WITH_PLACES = frozenset(
    "max_pool2d_with_indices max_pool3d_with_indices "
    "adaptive_max_pool2d adaptive_max_pool3d".split()
)
"""Operators of which only the first result, the largest of equal numbers, has a pattern."""


RULES: Mapping[str, Callable[..., Pattern | None]] = {
    **dict.fromkeys(["zeros", "new_zeros", "zeros_like"], _filled(0)),
    **dict.fromkeys(["ones", "new_ones", "ones_like"], _filled(1)),
    **dict.fromkeys(["full"], lambda r, size, value, **kw: _full(r, size, value)),
    **dict.fromkeys(["new_full", "full_like"], lambda r, *a, **kw: _full(r, None, a[-1])),
    "arange": _arange,
    **dict.fromkeys("alias detach expand lift_fresh".split(), _same),
    **dict.fromkeys(["_to_copy", "clone"], _copied),
    **dict.fromkeys("view _unsafe_view reshape repeat squeeze".split(), _if_uniform),
    **dict.fromkeys("flip gather index index_select roll unfold".split(), _if_uniform),
    **{f"upsample_nearest{axes}d": _if_uniform for axes in (1, 2, 3)},
    **dict.fromkeys(WITH_PLACES, _if_uniform),
    **{f"avg_pool{axes}d": _average for axes in (1, 2, 3)},
    "stack": _stacked,
    **dict.fromkeys("amax mean max".split(), _extremum(None)),
    **dict.fromkeys(["amin", "min"], _least),
    "all": _extremum(True),
    "any": _extremum(False),
    "unsqueeze": _unsqueeze,
    "transpose": _transpose,
    "t": _transpose,
    "permute": _permute,
    "select": _select,
    "slice": _slice,
    "cat": _cat,
    "sum": _sum,
    "cumsum": _running_sum,
}
"""The rules by operator. Operators that work element by element need none."""
