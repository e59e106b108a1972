"""The predicted times of all networks of a list at once."""

from __future__ import annotations

from random import Random

import numpy as np

from flopscope.answers.timed import TimeQuantity
from flopscope.designspaces.listed import ListedSpace, ListedTable
from flopscope.errors import BadInput

DRAWN = 20
"""So many networks are drawn, and their times compared with those of all at once."""


def listed_times(
    space: ListedSpace, time: TimeQuantity, res: int | None, batch: int
) -> ListedTable:
    """The table of exact times.

    Raises BadInput where a runtime fuses some of the networks as it does not fuse others, so that
    they cannot be timed at once, and Overflow where times exceed 64 bits.
    """
    space.check_res(res)
    columns = [
        np.broadcast_to(np.asarray(time.of(rows).value, np.int64), (count,))
        for count, rows in space.parts(res, batch)
    ]
    table = ListedTable(space, time, np.concatenate(columns), res, batch)
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
