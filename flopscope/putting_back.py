"""Putting back what a place, a container, a class or a cache held before."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import is_
from types import (
    FunctionType,
    MappingProxyType,
    ModuleType,
)
from typing import Any

import torch
from torch import nn

CONTAINERS = (dict, list, set, deque)
BASES = (OrderedDict, *CONTAINERS)
ATOMS = (
    *(str, bytes, int, float, complex, bool, type(None), ModuleType, torch.dtype, torch.device),
    *(torch.Size, MappingProxyType, torch.SymInt, torch.SymFloat, torch.SymBool),
)
"""Types of values that cannot change."""

EMPTY = object()
"""Stands for the absence of a value in a place."""


def read_slot(slot: Any, value: Any) -> Any:
    """What a slot of an object holds."""
    try:
        return slot.__get__(value)
    except (AttributeError, ValueError):
        return EMPTY


def slot_back(slot: Any, value: Any, held: Any) -> None:
    """Put back what a slot of an object held."""
    now = read_slot(slot, value)
    if now is not held:
        slot.__delete__(value) if held is EMPTY else slot.__set__(value, held)


def kind_back(module: nn.Module, kind: type) -> None:
    """Give a module its class back."""
    if type(module) is not kind:  # a lazy layer changes its class, for example
        module.__class__ = kind


def base_of(value: Any) -> Any:
    """Python's own container type of the value, because a subclass may have replaced the
    methods."""
    own = type(value)
    return own if own in BASES else next(kind for kind in BASES if isinstance(value, kind))


def held_by(value: Any) -> Sequence[Any]:
    """What a container holds; for a dictionary, its items."""
    kind = base_of(value)
    if not kind.__len__(value):  # most are empty
        return ()
    return list(kind.items(value) if isinstance(value, dict) else kind.__iter__(value))


def container_back(value: Any, held: Sequence[Any]) -> None:
    """Put back what a container held, if that has changed."""
    now, before = held_by(value), held
    if now is before:  # most were empty and are
        return
    if isinstance(value, dict):
        now, before = (list(chain.from_iterable(items)) for items in (now, before))
    if len(now) == len(before) and all(map(is_, now, before)):
        return
    kind = base_of(value)
    fill = kind.update if hasattr(kind, "update") else kind.extend
    kind.clear(value)  # of built-in names there are none until it is filled again
    fill(value, held)


def names_back(names: dict[str, Any], held: Mapping[str, Any]) -> None:
    """Put back the names of a file. What was imported or defined meanwhile stays."""
    if names.keys() == held.keys() and all(map(is_, map(names.get, held), held.values())):
        return
    for name, value in held.items():
        if names.get(name, names) is not value:
            names[name] = value
    for name in names.keys() - held.keys():
        if not isinstance(names[name], ModuleType | FunctionType | type):
            del names[name]


def class_back(kind: type, held: Mapping[str, Any]) -> None:
    """Put back the names of a class, and remove new ones that hold values."""
    now = vars(kind)
    for name in [name for name in now if name not in held]:
        if isinstance(now[name], (torch.Tensor, tuple, *CONTAINERS, *ATOMS)):
            type.__delattr__(kind, name)
    for name, value in held.items():
        if now.get(name, kind) is not value and name not in ("__dict__", "__weakref__"):
            type.__setattr__(kind, name, value)


def array_back(array: Any, held: Any) -> None:
    """Put back the elements of a NumPy array."""
    if array.shape == held.shape and array.tobytes() != held.tobytes():
        array[...] = held


def cache_back(function: Any, misses: int) -> None:
    """Empty a cache that has taken in results of the run, since shapes must not stay in it."""
    if function.cache_info().misses != misses:
        function.cache_clear()
