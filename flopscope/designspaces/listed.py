"""Spaces whose designs are listed: each setting of some coefficients gives a network by a rule.

What a network costs is no sum over choices there, but all networks are evaluated at once, through
the closed form on arrays, so that their distribution is exact too. Settings that give the same
network are told apart from networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.analytic.tape import Feature, record
from flopscope.brief import short
from flopscope.designspaces.slots import Design
from flopscope.errors import BadInput
from flopscope.facts import Operator
from flopscope.ledger import Ledger
from flopscope.numerals import number
from flopscope.quantities import Quantity

if TYPE_CHECKING:
    from torch import nn

Settings: TypeAlias = Mapping[str, Any]
"""Coefficients by name: a number each, or an array each."""

CHUNK = 50_000
"""So many networks are evaluated at a time, which bounds memory."""
DRAWN = 5
"""So many networks are drawn, and their ledgers compared with what the arrays gave."""


@dataclass(frozen=True)
class Listing:
    """Distinct networks: the settings of one that gives each, what the closed form takes, and the
    number of settings that give it, an entry a network."""

    settings: Mapping[str, NDArray[Any]]
    sizes: Mapping[str, NDArray[Any]]
    written: NDArray[np.int64]


@dataclass(frozen=True)
class ListedSpace:
    """Networks that follow from settings by a rule.

    `network` is the closed form and takes the sizes of a network; `sizes` gives these for settings,
    and raises BadInput for settings that give none. `side` is the name of the size that is the side
    of the input, if that is a choice. `module` names the file of `reference_models` whose function
    `network` takes the settings. `identity` gives integers for sizes, which are the same for the
    same network.
    """

    name: str
    network: Callable[[Feature, Settings], Any]
    sizes: Callable[[Settings], Settings]
    listed: Callable[[], Listing]
    source: str
    res: int = 224
    encoded: str = ""
    module: str = ""
    side: str = ""
    identity: Callable[[Settings], Sequence[Any]] = lambda sizes: tuple(sizes.values())

    def __repr__(self) -> str:
        return short(self, self.name)

    @cached_property
    def listing(self) -> Listing:
        """All networks."""
        return self.listed()

    @property
    def networks(self) -> int:
        """The number of distinct networks."""
        return len(self.listing.written)

    @property
    def encodings(self) -> int:
        """The number of settings."""
        return int(self.listing.written.sum())

    def at(self, index: int) -> Design:
        """A network's settings, as texts."""
        columns = self.listing.settings.values()
        return tuple(f"{float(column[index]):g}" for column in columns)

    def place(self, design: Design) -> int | None:
        """The place in the listing of the network that settings give; None where the grid has no
        such settings."""
        return self._places.get(tuple(map(int, self.identity(self.sizes(self.read(design))))))

    @cached_property
    def _places(self) -> dict[tuple[int, ...], int]:
        columns = [np.asarray(each).tolist() for each in self.identity(self.listing.sizes)]
        return {tuple(map(int, row)): n for n, row in enumerate(zip(*columns, strict=True))}

    def text(self, design: Design) -> str:
        """'w0=24 wa=36 …'."""
        names = self.listing.settings
        return " ".join(f"{name}={value}" for name, value in zip(names, design, strict=True))

    def design(self, text: str) -> Design:
        """The settings that a text writes. Raises BadInput for any other text, and for settings
        that give no network of the space."""
        names = list(self.listing.settings)
        given = [part.partition("=") for part in text.split()]
        if [name for name, _, _ in given] != names:
            raise BadInput(
                f"a design of {self.name} is written as '{self.text(self.at(0))}', not '{text}'"
            )
        design = tuple(value for _, _, value in given)
        self.sizes(self.read(design))
        return design

    def read(self, design: Design) -> dict[str, float]:
        """The settings as numbers. Raises BadInput for a text that is none."""
        found = {}
        for name, value in zip(self.listing.settings, design, strict=True):
            read = number(value)
            if read is None:
                raise BadInput(f"{name}={value} of a design of {self.name} is not a number")
            whole = read.denominator == 1
            found[name] = int(read) if whole else float(read)
        return found

    def ledger(self, design: Design, res: int | None = None, batch: int = 1) -> Ledger:
        """The ledger of a design for images of its size. Raises BadInput as `design` and
        `check_res` do."""
        return self.recorded(self.sizes(self.read(design)), res, batch)

    def recorded(self, sizes: Settings, res: int | None, batch: int = 1) -> Ledger:
        """The ledger at sizes, which may be arrays."""
        self.check_res(res)
        side = sizes[self.side] if self.side else (self.res if res is None else res)
        return record(lambda x: self.network(x, sizes), (batch, 3, side, side))

    def parts(self, res: int | None, batch: int = 1) -> Iterator[tuple[int, tuple[Operator, ...]]]:
        """All networks in parts: how many each has, and their rows at arrays of sizes."""
        for begin in range(0, self.networks, CHUNK):
            part = {name: each[begin : begin + CHUNK] for name, each in self.listing.sizes.items()}
            yield min(CHUNK, self.networks - begin), tuple(self.recorded(part, res, batch))

    def check_res(self, res: int | None) -> None:
        """Raises BadInput for a side where that is a choice."""
        if self.side and res is not None:
            raise BadInput(
                f"the input size is one of the choices of {self.name}; leave res out, or give it "
                f"in a design, as in '{self.text(self.at(0))}'"
            )

    def build(self, design: Design) -> nn.Module:
        """The PyTorch network of a design, with random weights. Raises BadInput where torch cannot
        be imported, and as `design` does."""
        from importlib import import_module

        from flopscope.extras import require_witnesses

        self.sizes(self.read(design))
        require_witnesses()
        module = import_module(f"reference_models.{self.module}")
        made: nn.Module = module.network(self.read(design))
        return made


