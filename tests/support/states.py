"""What a module holds, written down by a walk of its own, to compare before and after."""

from __future__ import annotations

import collections
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn


def state(module: nn.Module, *others: Any) -> dict[str, Any]:
    """Every attribute of every part, by path: which object it is, and what is in it.

    Tensors by identity, device, shape and contents; containers and other objects by identity and
    what they hold in turn. `others` are walked too: classes, closures, tables of a file.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()

    def walk(value: Any, path: str) -> None:
        found[path] = (id(value), type(value).__qualname__, _content(value))
        if id(value) in seen:
            return
        seen.add(id(value))
        for name, part in _parts(value):
            walk(part, f"{path}.{name}")

    walk(module, "")
    for position, other in enumerate(others):
        walk(other, f"<{position}>")
    return found


def _content(value: Any) -> Any:
    if type(value) is random.Random:
        return value.getstate()
    if isinstance(value, np.random.Generator | np.random.RandomState | torch.Generator):
        return str(_drawn(value))
    if not isinstance(value, torch.Tensor):
        return value if isinstance(value, int | float | str | bool | tuple | None) else None
    numbers = None
    if value.device.type != "meta" and value.layout is torch.strided and not value.is_quantized:
        numbers = str(value.detach().float().sum().item()), value._version
    return value.device.type, tuple(value.shape), value.dtype, value.requires_grad, numbers


def _drawn(source: Any) -> Any:
    """Where a source of random numbers stands."""
    if isinstance(source, np.random.Generator):
        return source.bit_generator.state
    state = source.get_state()
    return state.tolist() if isinstance(state, torch.Tensor) else state


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), part) for key, part in dict.items(value)]
    if hasattr(type(value), "kept"):
        return [("kept", type(value).kept.__get__(value))] if _is_set(value) else []
    if isinstance(value, list | tuple | set | collections.deque):
        return [(str(i), part) for i, part in enumerate(value)]
    if isinstance(value, type):
        return [(name, part) for name, part in vars(value).items() if not name.startswith("__")]
    if callable(value) and getattr(value, "__closure__", None):
        return [(str(i), cell.cell_contents) for i, cell in enumerate(value.__closure__)]
    try:
        own = value.__dict__
    except (AttributeError, RuntimeError):
        return []
    return [(name, part) for name, part in own.items()] if isinstance(own, Mapping) else []


def _is_set(value: Any) -> bool:
    try:
        type(value).kept.__get__(value)
    except AttributeError:
        return False
    return True


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The paths that are new, gone or different."""
    return sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
