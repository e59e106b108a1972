"""What a design may cost at most in a search: a quantity, or a latency from a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flopscope.designspaces.fronts import least_cost
from flopscope.designspaces.latencies import UNITS, latency_table
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import Table
from flopscope.errors import BadInput
from flopscope.numerals import number
from flopscope.quantities import QUANTITIES


class Bound(NamedTuple):
    """At most `most` of what the table says, in units of which `scale` are one. `name` is a
    quantity's or 'latency', and `noun` stands behind a number of it."""

    name: str
    noun: str
    table: Table
    most: int
    scale: int = 1

    @property
    def text(self) -> str:
        """'300,000,000 MACs' or '11 of latency'."""
        return f"{amount(self.most, self.scale)} {self.noun}"

    @property
    def least(self) -> int:
        """What the cheapest design costs."""
        return least_cost(self.table)


def amount(units: int, scale: int) -> str:
    """A number of units as text, exactly. Domain: the scale is a power of ten.

    >>> amount(1_200_000, 1), amount(11_500_000, 10**6)
    ('1,200,000', '11.5')
    """
    if scale == 1:
        return f"{units:,}"
    whole, rest = divmod(units, scale)
    decimals = f"{rest:0{len(str(scale)) - 1}d}".rstrip("0")
    return f"{whole:,}.{decimals}" if decimals else f"{whole:,}"


def quantity_bounds(most: Mapping[str, int], tables: Mapping[str, Table]) -> list[Bound]:
    """The bounds on quantities, in their order."""
    return [Bound(name, QUANTITIES[name].noun, tables[name], n) for name, n in most.items()]


def latency_bound(text: str, space: DesignSpace, res: int) -> Bound:
    """'blocks.csv:11' as a bound on latency, in the unit of the file.

    Other sources of latencies than a table go here: each needs a table over the moves of the space.
    Raises BadInput for other text, a file that cannot be read and one that does not cover the
    space.
    """
    name, colon, limit = text.rpartition(":")
    if not colon or not name.endswith(".csv"):
        raise BadInput(
            f"max-latency {text} names no table of latencies; give a CSV file and the most in its "
            "unit, as in blocks.csv:11"
        )
    most = number(limit)
    if not most:
        raise BadInput(
            f"max-latency {text} ends in '{limit}', which is no number above 0; give the most in "
            "the unit of the file, as in blocks.csv:11"
        )
    return Bound("latency", "of latency", latency_table(space, Path(name), res),
                 int(most * UNITS), UNITS)  # fmt: skip


def budget_names(bounds: list[Bound]) -> str:
    """The budgets in words: 'at most 300 MACs and at most 5 params'."""
    return " and ".join(f"at most {bound.text}" for bound in bounds)
