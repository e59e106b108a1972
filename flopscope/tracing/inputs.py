"""The inputs on which a module is run: shapes, tensors, and collections of them of any type.

A shape is a tuple of sizes, ints or polynomials, and stands for a floating-point tensor. `Input`
gives another type: token ids are `Input(("B", "T"), torch.int64)`. A name stands for a free size.
Named tuples, data classes, dictionaries of any kind and other objects that hold tensors are copied
with shapes in their place and keep their types, so that what the network writes into them is
written into the copies; in a field that is annotated, a tuple is a shape where the annotation says
tensor. Other values (None, numbers, booleans, text) are passed on as they are.
"""

from __future__ import annotations

import copy
import inspect
from collections import UserDict, UserList, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from types import MappingProxyType, ModuleType
from typing import Any

import torch
from torch import nn

from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import Polynomial, Symbol, symbol
from flopscope.tracing.node import free_size
from flopscope.tracing.trail import Trail
from flopscope.tracing.values.numbers import SPARSE, pattern_of


@dataclass(frozen=True)
class Input:
    """A tensor by its shape and type."""

    shape: tuple[Size | str, ...]
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class TypedShape:
    """A shape that was found among the inputs, and the type of its elements."""

    sizes: tuple[Any, ...]
    dtype: torch.dtype


Leaf = torch.Tensor | TypedShape | Polynomial
"""The values that become tensors; a polynomial alone becomes a free size."""


def free_symbols(values: Any) -> frozenset[Symbol]:
    """Every free size in a nested collection of inputs."""
    found: set[Symbol] = set()

    def note(leaf: Leaf) -> Leaf:
        sizes = leaf.sizes if isinstance(leaf, TypedShape) else (leaf,)
        found.update(*(size.symbols() for size in map(_named, sizes) if is_symbolic(size)))
        return leaf

    mapped_inputs(values, note)
    return frozenset(found)


def tensors_of(trail: Trail, values: Any) -> Any:
    """The same collection with meta tensors in place of shapes and tensors. Raises BadInput for a
    nested tensor, which has no single shape, and for a size below 0."""

    def made(leaf: Leaf) -> Any:
        if isinstance(leaf, TypedShape):
            return _tensor(trail, leaf.sizes, leaf.dtype)
        if isinstance(leaf, Polynomial):
            return free_size(trail, leaf)
        if leaf.is_nested:
            raise BadInput("an input is a nested tensor, which has no one shape; give a padded one")
        if leaf.layout in SPARSE:
            return pattern_of(leaf)
        # a plain tensor: not of a subclass, and without a gradient
        return torch.empty(tuple(leaf.shape), dtype=leaf.dtype, device="meta")

    return mapped_inputs(values, made)


def leaves(values: Any) -> list[torch.Tensor]:
    """Every tensor in a collection, in order and each once."""
    found: list[torch.Tensor] = []

    def note(leaf: Leaf) -> Leaf:
        if isinstance(leaf, torch.Tensor):
            found.append(leaf)
        return leaf

    mapped_inputs(values, note)
    return found


def _tensor(trail: Trail, shape: tuple[Any, ...], dtype: torch.dtype) -> torch.Tensor:
    named = list(map(_named, shape))
    if any(isinstance(n, int) and n < 0 for n in named):
        raise BadInput(f"the input {shape} has a size below 0; give sizes from 0, or names")
    sizes: list[Any] = [free_size(trail, n) if is_symbolic(n) else n for n in named]
    return torch.empty(sizes, dtype=dtype, device="meta")


def _named(size: Any) -> Any:
    """A size as a number or a polynomial. Raises BadInput for text that is not a name."""
    if isinstance(size, str):
        if not size.isidentifier():
            raise BadInput(f"'{size}' is not the name of a size; write one like B, H or tokens")
        return symbol(size)
    return int(size) if isinstance(size, Integral) else size


def tensors_for(given: Sequence[InputSpec]) -> tuple[list[Input], dict[str, Any]]:
    """Positional and keyword inputs, as `trace` takes them."""
    made = [(i.keyword, Input(i.shape, getattr(torch, i.dtype))) for i in given]
    return [x for keyword, x in made if keyword is None], {k: x for k, x in made if k is not None}


# --- collections of any type ----------------------------------------------------------------------


def mapped_inputs(values: Any, of: Callable[[Leaf], Any]) -> Any:
    """The same collection with `of` applied to each tensor and shape in it. A tensor or object that
    occurs twice is a single one in the copy as well."""
    return _Copy(of).of(values, shapes=True)


