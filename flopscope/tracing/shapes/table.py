"""Shapes of results on symbolic sizes: one literal table of rules.

At plain integer sizes torch's own meta kernels are used, or rules that say the same (`plain.py`).
Most kernels refuse symbolic sizes, so every common operator has a rule in one of the tables that
are put together here. A rule compares sizes and raises errors as torch does; if only the example
decides, the comparison goes on the trail. Memory layout is not modelled: every result is
contiguous, because no count depends on strides.
"""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.tracing.shapes.alike import ALIKE
from flopscope.tracing.shapes.fitting import META, ShapeRule, broadcast, like
from flopscope.tracing.shapes.folds import FOLDS
from flopscope.tracing.shapes.fresh import FRESH
from flopscope.tracing.shapes.looks import LOOKS
from flopscope.tracing.shapes.lookups import LOOKUPS
from flopscope.tracing.shapes.parts import PARTS
from flopscope.tracing.shapes.products import PRODUCTS
from flopscope.tracing.shapes.sliding import SLIDING

__all__ = ["META", "RULES", "ShapeRule", "broadcast", "like"]

RULES: Mapping[str, ShapeRule] = {
    **LOOKS,
    **PARTS,
    **LOOKUPS,
    **SLIDING,
    **ALIKE,
    **PRODUCTS,
    **FOLDS,
    **FRESH,
}
"""The rules by operator, under its name without overload. A rule that returns None leaves this use
to torch."""
