"""SymPy's expressions in the project's alphabet, as text and as LaTeX."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from flopscope.alphabet import ALPHABET, text_of

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def text(expression: sympy.Expr) -> str:
    """An expression as text: α is the width, · a product, and integers stand in groups of three.

    >>> x, y = sympy.symbols("K C_out", positive=True)
    >>> text(1 / x**2 + 1 / y), text(10000 * sympy.sqrt(x) * (x - y))
    ('1/C_out + 1/K²', '10,000·√K·(K - C_out)')
    """
    return str(_Text({"order": "grevlex"}).doprint(expression))


def latex(expression: sympy.Expr) -> str:
    r"""An expression as LaTeX, with words set upright.

    >>> latex(sympy.Symbol("C_in") * sympy.Symbol("conv"))
    'C_{\\mathrm{in}} \\mathrm{conv}'
    """
    names = {s: _latex_name(s.name) for s in expression.atoms(sympy.Symbol)}
    return str(_Latex({"symbol_names": names}).doprint(expression))


def _latex_name(name: str) -> str:
    if name in ALPHABET:
        return ALPHABET[name].latex
    if name in _GREEK:
        return _GREEK[name]
    word, _, index = name.partition("_")
    shown = word if len(word) == 1 else rf"\mathrm{{{word}}}"
    if not index:
        return shown
    return f"{shown}_{{{index}}}" if index.isdigit() else rf"{shown}_{{\mathrm{{{index}}}}}"


_GREEK = {"α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "φ": r"\varphi", "ε": r"\varepsilon"}


class _SubtractedLast:
    """A printer that does not begin a sum with a subtracted term: 1 - α rather than -α + 1."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        terms = super()._as_ordered_terms(expr, order=order)  # type: ignore[misc]
        return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))


class _Latex(_SubtractedLast, LatexPrinter):  # type: ignore[misc]  # SymPy has no types
    pass


class _Text(_SubtractedLast, StrPrinter):  # type: ignore[misc]  # SymPy has no types
    def _print_Symbol(self, expr: Any) -> str:
        return text_of(expr.name)

    def _print_Integer(self, expr: Any) -> str:
        return f"{int(expr):,}"

    def _print_Rational(self, expr: Any) -> str:
        return f"{expr.p:,}/{expr.q:,}"

    def _print_Mul(self, expr: Any) -> str:
        return str(super()._print_Mul(expr)).replace("*", "·")

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        base, exponent = expr.as_base_exp()
        if exponent == sympy.S.Half:
            return f"√{self._in_brackets(base)}"
        if exponent.is_number and exponent.is_negative:
            return f"1/{self._print(base**-exponent)}"
        if exponent.is_Integer:
            return f"{self._in_brackets(base)}{str(exponent).translate(_SUPERSCRIPT)}"
        return f"{self._in_brackets(base)}^{self._in_brackets(exponent)}"

    def _print_Limit(self, expr: Any) -> str:
        inner, variable, point, _ = expr.args
        return f"lim {self._print(variable)}→{self._print(point)} {self._in_brackets(inner)}"

    def _print_Infinity(self, expr: Any) -> str:
        return "∞"

    def _in_brackets(self, expr: Any) -> str:
        return str(self.parenthesize(expr, PRECEDENCE["Pow"]))
