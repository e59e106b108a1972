"""Which loaded modules belong to a package. Every trace asks this about thousands of modules."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

HEAP = 1 << 9
"""The flag of a class that was made while Python ran, as by a `class` statement."""

STANDARD = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
"""The folders of the standard library."""


def root(module: object) -> str:
    """The package that a module's dotted name begins with.

    >>> root("torch.nn.modules")
    'torch'
    """
    return str(module).partition(".")[0]


def home(kind: Any) -> str:
    """The package that a class or function is from; '' for a reader's own whose name is borrowed.

    A class that `exec` made says that it is from "builtins", and a reader's file may be named like
    one of the standard library.

    >>> home(int), home(type("Net", (), {"__module__": "builtins"}))
    ('builtins', '')
    """
    package = root(kind.__module__)
    if package == "builtins":
        return "" if getattr(kind, "__flags__", 0) & HEAP else package
    if package in sys.stdlib_module_names:
        file = getattr(sys.modules.get(package), "__file__", None) or STANDARD[0]
        return package if file.startswith(STANDARD) and "-packages" not in file else ""
    return package


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
