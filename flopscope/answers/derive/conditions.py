"""Conditions are taken apart into an outline and numbers, so that the numbers can be interpolated.

A network of n layers, each of which takes two rows off the image, needs H ≥ 2·n + 1: for every n
the outline is the same, with another number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from flopscope.domain import AtLeast, Condition, Members, Multiple, Relation
from flopscope.sizes import is_symbolic
from flopscope.symbolic import ONE, Polynomial, add_all

Outline: TypeAlias = tuple[Any, ...]
"""The part of conditions that stays the same. Conditions with equal outlines correspond."""

Figures: TypeAlias = Mapping[tuple[int, Any], Any]
"""The numbers left out of the outline, by the index of the condition and the name of its part."""


def outlined(conditions: Sequence[Condition]) -> tuple[Outline, dict[tuple[int, Any], Any]]:
    """The outline of conditions, and the numbers in it.

    >>> from flopscope.symbolic import symbol
    >>> outlined([Members(symbol("H"), 5, 1, frozenset([0]))])[1]
    {(0, 'least'): 5}
    """
    parts = sorted((_outlined(c) for c in conditions), key=lambda part: str(part[0]))
    figures = {
        (place, key): number
        for place, (_, numbers) in enumerate(parts)
        for key, number in numbers.items()
    }
    return tuple(outline for outline, _ in parts), figures


def _outlined(condition: Condition) -> tuple[Any, dict[Any, Any]]:
    if isinstance(condition, Members):
        one = not condition.residues and len(condition.others) == 1
        if condition.others and not one:
            return ("kept", condition), {}
        kind: Outline = (
            "members", condition.value, condition.modulus, condition.residues, one
        )  # fmt: skip
        return kind, {"only": min(condition.others)} if one else {"least": condition.least}
    if isinstance(condition, Relation) and is_symbolic(condition.difference):
        terms = condition.difference.terms
        monomials = frozenset(terms) | {ONE}
        kind = ("relation", monomials, condition.equality, condition.negated)
        return kind, {monomial: terms.get(monomial, 0) for monomial in monomials}
    return ("kept", condition), {}


def restored(outline: Outline, figures: Figures) -> tuple[Condition, ...]:
    """The conditions of an outline with numbers put back, which may be sizes now."""
    return tuple(
        condition
        for place, part in enumerate(outline)
        for condition in _restored(part, {k: v for (p, k), v in figures.items() if p == place})
    )


def _restored(part: Any, numbers: Mapping[Any, Any]) -> Sequence[Condition]:
    kind, *rest = part
    if kind == "kept":
        kept: list[Condition] = rest
        return kept
    if kind == "relation":
        _, equality, negated = rest
        terms = (Polynomial({m: 1}) * n if m != ONE else n for m, n in numbers.items())
        return [Relation(add_all(list(terms)), equality, negated)]
    value, modulus, residues, one = rest
    if one:
        only = numbers["only"]
        if is_symbolic(only):
            return [Relation(value - only, equality=True)]
        return [Members(value, 1, 1, frozenset(), frozenset([only]))]
    least = numbers.get("least", 0)
    if not is_symbolic(least):
        return [Members(value, least, modulus, residues)]
    regular: list[Condition] = [AtLeast(value - least, 0, str(value))]
    if len(residues) < modulus:
        regular.append(_in_residues(value, modulus, residues))
    return regular


def _in_residues(value: Any, modulus: int, residues: frozenset[int]) -> Condition:
    if residues == {0}:
        return Multiple(value, modulus, str(value))
    return Members(value, 1, modulus, residues)
