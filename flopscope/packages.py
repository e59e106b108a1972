"""Which loaded modules belong to a package. Every trace asks this about thousands of modules."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any


def root(module: object) -> str:
    """The package that a module's dotted name begins with.

    >>> root("torch.nn.modules")
    'torch'
    """
    return str(module).partition(".")[0]


def loaded(packages: Collection[str]) -> list[Any]:
    """The modules of these packages, in the order in which they were loaded."""
    by_root = _by_root(tuple(sys.modules))
    places = sorted(place for package in packages for place in by_root.get(package, ()))
    return [sys.modules[name] for _, name in places if name in sys.modules]


@lru_cache(maxsize=1)
def _by_root(names: tuple[str, ...]) -> Mapping[str, list[tuple[int, str]]]:
    """The names of modules with their places in the order, by package."""
    found: dict[str, list[tuple[int, str]]] = {}
    for place, name in enumerate(names):
        found.setdefault(root(name), []).append((place, name))
    return found
