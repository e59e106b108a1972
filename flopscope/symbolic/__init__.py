"""Symbolic integers in one canonical form, so that equal sizes compare equal.

A `Polynomial` is a sum of integer (or rational) multiples of monomials over *atoms*. An atom is a
symbol, a floor ⌊P/d⌋, or a call of a rounding rule that stays opaque until its arguments are
numbers. Nested floors merge when they are made, so ⌈⌈H/2⌉/2⌉ equals ⌈H/4⌉ and a network's cost
collects by itself. SymPy is used at the boundary (printing, calculus) and not in this inner loop:
its floor((H-1)/2) does not merge, and thousands of small sums would cost seconds.

Results without symbols are returned as plain numbers. A size that is written as a quotient C/G
assumes that G divides C; the code that writes it must state this condition.

`atoms` is what monomials are made of, `terms` adds and multiplies, `floors` reduces a division to
its canonical form, `values` puts numbers for symbols, `text` writes; `polynomial` is the type that
sizes are computed with, `rewriting` makes polynomials from others. `doubles` is Python's arithmetic
of floats on sizes, `numbers` the same on numbers and arrays, `wholes` that of whole numbers;
`exactness` says which sizes doubles hold exactly, `nearest` where they are as good as exact.
"""

from flopscope.symbolic.atoms import (
    ONE,
    Atom,
    Call,
    Floor,
    Monomial,
    Number,
    Symbol,
    argument_text,
)
from flopscope.symbolic.polynomial import Polynomial, Term, alone, call, dimension, symbol
from flopscope.symbolic.rewriting import add_all, replace_atoms, substitute, with_ceilings
from flopscope.symbolic.terms import simplest_fraction
from flopscope.symbolic.text import (
    display_order,
    factor_text,
    is_double,
    joined,
    ordered,
    power_text,
)
from flopscope.symbolic.values import as_code_would, factors, in_order

__all__ = [
    "ONE",
    "Atom",
    "Call",
    "Floor",
    "Monomial",
    "Number",
    "Polynomial",
    "Symbol",
    "Term",
    "add_all",
    "alone",
    "argument_text",
    "as_code_would",
    "call",
    "dimension",
    "display_order",
    "factor_text",
    "factors",
    "in_order",
    "is_double",
    "joined",
    "ordered",
    "power_text",
    "replace_atoms",
    "simplest_fraction",
    "substitute",
    "symbol",
    "with_ceilings",
]
