"""Shapes of results on symbolic sizes: tensors that are made from sizes, or like another tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.tracing.shapes.fitting import META, ShapeRule, demand, joint_type, like

__all__ = ["FRESH"]


def _filled(shape: Sequence[Any], *_: Any, **kwargs: Any) -> torch.Tensor:
    return torch.empty(tuple(shape), dtype=kwargs.get("dtype"), device=META)


def _full(shape: Sequence[Any], value: Any = 0.0, *_: Any, **kwargs: Any) -> torch.Tensor:
    dtype = kwargs.get("dtype") or joint_type(torch.empty((), dtype=torch.bool, device=META), value)
    return torch.empty(tuple(shape), dtype=dtype, device=META)


def _whole(*ends_and_shape: Any, **kwargs: Any) -> torch.Tensor:
    """randint and randperm: integers in the shape that is given last."""
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
    """multinomial: a number of indices in each row."""
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


FILLED = "zeros ones empty rand randn"
LIKE = """
    zeros_like ones_like empty_like full_like rand_like randn_like randint_like _to_copy
"""

FRESH: Mapping[str, ShapeRule] = {
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
