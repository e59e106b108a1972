"""What a network is needed for: where it runs, what it may cost there, and which costs count
against a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, exp
from typing import NamedTuple

from flopscope.answers.devices import device_named
from flopscope.answers.timed import TimeQuantity
from flopscope.brief import number_of, short
from flopscope.choosing.budgets import Budget
from flopscope.choosing.points import Amount, Point
from flopscope.choosing.question import LATENCY, Question
from flopscope.choosing.rules import CONTEXTS, GLOBAL, LOCAL, PLATFORMS
from flopscope.conventions import CONVENTIONS
from flopscope.errors import BadInput, check_name
from flopscope.numerals import number
from flopscope.quantities import Named, Quantity
from flopscope.timing.builtin import ENDING
from flopscope.timing.roofline import milliseconds

UNITS: Mapping[str, int] = {"ms": 1, "s": 1000}


LEVEL = 90
"""The interval, in percent, whose upper end counts of a predicted latency."""


class LatencyLimit(NamedTuple):
    """At most so many milliseconds for a batch on a device, by its name or the path of its file."""

    device: str
    limit: Fraction

    @property
    def files(self) -> list[str]:
        """The path of the device file, if it is one."""
        return [self.device] if self.device.endswith(ENDING) else []


class Limit(NamedTuple):
    """A budget by its place among the costs of a point. A text has so many of its cost's units to
    one of `noun`. `time` is the cost where some points may have a predicted latency."""

    at: int
    limit: Amount
    noun: str
    per: int = 1
    time: TimeQuantity | None = None

    def of(self, point: Point) -> Amount:
        """What counts of a point against the limit: its cost, and of a predicted latency the upper
        end of its interval."""
        cost = point.costs[self.at]
        return cost if self.is_known_of(point) else ceil(cost * Fraction(self._upper))

    def is_known_of(self, point: Point) -> bool:
        """Is the cost of the point known, and not predicted?"""
        return self.time is None or point.measured is not None

    @property
    def _upper(self) -> float:
        """The upper end of the interval over the predicted latency."""
        assert self.time is not None
        return exp(self.time.device.held_out.quantiles[str(LEVEL)].high)

    def text(self, point: Point | None = None) -> str:
        """The cost of a point, or the limit, as a sentence has it."""
        if point is None:
            return f"{self._written(self.limit)} {self.noun}"
        cost = point.costs[self.at]
        if self.is_known_of(point):
            return f"{self._written(cost)} {self.noun}"
        assert self.time is not None
        seconds = self.time.seconds
        ends = milliseconds(seconds(int(cost))), milliseconds(seconds(int(self.of(point))))
        middle, upper = (each.removesuffix(" ms") for each in ends)
        return f"a predicted {middle} and at most {upper} {self.noun}"

    def _written(self, amount: Amount) -> str:
        value = Fraction(amount) / self.per
        return f"{int(value):,}" if value == int(value) else f"{float(value):,.6g}"


@dataclass(frozen=True)
class Wish:
    """What a network is needed for.

    `tokens` is how many positions must be related with each other, which is a global context.
    Accuracies are those that `accuracy` chooses, at the `resolution` if one is named. Latencies are
    of a `batch`, or of the usual one of the device: as published, or else predicted where the
    device has a fit.
    """

    platform: str
    most: tuple[Budget, ...] = ()
    latency: LatencyLimit | None = None
    context: str = LOCAL
    tokens: int | None = None
    resolution: tuple[int, int] | None = None
    accuracy: str | None = None
    batch: int | None = None

    def __post_init__(self) -> None:
        """Raises UnknownName for an unknown platform or context, BadInput for a batch without a
        device."""
        check_name("platform", self.platform, PLATFORMS)
        check_name("context", self.context, CONTEXTS)
        if self.batch is not None and self.latency is None:
            raise BadInput(
                "batch is that of the latencies of a device, and no latency is asked for; leave it "
                "out, or give a latency too, such as pixel3-cpu-tflite:15ms"
            )

    def __repr__(self) -> str:
        return short(self, f"{self.platform}, {number_of(self.most, 'budget')}")

    @property
    def is_global(self) -> bool:
        """Must it see the whole image?"""
        return self.context == GLOBAL or self.tokens is not None

    @property
    def most_params(self) -> int | None:
        """The budget of parameters, if there is one."""
        limits = [budget.limit for budget in self.most if budget.quantity == "params"]
        return min(limits, default=None)

    @cached_property
    def question(self) -> Question:
        """The question for the published networks, without the budgets."""
        names = ["macs", "params", *(b.quantity for b in self.most), *([LATENCY.name] * self.timed)]
        on = None if self.latency is None else device_named(self.latency.device)
        return Question(
            tuple(dict.fromkeys(names)), CONVENTIONS["macs"], self.resolution,
            accuracy=self.accuracy, device=on, batch=self.batch,
        )  # fmt: skip

    @property
    def timed(self) -> bool:
        """Is a latency bounded?"""
        return self.latency is not None

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The budgets by the places of the costs."""
        places = {name: at for at, name in enumerate(self.question.criteria)}
        found = [Limit(places[b.quantity], b.limit, b.of.noun) for b in self.most]
        if self.latency is not None:
            at = places[LATENCY.name]
            cost: Named = self.question.costs[at]
            per = cost.per if isinstance(cost, Quantity) else 1
            assert self.question.device is not None
            noun = f"ms on {self.question.device.name}"
            time = cost if isinstance(cost, TimeQuantity) else None
            found.append(Limit(at, self.latency.limit * per, noun, per, time))
        return tuple(found)


def parse_latency(option: str, text: str) -> LatencyLimit:
    """'pixel3-cpu-tflite:15ms' as a limit; without a unit it is in milliseconds. `option` names it
    in messages.

    Raises UnknownName for a device that is not known, BadInput for a device file that cannot be
    read and for other text.

    >>> parse_latency("--max-latency", "pixel3-cpu-tflite:0.015 s")
    LatencyLimit(device='pixel3-cpu-tflite', limit=Fraction(15, 1))
    """
    name, colon, amount = text.rpartition(":")
    unit = next((unit for unit in UNITS if amount.strip().endswith(unit)), "")
    value = number(amount.strip().removesuffix(unit).strip())
    if not colon or not name or not value:
        raise BadInput(
            f"{option} {text} is not a device and a time; give one such as pixel3-cpu-tflite:15ms "
            "(`flopscope latencies` lists the devices)"
        )
    device_named(name.strip())
    return LatencyLimit(name.strip(), value * UNITS.get(unit, 1))
