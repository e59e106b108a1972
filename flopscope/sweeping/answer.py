"""Reading the question of a sweep, going through its grid, and giving what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flopscope.answers.making import target_of
from flopscope.answers.ranges import Free, read_ranges
from flopscope.answers.spaces import Fixed, Space, space_of
from flopscope.answers.spaces.choosing import require_values
from flopscope.answers.sweep import MACS_CONVENTION, USUAL, asked_quantities
from flopscope.answers.target import Target
from flopscope.conventions import Convention
from flopscope.conventions import convention as named
from flopscope.errors import BadInput
from flopscope.quantities import QUANTITIES, Quantity
from flopscope.sweeping.asking import Keep, check_gains, parse_keep
from flopscope.sweeping.cover import Cover, Tell, cover
from flopscope.sweeping.grid import Grid, spoken
from flopscope.sweeping.journal import Journal
from flopscope.sweeping.missing import first_missing
from flopscope.sweeping.reductions import (
    Count,
    Ends,
    Front,
    Histogram,
    Nearest,
    Reduction,
    State,
    Top,
    bin_width,
)
from flopscope.sweeping.regions import Regions, regions
from flopscope.sweeping.result import Design, Reduced, counted_as
from flopscope.sweeping.running import Here, Runner, Shared, reduced
from flopscope.sweeping.tiles import Limit, blocks
from flopscope.sweeping.writing import Names, check_ending, spans, write_all
from flopscope.timing.device import Device

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Prepared:
    """A sweep before anything of it is counted."""

    space: Space
    target: Target
    grid: Grid
    convention: Convention
    quantities: tuple[Quantity, ...]
    most: Mapping[str, int]
    bounded: tuple[Quantity, ...]
    keep: Keep
    gains: tuple[str, ...]

    @property
    def counted(self) -> tuple[Quantity, ...]:
        """The quantities that are counted: those asked for, those with limits, and the gains."""
        gains = (QUANTITIES[name] for name in self.gains if name in QUANTITIES)
        others = [counted_as(row, self.quantities) for row in (*self.bounded, *gains)]
        return tuple(dict.fromkeys((*self.quantities, self.ranked, *others)))

    @property
    def ranked(self) -> Quantity:
        """The first quantity that was asked for, or the work where nothing was."""
        usual = tuple(row.name for row in self.quantities) == USUAL
        return self.quantities[-1 if usual else 0]

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits, by the indices of what is counted."""
        rows = [counted_as(row, self.quantities) for row in self.bounded]
        limits = zip(rows, self.most.values(), strict=True)
        return tuple(Limit(self.counted.index(row), most) for row, most in limits)

    @property
    def question(self) -> dict[str, Any]:
        """All that the result depends on, beside the code of networks in packages."""
        from flopscope.version import __version__

        fixed = self.space.fixed
        return {
            "flopscope": __version__, "target": self.target.name, "fixed": repr(fixed),
            "free": [[axis.name, list(axis.values)] for axis in self.grid.axes],
            "quantities": [row.column for row in self.quantities], "most": dict(self.most),
            "convention": self.convention.name, "keep": str(self.keep), "gains": self.gains,
            "files": {path: _digest(path) for path in self.target.files},
        }  # fmt: skip


def _digest(path: str) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


def prepared(
    target: str | nn.Module | Callable[..., nn.Module] | Target,
    free: Free,
    keep: str | Keep = "count",
    of: Sequence[str] = USUAL,
    *,
    gains: Sequence[str] = (),
    most: Mapping[str, int] | None = None,
    convention: str | Convention = "macs",
    device: Device | None = None,
    fixed: Fixed | None = None,
) -> Prepared:
    """Read a sweep's question. `gains` are the free sizes and quantities of which a frontier has
    more. "latency" is a quantity where a `device` is given, and is bounded in attoseconds.

    Raises BadInput for a size without values or that is given and free at once, UnknownName for
    a size, quantity or kind of answer that does not exist.
    """
    network = target_of(target)
    weighed = named(convention) if isinstance(convention, str) else convention
    quantities = asked_quantities(of, weighed, device)
    limits = dict(most or {})
    bounded = asked_quantities(tuple(limits), MACS_CONVENTION, device) if limits else ()
    space = space_of(network, fixed or Fixed())
    ranges = space.checked(read_ranges(free))
    require_values(space, ranges)
    kind = parse_keep(keep) if isinstance(keep, str) else keep
    check_gains(gains, ranges, kind)
    grid = Grid(ranges)
    grid.splits()
    return Prepared(space, network, grid, weighed, quantities, limits, bounded, kind, tuple(gains))


