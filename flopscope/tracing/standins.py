"""Python's own numbers and functions, made safe for symbolic sizes while a module is built.

`int(x)`, `float(x)`, `math.sqrt(x)` and `isinstance(x, int)` ask a symbolic size for its number.
For the time of a constructor the modules of the user's package find these stand-ins under the same
names; afterwards every name is what it was.
"""

from __future__ import annotations

import builtins
import math
import numbers
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional
from torch.nn.modules import normalization, rnn

from flopscope.tracing.outputs import is_symbolic
from flopscope.tracing.products import attention


class _WholeNumbers(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, builtins.int | torch.SymInt)

    def __call__(cls, value: Any = 0, *base: Any) -> Any:
        if isinstance(value, torch.SymInt):
            return value
        return (
            torch.sym_int(value)
            if isinstance(value, torch.SymFloat)
            else builtins.int(value, *base)
        )


class _RealNumbers(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, builtins.float | torch.SymFloat)

    def __call__(cls, value: Any = 0.0) -> Any:
        symbolic = isinstance(value, torch.SymInt | torch.SymFloat)
        return torch.sym_float(value) if symbolic else builtins.float(value)


class Whole(metaclass=_WholeNumbers):
    """Stands for `int` and numbers.Integral: a symbolic size is one and stays one."""


class Real(metaclass=_RealNumbers):
    """Stands for `float`."""


def _root(value: Any) -> Any:
    symbolic = isinstance(value, torch.SymInt | torch.SymFloat)
    return torch.sym_sqrt(torch.sym_float(value)) if symbolic else math.sqrt(value)


FUSED = functional.scaled_dot_product_attention


def _attention(*args: Any, **kwargs: Any) -> torch.Tensor:
    """Met here too, since torch's own attention layer calls it where no mode sees it."""
    if is_symbolic((args, kwargs)):
        return attention(*args, **kwargs)
    return FUSED(*args, **kwargs)


MATH = SimpleNamespace(**{**vars(math), "sqrt": _root})
NUMBERS = SimpleNamespace(**{**vars(numbers), "Integral": Whole})

BY_NAME: Mapping[str, Any] = {"int": Whole, "float": Real}
"""Built-in names that a module finds in its own namespace first."""

BY_VALUE: Mapping[int, Any] = {
    id(FUSED): _attention,
    id(math): MATH,
    id(math.sqrt): _root,
    id(numbers): NUMBERS,
    id(numbers.Integral): Whole,
}
"""By identity, what a module may have imported under any name."""

TORCH = (functional, normalization, rnn)
"""torch's own modules that ask sizes for numbers; the others are left alone."""


@contextmanager
def standins(*makers: Callable[..., Any]) -> Iterator[None]:
    """The stand-ins in all modules of the packages that these classes and functions come from."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    missing = object()
    try:
        for namespace in _namespaces(makers):
            changes = {name: new for name, new in BY_NAME.items() if name not in namespace}
            changes |= {n: BY_VALUE[id(v)] for n, v in namespace.items() if id(v) in BY_VALUE}
            for name, new in changes.items():
                before.append((namespace, name, namespace.get(name, missing)))
                namespace[name] = new
        yield
    finally:
        for namespace, name, old in before:
            if old is missing:
                del namespace[name]
            else:
                namespace[name] = old


def _namespaces(makers: Iterable[Callable[..., Any]]) -> list[dict[str, Any]]:
    """Of their own functions, whose file may be no module, and of their packages' modules."""
    found = [vars(module) for module in TORCH]
    for make in makers:
        classes = make.__mro__ if isinstance(make, type) else ()
        functions = [make, *(f for base in classes for f in vars(base).values() if callable(f))]
        found += [f.__globals__ for f in functions if hasattr(f, "__globals__") and _is_theirs(f)]
    packages = {make.__module__.partition(".")[0] for make in makers if _is_theirs(make)}
    found += [
        vars(module)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in packages and hasattr(module, "__dict__")
    ]
    return list({id(namespace): namespace for namespace in found}.values())


def _is_theirs(make: Callable[..., Any]) -> bool:
    return str(make.__module__).partition(".")[0] not in ("torch", "builtins", "flopscope")
