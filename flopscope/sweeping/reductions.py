"""What can be kept of a grid: a small state to which each tile adds, and which merge in any order.

States hold plain integers and lists, so that they can be stored and sent as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flopscope.choosing.pareto import frontier
from flopscope.errors import BadInput
from flopscope.sweeping.grid import Indices
from flopscope.sweeping.members import least_numbers
from flopscope.sweeping.tiles import Limit, Tile

State: TypeAlias = dict[str, Any]


class Reduction(Protocol):
    """A kind of answer about the designs of a grid."""

    def start(self) -> State:
        """The state before the first tile."""

    def add(self, state: State, tile: Tile) -> None:
        """Take the designs of a tile in."""

    def merge(self, state: State, other: State) -> State:
        """The state of both."""


@dataclass(frozen=True)
class Count:
    """How many designs keep the limits: `kept`, and how many exist: `there`."""

    def start(self) -> State:
        """None so far."""
        return {"there": 0, "kept": 0}

    def add(self, state: State, tile: Tile) -> None:
        """Count a tile's."""
        state["there"] += tile.weigh(tile.held)
        state["kept"] += tile.weigh(tile.kept)

    def merge(self, state: State, other: State) -> State:
        """Their sums."""
        return {name: state[name] + other[name] for name in ("there", "kept")}


@dataclass(frozen=True)
class Ends:
    """The least and the largest count of a quantity among the designs that keep the limits."""

    quantity: int

    def start(self) -> State:
        """None so far."""
        return {**Count().start(), "least": None, "most": None}

    def add(self, state: State, tile: Tile) -> None:
        """Take the ends of a tile's counts in."""
        Count().add(state, tile)
        values = tile.values(self.quantity)
        values = values if tile.kept is None else values[tile.kept]
        if values.size:
            state["least"] = _first(min, state["least"], int(values.min()))
            state["most"] = _first(max, state["most"], int(values.max()))

    def merge(self, state: State, other: State) -> State:
        """The ends of both."""
        found = Count().merge(state, other)
        least, most = (_first(f, state[n], other[n]) for f, n in ((min, "least"), (max, "most")))
        return {**found, "least": least, "most": most}


