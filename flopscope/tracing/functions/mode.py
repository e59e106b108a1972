"""The modes that handle functions of torch before they reach the dispatcher.

In torch's compiled code, interpolation takes no symbolic size; here its arithmetic is done and the
operator is called directly. Recurrent layers are unrolled step by step there; here they are the
same products at once, so that the length may be free. A root-mean-square norm is split there if
nothing learns; here it is always one operator. A convolution of complex numbers is three real
convolutions there, with sums around them; here it is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from flopscope.tracing.functions.factories import FACTORIES
from flopscope.tracing.functions.handlers import (
    ON_ANY_SIZES,
    ON_FREE_SIZES,
    PRODUCTS,
    with_foldable,
)
from flopscope.tracing.functions.literals import MET
from flopscope.tracing.recorder import Recorder
from flopscope.tracing.special.table import called
from flopscope.tracing.values.known import has_free_size


class Functions(TorchFunctionMode):
    """While active, runs functions of torch by the tables of `special`, `literals` and `handlers`.
    With `always`, handlers for free sizes run on plain sizes too."""

    def __init__(self, recorder: Recorder, *, always: bool = False) -> None:
        super().__init__()
        self._recorder = recorder
        self._always = always

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        special = called(self, self._recorder, function, args, kwargs or {})
        if special is not NotImplemented:
            return special
        if function in MET:
            return MET[function](function, args, dict(kwargs or {}))
        args, kwargs = with_numbers(function, args, kwargs or {})
        if function is F.scaled_dot_product_attention:
            return self._fused(function, args, kwargs)
        return self._run(function, args, kwargs)

    def _fused(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Attention, whose products one kernel takes one after another: it reads its operands as
        they lie, and lays its result out as the queries."""
        moves = self._recorder.moves
        with moves.inside_a_kernel():
            result = self._run(function, args, kwargs)
        query = args[0] if args else kwargs["query"]
        layout = moves.of(query)
        if layout is not None and not layout.spread:
            moves.lay(result, layout.written)
        return result

    def _run(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if function in PRODUCTS:
            args = with_foldable(self._recorder, args)
        result = self._handled(function, args, kwargs)
        return self._called(function, args, kwargs) if result is NotImplemented else result

    def _handled(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What a handler in the tables returns; NotImplemented if none takes the call."""
        result = NotImplemented
        if function in ON_ANY_SIZES:
            result = ON_ANY_SIZES[function](self._recorder, function, args, kwargs)
        elif function in ON_FREE_SIZES and (self._always or has_free_size((args, kwargs))):
            result = ON_FREE_SIZES[function](self._recorder, function, args, kwargs)
        return result

    def _called(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the function itself. If compiled code insists on numbers, the sizes are fixed to
        those of the example."""
        rows = len(self._recorder.rows)
        try:
            return function(*args, **kwargs)
        except RuntimeError as error:
            if "with symbolic sizes" not in str(error):
                raise
        del self._recorder.rows[rows:]
        return function(
            *pytree.tree_map(_at_numbers, tuple(args)), **pytree.tree_map(_at_numbers, kwargs)
        )


class RealsAsNumbers(TorchFunctionMode):
    """While active, symbolic real numbers reach torch's functions as numbers."""

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in MET:
            return MET[function](function, args, dict(kwargs or {}))
        args, kwargs = with_numbers(function, args, kwargs or {})
        if function in FACTORIES and has_free_size((args, kwargs)):
            return FACTORIES[function](*args, **kwargs)
        return function(*args, **kwargs)


def with_numbers(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments with the example's numbers for symbolic real ones.

    Real numbers such as a scale or a momentum only change values of tensors, on which no count
    depends. The scale of an interpolation is the exception.
    """
    given = (*args, *kwargs.values())
    if function is F.interpolate or not any(isinstance(value, torch.Tensor) for value in given):
        return args, kwargs
    if any(isinstance(value, torch.SymFloat) for value in given):
        args = [_number(value) for value in args]
        kwargs = {name: _number(value) for name, value in kwargs.items()}
    return args, kwargs


def _at_numbers(value: Any) -> Any:
    """The value with every free size fixed to the example's number."""
    if isinstance(value, torch.Tensor):
        return value.expand([int(size) for size in value.shape]) if has_free_size(value) else value
    return int(value) if isinstance(value, torch.SymInt) else value


def _number(value: Any) -> Any:
    return value.node.example() if isinstance(value, torch.SymFloat) else value
