"""Stand-ins for Python's own number types and functions that keep sizes symbolic while a module is
built or run.

`int(x)`, `float(x)`, `math.sqrt(x)`, `np.ceil(x)` and `isinstance(x, int)` ask a symbolic size for
its number. While a module is built or run, the modules of the user's package find these stand-ins
under the same names; afterwards every name is what it was.
"""

from __future__ import annotations

import builtins
import math
import numbers
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.nn.modules import normalization, rnn

from flopscope.packages import loaded, root
from flopscope.tracing.building.scalars import (
    MATH_FUNCTIONS,
    METHODS,
    NUMPY_FUNCTIONS,
    asking,
    patched,
)
from flopscope.tracing.special.products import attention
from flopscope.tracing.values.known import has_free_size


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


class RealStandIn(metaclass=_RealNumbers):
    """Stands for `float`."""


FUSED = functional.scaled_dot_product_attention


def _attention(*args: Any, **kwargs: Any) -> torch.Tensor:
    """F.scaled_dot_product_attention, which torch's own attention layer calls unseen by any
    mode."""
    if has_free_size((args, kwargs)):
        return attention(*args, **kwargs)
    return FUSED(*args, **kwargs)


class _Module(ModuleType):
    """A module with a few names replaced. All other names are looked up in the original module."""

    def __init__(self, original: ModuleType, ours: Mapping[str, Any]) -> None:
        super().__init__(original.__name__)
        vars(self).update(ours)
        vars(self)["_original"] = original

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_original"], name)


NUMBERS = _Module(numbers, {"Integral": Whole})

BY_NAME: Mapping[str, Any] = {"int": Whole, "float": RealStandIn}
"""Built-in names that are put into a module's own namespace, where they are found first."""

LOGARITHMS = frozenset(("log", "log2", "log10"))
"""Logarithms of a constructor's arguments ask for numbers, because a law over several numbers says
more than a logarithm in a formula."""


def _by_value(leaving: Collection[str]) -> Mapping[int, Any]:
    """The stand-ins by the identity of their originals, which a module may have imported under any
    name."""
    of_math = {name: f for name, f in MATH_FUNCTIONS.items() if name not in leaving}
    of_numpy = {n: asking(n) if n in leaving else f for n, f in NUMPY_FUNCTIONS.items()}
    return {
        id(FUSED): _attention,
        id(math): _Module(math, of_math),
        id(np): _Module(np, of_numpy),
        id(numbers): NUMBERS,
        id(numbers.Integral): Whole,
        **{id(getattr(math, name)): function for name, function in of_math.items()},
        **{id(getattr(np, name)): function for name, function in of_numpy.items()},
    }


BY_VALUE = {leaving: _by_value(leaving) for leaving in (frozenset(), LOGARITHMS)}
"""The stand-ins of a run, and those of a constructor."""

TORCH = (functional, normalization, rnn)
"""torch's own modules that ask sizes for numbers. The others are left alone."""


@contextmanager
def standins(*makers: Callable[..., Any], leaving: frozenset[str] = frozenset()) -> Iterator[None]:
    """The stand-ins in all modules of the packages that these classes and functions come from."""
    places = namespaces(makers)
    changes = [
        (namespace, name, new)
        for namespace in (*map(vars, TORCH), *places)
        for name, new in _standing_in(namespace, BY_VALUE[leaving]).items()
    ]
    with patched(METHODS), _replaced(changes):
        yield


def _standing_in(namespace: Mapping[str, Any], by_value: Mapping[int, Any]) -> dict[str, Any]:
    changes = {name: new for name, new in BY_NAME.items() if name not in namespace}
    return changes | {n: by_value[id(v)] for n, v in namespace.items() if id(v) in by_value}


@contextmanager
def _replaced(changes: Iterable[tuple[dict[str, Any], str, Any]]) -> Iterator[None]:
    """While active, these names in namespaces have other values."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    missing = object()
    try:
        for namespace, name, new in changes:
            before.append((namespace, name, namespace.get(name, missing)))
            namespace[name] = new
        yield
    finally:
        for namespace, name, old in reversed(before):
            if old is missing:
                del namespace[name]
            else:
                namespace[name] = old


def namespaces(makers: Iterable[Callable[..., Any]]) -> list[dict[str, Any]]:
    """The namespaces of the functions themselves, whose file may not be a module, and of the
    modules in their packages."""
    makers = tuple(makers)
    found: list[dict[str, Any]] = []
    for make in makers:
        classes = make.__mro__ if isinstance(make, type) else ()
        functions = [make, *(f for base in classes for f in vars(base).values() if callable(f))]
        functions = [getattr(f, "__wrapped__", f) for f in functions]
        found += [f.__globals__ for f in functions if hasattr(f, "__globals__") and _is_theirs(f)]
    packages = {root(make.__module__) for make in makers if _is_theirs(make)}
    found += [vars(module) for module in loaded(packages) if hasattr(module, "__dict__")]
    return list({id(namespace): namespace for namespace in found}.values())


def _is_theirs(make: Callable[..., Any]) -> bool:
    return root(make.__module__) not in ("torch", "builtins", "flopscope")
