"""Networks that are timed while the machine has its full speed, although it is shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableMapping
from typing import TYPE_CHECKING, TypeVar

from flopscope.timing.clock import DRIFT
from flopscope.timing.measurement import Latency

if TYPE_CHECKING:
    from flopscope.measured.machine.anchor import Pace

AGAIN = 2
"""How often what was timed on a slow machine is timed again, at most."""

IN_VAIN = 3
"""After so many in a row that were no better, the machine is taken to be slower for good."""

Key = TypeVar("Key", bound=Hashable)
Entry = TypeVar("Entry")


def pace_of_machine() -> Pace:
    """What tells for several networks, one after the other, when the machine has its full speed."""
    from flopscope.measured.machine.anchor import Pace

    return Pace()


def time_again(
    found: MutableMapping[Key, Entry],
    run: Callable[[Key], Entry],
    latency_of: Callable[[Entry], Latency],
) -> None:
    """Run again, twice at most, what was timed while the machine was slower than at its best, as
    the anchors say. Of each is kept what was timed on the fastest machine. It ends where three in a
    row are no better.

    >>> anchors = iter([0.5])
    >>> found = {"a": Latency("a", "here", 1, anchor_ms=0.5)}
    >>> found["b"] = Latency("b", "here", 3, anchor_ms=0.9)
    >>> run = lambda name: Latency(name, "here", 2, anchor_ms=next(anchors))
    >>> time_again(found, run, lambda latency: latency)
    >>> [each.latency_ms for each in found.values()]
    [1, 2]
    """

    def anchor(entry: Entry) -> float:
        return latency_of(entry).anchor_ms or 0.0

    in_vain = 0
    for _ in range(AGAIN):
        best = min(map(anchor, found.values()), default=0.0)
        for key in [key for key, entry in found.items() if anchor(entry) > DRIFT * best]:
            found[key] = min(found[key], run(key), key=anchor)
            in_vain = in_vain + 1 if anchor(found[key]) > DRIFT * best else 0
            if in_vain == IN_VAIN:
                return
