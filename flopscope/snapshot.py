"""Everything to which a forward pass may write is noted before the pass and put back after it.

That is everything reachable from a module: attributes, lists, caches, lazy buffers, names of files.
Only containers that changed are touched, and they stay the same objects.
"""

from __future__ import annotations

import functools
import random
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import torch
from torch import nn

from flopscope.packages import home, loaded, root
from flopscope.putting_back import (
    ATOMS,
    CONTAINERS,
    EMPTY,
    array_back,
    base_of,
    cache_back,
    class_back,
    container_back,
    held_by,
    kind_back,
    names_back,
    read_slot,
    slot_back,
)

KEPT_ARRAY = 2**20
"""The most elements of a NumPy array that is copied and put back."""

MOST_NAMED = 10**5
"""The most elements of a container among a file's names that is looked into."""

OTHERS = frozenset({"torch", "numpy", "flopscope", "builtins"}) | sys.stdlib_module_names
"""Packages to whose own names and objects no network writes."""

HOLDERS = frozenset(
    {"_thread", "collections", "dataclasses", "functools", "types", "typing", "weakref"}
)
"""Parts of the standard library whose objects hold what networks put in them."""

KEEPERS = (HOLDERS | {"numpy"}) - {"typing"}
"""Packages of which an object among a file's names is noted with what it holds."""

CACHED = type(functools.lru_cache(lambda: None))
DEFINED = type | FunctionType | CACHED
"""Types of what files define."""

HELD = (
    *(tuple, frozenset, staticmethod, classmethod, BuiltinFunctionType, MethodType, CellType),
    *(torch.Tensor, nn.Module, random.Random),
)
"""Types of other packages whose objects are noted where they stand among a file's names."""

PLAIN = frozenset(ATOMS)
CELL = CellType.cell_contents
"""Functions that read and write a variable of a closure."""


class Snapshot:
    """Everything that is reachable from `roots`, with its present contents."""

    def __init__(self, *roots: Any) -> None:
        self._back: list[tuple[Any, ...]] = []  # functions that put back, and arguments
        self._seen: dict[int, Any] = {}  # by id; alive, so that ids stay unique
        self._slots: dict[type, list[Any]] = {}
        self._walk(roots, lambda value: True)

    def name_spaces(self, spaces: Sequence[dict[str, Any]]) -> None:
        """Note the names of files too, and what containers and caches among them hold; of files
        that are no installed package's also what objects, classes and functions hold."""
        for names in spaces:
            self._back.append((names_back, names, dict(names)))
            self._walk(names.values(), _is_table if _is_installed(names) else _is_kept)

    def _walk(self, values: Iterable[Any], wanted: Callable[[Any], bool]) -> None:
        """Note these values and what they lead to, as far as it is wanted. The type says what each
        is, since to ask a proxy may run code or raise."""
        todo = list(values)
        while todo:
            value = todo.pop()
            kind = type(value)
            if kind in PLAIN or id(value) in self._seen or issubclass(kind, ATOMS):
                continue
            if wanted(value):
                self._seen[id(value)] = value
                todo += self._noted(value)

    def held(self) -> list[Any]:
        """Every value that was reached, except plain ones."""
        return list(self._seen.values())

    def restore(self) -> None:
        """Put back what has changed; a second call is harmless."""
        for back, *held in self._back:
            back(*held)

    def _noted(self, value: Any) -> Sequence[Any]:
        """Note what the value holds; returns what it refers to."""
        kind = type(value)
        noted = WAYS.get(kind) or next(
            (noted for kinds, noted in NOTED.items() if issubclass(kind, kinds)), Snapshot._object
        )
        found: Sequence[Any] = noted(self, value)
        return found

    def _container(self, value: Any) -> Sequence[Any]:
        held = held_by(value)
        self._back.append((container_back, value, held))
        return [inner for _, inner in held] if issubclass(type(value), dict) else held

    def _class(self, kind: type) -> Sequence[Any]:
        if home(kind) in OTHERS:
            return ()
        names = dict(vars(kind))
        self._back.append((class_back, kind, names))
        return [*names.values(), *kind.__bases__]

    def _object(self, value: Any) -> Sequence[Any]:
        kind = type(value)
        package = home(kind)
        if package == "numpy":
            return self._numpy(value)
        if package == "flopscope" or (
            package in sys.stdlib_module_names and package not in HOLDERS
        ):
            return ()
        found: list[Any] = [kind]
        # without the attribute access that a class may define
        with suppress(AttributeError):
            own = threading.local if issubclass(kind, threading.local) else object
            found.append(own.__getattribute__(value, "__dict__"))
        if issubclass(kind, nn.Module):
            self._back.append((kind_back, value, kind))
        if kind not in self._slots:
            self._slots[kind] = _slots(kind)
        for slot in self._slots[kind]:
            found += self._slot(slot, value)
        return found

    def _numpy(self, value: Any) -> Sequence[Any]:
        """An array, or a source of random numbers: a RandomState, a Generator or its bits."""
        bits = getattr(value, "bit_generator", value)
        if hasattr(value, "get_state"):
            self._back.append((value.set_state, value.get_state()))
        elif hasattr(bits, "state"):
            self._back.append((setattr, bits, "state", bits.state))
        elif hasattr(value, "flags") and getattr(value, "size", KEPT_ARRAY + 1) <= KEPT_ARRAY:
            self._back.append((array_back, value, value.copy()))
        return ()

    def _drawing(self, source: random.Random) -> Sequence[Any]:
        with suppress(NotImplementedError):  # the system's random numbers have no state
            self._back.append((source.setstate, source.getstate()))
        return ()

    def _cell(self, cell: CellType) -> Sequence[Any]:
        return self._slot(CELL, cell)

    def _slot(self, slot: Any, value: Any) -> Sequence[Any]:
        """One place that holds a value or is empty."""
        held = read_slot(slot, value)
        self._back.append((slot_back, slot, value, held))
        return () if held is EMPTY else (held,)

    def _cache(self, function: Any) -> Sequence[Any]:
        self._back.append((cache_back, function, function.cache_info().misses))
        return (function.__wrapped__,)


