"""The module that is running while a network is recorded."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


@contextmanager
def paths(recorder: Recorder, module: nn.Module) -> Iterator[None]:
    """While active, rows get the dotted path and the call of the module that runs. A shared module
    has its first path."""
    names = {
        id(part): name
        for name, part in reversed(list(module.named_modules(remove_duplicate=False)))
    }
    calls: Counter[str] = Counter()

    def enter(part: nn.Module, _: Any) -> None:
        path = names.get(id(part), recorder.places[-1][0])
        recorder.places.append((path, calls[path]))
        calls[path] += 1

    def leave(part: nn.Module, _: Any, __: Any) -> None:
        recorder.places.pop()

    handles = [
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    ]
    try:
        with warnings.catch_warnings():
            # A compiled part runs hooks twice; the call under its own path is the one that counts.
            warnings.filterwarnings("ignore", "Using `torch.compile", UserWarning)
            yield
    finally:
        for handle in handles:
            handle.remove()
