"""A formula as a sum of products of two groups of its symbols: Σ u_k(width, depth) · v_k(H, W).

It is read off the polynomial. Every monomial is split into the atoms of one group and of the other,
and monomials that share a part are added. Ceilings, floors and rounding rules are atoms, so a
formula separates wherever none of them holds symbols of both groups. The largest of several
amounts, which the peak of memory is, separates if each of them does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from flopscope.sizes import Size, maximum
from flopscope.symbolic import ONE, Atom, Call, Monomial, Number, Polynomial, Term


class Product(NamedTuple):
    """Σ rows[k] · columns[k] / (below_rows · below_columns). All are whole at all sizes."""

    rows: tuple[Term, ...]
    columns: tuple[Term, ...]
    below_rows: Term = 1
    below_columns: Term = 1


class Separated(NamedTuple):
    """The largest of these sums."""

    sums: tuple[Product, ...]


def separated(value: Size, first: Collection[str]) -> Separated | None:
    """The value as the largest of sums of products of the symbols named `first` and the others.

    None where an atom ties symbols of both groups together, and where an atom is no whole number,
    because sums of floats depend on their order.

    >>> from flopscope.symbolic import symbol
    >>> C, H = symbol("C"), symbol("H")
    >>> found = separated(C * ((H + 1) // 2) + 3 * C * C * ((H + 1) // 2) + C * H, ["C"])
    >>> [(str(u), str(v)) for u, v in zip(found.sums[0].rows, found.sums[0].columns)]
    [('3·C² + C', '⌈H/2⌉'), ('C', 'H')]
    """
    names = frozenset(first)
    sums = [_product(each, names) for each in amounts(value)]
    found = tuple(each for each in sums if each is not None)
    return Separated(found) if len(found) == len(sums) else None


def separates(value: Size, first: Collection[str]) -> bool:
    """Does `separated` give products? This takes a fraction of its time.

    >>> from flopscope.symbolic import symbol
    >>> C, H = symbol("C"), symbol("H")
    >>> separates(C * ((H + 1) // 2), ["C"]), separates((C * H + 1) // 2, ["C"])
    (True, False)
    """
    names = frozenset(first)
    return all(_is_product(atom, names) for each in amounts(value) for atom in _factors(each))


def amounts(value: Size) -> Iterator[Size]:
    """The amounts of which a value is the largest: itself, where it is no maximum.

    >>> from flopscope.symbolic import symbol
    >>> H, W = symbol("H"), symbol("W")
    >>> [str(each) for each in amounts(2 * maximum(H, maximum(3, W)))]
    ['2·H', '6', '2·W']
    """
    found = _maximum(value)
    if found is None:
        yield value
        return
    times, call = found
    for argument in call.arguments:
        yield from amounts(times * argument)


def _maximum(value: Size) -> tuple[int, Call] | None:
    """c and the call where the value is c times a maximum, for c above 0."""
    if not isinstance(value, Polynomial) or len(value.terms) != 1:
        return None
    ((monomial, times),) = value.terms.items()
    if len(monomial) != 1 or type(times) is not int or times < 1:
        return None
    ((atom, power),) = monomial
    is_one = isinstance(atom, Call) and atom.function is maximum and power == 1
    return (times, atom) if is_one and isinstance(atom, Call) else None


def _product(value: Size, first: frozenset[str]) -> Product | None:
    below = value.denominator() if isinstance(value, Polynomial) else 1
    above = value * below
    if not isinstance(above, Polynomial):
        return Product((above,), (1,), below_columns=below)
    if not all(_is_product(atom, first) for atom in _factors(value)):
        return None
    by_columns = _collected(above, first)
    by_rows = [(u, v) for v, u in _collected(above, first, others=True)]
    pairs = min(by_columns, by_rows, key=len)
    under_rows, under_columns = _split(below, first)
    rows, columns = zip(*pairs, strict=True)
    return Product(tuple(rows), tuple(columns), under_rows, under_columns)


def _factors(value: Size) -> Iterable[Atom]:
    """What its monomials are products of; not what is inside of these."""
    return value.atoms() if isinstance(value, Polynomial) else ()


def _is_product(atom: Atom, first: frozenset[str]) -> bool:
    """Is it a whole number of one group's symbols alone?"""
    names = {s.name for s in atom.symbols()}
    return atom.integer and (names <= first or not names & first)


def _part(monomial: Monomial, first: frozenset[str]) -> Monomial:
    """The factors that hold symbols of the first group."""
    return frozenset((a, p) for a, p in monomial if any(s.name in first for s in a.symbols()))


def _collected(
    value: Polynomial, first: frozenset[str], *, others: bool = False
) -> list[tuple[Term, Term]]:
    """Sums of the first group's factors, each with the monomial of the others that it multiplies;
    with `others` the two change places."""
    sums: dict[Monomial, dict[Monomial, Number]] = {}
    for monomial, coefficient in value.terms.items():
        own = _part(monomial, first)
        inner, outer = (monomial - own, own) if others else (own, monomial - own)
        sums.setdefault(outer, {})[inner] = coefficient
    return [(_term(inner), _term({outer: 1})) for outer, inner in sums.items()]


def _split(term: Term, first: frozenset[str]) -> tuple[Term, Term]:
    """A monomial's factors of the first group, and the rest with its coefficient."""
    if not isinstance(term, Polynomial):
        return 1, term
    ((monomial, coefficient),) = term.terms.items()
    own = _part(monomial, first)
    return _term({own: 1}), _term({monomial - own: coefficient})


def _term(terms: dict[Monomial, Number]) -> Term:
    return terms[ONE] if set(terms) == {ONE} else Polynomial(terms)
