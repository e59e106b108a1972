"""Polynomials as one line of text: '9·C_in·⌈H/2⌉² - 3'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flopscope.symbolic.atoms import Atom, Monomial, Number, Symbol
from flopscope.symbolic.terms import Terms

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def sum_text(terms: Terms) -> str:
    """Terms of high degree first, each with its sign."""
    texts = (_term_text(m, terms[m]) for m in sorted(terms, key=_degree_first))
    return joined(texts)


def joined(signed: Iterable[str]) -> str:
    """'+a', '-b' as 'a - b'."""
    text = " ".join(f"{term[0]} {term[1:]}" for term in signed)
    return text.removeprefix("+ ") if text.startswith("+") else "-" + text[2:]


def power_text(atom: Atom, power: int) -> str:
    """The power of an atom: 'H²'."""
    return str(atom) if power == 1 else f"{atom}{str(power).translate(_SUPERSCRIPT)}"


def display_order(atom: Atom) -> tuple[bool, str]:
    """Symbols first, then floors and roundings, each by name."""
    return (not isinstance(atom, Symbol), str(atom))


def ordered(monomial: Monomial) -> Iterator[tuple[Atom, int]]:
    """The factors of a monomial in the order in which they are written."""
    if len(monomial) < 2:
        return iter(monomial)
    return iter(sorted(monomial, key=lambda factor: display_order(factor[0])))


def _degree_first(monomial: Monomial) -> tuple[int, list[tuple[bool, str]]]:
    degree = sum(power for _, power in monomial)
    return (-degree, [display_order(atom) for atom, _ in ordered(monomial)])


def _term_text(monomial: Monomial, coefficient: Number) -> str:
    factors = [power_text(atom, power) for atom, power in ordered(monomial)]
    if abs(coefficient) != 1 or not factors:
        factors.insert(0, str(abs(coefficient)))
    return ("-" if coefficient < 0 else "+") + "·".join(factors)