def _inside(function: FunctionType) -> Sequence[Any]:
    inside = (function.__closure__, function.__defaults__, function.__kwdefaults__)
    return [vars(function), *(part for part in inside if part)]


NOTED: Mapping[Any, Any] = {
    CONTAINERS: Snapshot._container,
    type: Snapshot._class,
    (tuple, frozenset): lambda _, value: tuple(value),
    CellType: Snapshot._cell,
    FunctionType: lambda _, value: _inside(value),
    MethodType: lambda _, value: (value.__self__, value.__func__),
    BuiltinFunctionType: lambda _, value: (value.__self__,),
    functools.partial: lambda _, value: (value.func, value.args, value.keywords),
    weakref.ref: lambda _, value: (value(),),
    (staticmethod, classmethod): lambda _, value: (value.__func__,),
    property: lambda _, value: (value.fget,),
    random.Random: Snapshot._drawing,
    CACHED: Snapshot._cache,
}
"""How a value other than a plain object is noted, by the first of these types that fits."""

WAYS = {
    kind: noted
    for kinds, noted in NOTED.items()
    for kind in (kinds if isinstance(kinds, tuple) else (kinds,))
}
"""The same by the exact type of a value."""


def _is_installed(names: Mapping[str, Any]) -> bool:
    """Are these the names of an installed package's file?"""
    return "-packages" in str(names.get("__file__"))


def _is_table(value: Any) -> bool:
    """Is it a container that is not too large, or a cached function?"""
    kind = type(value)
    if issubclass(kind, CONTAINERS):
        return bool(base_of(value).__len__(value) <= MOST_NAMED)
    return kind is CACHED


def _is_kept(value: Any) -> bool:
    """Does it hold something that the networks of its file may write to?"""
    kind = type(value)
    if _is_table(value):
        return True
    if issubclass(kind, CONTAINERS):
        return False
    if issubclass(kind, HELD) or root(kind.__module__) in KEEPERS:
        return True
    return _is_own(value if issubclass(kind, DEFINED) else kind)


def _is_own(kind: Any) -> bool:
    """Is a class or function from a file of the reader's own? What an installed package keeps may
    be written to by others meanwhile."""
    module = sys.modules.get(theirs(kind))
    return issubclass(type(module), ModuleType) and not _is_installed(vars(module))


def _slots(kind: type) -> list[Any]:
    """Functions that read and write the slots of a class's objects."""
    own = (vars(base).values() for base in kind.__mro__ if "__slots__" in vars(base))
    return [slot for values in own for slot in values if isinstance(slot, MemberDescriptorType)]


# --- names of files ---------------------------------------------------------------------------


def name_spaces(kinds: Iterable[Any]) -> list[dict[str, Any]]:
    """The names of all loaded files in the packages of these classes and functions, and in the
    packages from which their own files import functions and classes."""
    own = {m: vars(sys.modules[m]) for kind in kinds if (m := theirs(kind)) in sys.modules}
    packages = {root(name) for name in own}
    for names in own.values():
        found = (theirs(v) for v in names.values() if issubclass(type(v), DEFINED))
        packages |= {root(name) for name in found if name}
    return [vars(module) for module in loaded(packages) if isinstance(module, ModuleType)]


def theirs(kind: Any) -> str:
    """The module of a class or function, as Python names it; '' if it is not a user's."""
    name = str(getattr(kind, "__module__", "") or "")
    return "" if name in ("", "builtins") or home(kind) in OTHERS else name
