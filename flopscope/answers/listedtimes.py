"""The predicted times of all networks of a list at once."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.timed import TimeQuantity
from flopscope.designspaces.listed import ListedSpace, ListedTable
from flopscope.errors import BadInput

DRAWN = 50
"""So many networks are drawn, and their times compared with those of all at once."""


def listed_times(
    space: ListedSpace, time: TimeQuantity, res: int | None, batch: int
) -> ListedTable:
    """The table of exact times.

    Networks are timed at once where the same of their sizes are equal, to each other or to 1: a
    convolution with as many groups as channels is another operator, and a depth of 1 repeats no
    block. Raises BadInput where that is not enough, so that some of them are
    fused otherwise than others, and Overflow where times exceed 64 bits.
    """
    space.check_res(res)
    sizes = space.listing.sizes
    columns = [np.ones(space.networks), *map(np.asarray, sizes.values())]
    equal = np.column_stack([a == b for a, b in combinations(columns, 2)])
    _, kinds = np.unique(equal, axis=0, return_inverse=True)
    costs = np.empty(space.networks, np.int64)
    for kind in range(int(kinds.max()) + 1):
        own = np.flatnonzero(kinds == kind)
        rows = tuple(space.recorded({n: _alike(e[own]) for n, e in sizes.items()}, res, batch))
        costs[own] = time.of(rows).value
    table = ListedTable(space, time, costs, res, batch)
    rng = Random(0)
    for index in [rng.randrange(space.networks) for _ in range(DRAWN)]:
        alone = space.at(index)
        if table.cost(alone) != table.costs[index]:
            raise BadInput(
                f"the runtime of {time.device.name}, {time.device.runtime}, fuses "
                f"'{space.text(alone)}' otherwise than other networks of {space.name}, so that "
                "they cannot be timed at once; give a device of another runtime, or bound another "
                "cost"
            )
    return table


def _alike(sizes: NDArray[Any]) -> Any:
    """A number where all are equal, so that rows which run no times are left out."""
    return sizes[0].item() if (sizes == sizes[0]).all() else sizes
