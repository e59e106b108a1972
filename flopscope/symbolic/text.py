"""Polynomials as one line of text: '9·C_in·⌈H/2⌉² - 3'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from flopscope.symbolic.atoms import Atom, Call, Monomial, Number, Symbol
from flopscope.symbolic.terms import Terms

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def sum_text(terms: Terms) -> str:
    """The text of a sum with terms of high degree first, each with its sign."""
    real = any(is_double(atom) for monomial in terms for atom, _ in monomial)
    texts = (_term_text(m, terms[m], real, len(terms)) for m in sorted(terms, key=_degree_first))
    return joined(texts)


def joined(signed: Iterable[str]) -> str:
    """'+a', '-b' as 'a - b'."""
    text = " ".join(f"{term[0]} {term[1:]}" for term in signed)
    return text.removeprefix("+ ") if text.startswith("+") else "-" + text[2:]


def power_text(atom: Atom, power: int) -> str:
    """The power of an atom: 'H²'."""
    return str(atom) if power == 1 else f"{_whole(atom)}{str(power).translate(_SUPERSCRIPT)}"


def factor_text(atom: Atom, power: int, *, alone: bool = False) -> str:
    """The power of an atom in a product, in brackets if code computes it by itself: '3·(H·0.7)'."""
    return _whole(atom, 2 if alone else 3) if power == 1 else power_text(atom, power)


def _whole(atom: Atom, binds: int = 3) -> str:
    """The text, in brackets if the precedence of its operator is lower."""
    bracketed = isinstance(atom, Call) and atom.binds < binds
    return f"({atom})" if bracketed else str(atom)


def is_double(atom: Atom) -> bool:
    """Is it a result of Python's arithmetic of floats?"""
    return isinstance(atom, Call) and atom.is_double


def display_order(atom: Atom) -> tuple[bool, str]:
    """The key that orders symbols first, and then floors and roundings, each by name."""
    return (not isinstance(atom, Symbol), str(atom))


def ordered(monomial: Monomial) -> Iterator[tuple[Atom, int]]:
    """The factors of a monomial in the order in which they are written."""
    if len(monomial) < 2:
        return iter(monomial)
    return iter(sorted(monomial, key=lambda factor: display_order(factor[0])))


def _degree_first(monomial: Monomial) -> tuple[int, list[tuple[bool, str]]]:
    degree = sum(power for _, power in monomial)
    return (-degree, [display_order(atom) for atom, _ in ordered(monomial)])


def _term_text(monomial: Monomial, coefficient: Number, real: bool, terms: int) -> str:
    """The sign and product of a term. In floating point a fraction is written as the float that
    stands for it."""
    alone = abs(coefficient) == 1 and len(monomial) == 1
    if alone and terms == 1 and coefficient > 0:
        ((atom, power),) = monomial
        return f"+{power_text(atom, power)}"
    factors = [factor_text(atom, power, alone=alone) for atom, power in ordered(monomial)]
    if abs(coefficient) != 1 or not factors:
        size = abs(coefficient)
        factors.insert(0, repr(float(size)) if real and isinstance(size, Fraction) else str(size))
    return ("-" if coefficient < 0 else "+") + "·".join(factors)
