"""Hours, energy and carbon of so much work, as ranges: what is assumed is named, not measured."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from flopscope.catalog.accelerators import Accelerator
from flopscope.errors import BadInput
from flopscope.numerals import number

SECONDS = 3600
WATTS = 1000
GRAMS = 1000


class Span(NamedTuple):
    """A range from a low to a high value."""

    low: Fraction
    high: Fraction

    def times(self, low: Fraction, high: Fraction) -> Span:
        """The range of products with another one, both being positive."""
        return Span(self.low * low, self.high * high)


class Assumption(NamedTuple):
    """What is assumed where nothing is given: a range within bounds, and where it comes from."""

    words: str
    usual: Span
    least: Fraction
    most: Fraction
    source: str


ASSUMPTIONS = {
    "utilisation": Assumption(
        "the share of the accelerator's peak that training reaches",
        Span(Fraction(1, 10), Fraction(2, 5)), Fraction(1, 1000), Fraction(1),
        "an assumption; networks of depthwise convolutions are at its low end or below, so measure "
        "a step and give your own",
    ),
    "pue": Assumption(
        "power usage effectiveness, what the site draws over what its computers draw",
        Span(Fraction("1.1"), Fraction("1.58")), Fraction(1), Fraction(10),
        "from Google's fleet, 1.10, to the mean of the Uptime Institute's survey of 2023, 1.58",
    ),
    "grid": Assumption(
        "grams of CO₂ for a kWh of the grid",
        Span(Fraction(50), Fraction(700)), Fraction(0), Fraction(2000),
        "an assumption, from a grid with mostly water and nuclear power to one with mostly coal",
    ),
}  # fmt: skip
"""What hours, energy and carbon rest on, beside the accelerator's data sheet."""


def parse_span(name: str, text: str) -> Span:
    """The range of an assumption, as in '0.2:0.4', or one value. Raises BadInput for another text,
    and for values out of bounds or in falling order.

    >>> parse_span("pue", "1.1:1.5").high
    Fraction(3, 2)
    """
    rule = ASSUMPTIONS[name]
    low, colon, high = text.partition(":")
    values = [number(part) for part in ((low, high) if colon else (low,))]
    known = [v for v in values if v is not None and rule.least <= v <= rule.most]
    if len(known) != len(values) or known[0] > known[-1]:
        least, most = float(rule.least), float(rule.most)
        usual = f"{float(rule.usual.low):g}:{float(rule.usual.high):g}"
        raise BadInput(
            f"--{name} {text} is not a range from {least:g} to {most:g}; give low:high such as "
            f"{usual}, or one value"
        )
    return Span(known[0], known[-1])


@dataclass(frozen=True)
class Assumed:
    """The accelerator, and the ranges that are assumed."""

    accelerator: Accelerator
    utilisation: Span = ASSUMPTIONS["utilisation"].usual
    pue: Span = ASSUMPTIONS["pue"].usual
    grid: Span = ASSUMPTIONS["grid"].usual


class Bill(NamedTuple):
    """Accelerator-hours, hours on the clock, kWh of the site, and kg of CO₂, each as a range."""

    hours: Span
    clock: Span
    kwh: Span
    carbon: Span


def bill(flops: int, replicas: int, assumed: Assumed) -> Bill:
    """What so many FLOPs take. Boards draw all their watts as long as they run; computers around
    them are not counted.

    >>> from flopscope.catalog.accelerators import accelerator
    >>> a100 = Assumed(accelerator("a100"), Span(Fraction("0.3"), Fraction("0.3")))
    >>> found = bill(2_830_000_000_000_000_000, 1, a100)
    >>> round(float(found.hours.low), 1), round(float(found.kwh.low), 1)
    (8.4, 3.7)
    """
    peak = assumed.accelerator.peak * SECONDS
    low, high = assumed.utilisation
    hours = Span(flops / (peak * high), flops / (peak * low))
    power = Fraction(assumed.accelerator.watts, WATTS)
    kwh = hours.times(power * assumed.pue.low, power * assumed.pue.high)
    carbon = kwh.times(assumed.grid.low / GRAMS, assumed.grid.high / GRAMS)
    return Bill(hours, hours.times(Fraction(1, replicas), Fraction(1, replicas)), kwh, carbon)
