"""Sizes as torch.export writes them, SymPy expressions, as this project's polynomials."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy
from torch.utils._sympy import functions as theirs

from flopscope.domain import Relation, without_common_factors
from flopscope.errors import BadInput
from flopscope.sizes import Size, ceil_div, is_symbolic, maximum
from flopscope.symbolic import simplest_fraction, with_ceilings


def size_of(expression: Any, sizes: Mapping[str, Size]) -> Size:
    """An expression with a size for each of its symbols. Raises BadInput where it has no canonical
    form.

    >>> from flopscope.symbolic import symbol
    >>> print(size_of(theirs.FloorDiv(sympy.Symbol("s0") + 1, 2), {"s0": symbol("H")}))
    ⌈H/2⌉
    """
    if isinstance(expression, sympy.Symbol):
        if expression.name in sizes:
            return sizes[expression.name]
        raise BadInput(
            f"the exported program has the size {expression}, which depends on the values of a "
            "tensor; give the network a form that depends on shapes alone"
        )
    if isinstance(expression, sympy.Integer):
        return int(expression)
    if isinstance(expression, sympy.Rational):
        return Fraction(expression.p, expression.q)
    if isinstance(expression, sympy.Float):
        return simplest_fraction(float(expression))
    if expression.func not in FUNCTIONS:
        raise _unreadable(expression)
    try:
        return FUNCTIONS[expression.func](*(size_of(a, sizes) for a in expression.args))
    except (TypeError, BadInput) as error:
        raise _unreadable(expression) from error


def relation_of(expression: Any, sizes: Mapping[str, Size]) -> Relation | None:
    """A comparison of sizes as a condition; None where it is settled. Raises BadInput as
    `size_of`."""
    if expression in (sympy.true, sympy.false):
        return None
    if isinstance(expression, sympy.Not):
        inner = relation_of(expression.args[0], sizes)
        return None if inner is None else inner.negation()
    if expression.func not in COMPARISONS:
        raise _unreadable(expression)
    a, b = (size_of(side, sizes) for side in expression.args)
    swapped, equality, negated = COMPARISONS[expression.func]
    difference = b - a if swapped else a - b
    if not is_symbolic(difference):
        return None
    return Relation(without_common_factors(difference), equality, negated)


def _unreadable(expression: Any) -> BadInput:
    return BadInput(
        f"the exported program has the size {expression}, which cannot be written with sums, "
        "products, quotients, roundings and maxima; give numbers for its symbols"
    )


def _sum(*sizes: Size) -> Size:
    result = reduce(operator.add, sizes)
    return with_ceilings(result) if is_symbolic(result) else result


def _power(base: Size, exponent: Size) -> Size:
    return base**exponent if isinstance(exponent, int) and exponent >= 0 else NotImplemented


def _minimum(*sizes: Size) -> Size:
    return -maximum(*(-size for size in sizes))


def _product(*sizes: Size) -> Size:
    return reduce(operator.mul, sizes)


FUNCTIONS: Mapping[Any, Callable[..., Size]] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    theirs.PowByNatural: _power,
    theirs.FloorDiv: operator.floordiv,
    theirs.CleanDiv: operator.floordiv,
    theirs.CeilDiv: ceil_div,
    theirs.Mod: operator.mod,
    theirs.PythonMod: operator.mod,
    theirs.IntTrueDiv: operator.truediv,
    theirs.FloatTrueDiv: operator.truediv,
    theirs.ModularIndexing: lambda size, divisor, modulus: size // divisor % modulus,
    theirs.ToFloat: lambda size: size,
    theirs.Identity: lambda size: size,
    theirs.FloorToInt: lambda size: size // 1,
    theirs.TruncToInt: lambda size: size // 1,  # a size is not negative
    theirs.CeilToInt: lambda size: -(-size // 1),
    theirs.Max: maximum,
    theirs.Min: _minimum,
    sympy.Max: maximum,
    sympy.Min: _minimum,
}
"""SymPy's and torch's own functions of sizes."""

COMPARISONS: Mapping[Any, tuple[bool, bool, bool]] = {
    sympy.Eq: (False, True, False),
    sympy.Ne: (False, True, True),
    sympy.Ge: (False, False, False),
    sympy.Le: (True, False, False),
    sympy.Lt: (False, False, True),
    sympy.Gt: (True, False, True),
}
"""As a difference: of the second and the first side? Zero, rather than at least 0? Negated?"""