class _Copy:
    """One walk over a collection that remembers what it has copied."""

    def __init__(self, of: Callable[[Leaf], Any]) -> None:
        self.leaf = of
        self.known: dict[int, tuple[Any, Any]] = {}  # with the original, whose id stays taken

    def of(self, value: Any, *, shapes: bool) -> Any:
        """The copy of a value, in which a tuple of sizes is a shape if `shapes`."""
        if isinstance(value, Input):
            return self.leaf(TypedShape(tuple(value.shape), value.dtype))
        if shapes and type(value) in (tuple, torch.Size) and value and all(map(_is_size, value)):
            return self.leaf(TypedShape(tuple(value), torch.float32))
        if isinstance(value, Polynomial):
            return self.leaf(value)
        if isinstance(value, PLAIN):
            return value
        if id(value) not in self.known:
            self.known[id(value)] = (value, value)  # for a collection that contains itself
            self.known[id(value)] = (value, self._copied(value, shapes))
        return self.known[id(value)][1]

    def _copied(self, value: Any, shapes: bool) -> Any:
        if isinstance(value, torch.Tensor):
            return self.leaf(value)
        if isinstance(value, tuple):
            return self._tuple(value, shapes)
        if isinstance(value, list | deque):
            return self._filled(value, dict(enumerate(value)), shapes)
        if isinstance(value, dict):
            return self._filled(value, dict(value), shapes)
        if isinstance(value, MappingProxyType):
            return MappingProxyType(self.of(dict(value), shapes=shapes))
        return self._object(value, shapes and isinstance(value, UserDict | UserList))

    def _tuple(self, value: Any, shapes: bool) -> Any:
        kinds = _annotations(type(value))
        names: Sequence[str] = getattr(value, "_fields", ())
        if isinstance(value, torch.Size) or (names and all(map(_is_number, value))):
            return value  # a named tuple of two numbers, for example
        items = [
            self.of(item, shapes=shapes and _says_tensor(kinds.get(name)))
            for item, name in zip(value, names or [""] * len(value), strict=True)
        ]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        made = tuple.__new__(type(value), items)
        if hasattr(value, "__dict__"):
            made.__dict__.update(vars(value))
        return made

    def _filled(self, value: Any, items: Mapping[Any, Any], shapes: bool) -> Any:
        """The copy of a list or dictionary, perhaps of a subclass that keeps its items as
        attributes too."""
        new = {key: self.of(item, shapes=shapes) for key, item in items.items()}
        twins = {id(item): new[key] for key, item in items.items()}
        own = {name: twins[id(held)] for name, held in _held(value) if id(held) in twins}
        own = self._attributes(value, shapes=False) | own
        made = copy.copy(value)
        assign = dict.__setitem__ if isinstance(value, dict) else type(value).__setitem__
        for key, item in new.items():
            assign(made, key, item)
        _set(made, own)
        return made

    def _object(self, value: Any, shapes: bool) -> Any:
        """The copy of an object. One that holds no tensor, list or dictionary stays itself, since
        code may compare its identity."""
        new = self._attributes(value, shapes=shapes)
        if not new:
            return value
        try:
            made = copy.copy(value)
        except Exception:  # some objects cannot be copied
            made = object.__new__(type(value))
            _set(made, dict(_held(value)))
        if made is not value:  # as singletons do
            _set(made, new)
        return made

    def _attributes(self, value: Any, *, shapes: bool) -> dict[str, Any]:
        """The attributes that hold a tensor, as the copy has them."""
        kinds = _annotations(type(value)) if hasattr(value, "__dataclass_fields__") else {}
        new = {
            name: self.of(held, shapes=shapes or (name in kinds and _says_tensor(kinds[name])))
            for name, held in _held(value)
        }
        return {name: made for name, made in new.items() if made is not getattr(value, name)}


PLAIN = (str, bytes, int, float, complex, type, ModuleType, nn.Module, torch.dtype, torch.device,
         torch.SymInt)  # fmt: skip
"""Types of values that hold no input and are passed on as they are."""


def _is_size(value: Any) -> bool:
    return isinstance(value, Integral | str | Polynomial) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Integral)


def _held(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that an object stores, in `__slots__` or in its dictionary."""
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)


def _set(made: Any, attributes: Mapping[str, Any]) -> None:
    """Set an attribute, also of a frozen object, since it is a fresh copy."""
    for name, value in attributes.items():
        object.__setattr__(made, name, value)


def _annotations(kind: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        found |= inspect.get_annotations(base)
    return found


def _says_tensor(annotation: Any) -> bool:
    """May a field with this annotation hold a tensor? A field without an annotation may."""
    text = annotation if isinstance(annotation, str) else repr(annotation)
    return annotation is None or any(name in text for name in ("Tensor", "Any", "object"))
