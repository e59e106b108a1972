"""The cost of a training run: its schedules stage by stage, their work, and what a pass holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flopscope.answers.target import Size
from flopscope.answers.train_cost.checkpointing import Plan, best_plan, least_kept
from flopscope.answers.train_cost.passes import Network, Pass, counted_pass
from flopscope.answers.train_cost.peaks import check_peak, peaks_of
from flopscope.answers.train_cost.recipe import Recipe
from flopscope.answers.train_cost.schedule import Schedule, fixed, parse_schedule, steps_between
from flopscope.answers.training_memory import FLOAT32
from flopscope.brief import short
from flopscope.errors import BadInput, FlopscopeError
from flopscope.sizes import Shape

if TYPE_CHECKING:
    from flopscope.measured.step_peak import StepPeak

FLOPS_PER_MAC = 2


@dataclass(frozen=True)
class Stage:
    """A stage of a schedule: its steps, its passes by their batch, and how often each is done.

    `plan` is what is run again in each full pass, where a memory asks for it.
    """

    size: Size
    steps: int
    images: int
    times: Counter[int]
    passes: Mapping[int, Pass]
    plan: Plan | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.steps:,} steps, {self.macs:,} MACs")

    @property
    def largest(self) -> Pass:
        """The pass on the largest batch."""
        return self.passes[max(self.times)]

    @property
    def shape(self) -> Shape:
        """The first input of that pass."""
        return self.largest.shapes[0]

    @property
    def forward(self) -> int:
        """MACs of the student's forward passes."""
        return self._sum(lambda one: one.forward)

    @property
    def backward(self) -> int:
        """MACs of the backward passes."""
        return self._sum(lambda one: one.backward)

    @property
    def teacher(self) -> int:
        """MACs of the teacher's forward passes."""
        return self._sum(lambda one: one.teacher)

    @property
    def again(self) -> int:
        """MACs of what checkpoints run again."""
        return self._sum(lambda one: _run_again(one, self.plan))

    @property
    def macs(self) -> int:
        """All of them."""
        return self.forward + self.backward + self.teacher + self.again

    def _sum(self, of: Callable[[Pass], int]) -> int:
        return sum(times * of(self.passes[batch]) for batch, times in self.times.items())

    def step(self, passes: Mapping[int, int]) -> tuple[int, int, int, int]:
        """MACs of a step of these passes: forward, backward, the teacher's, and run again."""
        parts = [
            (times * one.forward, times * one.backward, times * one.teacher,
             times * _run_again(one, self.plan))
            for batch, times in passes.items()
            for one in [self.passes[batch]]
        ]  # fmt: skip
        forward, backward, teacher, again = (sum(column) for column in zip(*parts, strict=True))
        return forward, backward, teacher, again


def _run_again(one: Pass, plan: Plan | None) -> int:
    if plan is None:
        return 0
    return sum(unit.macs for first, end in plan.stretches for unit in one.units[first:end])


@dataclass(frozen=True)
class Run:
    """A schedule and its stages."""

    schedule: Schedule
    stages: tuple[Stage, ...]

    def __repr__(self) -> str:
        return short(self, f"{self.schedule.text}, {self.macs:,} MACs")

    @property
    def steps(self) -> int:
        """Of the optimizer."""
        return sum(stage.steps for stage in self.stages)

    @property
    def macs(self) -> int:
        """Of all stages."""
        return sum(stage.macs for stage in self.stages)

    @property
    def flops(self) -> int:
        """Two for each MAC."""
        return FLOPS_PER_MAC * self.macs

    @property
    def plain(self) -> int:
        """FLOPs without what checkpoints run again."""
        return self.flops - FLOPS_PER_MAC * sum(stage.again for stage in self.stages)

    @property
    def by_rule(self) -> int:
        """What the rule of thumb says: three times the student's forward pass, and the teacher's;
        in FLOPs."""
        return FLOPS_PER_MAC * sum(3 * s.forward + s.teacher for s in self.stages)

    @property
    def fullest(self) -> Stage:
        """The stage whose pass holds the most."""
        return max(self.stages, key=lambda stage: stage.largest.held)

    @property
    def missing(self) -> tuple[str, ...]:
        """Operators of unknown cost, each once."""
        every = (m for s in self.stages for one in s.passes.values() for m in one.missing)
        return tuple(dict.fromkeys(every))


@dataclass(frozen=True)
class TrainCost:
    """What was asked and found. `runs` are the schedules as they were given, and `fixed` the runs
    at the largest size of each from the first step on. `limit` is the memory in bytes. `peaks` are
    those of a step by its size, where they were asked for."""

    network: Network
    recipe: Recipe
    runs: tuple[Run, ...]
    fixed: tuple[Run, ...] = ()
    limit: int | None = None
    checkpoints: bool = False
    plans: tuple[Plan, ...] = ()
    peaks: Mapping[Size, StepPeak] = field(default_factory=dict, hash=False)

    def __repr__(self) -> str:
        return short(self, f"{self.network.target.name}, {self.runs[0].flops:.3e} FLOPs")

    @property
    def fits(self) -> bool:
        """Does each pass fit into the memory, with checkpoints where it needs them?"""
        if self.limit is None:
            return True
        runs = (*self.runs, *self.fixed)
        return all(s.largest.held <= self.limit or s.plan for r in runs for s in r.stages)


