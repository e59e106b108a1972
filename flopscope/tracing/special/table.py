"""Calls that are handled before the tables of operators: operators that take functions, and calls
on tensors that are more than their shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch._ops import HigherOrderOperator
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from torch.overrides import TorchFunctionMode

from flopscope.tracing.experts.functions import RULES as CHOICES
from flopscope.tracing.experts.grouped import PRODUCTS as GROUPED
from flopscope.tracing.experts.grouped import grouped
from flopscope.tracing.special.cells import CELLS, cell
from flopscope.tracing.special.higher_order import higher_order
from flopscope.tracing.special.packed import RULES as LENGTHS
from flopscope.tracing.special.quantised import decomposed, quantised
from flopscope.tracing.special.repeated import Repeated, as_lists
from flopscope.tracing.special.sparse import RULES as SPARSE
from flopscope.tracing.special.sparse import is_pattern, on_pattern, sparse
from flopscope.tracing.values.numbers import how_read

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder

Handler: TypeAlias = Callable[[Any, Any, Sequence[Any], Mapping[str, Any]], Any]
"""A rule from a recorder, a function and its arguments to the result; NotImplemented leaves the
call to others."""

IS_QUANTISED = torch.Tensor.is_quantized.__get__  # type: ignore[attr-defined]


def dispatched(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What a call that reaches the dispatcher returns; NotImplemented for an ordinary call."""
    if isinstance(function, HigherOrderOperator):
        return higher_order(recorder, function, args, kwargs)
    if any(is_lazy(value) for value in args):  # a parameter without a shape gets one here
        return function(*args, **kwargs)
    if function.namespace == "quantized_decomposed":
        return decomposed(recorder, function, args, kwargs)
    # below autograd, as in a branch, composite operators arrive whole
    if _is_made_of_others(function) and not (
        recorder.foresees(function) or how_read(function, args)
    ):
        with recorder:
            return function.decompose(*args, **kwargs)
    return NotImplemented


@cache
def _is_made_of_others(function: Any) -> bool:
    """Does torch define the operator in terms of others?"""
    name = function.name()
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    return (
        function.namespace == "aten"
        and torch._C._dispatch_has_kernel(name)
        and torch._C._dispatch_has_kernel_for_dispatch_key(name, key)
    )


def _in_order(*tables: Mapping[Any, Handler]) -> Mapping[Any, tuple[Handler, ...]]:
    """All rules of each function, in the order of the tables."""
    found: dict[Any, tuple[Handler, ...]] = {}
    for table in tables:
        for function, rule in table.items():
            found[function] = (*found.get(function, ()), rule)
    return found


ASKED = _in_order(
    LENGTHS,
    CHOICES,
    dict.fromkeys(GROUPED, grouped),
    dict.fromkeys(SPARSE, sparse),
    dict.fromkeys(CELLS, cell),
)
"""The rules by torch's function, which are tried one after the other."""


def called(
    mode: TorchFunctionMode,
    recorder: Recorder,
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """What a function of torch returns; NotImplemented for an ordinary call."""
    kinds = {type(value) for value in args}
    if UninitializedParameter in kinds or UninitializedBuffer in kinds:
        return function(*args, **kwargs)
    if function == IS_QUANTISED and recorder.packs:  # asked about a tensor of numbers here
        return True
    for rule in ASKED.get(function, ()):
        result = rule(recorder, function, args, kwargs)
        if result is not NotImplemented:
            return result
    if Repeated in kinds:
        with mode:
            return function(*as_lists(tuple(args)), **kwargs)
    if function not in SPARSE and any(map(is_pattern, args)):
        return on_pattern(function, args, kwargs)
    return quantised(mode, recorder, function, args, kwargs)
