"""A network at every design of a grid: the product of the values of its free sizes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flopscope.answers.counting import Counted, Tell, columns_of, count
from flopscope.answers.making import target_of
from flopscope.answers.ranges import Free, Range, grid_size, read_ranges
from flopscope.answers.spaces import Fixed, space_of
from flopscope.answers.spaces.choosing import require_values
from flopscope.answers.target import Target
from flopscope.answers.timed import NAME as LATENCY
from flopscope.answers.timed import latency_on
from flopscope.brief import short
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.conventions import convention as named
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import InputSpec
from flopscope.quantities import QUANTITIES, Quantity
from flopscope.timing.builtin import device_names
from flopscope.timing.device import Device

if TYPE_CHECKING:
    from torch import nn

MACS_CONVENTION = CONVENTIONS["macs"]
"""The convention under which budgets count work."""

USUAL = ("params", "macs")
"""What is counted where nothing is asked."""

MOST_ROWS = 10_000
"""The most designs of a table."""


@dataclass(frozen=True)
class Sweep:
    """The designs along `axes`, counted in `quantities`. `words` are the sizes that are not free.

    `most` are the largest amounts that designs may have, by the name of the quantity, in MACs.
    `means` says how they were counted.
    """

    target: Target
    axes: tuple[Range, ...]
    words: str
    resolution: tuple[int, int] | None
    batch: int | None
    convention: Convention
    quantities: tuple[Quantity, ...]
    most: Mapping[str, int]
    counted: Counted
    means: str

    def __repr__(self) -> str:
        free = ", ".join(map(str, self.axes))
        return short(self, f"{self.target.name}: {self.kept.size} designs along {free}")

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """The indices of the designs that exist and have no more than they may."""
        return np.flatnonzero(self._keeping(self.most))

    def values(self, axis: Range) -> list[Any]:
        """The values of an axis, one for each design that is kept."""
        found: list[Any] = self.counted.columns[axis.name][self.kept].tolist()
        return found

    def counts(self, quantity: Quantity) -> list[int]:
        """The counts of a quantity, one for each design that is kept."""
        return [int(value) for value in self.counted.counts[quantity][self.kept]]

    def table(
        self, quantity: Quantity, along: Range, without: Collection[str] = ()
    ) -> list[list[int | None]]:
        """The counts with a column for each value of one axis and a row for each value of the
        other, or one row where there is no other; None where there is no design, or where a limit
        is broken of another quantity than those named `without`.

        Domain: one axis or two.
        """
        others = [axis for axis in self.axes if axis != along]
        found = self.cells(quantity, (*others, along), without)
        return found if others else [found]

    def cells(
        self, quantity: Quantity, axes: Sequence[Range], without: Collection[str] = ()
    ) -> list[Any]:
        """The same nested along all its axes in an order."""
        shown = self._keeping([name for name in self.most if name not in without])
        cells = self.counted.counts[quantity].copy()
        cells[~shown] = None
        rows = cells.reshape([len(axis.values) for axis in self.axes])
        found: list[Any] = rows.transpose([self.axes.index(axis) for axis in axes]).tolist()
        return found

    def bounded(self, name: str) -> Quantity:
        """The quantity of a name, in MACs, on which there is a limit."""
        return next(each for each in self.counted.counts if is_bounded(each, name))

    def _keeping(self, names: Collection[str]) -> NDArray[np.bool_]:
        """The designs that exist and have at most what these limits allow."""
        kept = self.counted.there.copy()
        for name in names:
            counts = self.counted.counts[self.bounded(name)]
            kept &= np.asarray(counts <= self.most[name], dtype=bool)
        return kept

    @property
    def bounds(self) -> list[bool]:
        """For each of these designs: are its counts lower bounds?"""
        found: list[bool] = self.counted.bounds[self.kept].tolist()
        return found

    @cached_property
    def nearest(self) -> int | None:
        """The index of the design that exceeds the limits by the least ratio, where none keeps them
        all; None where one does."""
        if self.kept.size:
            return None
        ratios = np.zeros(self.counted.there.size)
        for name, limit in self.most.items():
            own = (self.counted.counts[self.bounded(name)] / limit).astype(float)
            ratios = np.maximum(ratios, own)
        return int(np.where(self.counted.there, ratios, np.inf).argmin())

    @property
    def missing(self) -> int:
        """How many designs of the grid do not exist."""
        return int((~self.counted.there).sum())

    @property
    def over(self) -> int:
        """How many designs have more of something than they may have."""
        return int(self.counted.there.sum()) - self.kept.size


def sweep(
    target: str | nn.Module | Callable[..., nn.Module] | Target,
    free: Free,
    of: Sequence[str] = USUAL,
    *,
    most: Mapping[str, int] | None = None,
    convention: str | Convention = "macs",
    device: Device | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    inputs: Sequence[str | InputSpec] = (),
    arguments: Mapping[str, Any] | None = None,
    examples: Mapping[str, int] | None = None,
    tell: Tell = lambda _, __: None,
) -> Sweep:
    """Count a network at every combination of the values of its free sizes.

    `free` has a range or values for each size, as in "width=0.25:2:0.25,res=160,224": res, which is
    the side of a square image, batch, options of a catalogue model, numbers that a constructor
    takes, and named sizes of an ONNX file. `of` names quantities, the work under the convention.
    `most` keeps the designs that have at most so much of a quantity. "latency" is a quantity where
    a `device` is given, and is bounded in attoseconds. `tell` hears how many are
    counted.

    Raises BadInput for a size without values or that is given and free at once, where no design
    exists, and for more than MOST_ROWS designs; UnknownName for a size or quantity that does not
    exist.

    >>> found = sweep("mobilenetv2", "res=192,224", of=["macs"])
    >>> found.counts(found.quantities[0])
    [221316608, 300774272]
    """
    network = target_of(target)
    weighed = named(convention) if isinstance(convention, str) else convention
    quantities = asked_quantities(of, weighed, device)
    space = space_of(network, Fixed(res, batch, tuple(inputs), arguments or {}, examples or {}))
    ranges = space.checked(read_ranges(free))
    require_values(space, ranges)
    limits = dict(most or {})
    if not limits:
        _require_a_table(grid_size(ranges), "")
    bounded = asked_quantities(tuple(limits), MACS_CONVENTION, device) if limits else ()
    found = count(space, columns_of(ranges), tuple(dict.fromkeys((*quantities, *bounded))), tell)
    free_names = {each.name for each in ranges}
    made = Sweep(
        network, ranges, space.words(free_names), None if "res" in free_names else space.shape,
        None if "batch" in free_names else space.batch, weighed, quantities, limits, found,
        space.means(found.parts),
    )  # fmt: skip
    _require_a_table(made.kept.size, " that keep the budgets")
    return made


def is_bounded(quantity: Quantity, name: str) -> bool:
    """Is it the quantity that a limit of this name bounds?"""
    return quantity.name == name and quantity.convention in ("", MACS_CONVENTION.name)


def asked_quantities(
    of: Sequence[str], convention: Convention, device: Device | None = None
) -> tuple[Quantity, ...]:
    """The quantities of these names, the work under the convention, and the latency on a device.
    Raises UnknownName for another name, BadInput for none and for a name that is given twice, and
    for a latency without a device."""
    if device is None and LATENCY in of:
        raise BadInput(
            "latency is a time on a device, and none is named; name one, such as "
            f"{device_names()[0]} or the path of a device file"
        )
    known = {**QUANTITIES, **({} if device is None else {LATENCY: latency_on(device)})}
    for name in of:
        if name not in known:
            raise UnknownName("quantity", name, known)
    if not of or len(set(of)) < len(of):
        raise BadInput("no quantity is named, or one twice; name each once, such as params,macs")
    return tuple(known[name].under(convention) for name in of)


def quantity_of(sweep: Sweep, name: str) -> Quantity:
    """The quantity of this name that was counted. Raises UnknownName for any other."""
    known = {row.name: row for row in sweep.quantities}
    if name not in known:
        raise UnknownName("quantity of this sweep", name, known)
    return known[name]


def _require_a_table(designs: int, which: str) -> None:
    if designs > MOST_ROWS:
        raise BadInput(
            f"there are {designs:,} designs{which}, and a table has at most {MOST_ROWS:,}; give "
            "shorter ranges, larger steps, a budget such as --max-macs 300M, or what to keep of "
            "them, such as --keep top:100, front, histogram, count or all"
        )
