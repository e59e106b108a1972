"""The work of many networks as arrays, and the matrix that a device's constants multiply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from flopscope.timing.amounts import ENDS, amounts
from flopscope.timing.constants import CONSTANTS
from flopscope.timing.work import Work

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The units of several networks, a line each. `net` says whose it is. The columns of `compute`,
    `memory` and `beside` are those of the constants of these names, with `repeat` in them."""

    networks: int
    net: npt.NDArray[np.int64]
    compute: Floats
    memory: Floats
    beside: Floats

    @classmethod
    def of(cls, networks: Sequence[Sequence[Work]]) -> Sample:
        """The units of these networks. Equal units of a network become one line."""
        counts = [_counted(works) for works in networks]
        lines = [line for each in counts for line in each]
        net = [index for index, each in enumerate(counts) for _ in each]
        times = np.array([n for each in counts for n in each.values()], dtype=np.float64)
        array = np.array(lines, dtype=np.float64).reshape(len(lines), len(CONSTANTS))
        compute, memory, beside = np.split(array * times[:, None], ENDS, axis=1)
        return cls(len(networks), np.array(net, dtype=np.int64), compute, memory, beside)

    def taken(self, keep: npt.NDArray[np.bool_]) -> Sample:
        """The networks that are kept, in their order."""
        lines = keep[self.net]
        place = np.cumsum(keep) - 1
        return Sample(
            int(keep.sum()), place[self.net[lines]], self.compute[lines], self.memory[lines],
            self.beside[lines],
        )  # fmt: skip

    def design(self, rule: str, constants: Floats) -> Floats:
        """The matrix whose product with the constants is the time of each network.

        Under the rule `max` it depends on the constants, which decide what bounds each unit; it is
        then the exact time, and its derivative, at these constants.
        """
        compute, memory = self.compute, self.memory
        if rule == "max":
            by_compute, by_memory, _ = np.split(constants, ENDS)
            bound = (compute @ by_compute >= memory @ by_memory)[:, None]
            compute, memory = compute * bound, memory * ~bound
        return self._summed(np.hstack((compute, memory, self.beside)))

    def _summed(self, lines: Floats) -> Floats:
        """The sum of the lines of each network."""
        columns = [np.bincount(self.net, column, self.networks) for column in lines.T]
        return np.stack(columns, axis=1)


def _counted(works: Sequence[Work]) -> Counter[tuple[float, ...]]:
    """The different lines of a network, and how often each runs."""
    found: Counter[tuple[float, ...]] = Counter()
    for work in works:
        found[amounts(work)] += work.repeat
    return found