def answer(
    asked: Prepared,
    *,
    runner: Runner | None = None,
    journal: Journal | None = None,
    tell: Tell = lambda _, __: None,
) -> Reduced:
    """Go through a sweep's grid. `runner` does it, `journal` keeps what is done and gets the file
    of all designs, `tell` hears how many blocks are done.

    Raises BadInput where no design exists, and where a file cannot be written.

    >>> found = answer(prepared("mobilenetv2", "width=0.5:1:0.1,res=32:256:32", "count"))
    >>> found.there, found.kept
    (48, 48)
    """
    if asked.keep.kind == "all":
        check_ending(None if journal is None else journal.path)
        spans(asked.grid)
    known = cover(asked.space, asked.grid, asked.counted, tell)
    axes = [name for name in asked.gains if name not in QUANTITIES]
    own = regions(asked.grid, known.pieces, axes)
    run = _Run(asked, own, runner or Here(), journal, tell)
    there = run.reduced(Count(), stored=False)["there"] if asked.keep.kind == "all" else None
    if there == 0 or not own.regions:
        raise BadInput(_nothing(asked, known, own))
    if journal is not None:
        journal.open()
    state = run.state()
    if not state["there"]:
        if journal is not None:
            journal.close()
        raise BadInput(_nothing(asked, known, own))
    refused = known.refused
    if state["there"] < asked.grid.size:
        refused = refused or first_missing(own, known.pieces)
    nearest = None
    if not state["kept"]:
        nearest = run.design(run.reduced(Nearest(asked.limits), stored=False)["design"])
    return _answer(asked, own, known, run, state, refused, nearest)


def _nothing(asked: Prepared, known: Cover, own: Regions) -> str:
    why = known.refused or first_missing(own, known.pieces)
    return f"{asked.space.name} has no design in this range; {why}"


def _answer(
    asked: Prepared, own: Regions, known: Cover, run: _Run, state: State, refused: str,
    nearest: Design | None,
) -> Reduced:  # fmt: skip
    names = {axis.name for axis in asked.grid.axes}
    space = asked.space
    sided = bool(names & {"res", "H", "W"})
    return Reduced(
        asked.target, asked.grid.axes, space.words(names), None if sided else space.shape,
        None if "batch" in names else space.batch, asked.convention, asked.quantities,
        asked.counted, asked.most, asked.keep, asked.ranked, asked.gains, state,
        tuple(run.design(number) for number in state.get("designs", [])), nearest, asked.grid,
        refused, space.means(known.parts), known.parts, known.expected,
        any(region.bound for region in own.regions),
    )  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """A sweep on its way."""

    asked: Prepared
    regions: Regions
    runner: Runner
    journal: Journal | None
    tell: Tell

    def state(self) -> State:
        """What is kept."""
        kind, number = self.asked.keep
        ranked = self.asked.counted.index(self.asked.ranked)
        if kind == "all":
            return self._written()
        if kind == "histogram":
            return self._histogram(ranked, number)
        if kind in ("top", "bottom"):
            return self.reduced(Top(ranked, number, kind == "top"))
        return self.reduced(self._front() if kind == "front" else Count())

    def reduced(self, reduction: Reduction, *, stored: bool = True) -> State:
        """The state of a reduction over all blocks."""
        limits = () if isinstance(reduction, Nearest) else self.asked.limits
        shared = Shared(self.regions, reduction, limits)
        parts = blocks(self.regions.regions)
        return reduced(shared, parts, self.runner, self.tell, self.journal if stored else None)

    def _histogram(self, ranked: int, bins: int) -> State:
        ends = self.reduced(Ends(ranked))
        if ends["least"] is None:
            return ends
        width = bin_width(ends["least"], ends["most"], bins)
        number = (ends["most"] - ends["least"]) // width + 1
        found = self.reduced(Histogram(ranked, ends["least"], width, number))
        return {**ends, **found, "from": ends["least"], "width": width}

    def _front(self) -> Front:
        counted = list(self.asked.counted)
        gains = self.asked.gains
        costs = tuple(counted.index(row) for row in self.asked.quantities if row.name not in gains)
        more = tuple(
            counted.index(counted_as(QUANTITIES[name], self.asked.quantities))
            if name in QUANTITIES
            else name
            for name in gains
        )
        if not costs:
            raise BadInput(
                "a frontier weighs costs against gains, and every quantity of --of is a gain; name "
                "a cost in --of, such as macs"
            )
        return Front(costs, more)

    def _written(self) -> State:
        assert self.journal is not None
        columns = tuple(row.column for row in self.asked.quantities)
        names = Names(columns, any(region.bound for region in self.regions.regions))
        shared = Shared(self.regions, names, self.asked.limits)
        written = write_all(shared, self.runner, self.journal, self.tell)
        return {"there": written.there, "kept": written.kept}

    def design(self, number: int) -> Design:
        """A design with its counts."""
        grid, at = self.asked.grid, np.array([number], dtype=np.int64)
        first, second = (grid.choices(side, at) for side in self.regions.sides)
        for region in self.regions.regions:
            if not (region.extent.rows[first[0]] and region.extent.columns[second[0]]):
                continue
            places = [
                np.searchsorted(*pair) for pair in zip(region.at, (first, second), strict=True)
            ]
            if region.held_pairs(places[0], places[1])[0]:
                counts = tuple(int(each.pairs(*places)[0]) for each in region.evaluators)
                return Design(grid.design(number), counts, region.bound)
        raise AssertionError(f"design {spoken(grid.design(number), grid.axes)} is in no region")
