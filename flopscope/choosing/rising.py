"""Which costs never fall along an axis: there a budget's last step is found by bisection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import tabulated
from flopscope.choosing.designs import Sizes
from flopscope.choosing.steps import mentions
from flopscope.closedform import Formula
from flopscope.sizes import Size
from flopscope.symbolic import ONE, Atom, Floor, Monomial, Number, Polynomial, Symbol, alone

Flags = NDArray[np.bool_]


class Factored:
    """Σ u(inner) · v(outer), which is a sum over the products u of powers of what depends on the
    axis `inner`; the factors v are sums in the other axes.

    >>> from flopscope.symbolic import symbol
    >>> H, B = symbol("H"), symbol("B")
    >>> for inner, outer in Factored(3 * H**2 * (B - 1) + 5, "H").factors.items():
    ...     print(Polynomial({inner: 1}), "|", outer)
    H² | 3·B - 3
    """

    def __init__(self, expression: Size, inner: str) -> None:
        self.inner = inner
        terms = expression.terms if isinstance(expression, Polynomial) else {}
        split: dict[Monomial, dict[Monomial, Number]] = {}
        for monomial, coefficient in terms.items():
            own = frozenset((atom, power) for atom, power in monomial if mentions(atom, inner))
            if own:
                split.setdefault(own, {})[monomial - own] = coefficient
        self.factors = {own: _sum(outer) for own, outer in split.items()}

    def climbs(self, steps: Sizes) -> bool:
        """Is it known that no product u falls from one of these steps to the next?"""
        return all(self._product_rises(own, steps) for own in self.factors)

    def weighs(self, fixed: Sizes, number: int) -> Flags:
        """For each of `number` rows of the other axes: is no factor v negative?

        A cost that climbs does not fall over the steps there.
        """
        known = np.ones(number, dtype=bool)
        for outer in self.factors.values():
            if not _is_never_negative(outer):
                known &= _values(outer, fixed) >= 0
        return known

    def _product_rises(self, own: Monomial, steps: Sizes) -> bool:
        if {s.name for atom, _ in own for s in atom.symbols()} == {self.inner}:
            values = np.atleast_1d(_values(Polynomial({own: 1}), steps))
            return bool((np.diff(values) >= 0).all())
        return all(power > 0 and self._atom_rises(atom, steps) for atom, power in own)

    def _atom_rises(self, atom: Atom, steps: Sizes) -> bool:
        """Is a factor never negative, and does it never fall, wherever the other axes are?"""
        if not mentions(atom, self.inner) or isinstance(atom, Symbol):
            return atom.lower is not None and atom.lower >= 0
        if {s.name for s in atom.symbols()} == {self.inner}:
            values = np.atleast_1d(_values(alone(atom), steps))
            return bool(values[0] >= 0 and (np.diff(values) >= 0).all())
        if isinstance(atom, Floor):
            return isinstance(atom.divisor, int) and self._sum_rises(atom.numerator, steps)
        largest = atom.function.__name__ == "maximum"
        return largest and all(self._sum_rises(part, steps) for part in atom.arguments)

    def _sum_rises(self, value: Size, steps: Sizes) -> bool:
        """The same of a sum, which is one of what never falls."""
        terms = value.terms if isinstance(value, Polynomial) else {ONE: value}
        return min(terms.values()) >= 0 and all(
            power > 0 and self._atom_rises(atom, steps)
            for monomial in terms
            for atom, power in monomial
        )


def _sum(terms: Mapping[Monomial, Number]) -> Size:
    return terms[ONE] if set(terms) == {ONE} else Polynomial(dict(terms))


def _is_never_negative(value: Size) -> bool:
    """Do the bounds of its symbols tell?"""
    low = value.lower_bound() if isinstance(value, Polynomial) else value
    return low is not None and low >= 0


def _values(value: Size, sizes: Sizes) -> Any:
    """The values of a sum at arrays of sizes, times its denominator: their signs are asked for."""
    if not isinstance(value, Polynomial):
        return np.asarray(value)
    return tabulated(Formula(value * value.denominator(), ""), sizes)
