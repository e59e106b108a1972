"""What is known of all designs of a space at once: how many keep a budget, which is the k-th
cheapest, how costs are spread, and designs drawn uniformly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil
from random import Random

from flopscope.answers.ownspaces import AnySpace, space_of
from flopscope.answers.spacebounds import check_batch, latency_bound
from flopscope.answers.spacelatency import Within
from flopscope.answers.spacequestions import (
    AnyDistribution,
    AnyTable,
    Bin,
    Drawn,
    Mark,
    Questions,
    Share,
    distribution_of,
    round_width,
    sampler_of,
    wilson,
)
from flopscope.brief import short
from flopscope.designspaces.distribution import Tell
from flopscope.designspaces.listed import ListedSpace, listed_tables
from flopscope.designspaces.slots import Design
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput, check_name
from flopscope.quantities import MACS, PARAMS, QUANTITIES, Quantity

BINS = 20
"""About so many bins a histogram has."""
TRIED = 2000
"""So many designs are drawn to estimate the share that keeps several budgets."""
MOST_DRAWN = 100_000
"""The most designs that one answer draws."""


@dataclass(frozen=True)
class Census:
    """The exact distribution of the first of these quantities over all networks of a space; with
    `encodings`, over the ways in which they are written down. Each takes one image of side `res`,
    which is None where the side is a choice.

    `most` are the largest amounts that are allowed, by the name of the quantity, and `timed` is the
    bound on latency.
    """

    space: AnySpace
    res: int | None
    quantities: tuple[Quantity, ...]
    tables: tuple[AnyTable, ...]
    most: Mapping[str, int]
    questions: Questions
    encodings: bool = False
    timed: Within | None = None
    tell: Tell = field(default=lambda done, of: None, repr=False, compare=False)

    def __repr__(self) -> str:
        return short(self, f"{self.space.name}, {self.total:,} designs")

    @property
    def quantity(self) -> Quantity:
        """The quantity whose distribution it is."""
        return self.quantities[0]

    @property
    def total(self) -> int:
        """All networks, or all encodings where these are counted."""
        return self.space.encodings if self.encodings else self.space.networks

    def distribution(self, quantity: Quantity) -> AnyDistribution:
        """The distribution of one of the quantities."""
        return self._distributions[quantity.name]

    @cached_property
    def _distributions(self) -> dict[str, AnyDistribution]:
        return {
            quantity.name: distribution_of(table, self.encodings, self.tell)
            for quantity, table in zip(self.quantities, self.tables, strict=True)
        }

    @property
    def written(self) -> int:
        """The bytes that were written to the folder for caches."""
        timed = 0 if self.timed is None else self.timed.written
        return timed + sum(each.written for each in self._distributions.values())

    @cached_property
    def _own(self) -> AnyDistribution:
        return self.distribution(self.quantity)

    # --- numbers ---

    @cached_property
    def _rarest(self) -> str | None:
        """The quantity whose budget the fewest networks keep; None where that is the latency, and
        the first quantity where there is no budget."""
        within = {name: self.count(most, QUANTITIES[name]) for name, most in self.most.items()}
        tightest = min(within, key=within.__getitem__, default=self.quantity.name)
        if self.timed is None or self.timed.count.most > within.get(tightest, self.total):
            return tightest
        return None

    def count(self, most: int, quantity: Quantity | None = None) -> int:
        """How many designs have at most so much."""
        return self.distribution(quantity or self.quantity).counted.most(most)

    def kth(self, rank: int) -> int:
        """The cost of the design of this rank, cheapest first. Raises BadInput for a rank that none
        has."""
        if not 1 <= rank <= self.total:
            raise BadInput(
                f"{self.space.name} has {self.total:,} designs, and so none of rank {rank:,}; give "
                "a rank from 1 to that"
            )
        counted = self._own.counted
        return counted.cost(counted.kth(rank))

    def quantile(self, share: Fraction) -> int:
        """The least cost that at least this share of the designs keeps. Raises BadInput for a share
        that is not above 0, or is above 1."""
        if not 0 < share <= 1:
            raise BadInput(f"{float(share):g} is not a share; give one above 0 and at most 1")
        return self.kth(ceil(share * self.total))

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The costs that are asked for."""
        return tuple(self._marks())

    def _marks(self) -> Iterator[Mark]:
        asked = self.questions
        if not asked.any:
            yield self._mark("the cheapest", self.kth(1))
            yield self._mark("the median", self.quantile(Fraction(1, 2)))
            yield self._mark("the most expensive", self.kth(self.total))
        if asked.beyond_samples or not asked.any:
            for name, most in self.most.items():
                quantity = QUANTITIES[name]
                counted = self.count(most, quantity)
                yield Mark("within the budget", most, counted, quantity)
        if asked.count and not self.most:
            yield self._mark("all", self.kth(self.total))
        for rank in asked.kth:
            yield self._mark(f"number {rank:,}", self.kth(rank))
        for share in asked.quantiles:
            yield self._mark(f"quantile {float(share):g}", self.quantile(share))
        for number, text in enumerate(asked.designs, start=1):
            cost = self.tables[0].cost(self.space.design(text))
            yield self._mark(f"design [{number}]", cost)

    def _mark(self, words: str, cost: int) -> Mark:
        return Mark(words, cost, self.count(cost), self.quantity)

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        """The histogram: bins of one round width from the cheapest to the dearest design."""
        return self.histogram(BINS)

    def histogram(self, about: int) -> tuple[Bin, ...]:
        """About so many bins of one round width."""
        low, high = self._own.counted.ends
        width = round_width(max(high - low, 1), about)
        edges = range((low - 1) // width * width, high + width, width)
        counts = [self.count(edge) for edge in edges]
        pairs = zip(edges, edges[1:], counts, counts[1:], strict=False)
        found = [Bin(a, b, more - less) for a, b, less, more in pairs]
        while found and not found[-1].networks:
            found.pop()
        return tuple(found)

    # --- draws ---

    @cached_property
    def drawn(self) -> tuple[Drawn, ...]:
        """The sample: designs drawn uniformly from the networks that keep every budget; none where
        none does."""
        if not self.questions.sample or not self.holds:
            return ()
        draws = self._draws(Random(self.questions.seed))
        found: list[Drawn] = []
        for _ in range(MOST_DRAWN):
            if len(found) == self.questions.sample:
                return tuple(found)
            drawn = next(draws)
            if self._keeps(drawn):
                found.append(drawn)
        raise BadInput(
            f"of {MOST_DRAWN:,} designs drawn within one budget, {len(found):,} keep the others "
            f"too, fewer than {self.questions.sample:,}; ask for fewer, or allow more"
        )

    def _draws(self, rng: Random) -> Iterator[Drawn]:
        """Designs drawn uniformly from the networks within the tightest budget."""
        tightest = self._rarest
        if tightest is None:
            assert self.timed is not None
            while True:
                yield self._drawn(self.timed.draw(rng))
        table = self.distribution(QUANTITIES[tightest]).table
        sampler = sampler_of(distribution_of(table, False, self.tell))
        while True:
            yield self._drawn(sampler.draw(rng, self.most.get(tightest))[0])

    def _drawn(self, design: Design) -> Drawn:
        latency = None if self.timed is None else self.timed.bound.table.cost(design)
        return Drawn(design, tuple(table.cost(design) for table in self.tables), latency)

    def _keeps(self, drawn: Drawn) -> bool:
        if self.timed is not None and not self.timed.keeps(drawn.design):
            return False
        return all(
            cost <= self.most.get(quantity.name, cost)
            for quantity, cost in zip(self.quantities, drawn.costs, strict=True)
        )

    @cached_property
    def together(self) -> Share | None:
        """The share of networks that keep every budget, among those within the tightest one, where
        there are several; None otherwise."""
        if len(self.most) + bool(self.timed) < 2 or not self.holds or self.encodings:
            return None
        draws = self._draws(Random(self.questions.seed))
        kept = sum(self._keeps(next(draws)) for _ in range(TRIED))
        counts = [self.count(most, QUANTITIES[name]) for name, most in self.most.items()]
        within = min([*counts, *([self.timed.count.most] if self.timed else [])])
        return Share(kept, TRIED, within, *wilson(kept, TRIED))

    @property
    def broken(self) -> tuple[Mark, ...]:
        """The budgets that no network keeps, each with the nearest one that can be kept."""
        found = []
        for name, most in self.most.items():
            counted = self.distribution(QUANTITIES[name]).counted
            if not counted.most(most):
                found.append(Mark(f"{most:,}", counted.ends[0], 0, QUANTITIES[name]))
        return tuple(found)

    @property
    def holds(self) -> bool:
        """Can every budget be kept?"""
        return not self.broken and (self.timed is None or self.timed.holds)


def census(
    target: str | AnySpace,
    questions: Questions,
    *,
    of: str | None = None,
    most: Mapping[str, int] | None = None,
    max_latency: str | None = None,
    res: int | None = None,
    batch: int | None = None,
    encodings: bool = False,
    tell: Tell = lambda done, of: None,
) -> Census:
    """The census of a design space: a name, 'file.py:NAME' or the space itself.

    The distribution is that of the quantity `of`, of the first budget without it, and of MACs where
    there is neither. `max_latency` is described by `latency_bound`, and `batch` is that of its
    runs. Raises UnknownName for a space or quantity that does not exist, BadInput for a
    space that does not separate and a quantity that is no sum.

    >>> census("nas_bench_macro", Questions(), most={"macs": 30_000_000}).count(30_000_000)
    142
    """
    space, budgets = space_of(target), dict(most or {})
    if of is not None:
        check_name("quantity", of, QUANTITIES)
    first = of or next(iter(budgets), MACS.name)
    names = dict.fromkeys((first, *budgets, MACS.name, PARAMS.name))
    quantities = tuple(QUANTITIES[name] for name in names)
    if not 0 <= questions.sample <= MOST_DRAWN:
        raise BadInput(f"a sample has at most {MOST_DRAWN:,} designs, not {questions.sample:,}")
    if encodings and questions.sample:
        raise BadInput("a sample is of networks, not of encodings; leave one of them out")
    for text in questions.designs:
        space.design(text)
    check_batch(batch, max_latency)
    found: tuple[AnyTable, ...]
    if isinstance(space, ListedSpace):
        side = None if space.side else space.res if res is None else res
        space.check_res(res)
        found = listed_tables(space, quantities, side)
    else:
        side = space.res if res is None else res
        found = tables(space, quantities, side)
    timed = None
    if max_latency is not None:
        listed = isinstance(space, ListedSpace) and space.side
        bound = latency_bound(max_latency, space, res if listed else side, batch)
        timed = Within(bound, encodings, tell)
    return Census(space, side, quantities, found, budgets, questions, encodings, timed, tell)
