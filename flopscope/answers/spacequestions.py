"""What is asked of a design space, and the parts of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import NamedTuple, TypeAlias

from flopscope.designspaces.distribution import Distribution, Tell
from flopscope.designspaces.listed import ListedDistribution, ListedSampler, ListedTable
from flopscope.designspaces.sampling import Sampler
from flopscope.designspaces.slots import Design
from flopscope.designspaces.tables import Table
from flopscope.errors import BadInput
from flopscope.quantities import Quantity

AnyTable: TypeAlias = Table | ListedTable
AnyDistribution: TypeAlias = Distribution | ListedDistribution

NORMAL = 1.959964
"""The number of standard errors within which 95 % of a normal distribution lie."""


class Mark(NamedTuple):
    """A cost, in words what it is, and how many networks cost at most that."""

    words: str
    cost: int
    networks: int
    quantity: Quantity


class Bin(NamedTuple):
    """The networks that cost more than `above`, and at most `most`."""

    above: int
    most: int
    networks: int


class Drawn(NamedTuple):
    """A design, what it costs in each quantity that is asked for, and its latency where that is
    bounded."""

    design: Design
    costs: tuple[int, ...]
    latency: int | None = None


class Share(NamedTuple):
    """Of `tried` uniform draws among `within` networks, how many keep every budget; and the ends of
    the 95 % interval of that share, by Wilson's formula."""

    kept: int
    tried: int
    within: int
    low: float
    high: float


@dataclass(frozen=True)
class Questions:
    """What is asked of a space: the ends and the middle where nothing else is.

    `kth` are ranks from 1, cheapest first; `quantiles` shares of all networks; `designs` texts of
    designs; `sample` is the number of designs to draw, from this `seed`.
    """

    count: bool = False
    kth: tuple[int, ...] = ()
    quantiles: tuple[Fraction, ...] = ()
    designs: tuple[str, ...] = ()
    histogram: bool = False
    sample: int = 0
    seed: int = 0

    @property
    def beyond_samples(self) -> bool:
        """Is anything but a sample asked in particular?"""
        return bool(
            self.count or self.kth or self.quantiles or self.designs or self.histogram
        )  # fmt: skip

    @property
    def only_samples(self) -> bool:
        """Is a sample asked for and nothing else?"""
        return bool(self.sample) and not self.beyond_samples

    @property
    def any(self) -> bool:
        """Is anything asked in particular?"""
        return bool(self.beyond_samples or self.sample)


def distribution_of(table: AnyTable, encodings: bool, tell: Tell) -> AnyDistribution:
    """The distribution of a table."""
    if isinstance(table, ListedTable):
        return ListedDistribution(table, encodings)
    return Distribution(table, encodings, tell)


def sampler_of(distribution: AnyDistribution) -> Sampler | ListedSampler:
    """What draws from a distribution."""
    if isinstance(distribution, ListedDistribution):
        return ListedSampler(distribution)
    return Sampler(distribution)


def round_width(span: int, about: int) -> int:
    """The least of 1, 2 and 5 times a power of ten with which a span has at most so many bins."""
    scale = 1
    while True:
        for width in (scale, 2 * scale, 5 * scale):
            if width * about >= span:
                return width
        scale *= 10


def wilson(kept: int, tried: int) -> tuple[float, float]:
    """The 95 % interval of a share: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209."""
    share, square = kept / tried, NORMAL**2 / tried
    middle = (share + square / 2) / (1 + square)
    half = NORMAL / (1 + square) * sqrt(share * (1 - share) / tried + square / (4 * tried))
    return max(0.0, middle - half), min(1.0, middle + half)


def with_seed(questions: Sequence[object], seed: int | None) -> int:
    """The seed, which is 0 unless given. Raises BadInput for a seed where nothing is drawn."""
    if seed is not None and not any(questions):
        raise BadInput("a seed is for a sample, and none is drawn; give --sample too")
    return 0 if seed is None else seed
