"""The largest batch whose training step fits into a memory.

A trace tells the parts of a step, whose sum is near its peak, in a fraction of the time that the
peak takes. So the batch is sought by the sum, and decided by the peaks of batches near by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flopscope.answers.counted import Given
from flopscope.answers.ranges import Free, Range, read_ranges
from flopscope.answers.target import Target
from flopscope.answers.training_memory import Step, TrainingMemory, check_optimizer
from flopscope.brief import short
from flopscope.choosing.budgets import Budget
from flopscope.errors import BadInput, FlopscopeError

FIRST = 2
"""The batch that is tried first: batch norm refuses to train on one value a channel."""
STRAIGHT = 4
"""How often the line through two batches is followed before the range is halved, as is needed where
memory does not grow in a straight line."""
MOST = 1 << 24
"""The largest batch that is looked at."""


@dataclass(frozen=True)
class Fit:
    """The largest batch that fits and the next one, which does not.

    `fits` is None where no batch does, and `beyond` is then the smallest batch. `steps` is how many
    batches were traced, and `peaks` at how many of them the peak decided; where it is not known the
    sum of the parts did, and `unknown` says why.
    """

    target: Target
    given: Given
    optimizer: str
    budget: Budget
    fits: TrainingMemory | None
    beyond: TrainingMemory
    steps: int
    peaks: int
    unknown: str = ""

    def __repr__(self) -> str:
        found = "no batch" if self.fits is None else f"batch {self.fits.batch:,}"
        return short(self, f"{self.target.name}: {found} within {self.budget.limit:,} bytes")


def check_fit(budgets: Sequence[Budget], free: Free, step: object = None) -> Budget:
    """The one budget, which is of memory. Raises BadInput for other budgets, and where anything but
    the batch is free."""
    if [budget.quantity for budget in budgets] != ["memory"]:
        raise BadInput(
            "training solves for the batch that fits into a memory; give one budget, of memory, "
            "such as --memory 8GB, and no other"
        )
    if list(read_ranges(free)) != [Range("batch")] or step is not None:
        raise BadInput(
            "training solves for the batch alone, and tries every value that it needs; write "
            "--free batch, without values and without --step"
        )
    return budgets[0]


def largest_batch(
    target: Target,
    budget: Budget,
    given: Given,
    optimizer: str,
    arguments: Mapping[str, Any] | None = None,
) -> Fit:
    """The largest batch of a training step whose memory keeps the budget.

    The peak is counted at each batch that decides, the answer and the next one among them. A
    network without a peak is held to the sum of the parts. Raises UnknownName for another
    optimizer, BadInput for a network that cannot be trained, or whose memory does not grow with the
    batch.
    """
    check_optimizer(optimizer)
    step = Step(target, given, optimizer, arguments)
    parts = cache(step.parts)
    whole = cache(lambda batch: step.peaked(parts(batch)))
    fits, beyond = by_sum = _bracketed(parts, budget.limit)
    start = whole((fits or beyond).batch)
    fits, beyond = by_sum if start.unknown else _decided(whole, budget.limit, start)
    unknown = start.unknown or (fits and fits.unknown) or beyond.unknown
    if unknown:
        fits, beyond = by_sum
    peaks = 0 if unknown else whole.cache_info().currsize
    steps = parts.cache_info().currsize
    return Fit(target, given, optimizer, budget, fits, beyond, steps, peaks, unknown)


Held = Callable[[int], TrainingMemory]
Pair = tuple[TrainingMemory | None, TrainingMemory]
"""The largest batch that fits and the next one; None and the smallest where none fits."""


def _bracketed(held: Held, limit: int) -> Pair:
    """The largest batch that fits, where nothing is known of the memory."""
    low = held(FIRST)
    if low.most > limit:
        return _below(held, limit, low)
    high = held(2 * FIRST)
    if high.most <= low.most:
        raise BadInput(
            "the memory of a training step does not grow with the batch, so that no memory bounds "
            "it; see that the leading size of each input is the batch"
        )
    while high.most <= limit:
        slope = (high.most - low.most) // (high.batch - low.batch)
        low, high = high, held(_next(high, limit, slope))
    return _narrowed(held, limit, low, high)


def _decided(held: Held, limit: int, start: TrainingMemory) -> Pair:
    """The largest batch that fits, which is near a batch. What a batch brings is what is saved."""
    slope = (start.inputs + start.saved) // start.batch
    low = high = start
    while low.most > limit:
        if low.batch <= FIRST:
            return _below(held, limit, low)
        less = -(-(low.most - limit) // max(1, slope))
        low, high = held(max(FIRST, low.batch - less)), low
    while high.most <= limit:
        low, high = high, held(_next(high, limit, slope))
    return _narrowed(held, limit, low, high)


def _narrowed(held: Held, limit: int, low: TrainingMemory, high: TrainingMemory) -> Pair:
    """The largest batch that fits between one that does and one that does not."""
    steps = 0
    while high.batch - low.batch > 1:
        steps += 1
        middle = held(_between(low, high, limit, halve=steps > STRAIGHT))
        low, high = (middle, high) if middle.most <= limit else (low, middle)
    return low, high


def _below(held: Held, limit: int, low: TrainingMemory) -> Pair:
    """The same where the first batch does not fit. A network may refuse to train on less."""
    try:
        one = held(1)
    except FlopscopeError:
        return None, low
    return (one, low) if one.most <= limit else (None, one)


def _next(high: TrainingMemory, limit: int, slope: int) -> int:
    """A larger batch, just beyond where a line from this one meets the limit."""
    if high.batch >= MOST:
        raise BadInput(
            f"a batch of {high.batch:,} fits into {limit:,} bytes, and none larger is looked at; "
            "give a smaller memory"
        )
    return min(MOST, high.batch + max(0, limit - high.most) // max(1, slope) + 1)


def _between(low: TrainingMemory, high: TrainingMemory, limit: int, *, halve: bool) -> int:
    """A batch between two, where the line through them meets the limit, or half way."""
    if halve:
        return (low.batch + high.batch) // 2
    share = (limit - low.most) * (high.batch - low.batch) // (high.most - low.most)
    return min(high.batch - 1, max(low.batch + 1, low.batch + share))