def train_cost(
    network: Network,
    recipe: Recipe,
    schedules: Sequence[str] = (),
    limit: int | None = None,
    *,
    checkpoints: bool = False,
    peak: bool = False,
) -> TrainCost:
    """The cost of training a network by a recipe, at its own size or by each of the schedules.

    Each size and batch is traced once, forward and backward; needs torch. With a `limit` on the
    memory of a pass, stages that do not fit run stretches again at the least work. With
    `checkpoints` the trade is shown in any case. With `peak` each size has the peak of its step.

    Raises BadInput for an ONNX file, a schedule beside a size, a size that the network refuses, and
    as `parse_schedule`, `Recipe` and `profile` do.
    """
    if network.target.is_graph:
        raise BadInput(
            f"{network.target.name} is an ONNX file, which has no backward pass; give the network "
            "in PyTorch"
        )
    if schedules and (network.given.res is not None or network.given.inputs):
        raise BadInput("--schedule gives the sizes of the images; leave --res and --input out")
    asked = [parse_schedule(text, network.target, recipe.epochs) for text in schedules]
    planned = asked or [fixed(network.given.res)]
    ends = dict.fromkeys(each.largest for each in asked if len(set(each.sizes)) > 1)
    if checkpoints and recipe.precision != FLOAT32:
        raise BadInput(
            f"checkpoints are chosen by what is kept in float32, and --precision is "
            f"{recipe.precision}; leave one of them out"
        )
    if peak:
        check_peak(recipe)
    count = _Counting(network, recipe, limit)
    runs = tuple(count.run(schedule) for schedule in planned)
    references = tuple(count.run(fixed(size)) for size in ends)
    found = TrainCost(network, recipe, runs, references, limit, checkpoints)
    if peak:
        stages = (stage for run in (*runs, *references) for stage in run.stages)
        largest = {stage.size: stage.largest for stage in stages}
        found = replace(found, peaks=peaks_of(network, recipe, largest.items()))
    traded = recipe.precision == FLOAT32 and (checkpoints or limit is not None)
    return _with_trade(found) if traded else found


class _Counting:
    """Counts each size and batch once."""

    def __init__(self, network: Network, recipe: Recipe, limit: int | None) -> None:
        self._network, self._recipe, self._limit = network, recipe, limit
        self._passes: dict[tuple[Size, int], Pass] = {}
        self._plans: dict[tuple[Size, int], Plan | None] = {}

    def run(self, schedule: Schedule) -> Run:
        """All stages of a schedule."""
        recipe = self._recipe
        ends = schedule.ends(recipe.steps, recipe.epochs)
        spans = steps_between(ends)
        empty = [number for number, (first, end) in enumerate(spans, 1) if first == end]
        if empty:
            raise BadInput(
                f"stage {empty[0]} of --schedule {schedule.text} has no step, since the run has "
                f"{ends[-1]:,} steps in {len(spans)} stages; give fewer stages or more epochs"
            )
        stages = [self._stage(schedule, number, span) for number, span in enumerate(spans, 1)]
        return Run(schedule, tuple(stages))

    def _stage(self, schedule: Schedule, number: int, span: tuple[int, int]) -> Stage:
        size = schedule.sizes[number - 1]
        times = self._recipe.passes(*span)
        where = (
            ""
            if schedule.text == "fixed"
            else f"stage {number} of --schedule {schedule.text} cannot run: "
        )
        passes = {batch: self._pass(size, batch, where) for batch in times}
        plan = self._plan(size, max(times))
        return Stage(size, span[1] - span[0], self._recipe.seen(*span), times, passes, plan)

    def _pass(self, size: Size, batch: int, where: str) -> Pass:
        """The pass, counted once. An error says `where` in a schedule it came up."""
        key = (size, batch)
        if key not in self._passes:
            try:
                self._passes[key] = counted_pass(self._network, self._recipe, size, batch)
            except FlopscopeError as error:
                raise BadInput(f"{where}{self._named(batch)}{error}") from None
        return self._passes[key]

    def _named(self, batch: int) -> str:
        """What a message says of the last pass of an epoch, which may be too small to train on."""
        if batch == self._recipe.pass_batch:
            return ""
        return f"the last pass of an epoch has a batch of {batch:,}, which --drop-last leaves out: "

    def _plan(self, size: Size, batch: int) -> Plan | None:
        key = (size, batch)
        if self._recipe.precision != FLOAT32:
            return None
        if key not in self._plans:
            one = self._passes[key]
            room = None if self._limit is None else self._limit - (one.held - one.memory.saved)
            fits = room is None or one.memory.saved <= room
            self._plans[key] = None if fits or room is None else best_plan(one.units, room)
        return self._plans[key]


SHARES = (4, 3, 2)
"""The quarters of what is kept without checkpoints at which the trade is shown."""


def _with_trade(found: TrainCost) -> TrainCost:
    """The answer with the checkpoints of its fullest stage: none, the least work at some shares of
    the memory, and the fewest bytes."""
    stage = max((run.fullest for run in found.runs), key=lambda s: s.largest.held)
    units = stage.largest.units
    plans = [best_plan(units, stage.largest.memory.saved * share // 4) for share in SHARES]
    plans += [stage.plan] if stage.plan else []
    plans.append(least_kept(units))
    distinct = {(plan.kept, plan.macs): plan for plan in plans if plan is not None}
    ordered = sorted(distinct.values(), key=lambda plan: (plan.macs, -plan.kept))
    return replace(found, plans=tuple(ordered))
