"""Products of rows that are sorted by expert. Every row is multiplied by the matrix of its group.

Which rows belong to a group depends on values, but their total number is a shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from flopscope.tracing.experts.routing import used_by
from flopscope.tracing.node import size_value
from flopscope.tracing.values.known import META

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


def grouped(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The grouped product for numbers of any type; torch's meta kernel knows only one type. Raises
    RuntimeError if inner sizes differ."""
    a, b = args[:2]
    offsets: Any = args[2] if len(args) > 2 else kwargs.get("offs")
    bias = args[3] if len(args) > 3 else kwargs.get("bias")
    if a.shape[-1] != b.shape[-2]:
        sizes = f"{size_value(a.shape[-1])} and {size_value(b.shape[-2])}"
        raise RuntimeError(f"contraction dimension of mat_a and mat_b must match: {sizes}")
    groups = () if a.dim() != b.dim() else (b.shape[0] if b.dim() == 3 else offsets.shape[0],)
    dtype = kwargs.get("out_dtype") or a.dtype
    result = torch.empty((*groups, a.shape[-2], b.shape[-1]), dtype=dtype, device=META)
    before = len(recorder.rows)
    recorder.record("_grouped_mm", (a, b, offsets, bias), {}, result)
    route = recorder.routing.chosen.get(size_value(b.shape[0])) if b.dim() == 3 else None
    if route is not None:
        each = _exact(size_value(a.shape[-2]) * route.each, route.total)
        for at in range(before, len(recorder.rows)):
            recorder.rows[at] = used_by(recorder.rows[at], replace(route, each=each))
    return result


def _exact(rows: Any, tokens: Any) -> Any:
    """The number of rows for each token. If tokens choose twice, there are twice as many."""
    if isinstance(rows, int) and isinstance(tokens, int):
        return rows // tokens if tokens and rows % tokens == 0 else None
    ratio = rows / tokens
    return int(ratio) if isinstance(ratio, int | Fraction) and ratio == int(ratio) else None


PRODUCTS: tuple[Any, ...] = (F.grouped_mm, torch._grouped_mm)
