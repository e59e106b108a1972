"""A value with its unit, its convention, and the rows that could not be counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flopscope.brief import short
from flopscope.domain import Condition
from flopscope.domain.given import Given, in_both
from flopscope.errors import MixedQuantities, UnboundSymbols
from flopscope.sizes import Size, is_array, is_symbolic, total

if TYPE_CHECKING:
    from flopscope.closedform import Formula


@dataclass(frozen=True)
class Reading:
    """`value` in `unit`. `missing` names rows of unknown cost; if there are any, the value is a
    lower bound. `given` are the sizes that were replaced in its rows.

    The sum of two readings has the sum of their values and the conditions of both. It raises
    MixedQuantities if unit or convention differ.

    >>> print(Reading(3, "MACs", "macs") + Reading(4, "MACs", "macs"))
    7 MACs (macs)
    >>> print(Reading(1000, "MACs", "macs", missing=("head.fft",)))
    ≥ 1,000 MACs (macs)
    """

    value: Size
    unit: str
    convention: str | None = None
    missing: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    given: Given = field(default=(), compare=False)

    def __repr__(self) -> str:
        return short(self, str(self))

    @property
    def complete(self) -> bool:
        """Was every row counted?"""
        return not self.missing

    @property
    def formula(self) -> Formula:
        """The value as a closed form with its domain."""
        from flopscope.closedform import Formula

        return Formula(self.value, self.unit, self.convention, self.conditions, given=self.given)

    def __add__(self, other: object) -> Reading:
        if not isinstance(other, Reading):
            return NotImplemented
        if (self.unit, self.convention) != (other.unit, other.convention):
            raise MixedQuantities(
                f"{self._kind()} and {other._kind()} are different quantities and do not add"
            )
        return Reading(
            total((self.value, other.value)),
            self.unit,
            self.convention,
            self.missing + other.missing,
            tuple(dict.fromkeys(self.conditions + other.conditions)),
            in_both(self.given, other.given),
        )

    def __int__(self) -> int:
        if is_symbolic(self.value):
            names = ", ".join(sorted(s.name for s in self.value.symbols()))
            raise UnboundSymbols(f"the reading depends on {names}; bind them with .formula.at(...)")
        if is_array(self.value):
            raise TypeError("the reading is an array; use .value")
        return int(self.value)

    def __str__(self) -> str:
        bound = "≥ " if self.missing else ""
        shown = f"{self.value:,}" if isinstance(self.value, int) else str(self.value)
        return f"{bound}{shown} {self._kind()}"

    def _kind(self) -> str:
        return f"{self.unit} ({self.convention})" if self.convention else self.unit