@dataclass(frozen=True)
class Histogram:
    """How many designs that keep the limits have a count from least + n·width on, by n."""

    quantity: int
    least: int
    width: int
    bins: int

    def start(self) -> State:
        """None so far."""
        return {**Count().start(), "counts": [0] * self.bins}

    def add(self, state: State, tile: Tile) -> None:
        """Count a tile's designs by bin."""
        Count().add(state, tile)
        values = tile.values(self.quantity)
        weights = np.multiply.outer(*(w.astype(np.float64) for w in tile.weights))
        if tile.kept is not None:
            values, weights = values[tile.kept], weights[tile.kept]
        if values.size:
            places = self._bins(values).ravel()
            found = np.bincount(places, weights.ravel(), self.bins)
            state["counts"] = [a + int(b) for a, b in zip(state["counts"], found, strict=True)]

    def _bins(self, values: NDArray[Any]) -> Indices:
        """The bin of each count. Below 2⁵³ the quotient of two integers is never rounded to an
        integer above it, so that doubles give the same."""
        if values.dtype.kind == "f":
            return ((values - self.least) / self.width).astype(np.int64)
        return ((values - self.least) // self.width).astype(np.int64)

    def merge(self, state: State, other: State) -> State:
        """The sums of the bins."""
        counts = [a + b for a, b in zip(state["counts"], other["counts"], strict=True)]
        return {**Count().merge(state, other), "counts": counts}


@dataclass(frozen=True)
class Top:
    """The `number` designs with the most of a quantity, or the least; of equal ones the first."""

    quantity: int
    number: int
    largest: bool = True

    def start(self) -> State:
        """None so far."""
        return {**Count().start(), "values": [], "designs": []}

    def add(self, state: State, tile: Tile) -> None:
        """Take a tile's designs in."""
        Count().add(state, tile)
        values = tile.values(self.quantity)
        flags = np.ones(values.shape, dtype=bool) if tile.kept is None else tile.kept
        if len(state["values"]) == self.number:
            last = state["values"][-1]
            flags = flags & (values >= last if self.largest else values <= last)
        cells = np.flatnonzero(flags)
        counts, numbers = values.ravel()[cells], tile.numbers(cells)
        chosen = self._order(counts, numbers)[: self.number]
        found = least_numbers(tile, cells[chosen], counts[chosen], self.number)
        state |= self._best({**state}, {"values": found[0], "designs": found[1]})

    def merge(self, state: State, other: State) -> State:
        """The best of both."""
        return {**Count().merge(state, other), **self._best(state, other)}

    def _best(self, state: State, other: State) -> State:
        pairs = [*zip(state["values"], state["designs"], strict=True)]
        pairs += zip(other["values"], other["designs"], strict=True)
        pairs.sort(key=lambda pair: (-pair[0] if self.largest else pair[0], pair[1]))
        best = pairs[: self.number]
        return {"values": [value for value, _ in best], "designs": [design for _, design in best]}

    def _order(self, values: NDArray[Any], numbers: Indices) -> Indices:
        order: Indices = np.lexsort((numbers, -values if self.largest else values))
        return order


@dataclass(frozen=True)
class Front:
    """The designs that keep the limits and that no other beats: less of the quantities is better,
    more of the others and of the axes. Of designs that are equal in all of them, the first."""

    costs: tuple[int, ...]
    gains: tuple[int | str, ...] = ()

    @property
    def senses(self) -> list[str]:
        """Which way each criterion is better."""
        return ["min"] * len(self.costs) + ["max"] * len(self.gains)

    def start(self) -> State:
        """None so far."""
        return {**Count().start(), "points": [], "designs": []}

    def add(self, state: State, tile: Tile) -> None:
        """Take a tile's designs in."""
        Count().add(state, tile)
        shape = len(tile.rows), len(tile.columns)
        cells = np.arange(shape[0] * shape[1]) if tile.kept is None else np.flatnonzero(tile.kept)
        if not cells.size:
            return
        points = [_criterion(tile, each).ravel()[cells] for each in (*self.costs, *self.gains)]
        near = self._near(state["points"], points)
        state |= self._joined(state, [p[near] for p in points], tile.numbers(cells[near]))

    def merge(self, state: State, other: State) -> State:
        """The frontier of both."""
        found = Count().merge(state, other)
        if not other["designs"]:
            return {**found, "points": state["points"], "designs": state["designs"]}
        points = [np.array(p) for p in zip(*other["points"], strict=True)]
        return {**found, **self._joined(state, points, np.array(other["designs"]))}

    def _near(self, known: Sequence[Sequence[Any]], points: Sequence[NDArray[Any]]) -> Any:
        """The points that are not behind one of a few known ones."""
        flags = np.ones(len(points[0]), dtype=bool)
        for point in known[:: max(1, len(known) // FEW)]:
            better = [p < k if s == "min" else p > k
                      for p, k, s in zip(points, point, self.senses, strict=True)]  # fmt: skip
            flags &= np.any(better, axis=0)
        return flags

    def _joined(self, state: State, points: Sequence[NDArray[Any]], numbers: Indices) -> State:
        old = [np.array(p) for p in zip(*state["points"], strict=True)]
        both = [np.concatenate((a, b)) for a, b in zip(old, points, strict=True)] if old else points
        designs = np.concatenate((np.array(state["designs"], dtype=np.int64), numbers))
        on = np.flatnonzero(frontier(both, self.senses))
        order = on[np.lexsort((designs[on], *(p[on] for p in both[::-1])))]
        rows = list(zip(*(_plain(p[order]) for p in both), strict=True))
        new = [n for n, row in enumerate(rows) if n == 0 or row != rows[n - 1]]
        if len(new) > MOST_ON_FRONT:
            raise BadInput(
                f"the frontier has more than {MOST_ON_FRONT:,} designs; name fewer quantities in "
                "--of or in --gain, give larger steps, or a budget such as --max-macs 300M"
            )
        return {
            "points": [list(rows[n]) for n in new],
            "designs": [int(designs[order[n]]) for n in new],
        }


MOST_ON_FRONT = 100_000
"""The most designs of a frontier, which is kept in memory."""
FEW = 16
"""With how many known points of a frontier new ones are compared before they are sorted."""


@dataclass(frozen=True)
class Nearest:
    """The design that exceeds the limits by the least ratio, where none keeps them all."""

    limits: tuple[Limit, ...]

    def start(self) -> State:
        """None so far."""
        return {"ratio": None, "design": None}

    def add(self, state: State, tile: Tile) -> None:
        """Take a tile's designs in."""
        if tile.held is not None and not tile.held.any():
            return
        worst: Any = 0.0
        for limit in self.limits:
            worst = np.maximum(worst, (tile.values(limit.quantity) / limit.most).astype(float))
        if tile.held is not None:
            worst = np.where(tile.held, worst, np.inf)
        cells = np.flatnonzero(worst == worst.min())
        found = {"ratio": float(worst.min()), "design": int(tile.numbers(cells).min())}
        state |= self.merge(state, found)

    def merge(self, state: State, other: State) -> State:
        """The nearer of both."""
        known = [each for each in (state, other) if each["ratio"] is not None]
        return min(known, key=lambda each: (each["ratio"], each["design"]), default=state)


def bin_width(least: int, most: int, bins: int) -> int:
    """The least width of so many equal bins that hold both ends.

    >>> bin_width(0, 99, 10), bin_width(5, 5, 10)
    (10, 1)
    """
    return -int(Fraction(-(most - least + 1), bins) // 1)


def _criterion(tile: Tile, each: int | str) -> NDArray[Any]:
    """The counts of a quantity, or the values of an axis."""
    if isinstance(each, int):
        return tile.values(each)
    region = tile.region
    side = 0 if each in region.sides[0].names else 1
    own = region.sides[side].sizes(region.at[side][tile.places[side]])[each]
    shape = len(tile.rows), len(tile.columns)
    return np.broadcast_to(own if side else own[:, None], shape)


def _plain(values: NDArray[Any]) -> list[Any]:
    """Numbers of Python; doubles that are integers as integers."""
    return [int(v) if v == int(v) else v for v in values.tolist()]


def _first(choose: Any, *values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return choose(known) if known else None


def merged(reduction: Reduction, states: Sequence[Mapping[str, Any]]) -> State:
    """The states of several blocks as one."""
    found = reduction.start()
    for state in states:
        found = reduction.merge(found, dict(state))
    return found
