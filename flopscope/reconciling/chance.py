"""How likely it is that a reading gives a number by chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import floor

from flopscope.reconciling.accounts import Account
from flopscope.reconciling.digits import Digits, Reported

LIKELY = Fraction(1, 20)
"""An explanation that more than one in twenty numbers nearby would have could be a coincidence."""

AROUND = 10
"""A number is compared with those within a tenth of it that show as many digits."""


def near(value: int) -> tuple[int, int]:
    """The least and the greatest number with which one is compared, in units of its last digit.

    >>> near(579), near(4)
    ((522, 636), (3, 5))
    """
    away = max(1, value // AROUND)
    return max(0, value - away), value + away


def chances(
    accounts: Iterable[Account], read: Sequence[Reported], kinds: Sequence[Digits]
) -> dict[int, Fraction]:
    """For each number of steps, the share of the numbers near a reported one that a reading of at
    most so many gives. `read` has the text as it is read, with its letter as a power of a thousand
    first; `kinds` are the ways in which digits may end.

    It is counted and not estimated: all numbers near it are gone through.
    """
    first = read[0]
    least, most = near(int(first.value / first.unit))
    given: dict[int, set[int]] = {}
    for account in accounts:
        for reported in read:
            shown = account.count / reported.unit
            for kind in kinds:
                value = _ended(shown, kind)
                if least <= value <= most:
                    steps = account.steps + kind.steps + bool(reported.prefix)
                    given.setdefault(steps, set()).add(value)
    found: dict[int, Fraction] = {}
    known: set[int] = set()
    for steps in sorted(given):
        known |= given[steps]
        found[steps] = Fraction(len(known), most - least + 1)
    return found


def _ended(shown: Fraction, kind: Digits) -> int:
    """The integer that a text shows of a count in its unit."""
    if kind is Digits.ROUNDED:
        return floor(shown + Fraction(1, 2))
    return floor(shown) + (kind is Digits.RAISED and shown != floor(shown))
