"""Reported numbers: what integers a text such as 579M can stand for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from flopscope.catalog.figures import stated


class Digits(Enum):
    """How a text came from a number, most usual first."""

    ROUNDED = "rounded"
    TRUNCATED = "truncated"
    RAISED = "rounded up"

    @property
    def steps(self) -> int:
        """From rounding, which is expected."""
        return list(Digits).index(self)


@dataclass(frozen=True)
class Reported:
    """A number as its source prints it: its value, and one unit of its last shown digit."""

    text: str
    value: Fraction
    unit: Fraction

    @classmethod
    def parse(cls, text: str) -> Reported:
        """Commas between digits and one blank before the prefix are welcome.

        Raises BadInput for what is not a number.

        >>> Reported.parse("579 M").unit
        Fraction(1000000, 1)
        """
        value, half = stated(text.strip().replace(",", "").replace(" ", "", 1))
        return cls(text.strip(), value, 2 * half)

    def digits(self, count: int | Fraction) -> Digits | None:
        """How this text comes from a count; None where it does not. Half a unit is rounded up.

        >>> kinds = [Reported.parse("579M").digits(n * 100_000) for n in (5784, 5785, 5795)]
        >>> [kind.value for kind in kinds]
        ['rounded up', 'rounded', 'truncated']
        """
        above = count - self.value
        if -self.unit / 2 <= above < self.unit / 2:
            return Digits.ROUNDED
        if 0 <= above < self.unit:
            return Digits.TRUNCATED
        return Digits.RAISED if -self.unit < above < 0 else None
