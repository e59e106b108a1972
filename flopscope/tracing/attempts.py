"""The example at which a network is traced: the first that it accepts, preferably one whose trace
holds widely.

A trace at free sizes branches as its example does, so an example must be found at which the network
runs. If one fails, examples that would fail in the same way are left out. The last questions before
the error tell which sizes would have gone further, and these are tried next. An example of an odd
residue class may give a trace that holds at no usual size; such a trace is kept in reserve while
other examples are tried.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, Protocol, TypeVar

from flopscope.domain import Condition
from flopscope.domain.one_size import members
from flopscope.errors import BadInput, UnboundSymbols
from flopscope.ledger import Ledger
from flopscope.symbolic import Symbol, symbol
from flopscope.tracing.examples import examples
from flopscope.tracing.trail import Trail

MOST_FAILURES = 24
MOST_TRACES = 4
"""The number of examples that may fail, and of traces that are compared by the sizes at which they
hold."""

LAST_QUESTIONS = 3
"""The number of last questions before an error among which the failing comparison is sought."""

USUAL = (224, 256, 64, 96, 128, 160, 192, 320, 384, 448, 512, 640, 768, 1024)
OBLONG = ((224, 320), (320, 448), (384, 512), (480, 640), (448, 320), (640, 480))
DEPTHS = (8, 16, 32, 64, 96, 128)
"""The sides, grids and depths of inputs for which networks are made."""


class Traced(Protocol):
    """What a trace at an example gives."""

    @property
    def ledger(self) -> Ledger: ...


T = TypeVar("T", bound=Traced)


class Failure(NamedTuple):
    """An example, the questions that were asked on the way, and the error at the end."""

    trail: Trail
    error: Exception

    @property
    def progress(self) -> int:
        return len(self.trail.relations) + len(self.trail.fixed)


def first_that_runs(
    free: Collection[Symbol], given: Mapping[str, int], attempt: Callable[[Trail], T]
) -> T:
    """The trace at the first example that the network accepts, preferably one that holds at usual
    sizes. Raises the error of the example that went furthest, with a note of what was tried."""
    failures: list[Failure] = []
    found: list[T] = []
    for sizes in _promising(free, given, failures, found):
        trail = Trail(sizes)
        try:
            trace = attempt(trail)
        except Exception as error:  # another example may be one that the network accepts
            if isinstance(error, BadInput | UnboundSymbols) and not found:
                raise
            failures.append(Failure(trail, error))
            if len(failures) == MOST_FAILURES:
                break
            continue
        if _is_usual(trace.ledger.conditions, sizes, given):
            return trace
        found.append(trace)
        if len(found) == MOST_TRACES:
            break
    if found:
        return found[0]
    raise _told(failures, given)


def _promising(
    free: Collection[Symbol],
    given: Mapping[str, int],
    failures: Sequence[Failure],
    found: Sequence[Traced],
) -> Iterator[dict[str, Any]]:
    """Examples, first those that answer the questions at which others failed differently."""
    waiting, used, known = deque(examples(free, given)), [], 0
    while waiting:
        sizes = waiting.popleft()
        if sizes in used or _known(sizes, failures, found):
            continue
        used.append(sizes)
        yield sizes
        for failure in failures[known:]:
            waiting.extendleft(reversed(list(_mended(failure.trail, given))))
        known = len(failures)


def _known(sizes: Mapping[str, Any], failures: Sequence[Failure], found: Sequence[Traced]) -> bool:
    """Would the example fail in the same way as an earlier one?"""
    return any(_same_way(sizes, failure.trail) for failure in failures) or any(
        all(condition.at(sizes).broken() is False for condition in trace.ledger.conditions)
        for trace in found
    )


def _same_way(sizes: Mapping[str, Any], trail: Trail) -> bool:
    return all(
        question.at(sizes).broken() is False for question in reversed(trail.relations)
    ) and all(fixed.value.evaluate(sizes) == fixed.number for fixed in trail.fixed.values())


def _mended(trail: Trail, given: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """The example with one size changed, or with height and width changed to the same size, such
    that one of the last questions has another answer. Only the very last question may lead to a
    smaller size."""
    for age, question in enumerate(reversed(list(trail.relations)[-LAST_QUESTIONS:])):
        wanted = question.negation()
        for changed in _changes(wanted, trail.example, given):
            others = {n: v for n, v in trail.example.items() if n not in changed}
            first = min(changed)
            about = wanted.at({**others, **dict.fromkeys(changed, symbol(first))})
            for number in _members(about, trail.example[first]):
                if age == 0 or number > trail.example[first]:
                    yield {**trail.example, **dict.fromkeys(changed, number)}


def _changes(
    wanted: Condition, example: Mapping[str, Any], given: Mapping[str, int]
) -> list[set[str]]:
    """The names of sizes that may be changed together."""
    names = sorted(s.name for s in wanted.symbols() if s.integer and s.name not in given)
    sides = {"H", "W"} & set(example) - set(given)
    both = [sides] if len(sides) == 2 and sides & set(names) else []
    return both + [{name} for name in names]


def _members(condition: Condition, current: int) -> list[int]:
    """A size at which a condition on one size holds: the least of a few, which is usually a
    multiple of a patch, or else the nearest. A size that only has to be larger becomes four times
    as large at once, and a round number."""
    symbols = condition.symbols()
    found = members(next(iter(symbols)), (condition,)) if len(symbols) == 1 else None
    if found is None:
        return []
    if found.others:
        return [min(found.others)]
    if len(found.residues) == found.modulus and found.least > current:
        return [-(-4 * found.least // ROUND) * ROUND]
    start = max(found.least, current - found.modulus)
    near = filter(found.at_number, range(start, max(start, current) + found.modulus + 1))
    return sorted(near, key=lambda n: (abs(n - current), n))[:1]


ROUND = 64


def _is_usual(
    conditions: Sequence[Condition], example: Mapping[str, Any], given: Mapping[str, int]
) -> bool:
    """Does a trace hold at a size for which networks are made, in the sizes that are not given?"""
    sides = {"H", "W"} & set(example) - set(given)
    depths = DEPTHS if "D" in example and "D" not in given else (example.get("D"),)
    if not sides:
        return True
    grids = [*((side, side) for side in USUAL), *OBLONG]
    points = (
        {**example, **{n: s for n, s in zip("HW", grid, strict=True) if n in sides}, "D": depth}
        for grid, depth in product(grids, depths)
    )
    return any(
        all(condition.at(point).broken() is False for condition in conditions) for point in points
    )


def _told(failures: Sequence[Failure], given: Mapping[str, int]) -> Exception:
    """The error of the example that went furthest, with a note of all examples where the error
    depended on sizes."""
    furthest = max(failures, key=lambda failure: failure.progress)
    tried = furthest.trail.example
    names = [name for name in tried if name not in given]
    if names and furthest.progress:
        sizes = ", ".join(f"{name}={size}" for name, size in tried.items())
        others = len(failures) - 1
        more = f" and {others} other{'s' * (others > 1)}" if others else ""
        name = max(names, key=lambda name: (name != "B", name == "H"))
        furthest.error.add_note(f"tried {sizes}{more}; --example {name}=… gives another size")
    return furthest.error
