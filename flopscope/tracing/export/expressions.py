"""Converts the sizes of torch.export, which are SymPy expressions, to this project's
polynomials."""

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
from flopscope.sizes import Size, ceil_div, ceiled, floored, is_symbolic, maximum, nearest_whole
from flopscope.symbolic import Polynomial, doubles, with_ceilings
from flopscope.symbolic.nearest import signed_difference
from flopscope.symbolic.terms import is_few_bits


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
        return float(expression)
    if expression.func not in FUNCTIONS or _has_lost_its_order(expression):
        raise _unreadable(expression)
    try:
        return FUNCTIONS[expression.func](*(size_of(a, sizes) for a in expression.args))
    except (TypeError, BadInput) as error:
        raise _unreadable(expression) from error


def _has_lost_its_order(expression: Any) -> bool:
    """Is it a sum or product of several terms that doubles round? SymPy reorders terms and
    multiplies constants: it makes one number of 0.7 · 1.4, with as many digits as it keeps, so what
    the code computes is lost."""
    if expression.func not in (sympy.Add, sympy.Mul):
        return False
    floats = [float(a) for a in expression.args if isinstance(a, sympy.Float)]
    rounded = [number for number in floats if not is_few_bits(number)]
    several = len(expression.args) > 2 or len(repr(max(rounded, default=0.0))) > MOST_DIGITS
    return bool(rounded) and several


MOST_DIGITS = 12
"""A constant that code writes has at most this many digits, and a product of two has more."""


def relation_of(expression: Any, sizes: Mapping[str, Size]) -> Relation | None:
    """A comparison of sizes as a condition; None if it is settled. Raises BadInput as `size_of`
    does."""
    if expression in (sympy.true, sympy.false):
        return None
    if isinstance(expression, sympy.Not):
        inner = relation_of(expression.args[0], sizes)
        return None if inner is None else inner.negation()
    if expression.func not in COMPARISONS:
        raise _unreadable(expression)
    a, b = (size_of(side, sizes) for side in expression.args)
    swapped, equality, negated = COMPARISONS[expression.func]
    difference, _ = signed_difference(b, a) if swapped else signed_difference(a, b)
    if not isinstance(difference, Polynomial):
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
    plain = isinstance(exponent, int) and exponent >= 0
    return base**exponent if plain else doubles.power(base, exponent)


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
    theirs.IntTrueDiv: doubles.over,
    theirs.FloatTrueDiv: doubles.over,
    theirs.FloatPow: doubles.power,
    theirs.ModularIndexing: lambda size, divisor, modulus: size // divisor % modulus,
    theirs.ToFloat: lambda size: size,
    theirs.Identity: lambda size: size,
    theirs.FloorToInt: floored,
    theirs.TruncToInt: floored,  # sizes are not negative
    theirs.CeilToInt: ceiled,
    theirs.RoundToInt: nearest_whole,
    theirs.Max: maximum,
    theirs.Min: _minimum,
    sympy.Max: maximum,
    sympy.Min: _minimum,
    theirs.OpaqueUnaryFn_sqrt: doubles.sqrt,
    theirs.OpaqueUnaryFn_log2: doubles.log2,
}
"""SymPy's and torch's own functions of sizes, each with ours."""

COMPARISONS: Mapping[Any, tuple[bool, bool, bool]] = {
    sympy.Eq: (False, True, False),
    sympy.Ne: (False, True, True),
    sympy.Ge: (False, False, False),
    sympy.Le: (True, False, False),
    sympy.Lt: (False, False, True),
    sympy.Gt: (True, False, True),
}
"""How each comparison is a relation of a difference: is it the second side less the first, is it
equal to 0 rather than at least 0, and is it negated?"""
