"""The time of a network on a device: unit by unit, with what bounds each, and an interval."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeAlias, TypeVar

from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.readings import Reading
from flopscope.sizes import Size, is_array, is_symbolic, maximum, product, total
from flopscope.timing.amounts import ENDS, amounts
from flopscope.timing.constants import ATTOSECONDS
from flopscope.timing.device import Device
from flopscope.timing.unlike import check_types
from flopscope.timing.work import Work, works

Seconds: TypeAlias = Any  # float | numpy.ndarray[float64], one for each design


Part = TypeVar("Part")
"""What parts of a network are told apart by."""

_MEMORY, _BESIDE = ENDS

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

    `units` are in the order in which they run. `seconds` is their sum, of one run of the whole
    batch; where sizes are arrays it is an array with an element for each design.
    """

    device: Device
    units: tuple[UnitTime, ...]

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
        """The time of one run."""
        return sum(unit.seconds for unit in self.units)

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
    return Time(device, tuple(_timed(work, constants, device.rule) for work in found))


def _timed(work: Work, constants: Sequence[float], rule: str) -> UnitTime:
    parts = list(map(operator.mul, amounts(work), constants))
    arithmetic, memory = sum(parts[:_MEMORY]), sum(parts[_MEMORY:_BESIDE])
    exponentials, launch = parts[_BESIDE], sum(parts[_BESIDE + 1 :])
    n = work.repeat
    if is_symbolic(n) or is_symbolic(arithmetic + memory + exponentials + launch):
        raise BadInput(
            f"{work.unit.head.path or 'an operator'} has free sizes, and a time is for numbers; "
            "give them values, as in ledger.at(B=1, H=224, W=224)"
        )
    bound = arithmetic + memory if rule == "sum" else _larger(arithmetic, memory)
    return UnitTime(
        work, n * (bound + exponentials + launch), n * (arithmetic + exponentials), n * memory,
        n * launch,
    )  # fmt: skip


def _larger(a: Seconds, b: Seconds) -> Seconds:
    """The larger of both; of two numbers, which is the common case, without a look at more."""
    return max(a, b) if type(a) is type(b) is float else maximum(a, b)


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


def _exactly(rows: Sequence[Operator], device: Device) -> Iterator[tuple[Work, Size]]:
    """The units, and the attoseconds that all runs of each take."""
    check_types(rows, device)
    constants, bound = device.attoseconds, maximum if device.rule == "max" else _sum
    for work in works(rows, device.fuses, device.precision):
        parts = [product(pair) for pair in zip(amounts(work), constants, strict=True)]
        arithmetic, memory = total(parts[: ENDS[0]]), total(parts[ENDS[0] : ENDS[1]])
        once = total((bound(arithmetic, memory), *parts[ENDS[1] :]))
        yield work, product((once, work.repeat))


def _sum(arithmetic: Size, memory: Size) -> Size:
    return total((arithmetic, memory))


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
