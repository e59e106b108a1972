"""Wrappers that do not simply call a module: they run it on several devices, compiled, scripted, or
in inference mode. During a trace each of them runs what it wraps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FunctionType
from typing import Any

import torch
from torch import nn
from torch._ops import HigherOrderOperator
from torch.nn.attention import flex_attention
from torch.nn.parallel import DataParallel, DistributedDataParallel

from flopscope.tracing.special.higher_order import without_backward
from flopscope.tracing.special.repeated import lists_stay_open

PARALLEL = (DataParallel, DistributedDataParallel)


def wrapped(module: nn.Module) -> nn.Module:
    """The module behind wrappers that compile it or distribute it over devices."""
    while True:
        if isinstance(module, PARALLEL):
            module = module.module
        elif "_orig_mod" in module._modules:
            module = module._orig_mod  # type: ignore[assignment]
        else:
            return module


@contextmanager
def unwrapped(*, backward: bool = False) -> Iterator[None]:
    """While active, wrappers inside a network run what they wrap, and operators that take functions
    are refused in a training step."""
    with ExitStack() as stack:
        for kind in PARALLEL:
            stack.enter_context(_replaced(kind, "forward", _forward))
        stack.enter_context(_replaced(torch._C, "_InferenceMode", _WithoutGradients))
        called = _called_as_python(torch.jit.ScriptFunction.__call__)
        stack.enter_context(_replaced(torch.jit.ScriptFunction, "__call__", called))
        if backward:
            stack.enter_context(_replaced(HigherOrderOperator, "dispatch", without_backward))
        for function, code in FLEX.items():
            stack.enter_context(_replaced(function, "__code__", code.__code__))
        stack.enter_context(lists_stay_open())
        modules = sys.modules.get("torch.ao.nn.quantized.modules")
        if modules is not None:
            stack.enter_context(_replaced(modules.Quantize, "forward", _quantised))
        yield


@contextmanager
def _replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    before = vars(holder).get(name, getattr(holder, name))
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)


def _forward(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.module(*args, **kwargs)


def _quantised(self: Any, x: torch.Tensor) -> torch.Tensor:
    """Quantise without the scale, which torch's own function would read first."""
    return torch.quantize_per_tensor(x, 1.0, 0, self.dtype)


class _WithoutGradients:
    """Replaces inference mode, in which layers would arrive as other operators. It switches
    gradients off, which is all that matters to a trace."""

    def __init__(self, mode: bool = True) -> None:
        self._mode = mode
        self._before = torch.is_grad_enabled()

    def __enter__(self) -> None:
        self._before = torch.is_grad_enabled()
        if self._mode:
            torch._C._set_grad_enabled(False)

    def __exit__(self, *_: object) -> None:
        torch._C._set_grad_enabled(self._before)


def _called_as_python(compiled: Callable[..., Any]) -> Callable[..., Any]:
    """A scripted function runs the Python function from which it was made, so that sizes may be
    free. A function that torch.jit.trace made does what it did on its example, so it runs as it
    is."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        written = getattr(self, "_torchdynamo_inline", None)
        if isinstance(written, FunctionType) and _is_scripted(written):
            return written(*args, **kwargs)
        return compiled(self, *args, **kwargs)

    return call


def _is_scripted(written: FunctionType) -> bool:
    return torch.jit._state._try_get_jit_cached_function(written) is not None


def _flex(*args: Any, **kwargs: Any) -> Any:
    from flopscope.tracing.special import flex

    return flex.flex_attention(*args, **kwargs)


def _flex_mask(*args: Any, **kwargs: Any) -> Any:
    from flopscope.tracing.special import flex

    return flex.create_block_mask(*args, **kwargs)


FLEX = {
    flex_attention.flex_attention: _flex,
    flex_attention.create_block_mask: _flex_mask,
}
"""Functions whose code is replaced during a trace, because networks import them by name."""
