"""The boundary to SymPy, which does calculus, factoring and LaTeX, and no counting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from flopscope.alphabet import ALPHABET, MULTIPLIERS, text_of
from flopscope.closedform.collect import Namer, collect
from flopscope.sizes import Size
from flopscope.sizes.rules import shown_arguments
from flopscope.symbolic import (
    Atom,
    Call,
    Floor,
    Monomial,
    Polynomial,
    Symbol,
    is_double,
    ordered,
)


def to_sympy(value: Size) -> sympy.Expr:
    """The same expression in SymPy, with floors and ceilings, and with rounding rules as functions.

    Symbols are positive integers there (multipliers: positive), under the names of the alphabet.

    >>> from flopscope.symbolic import symbol
    >>> to_sympy((symbol("H") + 1) // 2 * 3)
    3*ceiling(H/2)
    """
    if isinstance(value, Polynomial):
        return sympy.Add(*(_number(c) * _monomial(m) for m, c in value.terms.items()))
    return _number(value)


ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "plus": lambda a, b: sympy.Add(a, b, evaluate=False),
    "minus": lambda a, b: sympy.Add(a, -b, evaluate=False),
    "times": lambda a, b: sympy.Mul(a, b, evaluate=False),
    "over": lambda a, b: sympy.Mul(a, sympy.Pow(b, -1), evaluate=False),
    "power": lambda a, b: sympy.Pow(a, b, evaluate=False),
    "sqrt": sympy.sqrt,
}
"""Arithmetic of floats by its names in `flopscope.symbolic.doubles`. SymPy must not evaluate it,
because code never computes the exact product of 0.7 and 1.4."""


def sympy_symbol(name: str, *, integer: bool | None = None) -> sympy.Symbol:
    """The SymPy symbol that stands for a dimension. It is an integer unless the alphabet says that
    it is a real number; `integer` overrides that.

    >>> sympy_symbol("width").is_integer, sympy_symbol("H").is_integer
    (None, True)
    """
    whole = name not in MULTIPLIERS if integer is None else integer
    return sympy.Symbol(name, positive=True, integer=whole or None)


def latex(value: Size) -> str:
    r"""LaTeX of the sum over grids, coefficients factored.

    >>> from flopscope.symbolic import symbol
    >>> latex(9 * ((symbol("H") + 1) // 2) * symbol("C_in"))
    '9 C_{\\mathrm{in}} \\left\\lceil{\\frac{H}{2}}\\right\\rceil'
    """
    namer = Namer(lambda atom: isinstance(atom, Call) and not is_double(atom), _channel_name)
    named = namer(value)
    collected = collect(named)
    names = _latex_names(named)
    common = _monomial(collected.common)
    if len(collected.terms) == 1:
        grid, coefficient = collected.terms[0]
        body = _product_latex(coefficient, (common, _monomial(grid)), names)
    else:
        terms = [_product_latex(c, (_monomial(grid),), names) for grid, c in collected.terms]
        body = " + ".join(terms).replace("+ -", "- ")
        if collected.common:
            body = rf"{_latex(common, names)} \left({body}\right)"
    if collected.below:
        body = rf"\frac{{{body}}}{{{_latex(_monomial(collected.below), names)}}}"
    where = [rf"{d.name} = {_call_latex(d.atom, names)}" for d in namer.definitions]
    return body if not where else body + r" \quad\text{with}\quad " + r",\; ".join(where)


def _product_latex(
    coefficient: Size, monomials: Iterable[sympy.Expr], names: Mapping[sympy.Symbol, str]
) -> str:
    """A product with its number first, then its factors, and sums in brackets last."""
    symbols = [_latex(monomial, names) for monomial in monomials if monomial != 1]
    if not symbols:
        return _latex(to_sympy(coefficient), names)
    number, rest = sympy.factor_terms(to_sympy(coefficient)).as_coeff_Mul()
    before = [] if number == 1 else ["-"] if number == -1 else [_latex(number, names)]
    if rest.is_Add:
        return " ".join([*before, *symbols, rf"\left({_latex(rest, names)}\right)"])
    parts = [] if rest == 1 else [_latex(rest, names)]
    return " ".join(
        [*before, *symbols, *parts] if rest.has(sympy.Add) else [*before, *parts, *symbols]
    )


def _number(value: int | Fraction) -> sympy.Expr:
    return sympy.Rational(Fraction(value).numerator, Fraction(value).denominator)


def _monomial(monomial: Monomial) -> sympy.Expr:
    return sympy.Mul(*(_atom(atom) ** power for atom, power in ordered(monomial)))


def _atom(atom: Atom) -> sympy.Expr:
    if isinstance(atom, Symbol):
        return sympy_symbol(atom.name, integer=atom.integer)
    if isinstance(atom, Floor):
        divisor = to_sympy(atom.divisor)
        if (ceiling := atom.as_ceiling()) is not None:
            return sympy.ceiling(to_sympy(ceiling) / divisor)
        return sympy.floor(to_sympy(atom.numerator) / divisor)
    if is_double(atom):
        return _double(atom)
    return sympy.Function(atom.function.__name__)(*(to_sympy(a) for a in atom.arguments))


def _double(atom: Call) -> sympy.Expr:
    """Arithmetic of floats as an unevaluated SymPy expression, since SymPy does not round each
    step. Constants are SymPy's floats."""
    arguments = [
        sympy.Float(float(a)) if isinstance(a, Fraction) else to_sympy(a) for a in atom.arguments
    ]
    function = ARITHMETIC.get(atom.function.__name__)
    return function(*arguments) if function else sympy.Function(atom.function.__name__)(*arguments)


def _channel_name(atom: Atom, number: int) -> str:
    return f"c_{{{number}}}"


def _latex_names(value: Size) -> Mapping[sympy.Symbol, str]:
    symbols = value.symbols() if isinstance(value, Polynomial) else ()
    return {
        sympy_symbol(s.name, integer=s.integer): ALPHABET[s.name].latex
        if str(s) == text_of(s.name) and s.name in ALPHABET
        else s.name
        for s in symbols
    }


def _latex(expression: Any, names: Mapping[sympy.Symbol, str]) -> str:
    return str(sympy.latex(expression, symbol_names=dict(names)))


def _call_latex(atom: Atom, names: Mapping[sympy.Symbol, str]) -> str:
    assert isinstance(atom, Call)
    every = dict(names)
    for argument in atom.arguments:
        every |= _latex_names(argument)
    arguments = ", ".join(_latex(to_sympy(a), every) for a in shown_arguments(atom))
    function = atom.function.__name__.replace("_", r"\_")
    return rf"\operatorname{{{function}}}({arguments})"
