"""Which sizes a set of conditions allows, so that the domain of a formula is stated in few words.

Conditions in one symbol become one set of values. A condition in several symbols is split into
conditions in one symbol each where that is exact, and dropped where the conditions on single
symbols imply it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import lcm, prod

from flopscope.domain.conditions import AtLeast, Condition, Relation
from flopscope.domain.members import Members
from flopscope.domain.one_size import members
from flopscope.sizes import Size, is_integral, is_symbolic
from flopscope.symbolic import Atom, Floor, Monomial, Polynomial, Symbol, Term, symbol

MOST_CASES = 2**10
"""If symbols have few values, a condition is tried at up to this many combinations of them."""


def simplified(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """The same domain in fewer words: one `Members` a symbol, and conditions in several symbols.

    >>> from flopscope.domain import Relation
    >>> H = symbol("H")
    >>> [str(c) for c in simplified([Relation(H - 33, False), Relation(H % 32, True)])]
    ['H multiple of 32, at least 64']
    """
    parts = dict.fromkeys(part for condition in conditions for part in _apart(condition))
    known = _about_one_symbol(parts)
    values = {s.name: number for s, found in known.items() if (number := _sole_member(found))}
    if values:
        rest = dict.fromkeys(part.at(values) for part in parts if not _is_about(part, values))
        known |= _about_one_symbol(rest)
        parts = {part: None for part in rest if part.symbols()}
    ordered = sorted(known.values(), key=lambda found: str(found.value))
    kept: list[Condition] = [found for found in ordered if not _everything(found)]
    for part in parts:
        if not implied(part, kept):
            kept = [k for k in kept if not _follows(k, part)]
            kept.append(part)
    return tuple(kept)


def _follows(condition: Condition, other: Condition) -> bool:
    """Is it a weaker bound on the same size?"""
    a, b = _not_negative(condition), _not_negative(other)
    if a is None or b is None:
        return False
    more = a - b
    return not is_symbolic(more) and bool(more >= 0)


def _not_negative(condition: Condition) -> Size | None:
    """The value that the condition says is not below 0; None for other conditions."""
    if isinstance(condition, AtLeast):
        return condition.value - condition.minimum
    if not isinstance(condition, Relation) or condition.equality:
        return None
    if not condition.negated:
        return condition.difference
    whole = is_symbolic(condition.difference) and is_integral(condition.difference)
    return -condition.difference - 1 if whole else None


def _about_one_symbol(conditions: Iterable[Condition]) -> dict[Symbol, Members]:
    """For each symbol, the one condition that its conditions amount to, where there is one."""
    about: dict[Symbol, list[Condition]] = {}
    for condition in conditions:
        s = _sole_symbol(condition)
        if s is not None and members(s, (condition,)) is not None:
            about.setdefault(s, []).append(condition)
    return {s: found for s, its in about.items() if (found := members(s, tuple(its)))}


def numbers(conditions: Iterable[Condition]) -> dict[str, int]:
    """The symbols that can have only one value, with this value.

    >>> numbers([Members(symbol("H"), 1, 1, frozenset(), frozenset([224]))])
    {'H': 224}
    """
    known = [c for c in conditions if isinstance(c, Members)]
    return {str(k.value): number for k in known if (number := _sole_member(k))}


def _sole_member(found: Members) -> int | None:
    return min(found.others) if len(found.others) == 1 and not found.residues else None


def _is_about(condition: Condition, values: Mapping[str, int]) -> bool:
    return {s.name for s in condition.symbols()} <= set(values)


def implied(condition: Condition, known: Sequence[Condition]) -> bool:
    """Does `condition` hold wherever all of `known` do? False also where that cannot be settled.

    >>> from flopscope.domain import Relation
    >>> H = symbol("H")
    >>> implied(Relation(H - 3, False), [Members(H, 32, 32, frozenset([0]))])
    True
    """
    if condition in known or condition.broken() is False:
        return True
    if any(_follows(condition, k) for k in known):
        return True
    if (s := _sole_symbol(condition)) is not None:
        about = [k for k in known if _sole_symbol(k) == s]
        wanted, given = members(s, (condition,)), members(s, tuple(about))
        if wanted is not None and given is not None:
            return _subset(given, wanted)
    if (finite := _finite(condition, known)) is not None:
        return all(implied(condition.at(values), known) for values in finite)
    shifted = condition
    for k in known:
        if isinstance(k, Members) and k.residues and not k.others:
            (s,) = k.symbols()
            shifted = shifted.at({s.name: _parametrised(k)})
    return shifted.broken() is False


def _sole_symbol(condition: Condition) -> Symbol | None:
    symbols = condition.symbols()
    return next(iter(symbols)) if len(symbols) == 1 and next(iter(symbols)).integer else None


def _finite(condition: Condition, known: Sequence[Condition]) -> Iterator[dict[str, int]] | None:
    """All combinations of values of those symbols of the condition that have few values; None if no
    symbol has few, or if there are too many combinations."""
    names = {s.name for s in condition.symbols()}
    few = {
        str(k.value): sorted(k.others)
        for k in known
        if isinstance(k, Members) and not k.residues and str(k.value) in names
    }
    if not few or prod(map(len, few.values())) > MOST_CASES:
        return None
    return (dict(zip(few, values, strict=True)) for values in product(*few.values()))


def _apart(condition: Condition) -> Iterator[Condition]:
    """Several conditions in one symbol each that together say the same as this one, or else the
    condition itself.

    A·B = c·P·Q, where A and P depend on one symbol and B and Q on another, says that A and P, and B
    and Q, are in fixed ratios r and s, r·s = c, if everywhere A ≤ r·P and B ≤ s·Q, and P·Q > 0: a
    grid is cut into windows without a rest if each of its sides is.
    """
    sides = _sides(condition)
    gaps = [_gap(*pair) for pair in sides]
    for sign, larger in ((1, 1), (-1, 0)):
        if gaps and all(
            implied(Relation(sign * gap, equality=False), [])
            and implied(Relation(pair[larger] - 1, equality=False), [])
            for gap, pair in zip(gaps, sides, strict=True)
        ):
            yield from (Relation(gap, equality=True) for gap in gaps)
            return
    yield condition


def _sides(condition: Condition) -> list[tuple[Polynomial, Polynomial]]:
    """The factors of each symbol on both sides of an equation of two products; [] for other
    conditions.

    Both sides must grow equally fast, so that they can be equal at ever larger sizes.
    """
    symbols = condition.symbols()
    if not isinstance(condition, Relation) or not condition.equality or condition.negated:
        return []
    if len(symbols) < 2 or len(condition.difference.terms) != 2:
        return []
    products = sorted(condition.difference.terms.items(), key=lambda term: -term[1])
    if any(len(atom.symbols()) != 1 for monomial, _ in products for atom, _ in monomial):
        return []
    sides = [
        tuple(_part(monomial, s) for monomial, _ in products)
        for s in sorted(symbols, key=lambda s: s.name)
    ]
    growths = [[_growth(size) for size in pair] for pair in sides]
    ratio = Fraction(1)
    for (degree, leading), (other_degree, other_leading) in growths:
        if degree != other_degree:
            return []
        ratio *= Fraction(other_leading) / leading
    balanced = ratio == Fraction(products[0][1]) / -products[1][1]
    return [(a, b) for a, b in sides] if balanced else []


def _part(monomial: Monomial, s: Symbol) -> Polynomial:
    return Polynomial({frozenset((a, p) for a, p in monomial if s in a.symbols()): 1})


def _gap(a: Polynomial, b: Polynomial) -> Polynomial:
    """A multiple of b − r·a, where r is the ratio to which b/a tends."""
    ratio = Fraction(_growth(b)[1]) / _growth(a)[1]
    gap: Polynomial = ratio.denominator * b - ratio.numerator * a
    return gap


def _growth(value: Term) -> tuple[int, Fraction]:
    """The degree and leading coefficient of a size in one symbol, for large values; (-1, 1) if
    unknown."""
    if not isinstance(value, Polynomial):
        return 0, Fraction(value)
    totals: dict[int, Fraction] = {}
    for monomial, coefficient in value.terms.items():
        degree, leading = 0, Fraction(coefficient)
        for atom, power in monomial:
            own, factor = _growth_of_atom(atom)
            degree, leading = degree + power * own, leading * factor**power
        totals[degree] = totals.get(degree, Fraction(0)) + leading
    return max(totals.items())


def _growth_of_atom(atom: Atom) -> tuple[int, Fraction]:
    if isinstance(atom, Symbol):
        return 1, Fraction(1)
    if isinstance(atom, Floor) and isinstance(atom.divisor, int):
        degree, leading = _growth(atom.numerator)
        return degree, leading / atom.divisor
    return -1, Fraction(1)


def _parametrised(k: Members) -> Polynomial:
    """The symbol as a multiple of one that starts at 1, plus a constant."""
    (s,) = k.symbols()
    multiple = k.modulus if k.residues == {0} else 1
    parametrised: Polynomial = multiple * (symbol(s.name) + (-(-k.least // multiple) - 1))
    return parametrised


def _everything(k: Members) -> bool:
    (s,) = k.symbols()
    return len(k.residues) == k.modulus and k.least <= s.lower


def _subset(given: Members, wanted: Members) -> bool:
    modulus = lcm(given.modulus, wanted.modulus)
    start = max(given.least, wanted.least)
    numbers = {n for n in range(1, start + modulus) if given.at_number(n)} | given.others
    return all(wanted.at_number(n) for n in numbers)
