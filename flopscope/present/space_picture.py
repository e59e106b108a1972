"""The spread of a space's costs as what a picture of it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.answers.space import Census
from flopscope.present.space import title

if TYPE_CHECKING:
    from flopscope.present.plots.census import Spread


def spread_of(census: Census) -> Spread:
    """The shares of all designs between round costs, and the budget of that cost."""
    from flopscope.present.plots.census import BINS, Spread

    bins = census.histogram(BINS)
    edges = [bins[0].above, *(each.most for each in bins)]
    shares = [100 * each.networks / census.total for each in bins]
    quantity = census.quantity
    number = f"{census.total:,}" if census.total < 10**9 else f"{census.total:.3g}"
    what = "encodings" if census.encodings else "networks"
    return Spread(
        edges,
        shares,
        f"{quantity.words}, {title(census)}",
        f"Share of {number} {what}, %",
        census.most.get(quantity.name),
    )
