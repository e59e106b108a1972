"""What a design of a space may cost at most: a quantity, a latency from a table, or the predicted
time on a device."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flopscope.answers.devices import device_named
from flopscope.answers.listedtimes import listed_times
from flopscope.answers.ownspaces import AnySpace
from flopscope.answers.spacequestions import AnyTable
from flopscope.answers.timed import TimeQuantity, latency_on
from flopscope.designspaces.fronts import least_cost
from flopscope.designspaces.latencies import UNITS, latency_table
from flopscope.designspaces.listed import ListedSpace, ListedTable
from flopscope.designspaces.tables import NotSeparable, Table, tables
from flopscope.errors import BadInput, Overflow
from flopscope.numerals import number
from flopscope.quantities import QUANTITIES
from flopscope.timing.roofline import UNIT

LATENCY = "latency"
"""The name of a bound on time."""
LARGEST = 2**60
"""Attoseconds that a network takes at most, so that sums of them stay exact in 64 bits."""


class Bound(NamedTuple):
    """At most `most` of what the table says, in units of which `scale` are one. `name` is a
    quantity's or 'latency', and `noun` stands behind a number of it.

    Of a time that is predicted on a device, `time` is the quantity and `batch` the images of a run.
    `given` is what names the table or the device in the command.
    """

    name: str
    noun: str
    table: AnyTable
    most: int
    scale: int = 1
    time: TimeQuantity | None = None
    batch: int = 1
    given: str = ""

    @property
    def text(self) -> str:
        """'300,000,000 MACs', '11 of latency' or '15 ms on pixel3-cpu-tflite'."""
        if self.time is None:
            return f"{amount(self.most, self.scale)} {self.noun}"
        single = self.batch == self.time.device.seen.usual_batch == 1
        at = "" if single else f" at a batch of {self.batch:,}"
        return f"{self.time.amount(self.most)}{at}"

    @property
    def summed(self) -> Table:
        """The table of a space that is made of slots."""
        assert isinstance(self.table, Table)
        return self.table

    @property
    def least(self) -> int:
        """What the cheapest design costs."""
        if isinstance(self.table, ListedTable):
            return int(self.table.costs.min())
        return least_cost(self.summed)

    @property
    def nearest(self) -> str:
        """The least budget that can be kept, as the command takes it."""
        if self.name != LATENCY:
            return f"--max-{self.name} {self.least}"
        if self.time is None:
            return f"--max-latency {self.given}:{amount(self.least, self.scale).replace(',', '')}"
        return f"--max-latency {self.given}:{up(self.least, self.scale)}ms"


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


def up(units: int, scale: int) -> str:
    """The same rounded up to four digits, so that so much is never too little.

    >>> up(17_781_984, 10**6), up(1_200, 1)
    ('17.79', '1200')
    """
    step = 10 ** max(0, len(str(units)) - 4)
    return amount(-(-units // step) * step, scale).replace(",", "")


def quantity_bounds(most: Mapping[str, int], tables: Mapping[str, AnyTable]) -> list[Bound]:
    """The bounds on quantities, in their order."""
    return [Bound(name, QUANTITIES[name].noun, tables[name], n) for name, n in most.items()]


def check_batch(batch: int | None, max_latency: str | None) -> None:
    """Raises BadInput for a batch without a bound on time."""
    if batch is not None and max_latency is None:
        raise BadInput(
            "batch is that of a time on a device, and none is bounded; give max-latency too, such "
            "as pixel3-cpu-tflite:15ms"
        )


def latency_bound(text: str, space: AnySpace, res: int | None, batch: int | None = None) -> Bound:
    """'pixel3-cpu-tflite:15ms' or 'device.json:15ms' as a bound on the predicted time of a run, and
    'blocks.csv:11' as one on latency, in the unit of the file.

    A run has `batch` images, or as many as most networks on the device have. Raises BadInput for
    other text, a batch beside a file, a file that cannot be read or does not cover the space, and a
    device on which times do not separate; UnknownName for a device that nobody knows.
    """
    given, colon, limit = text.rpartition(":")
    if not colon or not given.strip():
        raise BadInput(
            f"max-latency {text} is not a device and a time, nor a table of latencies and the most "
            "in its unit; give one such as pixel3-cpu-tflite:15ms, device.json:15ms or "
            "blocks.csv:11"
        )
    given = given.strip()
    if given.endswith(".csv"):
        return _table_bound(text, given, limit, space, res, batch)
    return _time_bound(text, given, limit, space, res, batch)


def _table_bound(
    text: str, given: str, limit: str, space: AnySpace, res: int | None, batch: int | None
) -> Bound:
    if isinstance(space, ListedSpace):
        raise BadInput(
            f"{space.name} is a list of networks without choices that a table could name; give a "
            "device and a time, as in pixel3-cpu-tflite:15ms"
        )
    if batch is not None:
        raise BadInput(
            "batch is for a time that is predicted on a device, and the latencies of "
            f"{given} are what they are; leave it out"
        )
    most = number(limit)
    if not most:
        raise BadInput(
            f"max-latency {text} ends in '{limit}', which is no number above 0; give the most in "
            "the unit of the file, as in blocks.csv:11"
        )
    table = latency_table(space, Path(given), space.res if res is None else res)
    return Bound(LATENCY, "of latency", table, int(most * UNITS), UNITS, given=given)


def _time_bound(
    text: str, given: str, limit: str, space: AnySpace, res: int | None, batch: int | None
) -> Bound:
    named = device_named(given)
    time = latency_on(named.fitted())
    bare = number(limit)
    most = (number(limit, UNIT) if bare is None else bare * time.per) or 0
    if most < 1:
        raise BadInput(
            f"max-latency {text} ends in '{limit}', which is no time above 0; give one such as "
            f"{given}:15ms"
        )
    images = named.usual_batch if batch is None else batch
    table = _time_table(time, space, res, images)
    return Bound(LATENCY, time.noun, table, int(most), time.per, time, images, given)


def _time_table(time: TimeQuantity, space: AnySpace, res: int | None, images: int) -> AnyTable:
    """The times of a space. Raises BadInput where they do not separate, and where they are too long
    to be exact."""
    if isinstance(space, ListedSpace):
        try:
            return listed_times(space, time, res, images)
        except Overflow:
            raise _too_long(time, space, res, images) from None
    try:
        (found,) = tables(space, [time], res, batch=images)
    except NotSeparable as error:
        raise BadInput(
            f"times on {time.device.name}, whose runtime is {time.device.runtime}, do not add up "
            f"over choices: {error}; give a table of latencies, or another device"
        ) from None
    if found.fixed + sum(max(prices.values()) for prices in found.slots) > LARGEST:
        raise _too_long(time, space, res, images)
    return found


def _too_long(time: TimeQuantity, space: AnySpace, res: int | None, images: int) -> BadInput:
    at = "" if res is None else f" at {res}×{res}"
    return BadInput(
        f"networks of {space.name}{at} and a batch of {images:,} take so long on "
        f"{time.device.name} that their times are not exact; give a smaller batch"
    )


def budget_names(bounds: list[Bound]) -> str:
    """The budgets in words: 'at most 300 MACs and at most 5 params'."""
    return " and ".join(f"at most {bound.text}" for bound in bounds)
