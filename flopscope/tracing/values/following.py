"""The pattern of an operator's result, inferred from those of its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from flopscope.tracing.schemas import is_mutable, is_pointwise
from flopscope.tracing.values.known import flat
from flopscope.tracing.values.pattern_rules import RULES, WITH_PLACES, Unheld
from flopscope.tracing.values.patterns import NAME, Memory, Pattern, one_number, pattern


def follow_patterns(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
) -> None:
    """Give the result of a call its pattern, if its tensors have patterns."""
    if is_mutable(function):
        for tensor in (v for v in flat(args) if isinstance(v, torch.Tensor)):
            if (found := getattr(tensor, NAME, None)) is not None:
                found.memory.open = True
        return
    if function._opname in WITH_PLACES:
        result = result[0]
    if not isinstance(result, torch.Tensor):
        return
    try:
        found = _after(function, args, kwargs, result)
    except Unheld:
        return
    if found is not None and _is_exact(found, result.dtype):
        size: Any = result.shape[found.axis] if -found.axis <= result.dim() else 1
        alone = isinstance(size, int) and size == 1
        setattr(result, NAME, replace(found, step=0) if alone else found)


def _is_exact(found: Pattern, dtype: torch.dtype) -> bool:
    """Do the elements grow by exactly these steps? Integers do, even in single precision, far
    beyond any length; other numbers are rounded individually."""
    if found.uniform or not dtype.is_floating_point:
        return True
    whole = float(found.start).is_integer() and float(found.step).is_integer()
    return whole and dtype in (torch.float32, torch.float64)


def _after(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: torch.Tensor
) -> Pattern | None:
    name = function._opname
    if name in RULES:
        return RULES[name](result, *args, **kwargs)
    return _pointwise(function, args, kwargs) if is_pointwise(function) else None


def _pointwise(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pattern | None:
    """The pattern of an operation whose operands are each one number or grow in steps."""
    operands = [v for v in args if isinstance(v, torch.Tensor)]
    found = [pattern(v) for v in operands]
    if not found or any(p is None for p in found):
        return None
    if all(p.uniform for p in found if p is not None):

        def plain(value: Any) -> Any:
            p = pattern(value) if isinstance(value, torch.Tensor) else None
            return value if p is None else torch.tensor(p.start, dtype=value.dtype, device="cpu")

        result = function(*(plain(v) for v in args), **kwargs)
        return one_number(result.item()) if isinstance(result, torch.Tensor) else None
    return _of_steps(function._opname, args, kwargs)


def _of_steps(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pattern | None:
    a, b = (pattern(args[i]) if len(args) > i else None for i in (0, 1))
    if a is None or b is None or kwargs:
        return None
    if name in ("add", "sub") and (a.uniform or b.uniform or a.axis == b.axis):
        sign = 1 if name == "add" else -1
        axis = b.axis if a.uniform else a.axis
        return Pattern(a.start + sign * b.start, a.step + sign * b.step, axis, Memory())
    if name == "mul" and (a.uniform or b.uniform):
        factor, steps = (a.start, b) if a.uniform else (b.start, a)
        return Pattern(steps.start * factor, steps.step * factor, steps.axis, Memory())
    if name in ("ge", "gt") and b.uniform and a.step > 0:  # the first is the least
        above = a.start >= b.start if name == "ge" else a.start > b.start
        return one_number(True) if above else None
    return None
