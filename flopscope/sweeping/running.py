"""Going through the blocks of a sweep, one after the other or on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from flopscope.sweeping.journal import Journal
from flopscope.sweeping.reductions import Reduction, State
from flopscope.sweeping.regions import Regions
from flopscope.sweeping.tiles import Block, Limit, tiles

Result = TypeVar("Result")
Work = Callable[["Shared", Any], Any]


class Shared(NamedTuple):
    """What every block of a sweep needs, which a worker gets once."""

    regions: Regions
    reduction: Any
    limits: tuple[Limit, ...]


class Runner(Protocol):
    """What does the same work on many parts, and gives the results in their order."""

    def each(self, work: Work, shared: Shared, parts: Sequence[Any]) -> Iterator[Any]:
        """The results of the work on each part."""


class Here:
    """This process."""

    def each(self, work: Work, shared: Shared, parts: Sequence[Any]) -> Iterator[Any]:
        """The results of the work on each part, one after the other."""
        return (work(shared, part) for part in parts)


def block_state(shared: Shared, block: Block) -> State:
    """The state of one block."""
    reduction: Reduction = shared.reduction
    state = reduction.start()
    for tile in tiles(shared.regions, block, shared.limits):
        reduction.add(state, tile)
    return state


def reduced(
    shared: Shared,
    parts: Sequence[Block],
    runner: Runner,
    tell: Callable[[int, int], None] = lambda _, __: None,
    journal: Journal | None = None,
) -> State:
    """The state of all blocks, which does not depend on who computes them, nor on interruptions."""
    reduction: Reduction = shared.reduction
    found = journal.known(reduction, len(parts)) if journal else None
    done, state = found or (0, reduction.start())
    try:
        for other in runner.each(block_state, shared, parts[done:]):
            state, done = reduction.merge(state, other), done + 1
            tell(done, len(parts))
            if journal:
                journal.keep(reduction, len(parts), done, state)
    finally:
        if journal:
            journal.keep(reduction, len(parts), done, state, now=True)
    return state
