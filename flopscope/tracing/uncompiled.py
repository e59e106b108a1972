"""What `torch.compile` made runs as it is written while a module is traced or built.

torch's compiler takes longer to import than torch itself, so a trace does not import it. If the
network does, the compiler is told at that moment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

COMPILER = "torch._dynamo"


class UncompiledMode(TorchDispatchMode):
    """A mode for use inside `uncompiled`. For any other mode, torch imports its compiler at the
    first operator, to tell it that it must skip the mode."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


@contextmanager
def uncompiled() -> Iterator[None]:
    """While active, functions and modules that `torch.compile` made run as they are written."""
    with ExitStack() as active:
        if COMPILER in sys.modules:
            active.enter_context(torch.compiler.set_stance("force_eager"))
        elif not any(isinstance(finder, _CompilerFinder) for finder in sys.meta_path):
            finder = _CompilerFinder(active)
            sys.meta_path.insert(0, finder)
            active.callback(sys.meta_path.remove, finder)
        yield


class _CompilerFinder:
    """Finds torch's compiler as Python does, for an import inside a trace. The import's own
    operators are none of the network's; after it, the compiler knows that it must not compile."""

    def __init__(self, active: ExitStack) -> None:
        self._active = active

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What the import system asks each finder."""
        if name != COMPILER:
            return None
        with self._away():
            spec = find_spec(name)
        assert spec is not None
        loader: Any = spec.loader

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
                loader.exec_module(module)
            self._active.enter_context(module.set_stance("force_eager"))

        loader.exec_module = exec_module
        return spec

    @contextmanager
    def _away(self) -> Iterator[None]:
        place = sys.meta_path.index(self)
        del sys.meta_path[place]
        try:
            yield
        finally:
            sys.meta_path.insert(place, self)
