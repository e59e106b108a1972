"""The functions of `import flopscope as fs`, one file a verb. Each reads its arguments, asks for
the answer that the command of its name asks for, and returns the report that this command prints.
"""

from flopscope.api.analyze import analyze as analyze
from flopscope.api.analyze import build as build
from flopscope.api.audit import audit as audit
from flopscope.api.catalog import list_conventions as list_conventions
from flopscope.api.catalog import list_models as list_models
from flopscope.api.check import check as check
from flopscope.api.compare import compare as compare
from flopscope.api.formula import formula as formula
from flopscope.api.hold import hold as hold
from flopscope.api.pareto import pareto as pareto
from flopscope.api.profile import profile as profile
from flopscope.api.reconcile import reconcile as reconcile
from flopscope.api.show import show as show
from flopscope.api.solve import solve as solve
from flopscope.api.trace import derive as derive
from flopscope.api.trace import trace as trace