@dataclass(frozen=True)
class ListedTable:
    """A quantity of every network of a listed space, in the order of its listing, for a batch of
    images."""

    space: ListedSpace
    quantity: Quantity
    costs: NDArray[np.int64]
    res: int | None
    batch: int = 1

    def cost(self, design: Design) -> int:
        """What a design costs."""
        return int(self.quantity.read(self.space.ledger(design, self.res, self.batch)))


def listed_tables(
    space: ListedSpace, quantities: Sequence[Quantity], res: int | None = None
) -> tuple[ListedTable, ...]:
    """A table of each quantity, for one image of this side.

    The ledgers of some networks drawn are compared with what the arrays gave; they can differ only
    by an error of the closed form. Raises BadInput for a quantity that cannot be read off arrays.
    """
    space.check_res(res)
    for quantity in quantities:
        if not quantity.additive:
            raise BadInput(
                f"{quantity.name} is not a sum over the parts of a network, so that a design space "
                "has no table of it; ask for another quantity, such as macs or params"
            )
    columns: list[list[NDArray[np.int64]]] = [[] for _ in quantities]
    for count, rows in space.parts(res):
        for column, quantity in zip(columns, quantities, strict=True):
            value = np.asarray(quantity.of(rows).value, np.int64)
            column.append(np.broadcast_to(value, (count,)))
    found = tuple(
        ListedTable(space, quantity, np.concatenate(column), res)
        for quantity, column in zip(quantities, columns, strict=True)
    )
    rng = Random(0)
    for index in [rng.randrange(space.networks) for _ in range(DRAWN)]:
        for table in found:
            assert table.cost(space.at(index)) == table.costs[index], space.at(index)
    return found


class ListedDistribution:
    """How many networks of a table have each cost; with `encodings`, how many settings."""

    written = 0  # bytes in the folder for caches, where nothing of it is kept

    def __init__(self, table: ListedTable, encodings: bool = False) -> None:
        self.table, self.encodings = table, encodings

    @cached_property
    def counted(self) -> ListedCounts:
        """The numbers at each cost."""
        order = np.argsort(self.table.costs, kind="stable")
        weights = self.table.space.listing.written if self.encodings else np.ones_like(order)
        return ListedCounts(self.table.costs[order], np.cumsum(weights[order]), order)


@dataclass(frozen=True)
class ListedCounts:
    """Costs in rising order, the numbers up to each, and the networks in this order."""

    costs: NDArray[np.int64]
    numbers: NDArray[np.int64]
    order: NDArray[np.int64]

    @property
    def total(self) -> int:
        """All of them."""
        return int(self.numbers[-1])

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest cost."""
        return int(self.costs[0]), int(self.costs[-1])

    def cost(self, position: int) -> int:
        """The cost at a position."""
        return int(self.costs[position])

    def most(self, cost: int) -> int:
        """The number of at most this cost."""
        place = int(np.searchsorted(self.costs, cost, "right"))
        return int(self.numbers[place - 1]) if place else 0

    def kth(self, k: int) -> int:
        """The position of the k-th cheapest. Domain: 1 ≤ k ≤ total."""
        return int(np.searchsorted(self.numbers, k, "left"))


class ListedSampler:
    """Draws networks uniformly."""

    def __init__(self, distribution: ListedDistribution) -> None:
        self._table = distribution.table
        self._counted = ListedDistribution(distribution.table).counted

    def draw(self, rng: Random, most: int | None = None) -> tuple[Design, int]:
        """A design of at most this cost, and its cost. Raises BadInput where there is none."""
        counted, space = self._counted, self._table.space
        within = counted.total if most is None else counted.most(most)
        if not within:
            raise BadInput(
                f"no design of {space.name} costs at most {most:,}; the cheapest costs "
                f"{counted.ends[0]:,}"
            )
        position = rng.randrange(within)
        return space.at(int(counted.order[position])), counted.cost(position)
