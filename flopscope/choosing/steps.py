"""The steps of an axis: between two roundings that change, a network stays the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.choosing.axes import Axis
from flopscope.closedform.compiled import compiled
from flopscope.sizes import Size
from flopscope.symbolic import Atom, Call, Floor, Polynomial, Symbol, alone

Floats = NDArray[np.float64]

LEAST = float(np.nextafter(0.0, 1.0))
"""The smallest multiplier above 0."""

RISING = frozenset(
    "truncate floored ceiled nearest_whole round_half_even nearest_multiple round_repeats".split()
)
"""Rules whose results never fall as their arguments grow. `make_divisible` is one of them where its
minimum is a multiple of its divisor."""


@dataclass(frozen=True)
class Steps:
    """Steps in ascending order: each is the values from its first to its last, both included."""

    firsts: NDArray[Any]
    lasts: NDArray[Any]


class Stairs:
    """The steps of one axis in some formulas, which change along it at `roundings` alone."""

    def __init__(self, axis: Axis, roundings: Iterable[Call]) -> None:
        self.axis, self.roundings = axis, tuple(roundings)

    def up_to(self, top: int) -> Steps:
        """Every step with a value up to `top`, the last one cut off there."""
        if self.axis.whole:
            values = np.arange(1, top + 1)
            return Steps(values, values)
        new = [_changes(rounding, self.axis.name, LEAST, float(top)) for rounding in self.roundings]
        firsts = np.unique(np.concatenate([[LEAST], *new]))
        return Steps(firsts, np.append(np.nextafter(firsts[1:], 0.0), float(top)))


def stairs(axis: Axis, expressions: Collection[Size]) -> Stairs | None:
    """The stairs of an axis in the expressions; None where they may change between two roundings.

    >>> from flopscope.choosing.axes import BATCH
    >>> stairs(BATCH, []).up_to(3).lasts.tolist()
    [1, 2, 3]
    """
    if axis.whole:
        return Stairs(axis, ())
    atoms = {atom for expression in expressions for atom in _innermost(expression, axis.name)}
    roundings = [atom for atom in atoms if isinstance(atom, Call) and _rises(atom, axis.name)]
    return Stairs(axis, roundings) if len(roundings) == len(atoms) else None


def mentions(atom: Atom, name: str) -> bool:
    """Does the atom depend on the symbol of that name?"""
    return any(symbol.name == name for symbol in atom.symbols())


def _innermost(expression: Size, name: str) -> Iterator[Atom]:
    """The atoms through which an expression depends on a symbol: roundings of what is not rounded
    yet."""
    for atom in _atoms(expression):
        if not mentions(atom, name):
            continue
        parts = _parts(atom)
        if not parts or any(_is_smooth(part, name) for part in parts):
            yield atom
        else:
            for part in parts:
                yield from _innermost(part, name)


def _atoms(expression: Size) -> Collection[Atom]:
    return expression.atoms() if isinstance(expression, Polynomial) else ()


def _parts(atom: Atom) -> tuple[Size, ...]:
    if isinstance(atom, Symbol):
        return ()
    return (atom.numerator, atom.divisor) if isinstance(atom, Floor) else atom.arguments


def _is_smooth(expression: Size, name: str) -> bool:
    """Is the symbol in it without any rounding?"""
    return any(
        (isinstance(atom, Symbol) and atom.name == name)
        or (
            isinstance(atom, Call)
            and not _never_falls(atom)
            and any(_is_smooth(part, name) for part in atom.arguments)
        )
        for atom in _atoms(expression)
    )


def _rises(call: Call, name: str) -> bool:
    """Is it a rounding that never falls as this symbol grows, and depends on no other?"""
    alone_in_it = {symbol.name for symbol in call.symbols()} == {name}
    return alone_in_it and _never_falls(call) and all(map(_grows, call.arguments))


def _grows(value: Size) -> bool:
    """Is it a positive number, or a sum of multiples of its symbol, or the largest of such ones?"""
    if not isinstance(value, Polynomial):
        return bool(value >= 0)
    return min(value.terms.values()) > 0 and all(
        power > 0 and (isinstance(atom, Symbol) or _is_largest(atom))
        for monomial in value.terms
        for atom, power in monomial
    )


def _is_largest(atom: Atom) -> bool:
    named = isinstance(atom, Call) and atom.function.__name__ == "maximum"
    return bool(named and all(map(_grows, _parts(atom))))


def _never_falls(call: Call) -> bool:
    if call.function.__name__ == "make_divisible":
        _, divisor, minimum = call.arguments
        return bool(minimum % divisor == 0)
    return call.function.__name__ in RISING


def _changes(rounding: Call, name: str, low: float, high: float) -> Floats:
    """The first float of each value that a rising rule takes in (low, high].

    Intervals at whose ends it differs are halved until their ends are neighbouring floats.
    """
    rule = compiled(alone(rounding))
    lows, highs = np.array([low]), np.array([high])
    below, above = rule(**{name: lows}), rule(**{name: highs})
    found: list[Floats] = []
    while lows.size:
        middles = lows + (highs - lows) / 2
        ended = (middles <= lows) | (middles >= highs)
        found.append(highs[ended & (below < above)])
        going = ~ended & (below < above)
        lows, highs, middles = lows[going], highs[going], middles[going]
        below, above = below[going], above[going]
        if not lows.size:
            break
        between = rule(**{name: middles})
        lows, highs = np.concatenate([lows, middles]), np.concatenate([middles, highs])
        below, above = np.concatenate([below, between]), np.concatenate([between, above])
    return np.concatenate(found)
