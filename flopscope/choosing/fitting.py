"""The largest batch whose training step fits into a memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flopscope.answers.counted import Given
from flopscope.answers.ranges import Free, Range, read_ranges
from flopscope.answers.target import Target
from flopscope.answers.training_memory import TrainingMemory, check_optimizer, training_memory
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
    batches were traced.
    """

    target: Target
    given: Given
    optimizer: str
    budget: Budget
    fits: TrainingMemory | None
    beyond: TrainingMemory
    steps: int

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

    The memory is counted at each batch that is tried, the answer and the next one among them.
    Raises UnknownName for another optimizer, BadInput for a network that cannot be trained, or
    whose memory does not grow with the batch.
    """
    check_optimizer(optimizer)
    tried: dict[int, TrainingMemory] = {}

    def held(batch: int) -> TrainingMemory:
        if batch not in tried:
            at = replace(given, batch=batch)
            tried[batch] = training_memory(target, at, optimizer, arguments)
        return tried[batch]

    fits, beyond = _bracketed(held, budget.limit)
    return Fit(target, given, optimizer, budget, fits, beyond, len(tried))


def _bracketed(
    held: Callable[[int], TrainingMemory], limit: int
) -> tuple[TrainingMemory | None, TrainingMemory]:
    """The largest batch that fits, or None, and the next one."""
    low = held(FIRST)
    if low.total > limit:
        return _below(held, limit, low)
    high = held(2 * FIRST)
    if high.total <= low.total:
        raise BadInput(
            "the memory of a training step does not grow with the batch, so that no memory bounds "
            "it; see that the leading size of each input is the batch"
        )
    while high.total <= limit:
        low, high = high, held(_next(low, high, limit))
    steps = 0
    while high.batch - low.batch > 1:
        steps += 1
        middle = held(_between(low, high, limit, halve=steps > STRAIGHT))
        low, high = (middle, high) if middle.total <= limit else (low, middle)
    return low, high


def _below(
    held: Callable[[int], TrainingMemory], limit: int, low: TrainingMemory
) -> tuple[TrainingMemory | None, TrainingMemory]:
    """The same where the first batch does not fit. A network may refuse to train on less."""
    try:
        one = held(1)
    except FlopscopeError:
        return None, low
    return (one, low) if one.total <= limit else (None, one)


def _next(low: TrainingMemory, high: TrainingMemory, limit: int) -> int:
    """A larger batch, just beyond where the line through two batches meets the limit."""
    if high.batch >= MOST:
        raise BadInput(
            f"a batch of {high.batch:,} fits into {limit:,} bytes, and none larger is looked at; "
            "give a smaller memory"
        )
    slope = max(1, (high.total - low.total) // (high.batch - low.batch))
    return min(MOST, max(high.batch + 1, high.batch + (limit - high.total) // slope + 1))


def _between(low: TrainingMemory, high: TrainingMemory, limit: int, *, halve: bool) -> int:
    """A batch between two, where the line through them meets the limit, or half way."""
    if halve:
        return (low.batch + high.batch) // 2
    share = (limit - low.total) * (high.batch - low.batch) // (high.total - low.total)
    return min(high.batch - 1, max(low.batch + 1, low.batch + share))
