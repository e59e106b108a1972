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
    from flopscope.api.advise import advise
    from flopscope.api.analyze import analyze, build
    from flopscope.api.audit import audit
    from flopscope.api.calibrate import calibrate
    from flopscope.api.catalog import list_conventions, list_models
    from flopscope.api.check import check
    from flopscope.api.compare import compare
    from flopscope.api.derive import derive
    from flopscope.api.diff import diff
    from flopscope.api.differentiable import darts, expected_cost, one_shot
    from flopscope.api.explore import explore
    from flopscope.api.export import export
    from flopscope.api.formula import formula, formulas, law
    from flopscope.api.hold import hold
    from flopscope.api.latencies import latencies
    from flopscope.api.measure import measure
    from flopscope.api.overlay import overlay
    from flopscope.api.pareto import pareto
    from flopscope.api.predict import predict
    from flopscope.api.profile import profile
    from flopscope.api.proxies import proxies
    from flopscope.api.prune import prune
    from flopscope.api.quantize import quantize
    from flopscope.api.reconcile import reconcile
    from flopscope.api.search import search
    from flopscope.api.show import show
    from flopscope.api.slim import slim
    from flopscope.api.solve import solve
    from flopscope.api.space import space
    from flopscope.api.sweep import sweep
    from flopscope.api.trace import trace
    from flopscope.api.train import train
    from flopscope.api.train_cost import train_cost
    from flopscope.catalog.models import MODELS
    from flopscope.catalog.scaling import Scaling
    from flopscope.choosing.crossing import TERMS
    from flopscope.closedform import Formula
    from flopscope.conventions import CONVENTIONS, convention
    from flopscope.errors import BadInput, FlopscopeError, UnknownName
    from flopscope.laws import LAWS
    from flopscope.ledger import Ledger, Level
    from flopscope.quantities import QUANTITIES
    from flopscope.symbolic import symbol
    from flopscope.testing import assert_budget
    from flopscope.tracing.inputs import Input

_HOMES = {
    "BadInput": "flopscope.errors",
    "CONVENTIONS": "flopscope.conventions",
    "FlopscopeError": "flopscope.errors",
    "Formula": "flopscope.closedform",
    "Input": "flopscope.tracing.inputs",
    "LAWS": "flopscope.laws",
    "Ledger": "flopscope.ledger",
    "Level": "flopscope.ledger",
    "MODELS": "flopscope.catalog.models",
    "QUANTITIES": "flopscope.quantities",
    "Scaling": "flopscope.catalog.scaling",
    "TERMS": "flopscope.choosing.crossing",
    "UnknownName": "flopscope.errors",
    "advise": "flopscope.api.advise",
    "analyze": "flopscope.api.analyze",
    "assert_budget": "flopscope.testing",
    "audit": "flopscope.api.audit",
    "build": "flopscope.api.analyze",
    "calibrate": "flopscope.api.calibrate",
    "check": "flopscope.api.check",
    "compare": "flopscope.api.compare",
    "convention": "flopscope.conventions",
    "darts": "flopscope.api.differentiable",
    "derive": "flopscope.api.derive",
    "diff": "flopscope.api.diff",
    "expected_cost": "flopscope.api.differentiable",
    "export": "flopscope.api.export",
    "formula": "flopscope.api.formula",
    "formulas": "flopscope.api.formula",
    "hold": "flopscope.api.hold",
    "explore": "flopscope.api.explore",
    "latencies": "flopscope.api.latencies",
    "law": "flopscope.api.formula",
    "list_conventions": "flopscope.api.catalog",
    "list_models": "flopscope.api.catalog",
    "measure": "flopscope.api.measure",
    "one_shot": "flopscope.api.differentiable",
    "overlay": "flopscope.api.overlay",
    "pareto": "flopscope.api.pareto",
    "predict": "flopscope.api.predict",
    "profile": "flopscope.api.profile",
    "proxies": "flopscope.api.proxies",
    "prune": "flopscope.api.prune",
    "quantize": "flopscope.api.quantize",
    "reconcile": "flopscope.api.reconcile",
    "search": "flopscope.api.search",
    "show": "flopscope.api.show",
    "slim": "flopscope.api.slim",
    "solve": "flopscope.api.solve",
    "space": "flopscope.api.space",
    "sweep": "flopscope.api.sweep",
    "symbol": "flopscope.symbolic",
    "trace": "flopscope.api.trace",
    "train_cost": "flopscope.api.train_cost",
    "train": "flopscope.api.train",
}

__all__ = [
    "CONVENTIONS",
    "LAWS",
    "MODELS",
    "QUANTITIES",
    "TERMS",
    "BadInput",
    "FlopscopeError",
    "Formula",
    "Input",
    "Ledger",
    "Level",
    "Scaling",
    "UnknownName",
    "advise",
    "analyze",
    "assert_budget",
    "audit",
    "build",
    "calibrate",
    "check",
    "compare",
    "convention",
    "darts",
    "derive",
    "diff",
    "expected_cost",
    "explore",
    "export",
    "formula",
    "formulas",
    "hold",
    "latencies",
    "law",
    "list_conventions",
    "list_models",
    "measure",
    "one_shot",
    "overlay",
    "pareto",
    "predict",
    "profile",
    "proxies",
    "prune",
    "quantize",
    "reconcile",
    "search",
    "show",
    "slim",
    "solve",
    "space",
    "sweep",
    "symbol",
    "trace",
    "train",
    "train_cost",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'flopscope' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
