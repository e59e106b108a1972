"""Closed forms as JavaScript, whose integers are exact or refused.

A text is written once for both kinds of arithmetic in `exact.js`: an integer literal ends in n, as
BigInt wants it, and for doubles the n is taken away. `scripts` makes functions of the texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from flopscope.closedform.collect import Definition, Namer, collect
from flopscope.closedform.program import variable
from flopscope.errors import BadInput
from flopscope.sizes import Size
from flopscope.sizes.rules import rule_of, shown_arguments
from flopscope.symbolic import (
    ONE,
    Atom,
    Call,
    Monomial,
    Number,
    Polynomial,
    Term,
    factors,
    in_order,
    ordered,
)

RESERVED = frozenset(
    "arguments async await break case catch class const continue debugger default delete do else "
    "enum eval export extends false finally for function if implements import in instanceof "
    "interface let new null of package private protected public return static super switch this "
    "throw true try typeof var void while with yield rules realSum".split()
)
"""Words that a size of a reader's code may be called by, and a variable of these texts may not."""


class Code(NamedTuple):
    """Several values as JavaScript: the `assignments` (name, text) in order, then a text each."""

    assignments: tuple[tuple[str, str], ...]
    results: tuple[str, ...]


def code(values: Sequence[Size]) -> Code:
    """The values as texts that share their assignments. `$` is the arithmetic.

    Raises BadInput for a rounding rule that has no row in `RULES`.

    >>> from flopscope.symbolic import symbol
    >>> print(*code([9 * ((symbol("H") + 1) // 2)]))
    (('h2', '$.floorDiv($.sum(1n, H), 2n)'),) ('$.sum(9n * h2)',)
    """
    symbols = {s.name for value in values if isinstance(value, Polynomial) for s in value.symbols()}
    namer = Namer(lambda _: True, variable(symbols))
    results = tuple(_whole(value, namer) for value in values)
    return Code(tuple((d.name, _definition(d)) for d in namer.definitions), results)


def in_doubles(text: str) -> str:
    """The text for doubles, without the n of BigInt.

    >>> in_doubles("9n * h2 * x1n")
    '9 * h2 * x1n'
    """
    return re.sub(r"(?<![\w.])(\d+)n\b", r"\1", text)


# --- integers ---------------------------------------------------------------------------------


def _whole(value: Size, namer: Namer) -> str:
    """The text of an integer, which is checked to be one."""
    below = value.denominator() if isinstance(value, Polynomial) else Fraction(value).denominator
    above = _collected(value * below, namer)
    return above if below == 1 else f"$.exactDiv({above}, {_sum(namer(below))})"


def _collected(value: Term, namer: Namer) -> str:
    """A sum over grids, as `collect` finds it."""
    if not isinstance(value, Polynomial) or len(value.terms) == 1:
        return _sum(namer(value))
    found = collect(value)
    terms = [
        _times([_sum(namer(coefficient)), *_powers(grid, namer)])
        for grid, coefficient in found.terms
    ]
    common = _powers(found.common, namer)
    if len(terms) == 1:
        return _checked([_times([terms[0], *common])])
    return _checked([_times([*common, _checked(terms)])])


def _powers(monomial: Monomial, namer: Namer) -> list[str]:
    named = namer(Polynomial({monomial: 1})) if monomial else 1
    return [part for m, _ in _terms(named) for part in _repeated(m)]


def _sum(value: Term) -> str:
    """A sum of products of integers, without quotients."""
    return _checked([_times([f"{c}n", *_repeated(m)]) for m, c in _terms(value)])


def _repeated(monomial: Monomial) -> list[str]:
    """The factors, a power as a product, which is exact in doubles where `**` need not be."""
    return [_name(atom) for atom, power in ordered(monomial) for _ in range(power)]


def _times(texts: Sequence[str]) -> str:
    return " * ".join([text for text in texts if text != "1n"] or ["1n"])


def _checked(terms: Sequence[str]) -> str:
    """The sum of the terms; what is one number or one name needs no check."""
    alone = len(terms) == 1 and re.fullmatch(r"-?\d+n|[\w$]+|\$\.sum\([^()]*\)", terms[0])
    return terms[0] if alone else f"$.sum({', '.join(terms)})"


def _terms(value: Term) -> list[tuple[Monomial, Number]]:
    if not isinstance(value, Polynomial):
        return [(ONE, value)]
    return [(monomial, value.terms[monomial]) for monomial in in_order(value.terms)]


def _name(atom: Atom) -> str:
    name = getattr(atom, "name", str(atom))
    return f"${name}" if name in RESERVED else name


# --- definitions ------------------------------------------------------------------------------

COMPARING = frozenset(("maximum", "equal", "order", "where_below"))
"""Rules that compare, which they do alike for doubles and for BigInt."""


def _definition(definition: Definition) -> str:
    atom = definition.atom
    if isinstance(atom, Call):
        text = f"rules.{_rule(atom)}({', '.join(_arguments(atom))})"
        return f"$.whole({text})" if atom.integer else text
    below = atom.numerator.denominator()
    return f"$.floorDiv({_sum(atom.numerator * below)}, {_sum(atom.divisor * below)})"


def _rule(atom: Call) -> str:
    if not rule_of(atom).javascript:
        raise BadInput(
            f"the rule {atom.function.__name__} is not written in JavaScript; "
            "take --format python, which calls it"
        )
    return atom.function.__name__


def _arguments(atom: Call) -> list[str]:
    compares = atom.function.__name__ in COMPARING and atom.integer
    return [_argument(value, compares) for value in shown_arguments(atom)]


def _argument(value: Term, compares: bool) -> str:
    """An argument of a rule. Integers are compared as they are; other rules take doubles."""
    if not isinstance(value, Polynomial):
        return str(value) if isinstance(value, int) else repr(float(value))
    if _is_whole(value):
        return _sum(value) if compares else f"$.double({_sum(value)})"
    parts = [_real_product(m, c) for m, c in _terms(value)]
    return parts[0] if len(parts) == 1 else f"realSum({', '.join(parts)})"


def _is_whole(value: Polynomial) -> bool:
    integers = all(isinstance(c, int) for c in value.terms.values())
    return integers and all(a.integer and p > 0 for m in value.terms for a, p in m)


def _real_product(monomial: Monomial, coefficient: Number) -> str:
    """A product in the order in which `symbolic.values` multiplies, so that both round alike."""
    whole, real = factors(monomial)
    front = coefficient if isinstance(coefficient, int) else 1
    above = frozenset((atom, power) for atom, power in whole if power > 0)
    text = _sum(Polynomial({above: front})) if above else f"{front}n"
    for atom, power in whole:
        if power < 0:
            text = f"$.trueDiv({text}, {_sum(Polynomial({frozenset([(atom, -power)]): 1}))})"
    parts = [f"$.real({text})"] if text != "1n" else []
    parts += [repr(float(coefficient))] if isinstance(coefficient, Fraction) else []
    for atom, power in real:
        name = _name(atom)
        parts.append(name if power == 1 else f"({' * '.join([name] * power)})")
    return " * ".join(parts)
