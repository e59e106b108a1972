"""The loop of latency-driven slimming: arXiv 2206.01191, section 3.3, down to a target latency.

Each step tries the three actions and takes the one that loses least for each millisecond it saves.
What an action loses is the accuracy that the user evaluates or, without that, importance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias

from flopscope.answers.timed import warnings
from flopscope.brief import short, shown
from flopscope.choosing.slimming.actions import Move, moves
from flopscope.choosing.slimming.design import SlimDesign
from flopscope.choosing.slimming.part_times import PartTimes, Span
from flopscope.choosing.slimming.scores import Scores
from flopscope.errors import BadInput
from flopscope.timing.roofline import milliseconds

Evaluate: TypeAlias = Callable[[SlimDesign], Any]
"""The accuracy of a design as the user finds it, in any unit; more is better."""


@dataclass(frozen=True)
class Candidate:
    """An action that was tried: what it saves, what it loses, and the loss for each millisecond,
    which is None where it saves nothing."""

    move: Move
    saved: Span
    loss: float

    @property
    def rate(self) -> float | None:
        """The loss for each millisecond that is saved."""
        return self.loss / (1e3 * self.saved.seconds) if self.saved.seconds > 0 else None


@dataclass(frozen=True)
class Step:
    """The actions that were tried, the one that was taken, and the time of its design."""

    candidates: tuple[Candidate, ...]
    taken: Candidate
    time: Span


@dataclass(frozen=True)
class Slimming:
    """The steps from a design to one within the target, in seconds. `evaluated` says whether a loss
    is one of accuracy, and `accuracies` are then those of the first design and of each step's."""

    name: str
    first: SlimDesign
    times: PartTimes
    target: float
    steps: tuple[Step, ...]
    accuracies: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.name} to {self.design} in {len(self.steps)} steps")

    @property
    def design(self) -> SlimDesign:
        """The slimmed design; the first one if that keeps the target."""
        return self.steps[-1].taken.move.design if self.steps else self.first

    @property
    def whole(self) -> float | None:
        """The predicted seconds of the design as one network; None where parts were measured."""
        device, times = self.times.device, self.times
        if device is None or times.measured is not None:
            return None
        return float(self.design.ledger(times.res, times.batch).time(device).seconds)

    @property
    def evaluated(self) -> bool:
        """Were accuracies evaluated?"""
        return bool(self.accuracies)

    @property
    def warned(self) -> list[str]:
        """Where the first and the last design are unlike those that the device has seen."""
        device, times = self.times.device, self.times
        if device is None:
            return []
        named = {f"{self.name} slimmed": self.design} if self.steps else {}
        named = {self.name: self.first, **named}
        return [
            line
            for name, design in named.items()
            for line in warnings(name, design.ledger(times.res, times.batch), device)
        ]


def slimmed(
    name: str,
    first: SlimDesign,
    times: PartTimes,
    target: float,
    scores: Scores,
    evaluate: Evaluate | None = None,
) -> Slimming:
    """The steps from a design to the first one that takes at most `target` seconds.

    Raises BadInput for a target below what the smallest design takes, for one that no further
    action brings nearer, for an accuracy that is no number and, without `evaluate`, where nothing
    says what an attending block loses when it pools.
    """
    _check_reachable(name, first, times, target)
    if evaluate is None:
        scores.require_terms()
        worth = scores.of_design
    else:
        worth = _Evaluating(evaluate)
    design, time, steps = first, times.of(first), []
    values = [worth(design)] if time.seconds > target or evaluate is not None else []
    while time.seconds > target:
        now = values[-1]
        found = tuple(
            Candidate(move, times.saved(design, move.design), now - worth(move.design))
            for move in moves(design, scores)
        )
        taken = _best(found)
        if taken is None:
            raise BadInput(
                f"{name} cannot be brought below {milliseconds(time.seconds)}, with {design}, as "
                f"no action saves time there, and {milliseconds(target)} is asked for; give a "
                "longer latency"
            )
        design = taken.move.design
        time = times.of(design)
        steps.append(Step(found, taken, time))
        values.append(worth(design))
    return Slimming(name, first, times, target, tuple(steps), tuple(values) if evaluate else ())


def _best(found: tuple[Candidate, ...]) -> Candidate | None:
    """The action that loses least for each millisecond; the first of equal ones."""
    rated = [(each.rate, each) for each in found if each.rate is not None]
    return min(rated, key=lambda pair: pair[0])[1] if rated else None


def _check_reachable(name: str, first: SlimDesign, times: PartTimes, target: float) -> None:
    if not (math.isfinite(target) and target > 0):
        raise BadInput(f"latency {shown(target)} is no time above 0; give one such as 12ms")
    if times.device is None:
        return  # a table need not have the smallest design
    least = times.of(first.smallest)
    if least.seconds > target:
        raise BadInput(
            f"{name} cannot be slimmed to {milliseconds(target)}: the smallest design, with "
            f"{first.smallest}, takes {milliseconds(least.seconds)}; give a longer latency"
        )


class _Evaluating:
    """The user's accuracies, each design's asked for once."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._known: dict[SlimDesign, float] = {}

    def __call__(self, design: SlimDesign) -> float:
        if design not in self._known:
            value = self._evaluate(design)
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value):
                raise BadInput(
                    f"evaluate gave {shown(value)} for {design}, and must give a finite number"
                )
            self._known[design] = float(value)
        return self._known[design]
