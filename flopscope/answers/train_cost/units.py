"""A training step as a chain of units, between which a single tensor passes: what each keeps for
the backward pass, and what it costs to run it again.

A checkpoint keeps the input of a stretch of units and runs the stretch again in the backward pass.
So a stretch begins and ends where one tensor passes, between two modules, and not within a residual
block. A unit whose first operator would overwrite its input cannot be run again and is joined to
the one before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flopscope.answers.operators import module_of
from flopscope.answers.profile import Profile
from flopscope.facts import ELEMENT_BYTES, FLOAT32, Kind, Operator
from flopscope.readings import macs
from flopscope.readings.training import Keeper, Kept, Saved
from flopscope.sizes import elements


class Unit(NamedTuple):
    """A stretch of the forward pass, from one module to another.

    `given` are the bytes of the tensor that it takes; 0 for the network's input, which exists
    anyway. `keeps_given` says that it keeps this tensor, `keeps_result` that it keeps the one that
    it hands on, and `inner` are the bytes of all else that it keeps. `macs` is its forward pass.
    """

    first: str
    last: str
    macs: int
    given: int
    inner: int
    keeps_given: bool = False
    keeps_result: bool = False


def units_of(found: Profile) -> tuple[Unit, ...]:
    """The units of a training step that was traced at numbers; none where it is not known what is
    kept. All that is kept is in one of them."""
    if found.kept is None:
        return ()
    rows = [r for r in found.ledger.rows if not r.backward and r.kind is not Kind.STORED]
    cuts = _cuts(rows, len(found.shapes), found.kept)
    given = [tensor for _, tensor in cuts]
    starts = [start for start, _ in cuts]
    kept_by = [_Holder() for _ in starts]
    where = _Where(rows, starts)
    passed = {found.kept.written[t]: n for n, t in enumerate(given) if t in found.kept.written}
    for tensor in found.kept.tensors:
        if not tensor.name and not tensor.given:
            _share(tensor, where.units(tensor.keepers), passed.get(tensor.storage), kept_by)
    ends = [*starts[1:], len(rows)]
    sizes = {row.id: int(elements(row.output)) * ELEMENT_BYTES[row.output_type] for row in rows}
    return tuple(
        Unit(
            module_of(rows[start]), module_of(rows[end - 1]), int(macs(rows[start:end]).value),
            sizes.get(tensor, 0), held.inner, held.given, held.result,
        )
        for start, end, tensor, held in zip(starts, ends, given, kept_by, strict=True)
    )  # fmt: skip


def kept_in_full(units: Sequence[Unit]) -> int:
    """The bytes that all units keep where none is run again."""
    total = sum(unit.inner for unit in units)
    for before, unit in zip((None, *units), units, strict=False):
        if unit.keeps_given or (before is not None and before.keeps_result):
            total += unit.given
    return total


class _Holder:
    """What a unit keeps, as it is found."""

    def __init__(self) -> None:
        self.inner, self.given, self.result = 0, False, False


def _share(
    tensor: Kept, keepers: Sequence[int], entered: int | None, kept_by: Sequence[_Holder]
) -> None:
    """Enter a kept tensor at the units that keep it. `entered` is the unit that takes it, if it
    passes between two."""
    alone = True
    for unit in keepers:
        if unit == entered:
            kept_by[unit].given, alone = True, False
        elif entered is not None and unit == entered - 1:
            kept_by[unit].result, alone = True, False
    if alone:  # it counts once, and at the first that keeps it
        kept_by[min(keepers)].inner += int(elements(tensor.shape)) * (
            ELEMENT_BYTES[FLOAT32] if tensor.floating else tensor.item
        )


def _cuts(rows: Sequence[Operator], inputs: int, saved: Saved) -> list[tuple[int, int]]:
    """The positions between rows where a unit begins, each with the one tensor that passes there.
    The first unit begins at 0. What no row reads, such as a result, does not pass on."""
    lasts: dict[int, int] = {}
    overwritten: dict[int, int] = {}
    for step, row in enumerate(rows):
        for tensor in row.reads:
            if tensor >= -inputs:
                lasts[tensor] = step
        if row.id in saved.written:
            overwritten[saved.written[row.id]] = step
    alive = {tensor for tensor in lasts if tensor < 0}
    cuts = [(0, min(alive, default=-1))]
    for step, row in enumerate(rows[:-1]):
        alive.add(row.id)
        alive = {tensor for tensor in alive if lasts.get(tensor, -1) > step}
        if len(alive) != 1:
            continue
        (tensor,) = alive
        kept_whole = overwritten.get(saved.written.get(tensor, -1), step) <= step
        if tensor >= 0 and kept_whole and module_of(row) != module_of(rows[step + 1]):
            cuts.append((step + 1, tensor))
    return cuts


class _Where:
    """In which unit a call of a module keeps something."""

    def __init__(self, rows: Sequence[Operator], starts: Sequence[int]) -> None:
        self._starts = starts
        self._numbers = [rows[start].id for start in starts]
        self._calls: dict[tuple[str, int], set[int]] = {}
        for step, row in enumerate(rows):
            unit = bisect_right(starts, step) - 1
            self._calls.setdefault((module_of(row), row.call), set()).add(unit)

    def units(self, keepers: Iterable[Keeper]) -> list[int]:
        """The units of these calls, each once and in order."""
        return sorted({self._unit(keeper) for keeper in keepers})

    def _unit(self, keeper: Keeper) -> int:
        at = max(0, bisect_right(self._numbers, keeper.rows) - 1)
        known = self._calls.get((keeper.path, keeper.call), {at})
        # a result is kept when its row is recorded already, which may be the last of its unit
        return at if at in known else max((u for u in known if u < at), default=min(known))
