"""The modes under which a run is noted: functions that torch passes on to modes, operators, and
kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch._ops import HigherOrderOperator
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.spelling import FLASH
from flopscope.tracing.special.recurrent import RECURRENT
from flopscope.tracing.spelling.fusion import flash

if TYPE_CHECKING:
    from flopscope.tracing.spelling.spelled import Spelled


class NotedFunctions(TorchFunctionMode):
    """Notes functions that torch passes on to modes; a recurrent layer is noted as one operator."""

    def __init__(self, spelled: Spelled) -> None:
        super().__init__()
        self._spelled = spelled

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if isinstance(function, HigherOrderOperator):
            self._spelled.transforms(function)
        if function not in RECURRENT:
            self._spelled.handled.append(self._spelled.patches.get(function, ""))
            try:
                result = function(*args, **(kwargs or {}))
            finally:
                self._spelled.handled.pop()
            if not (self._spelled.busy or self._spelled.within):
                name = getattr(function, "__name__", "")
                self._spelled.through(name, (args, kwargs), result)
            return result
        with self._spelled.seeing():
            result = function(*args, **(kwargs or {}))
        call = self._spelled.call(f"aten::{function.__name__}", args, kwargs or {}, result)
        self._spelled.operators.append(self._spelled.flowing(call, (args, kwargs), result))
        self._spelled.kernels.append(call)
        return result


class NotedOperators(TorchDispatchMode):
    """Notes operators, and the kernels of which they consist."""

    supports_higher_order_operators = True

    def __init__(self, spelled: Spelled) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._spelled = spelled

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs, spelled = kwargs or {}, self._spelled
        if spelled.busy:
            return function(*args, **kwargs)
        if isinstance(function, HigherOrderOperator):
            spelled.transforms(function)
            with spelled.seeing():
                return function(*args, **kwargs)
        name = f"{function.namespace}::{function.overloadpacket.__name__}"
        if function._overloadname == "padding":
            name += ".padding"
        outermost = not spelled.within
        if not torch.is_inference_mode_enabled():
            spelled.lost.append((name, spelled.path))
        result = self._taken_apart(name, function, args, kwargs)
        if result is NotImplemented:
            with spelled.seeing():
                result = function(*args, **kwargs)
            spelled.kernels.append(spelled.call(name, args, kwargs, result))
        if outermost:
            call = spelled.call(name, args, kwargs, result)
            spelled.operators.append(spelled.flowing(call, (args, kwargs), result))
        return result

    def _taken_apart(
        self, name: str, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Run the operator as its parts, each of which is noted; NotImplemented if it has none."""
        inside = self._spelled.inside
        with self._spelled.seeing():
            fused = name == "aten::scaled_dot_product_attention" and flash(*args, **kwargs)
        inside += [FLASH] * fused
        self._spelled.within += 1
        try:
            with self:
                return function.decompose(*args, **kwargs)
        finally:
            self._spelled.within -= 1
            del inside[len(inside) - fused :]
