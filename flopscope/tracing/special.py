"""Calls that are met before the tables of operators: what takes functions, and tensors that are
more than their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch._ops import HigherOrderOperator
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from flopscope.tracing.cells import cell
from flopscope.tracing.experts import expert
from flopscope.tracing.grouped import grouped
from flopscope.tracing.higher_order import higher_order
from flopscope.tracing.packed import packed
from flopscope.tracing.quantised import decomposed, quantised
from flopscope.tracing.repeated import Repeated, as_lists
from flopscope.tracing.sparse import sparse
from flopscope.tracing.values import reading

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder

IS_QUANTISED = torch.Tensor.is_quantized.__get__  # type: ignore[attr-defined]


def dispatched(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What a call returns that reached the dispatcher; NotImplemented for one like any other."""
    if isinstance(function, HigherOrderOperator):
        return higher_order(recorder, function, args, kwargs)
    if any(is_lazy(value) for value in args):  # a parameter without a shape is being given one
        return function(*args, **kwargs)
    if function.namespace == "quantized_decomposed":
        return decomposed(recorder, function, args, kwargs)
    if _is_made_of_others(function, recorder) and not reading(function, args):
        with recorder:
            return function.decompose(*args, **kwargs)
    return NotImplemented


def _is_made_of_others(function: Any, recorder: Recorder) -> bool:
    """Does torch define it by other operators, which no rule foresees? Below autograd, as in a
    branch, such operators arrive whole."""
    if recorder.foresees(function) or function.namespace != "aten":
        return False
    name = function.name()
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    return torch._C._dispatch_has_kernel(name) and (
        torch._C._dispatch_has_kernel_for_dispatch_key(name, key)
    )


def called(
    mode: TorchFunctionMode,
    recorder: Recorder,
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """What a function of torch returns; NotImplemented for one like any other."""
    if any(is_lazy(value) for value in args):
        return function(*args, **kwargs)
    if function == IS_QUANTISED and recorder.packs:  # asked of what is a tensor of numbers here
        return True
    result = packed(recorder, function, args, kwargs)
    if result is NotImplemented and any(isinstance(v, Repeated) for v in args):
        with mode:
            return function(*as_lists(tuple(args)), **kwargs)
    if result is NotImplemented:
        result = expert(recorder, function, args, kwargs)
    if result is NotImplemented:
        result = grouped(recorder, function, args, kwargs)
    if result is NotImplemented:
        result = sparse(recorder, function, args, kwargs)
    if result is NotImplemented:
        result = cell(recorder, function, args)
    return quantised(mode, recorder, function, args, kwargs) if result is NotImplemented else result
