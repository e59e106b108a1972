"""The time of a network on a device: unit by unit, with what bounds each, and an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, TypeVar

from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.readings import Reading
from flopscope.sizes import Size, is_array, is_symbolic, maximum, product, total
from flopscope.timing.amounts import exact_parts, parts
from flopscope.timing.constants import ATTOSECONDS
from flopscope.timing.device import Device
from flopscope.timing.unlike import check_types
from flopscope.timing.work import Work, are_plain_works, works

Seconds: TypeAlias = Any  # float | numpy.ndarray[float64], one for each design

Part = TypeVar("Part")
"""What parts of a network are told apart by."""

UNIT = "as"
"""The unit of exact times: attoseconds."""


class Bound(Enum):
    """What takes most of a unit's time."""

    COMPUTE = "compute"
    MEMORY = "memory"
    LAUNCH = "launch"


class UnitTime(NamedTuple):
    """The seconds that all runs of a unit take together: in all, for arithmetic (exponentials are
    arithmetic), for memory, and for launches."""

    work: Work
    seconds: Seconds
    compute: Seconds
    memory: Seconds
    launch: Seconds

    @property
    def bound(self) -> Bound:
        """What takes most of its time. For numbers only."""
        parts = {
            Bound.COMPUTE: self.compute, Bound.MEMORY: self.memory, Bound.LAUNCH: self.launch
        }  # fmt: skip
        return max(parts, key=parts.__getitem__)


@dataclass(frozen=True)
class Time:
    """The predicted time of a network on a device.

    `seconds` are of one run of the whole batch; where sizes are arrays it is an array with an
    element for each design. `works` are what it does, in the order in which it runs, and `times`
    those of each in seconds: in all, for arithmetic, for memory and for launches.
    """

    device: Device
    works: tuple[Work, ...]
    times: tuple[tuple[Seconds, Seconds, Seconds, Seconds], ...]

    def __repr__(self) -> str:
        if is_array(self.seconds):
            return short(self, f"{len(self.seconds)} designs on {self.device.name}")
        low, high = self.interval()
        return short(
            self,
            f"{milliseconds(self.seconds)}, 90 %: {milliseconds(low)} to {milliseconds(high)}, "
            f"{self.device.name}",
        )

    @property
    def seconds(self) -> Seconds:
        """The time of one run, which is the sum of those of its units."""
        return sum([each[0] for each in self.times])

    @cached_property
    def units(self) -> tuple[UnitTime, ...]:
        """Its units with their times, in the order in which they run."""
        pairs = zip(self.works, self.times, strict=True)
        return tuple(UnitTime(work, *times) for work, times in pairs)

    def interval(self, coverage: int = 90) -> tuple[Seconds, Seconds]:
        """The least and the most seconds, by the errors on networks whose family was held out.

        coverage: 80 or 90, the percentage of such networks that the interval is made to cover.
        Raises BadInput for another.
        """
        quantiles = self.device.held_out.quantiles.get(str(coverage))
        if quantiles is None:
            known = " and ".join(self.device.held_out.quantiles)
            raise BadInput(f"a device states intervals for {known} %, and not for {coverage} %")
        return self.seconds * math.exp(quantiles.low), self.seconds * math.exp(quantiles.high)

    def shares(self) -> Mapping[Bound, float]:
        """The share of the time in units that each bound bounds. They add up to 1."""
        found = dict.fromkeys(Bound, 0.0)
        for unit in self.units:
            found[unit.bound] += unit.seconds
        whole = self.seconds
        return {bound: amount / whole if whole else 0.0 for bound, amount in found.items()}


def time_of(rows: Sequence[Operator], device: Device) -> Time:
    """The time of these rows on a device, at sizes that are numbers or arrays.

    Raises BadInput where a size is free, and for a network of another type of numbers.
    """
    check_types(rows, device)
    found = works(rows, device.fuses, device.precision)
    constants = [each / ATTOSECONDS for each in device.attoseconds]
    is_sum = device.rule == "sum"
    times = [_timed(work, constants, is_sum) for work in found]
    return Time(device, tuple(found), tuple(times))


