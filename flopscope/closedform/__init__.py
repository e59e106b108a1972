"""Formulas: a closed form with its unit, its convention and the domain in which it holds."""

from flopscope.closedform.formula import Formula
from flopscope.closedform.program import expression

__all__ = ["Formula", "expression"]
