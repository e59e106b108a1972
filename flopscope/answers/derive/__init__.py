"""The formulas of a module in its own arguments: one for each way through its code, and laws in the
sizes that its code needs as numbers."""

from flopscope.answers.derive.derivation import Derivation, derive, derived, first_trace
from flopscope.answers.derive.one_trace import Piece

__all__ = ["Derivation", "Piece", "derive", "derived", "first_trace"]