def _timed(
    work: Work, constants: Sequence[float], is_sum: bool
) -> tuple[Seconds, Seconds, Seconds, Seconds]:
    arithmetic, memory, exponentials, launch = parts(work, constants)
    n, both = work.repeat, arithmetic + memory
    whole = n * (both + exponentials + launch)
    if type(whole) is not float and is_symbolic(whole):
        raise BadInput(
            f"{work.unit.head.path or 'an operator'} has free sizes, and a time is for numbers; "
            "give them values, as in ledger.at(B=1, H=224, W=224)"
        )
    if not is_sum:
        # of two numbers, which is the common case, without a look at more
        larger = max if type(both) is float else maximum
        whole = n * (larger(arithmetic, memory) + exponentials + launch)
    return whole, n * (arithmetic + exponentials), n * memory, n * launch


def attoseconds(rows: Sequence[Operator], device: Device) -> Reading:
    """The time of these rows in whole attoseconds, at any sizes: free ones give a formula. Rows of
    unknown cost make it a lower bound.

    It is the sum of the same units as of `time_of`. Raises BadInput for a network of another type
    of numbers.
    """
    missing = tuple(row.path for row in rows if row.kind is Kind.UNKNOWN)
    times = [time for _, time in _exactly(rows, device)]
    return Reading(total(times), UNIT, device.name, missing)


def attoseconds_by(
    rows: Sequence[Operator], device: Device, part: Callable[[Operator], Part]
) -> dict[Part, Reading]:
    """The same for each part of a network, of which these are all rows.

    The rows are fused as those of one network. A unit belongs to the part of the row that gives it
    its kind, so that the parts add up to the whole.
    """
    times: dict[Part, list[Size]] = {}
    missing: dict[Part, list[str]] = {}
    for work, time in _exactly(rows, device):
        times.setdefault(part(work.unit.head), []).append(time)
    for row in rows:
        if row.kind is Kind.UNKNOWN:
            missing.setdefault(part(row), []).append(row.path)
    return {
        each: Reading(
            total(times.get(each, ())), UNIT, device.name, tuple(missing.get(each, ()))
        )
        for each in dict.fromkeys((*times, *missing))
    }  # fmt: skip


def _exactly(rows: Sequence[Operator], device: Device) -> list[tuple[Work, Size]]:
    """The units, and the attoseconds that all runs of each take."""
    check_types(rows, device)
    constants, found = device.attoseconds, works(rows, device.fuses, device.precision)
    each = _plain if are_plain_works(found) else _exact
    return [(work, each(work, constants, device.rule)) for work in found]


def _plain(work: Work, constants: Sequence[int], rule: str) -> int:
    """The attoseconds of all runs of a unit whose sizes are integers."""
    arithmetic, memory, exponentials, launch = parts(work, constants)
    bound = arithmetic + memory if rule == "sum" else max(arithmetic, memory)
    return int(work.repeat * (bound + exponentials + launch))


def _exact(work: Work, constants: Sequence[int], rule: str) -> Size:
    """The same for sizes of any type."""
    arithmetic, memory, *beside = exact_parts(work, constants)
    bound = total((arithmetic, memory)) if rule == "sum" else maximum(arithmetic, memory)
    return product((total((bound, *beside)), work.repeat))


def milliseconds(seconds: float) -> str:
    """A time as text, to three digits.

    >>> milliseconds(0.0127), milliseconds(1.5), milliseconds(0.00004)
    ('12.7 ms', '1,500 ms', '0.04 ms')
    """
    amount = seconds * 1e3
    if amount >= 100:
        digits = 3 - len(str(int(amount)))
        return f"{round(amount, digits):,.0f} ms"
    return f"{float(f'{amount:.3g}'):g} ms"
