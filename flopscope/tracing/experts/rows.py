"""The rows of tokens that an expert takes: selected by masks, counted, and listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.tracing.experts.choices import element_count
from flopscope.tracing.experts.routing import Route, route_of, with_route
from flopscope.tracing.values.known import META, knowing

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


def _where(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """torch.where of only a condition, and nonzero: the places where a mask is true."""
    mask = args[0]
    route = route_of(mask)
    if route is None or len(args) > 1:
        return NotImplemented
    apart = function is torch.where or kwargs.get("as_tuple", False)
    if route.form == "per expert":
        return _all_experts(route, apart)
    if route.form != "mask":
        return NotImplemented
    rows = recorder.routing.rows(mask, route)
    if not apart:
        return torch.empty((rows, mask.dim()), dtype=torch.int64, device=META)
    return tuple(torch.empty(rows, dtype=torch.int64, device=META) for _ in range(mask.dim()))


def _all_experts(route: Route, apart: bool) -> Any:
    """The experts that some token has chosen, which are taken to be all."""
    with _disable_current_modes():
        numbers = torch.arange(route.experts, device="cpu")
        numbers = numbers if apart else numbers[:, None]
        shape = torch.empty(numbers.shape, dtype=torch.int64, device=META)
    found = knowing(shape, numbers)
    return (found,) if apart else found


def selected(recorder: Recorder, x: torch.Tensor, mask: torch.Tensor, route: Route) -> Any:
    """The rows of a tensor where the mask of an expert is true."""
    rows = recorder.routing.rows(mask, route)
    result = torch.empty((rows, *x.shape[mask.dim() :]), dtype=x.dtype, device=META)
    recorder.shows(x, result)
    return result


def _summed(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Sums, and whether any is true, of masks and one-hot tensors."""
    x = args[0]
    route = route_of(x)
    if route is None or route.form not in ("mask", "one-hot"):
        return NotImplemented
    result = function(*args, **kwargs)
    dims = args[1] if len(args) > 1 else kwargs.get("dim")
    if route.form == "mask":
        if dims is not None:
            return with_route(result, route)
        form = "any" if function in (torch.any, torch.Tensor.any) else "count"
        rows = () if form == "any" else (recorder.routing.rows(x, route),)
        return with_route(result, replace(route, form=form, rows=rows))
    gone = {d % x.dim() for d in ((dims,) if isinstance(dims, int) else dims or range(x.dim()))}
    if route.axis in gone:
        return result
    left = [d for d in range(x.dim()) if d not in gone]
    if len(left) == 1 and not kwargs.get("keepdim"):
        return with_route(result, replace(route, form="per expert", axis=0))
    axis = route.axis if kwargs.get("keepdim") else left.index(route.axis)
    return with_route(result, replace(route, axis=axis))


def _counted(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """bincount of a choice: how many rows each expert takes."""
    route = route_of(args[0])
    given = args[2] if len(args) > 2 else kwargs.get("minlength", 0)
    if route is None or route.form != "choice" or given != route.experts:
        return NotImplemented
    result = torch.empty(route.experts, dtype=torch.int64, device=META)
    total = element_count(args[0])
    return with_route(result, replace(route, form="per expert", total=total, axis=0))


def _compared(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Is a count above zero?"""
    route = route_of(args[0])
    if route is None or route.form not in ("per expert", "count") or args[1] != 0:
        return NotImplemented
    result = function(*args, **kwargs)
    return with_route(result, replace(route, form="any") if route.form == "count" else route)


def _truth(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The truth of a count or an "any", which is yes, because every expert is taken to have
    rows."""
    route = route_of(args[0])
    return True if route is not None and route.form in ("any", "count") else NotImplemented


def _item(recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    route = route_of(args[0])
    if route is None or route.form not in ("any", "count"):
        return NotImplemented
    return True if route.form == "any" else route.rows[0]


def _listed(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The rows of every expert as sizes."""
    route = route_of(args[0])
    if route is None or route.form != "per expert":
        return NotImplemented
    return [recorder.routing.size_for(replace(route, expert=e)) for e in range(route.experts)]


T = torch.Tensor

ROWS: Mapping[Any, Callable[..., Any]] = {
    **dict.fromkeys([torch.where, torch.nonzero, T.nonzero], _where),
    **dict.fromkeys([torch.any, T.any, torch.sum, T.sum], _summed),
    **dict.fromkeys([torch.bincount, T.bincount], _counted),
    **dict.fromkeys(
        [torch.gt, torch.greater, T.gt, T.__gt__, T.greater, T.__ne__, T.ne], _compared
    ),
    T.__bool__: _truth,
    T.item: _item,
    T.tolist: _listed,
}
"""By torch's function."""
