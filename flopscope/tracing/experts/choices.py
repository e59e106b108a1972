"""The functions with which tokens choose experts: those that give numbers of experts, and one-hot
tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from flopscope.tracing.experts.routing import Route, choice, route_of, with_route
from flopscope.tracing.node import size_value

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


def _topk(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """torch.topk along the last dimension: a choice of k."""
    x = args[0]
    k = args[1] if len(args) > 1 else kwargs.get("k")
    dim = args[2] if len(args) > 2 else kwargs.get("dim", -1)
    result = function(*args, **kwargs)
    if _last(x, dim) and isinstance(x.shape[-1], int):
        _choose(recorder, result[1], x.shape[-1], k)
    return result


def _best(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """argmax or max along the last dimension: a choice of one."""
    x = args[0]
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    result = function(*args, **kwargs)
    if isinstance(dim, int) and _last(x, dim) and isinstance(x.shape[-1], int):
        index = result if isinstance(result, torch.Tensor) else result[1]
        _choose(recorder, index, x.shape[-1], 1)
    return result


def _choose(recorder: Recorder, index: torch.Tensor, experts: int, each: Any) -> None:
    route = choice(index, experts, each)
    recorder.routing.chosen[experts] = route
    with_route(index, route)


def _last(x: torch.Tensor, dim: int) -> bool:
    return dim % max(x.dim(), 1) == x.dim() - 1


def _one_hot(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    route = route_of(args[0])
    classes = args[1] if len(args) > 1 else kwargs.get("num_classes", -1)
    if route is None or route.form != "choice" or not isinstance(classes, int):
        return NotImplemented
    if classes != -1 and classes < route.experts:
        return NotImplemented
    result = function(args[0], max(classes, route.experts))  # one more may mean no expert
    return with_route(result, hot(route, args[0], result.dim() - 1))


def _scattered(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """A choice scattered along the experts of a tensor: one-hot."""
    if len(args) < 4:
        return NotImplemented
    x, dim, index = args[:3]
    route = route_of(index)
    if route is None or route.form != "choice" or not _last(x, dim):
        return NotImplemented
    result = function(*args, **kwargs)
    if size_value(x.shape[-1]) == route.experts and isinstance(args[3], int | float):
        with_route(result, hot(route, index, x.dim() - 1))
    return result


def _joined(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Several choices of each token side by side, which are one choice of more experts."""
    routes = [route_of(x) for x in args[0]] if args and isinstance(args[0], list | tuple) else []
    found = [r for r in routes if r is not None and r.form == "choice"]
    if not found or len(found) < len(routes) or len({r.experts for r in found}) > 1:
        return NotImplemented
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    result = function(*args, **kwargs)
    if not _last(result, dim):
        return result
    each = found[0].each
    for route in found[1:]:
        each = each + route.each
    return with_route(result, replace(found[0], each=each, total=element_count(result)))


def _sorted(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The same choices, sorted by expert."""
    route = route_of(args[0])
    if route is None or route.form != "choice":
        return NotImplemented
    values, order = function(*args, **kwargs)
    return with_route(values, route), order


def hot(route: Route, index: torch.Tensor, axis: int) -> Route:
    return replace(route, form="one-hot", axis=axis, total=element_count(index))


def element_count(x: torch.Tensor) -> Any:
    return prod(map(size_value, x.shape))


T = torch.Tensor

MADE: Mapping[Any, Callable[..., Any]] = {
    **dict.fromkeys([torch.topk, T.topk], _topk),
    **dict.fromkeys([torch.argmax, T.argmax, torch.max, T.max], _best),
    **dict.fromkeys([F.one_hot, torch._C._nn.one_hot], _one_hot),
    **dict.fromkeys([torch.sort, T.sort], _sorted),
    **dict.fromkeys([torch.cat, torch.concat], _joined),
    **dict.fromkeys([torch.scatter, T.scatter, T.scatter_], _scattered),
}
"""By torch's function."""
