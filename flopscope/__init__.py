"""flopscope: what a vision network costs, exactly and with reasons.

>>> import flopscope as fs
>>> fs.analyze("mobilenetv2", res=224).macs().value
300774272

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flopscope.version import __version__ as __version__

if TYPE_CHECKING:
    from flopscope.api import analyze, build, check, compare, derive, formula, trace
    from flopscope.closedform import Formula
    from flopscope.errors import FlopscopeError
    from flopscope.ledger import Ledger, Level
    from flopscope.symbolic import symbol

_HOMES = {
    "FlopscopeError": "flopscope.errors",
    "Formula": "flopscope.closedform",
    "Ledger": "flopscope.ledger",
    "Level": "flopscope.ledger",
    "analyze": "flopscope.api",
    "build": "flopscope.api",
    "check": "flopscope.api",
    "compare": "flopscope.api",
    "derive": "flopscope.api",
    "formula": "flopscope.api",
    "symbol": "flopscope.symbolic",
    "trace": "flopscope.api",
}

__all__ = [
    "FlopscopeError",
    "Formula",
    "Ledger",
    "Level",
    "analyze",
    "build",
    "check",
    "compare",
    "derive",
    "formula",
    "symbol",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'flopscope' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
