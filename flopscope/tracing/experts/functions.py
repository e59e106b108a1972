"""Functions of torch on choices of experts, handled before they reach the dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.tracing.experts.choices import MADE, element_count, hot
from flopscope.tracing.experts.routing import Route, route_of, used_by, with_route
from flopscope.tracing.experts.rows import ROWS, selected
from flopscope.tracing.node import size_value
from flopscope.tracing.values.known import known

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


# --- choices are asked for ----------------------------------------------------------------------


def _equal(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A comparison of a choice with the number of one expert, which gives a mask, or with all
    numbers along a new last dimension, which gives one-hot booleans."""
    index, other = args[:2]
    route = route_of(index)
    if route is None or route.form != "choice":
        return NotImplemented
    numbers = _numbers(other)
    if numbers is None:
        return NotImplemented
    result = function(*args, **kwargs)
    total = element_count(index)
    if len(numbers) == 1:
        return with_route(result, replace(route, form="mask", expert=numbers[0], total=total))
    if numbers == list(range(route.experts)) and size_value(index.shape[-1]) == 1:
        return with_route(result, hot(route, index, result.dim() - 1))
    return result


def _numbers(value: Any) -> list[int] | None:
    """The integers that code or a known tensor gives; None if they are not known."""
    if isinstance(value, torch.Tensor):
        numbers = known(value)
        if numbers is None:
            return None
        with _disable_current_modes():
            return [int(n) for n in numbers.flatten().tolist()]
    return [value] if isinstance(value, int) else None


def _kept(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The same choice in another shape or type."""
    route = route_of(args[0])
    if route is None:
        return NotImplemented
    result = function(*args, **kwargs)
    if not isinstance(result, torch.Tensor):
        return result
    if route.form == "one-hot":
        last = route.axis == args[0].dim() - 1
        if list(result.shape) != list(args[0].shape) and not (
            last and size_value(result.shape[-1]) == size_value(args[0].shape[-1])
        ):
            return result
        axis = result.dim() - 1 if last else route.axis
        return with_route(result, replace(route, axis=axis))
    return with_route(result, route)


def _permuted(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    route = route_of(args[0])
    if route is None:
        return NotImplemented
    result = function(*args, **kwargs)
    if route.form != "one-hot":
        return with_route(result, route)
    dims = list(range(args[0].dim()))
    if function in (torch.permute, torch.Tensor.permute):
        order = args[1] if isinstance(args[1], Sequence) else args[1:]
        dims = [d % len(dims) for d in order]
    else:
        a, b = (d % len(dims) for d in args[1:3]) if len(args) > 2 else (0, 1)
        dims[a], dims[b] = dims[b], dims[a]
    return with_route(result, replace(route, axis=dims.index(route.axis)))


def _entry(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """x[…]: a part of a choice, the rows that a mask selects, or the chosen weights."""
    x, index = args
    route, by = route_of(x), route_of(index)
    if by is not None and by.form == "mask":
        return selected(recorder, x, index, by)
    if by is not None and by.form == "choice":
        return _chosen(recorder, function, args, kwargs, by)
    if route is None:
        return NotImplemented
    result = function(x, index)
    if route.form == "choice":
        return with_route(result, replace(route, total=element_count(result)))
    if route.form == "one-hot":
        number = _number_at(x, index, route.axis)
        if number is not None:
            return with_route(result, replace(route, form="mask", expert=number))
    return result


def _number_at(x: torch.Tensor, index: Any, axis: int) -> int | None:
    """The expert that x[…] takes out of a one-hot tensor, if it takes everything else."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [p for p in parts if not isinstance(p, torch.Tensor)]:
        at = next(i for i, p in enumerate(parts) if p is Ellipsis)
        parts[at : at + 1] = [slice(None)] * (x.dim() - len(parts) + 1)
    if axis >= len(parts):
        return None
    whole = all(isinstance(p, slice) and p == slice(None) for i, p in enumerate(parts) if i != axis)
    numbers = _numbers(parts[axis])
    return numbers[0] if whole and numbers is not None and len(numbers) == 1 else None


def _chosen(
    recorder: Recorder,
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    route: Route,
) -> Any:
    """A look-up of weights by a choice. Each token uses the weights of its experts."""
    before = len(recorder.rows)
    result = function(*args, **kwargs)
    first = next((a for a in args if isinstance(a, torch.Tensor) and route_of(a) is None), None)
    if first is not None and size_value(first.shape[0]) == route.experts:
        for at in range(before, len(recorder.rows)):
            recorder.rows[at] = used_by(recorder.rows[at], route)
    return result


def _looked_up(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    index = args[0] if function is F.embedding else args[2] if len(args) > 2 else None
    route = route_of(index)
    if route is None or route.form != "choice":
        return NotImplemented
    if function is not F.embedding and args[1] == 0:  # as brackets are called
        function, args, kwargs = torch.Tensor.__getitem__, (args[0], index), {}
    return _chosen(recorder, function, args, kwargs, route)


T = torch.Tensor

RULES: Mapping[Any, Callable[..., Any]] = {
    **MADE,
    **dict.fromkeys([torch.eq, T.eq, T.__eq__], _equal),
    **dict.fromkeys(
        [
            *(T.view, T.reshape, T.flatten, T.squeeze, T.unsqueeze, T.to, T.bool, T.long, T.int),
            *(T.float, T.cpu, T.detach, T.contiguous, T.clone, T.type, T.half, T.bfloat16),
            *(torch.reshape, torch.flatten, torch.squeeze, torch.unsqueeze, T.type_as),
        ],
        _kept,
    ),
    **dict.fromkeys([torch.permute, T.permute, torch.transpose, T.transpose, T.t], _permuted),
    T.__getitem__: _entry,
    **dict.fromkeys([torch.index_select, T.index_select, F.embedding], _looked_up),
    **ROWS,
}
"""By torch's function."""
