"""What the machine at hand takes for operators and networks, from which a device is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flopscope.answers.calibration_set import NETWORKS, Single, operators
from flopscope.answers.counted import Given
from flopscope.answers.full_speed import pace_of_machine, time_again
from flopscope.answers.how import How
from flopscope.answers.measure import Measured, measured
from flopscope.answers.measured_operators import specs_of, target_of
from flopscope.answers.target import parse_target
from flopscope.brief import number_of, short
from flopscope.errors import BadInput, FlopscopeError
from flopscope.timing.measurement import Latency

if TYPE_CHECKING:
    from flopscope.measured.machine.anchor import Pace

OPERATOR_SECONDS = 0.4
"""Wall time that the rounds of an operator take, together."""


@dataclass(frozen=True)
class Here:
    """What was measured on this machine in one setting: networks first, then operators alone.
    `refused` says why something of the set could not be run, by name."""

    latencies: tuple[Latency, ...]
    refused: Mapping[str, str]

    def __repr__(self) -> str:
        return short(
            self,
            f"{number_of(self.latencies, 'measurement')}, {len(self.refused)} refused",
        )


def measure_here(
    how: How,
    batch: int = 1,
    tell: Callable[[int, int], None] = lambda done, of: None,
    networks: Sequence[tuple[str, int]] = NETWORKS,
    singles: Sequence[Single] | None = None,
) -> Here:
    """Run and time the set of operators and networks. `tell` is told how many of how many are done.

    What was timed while the machine was slower than at its best is timed again at the end. What the
    runtime refuses, and what gives other results than PyTorch, is left out and named. Raises
    BadInput where that is so for all networks.
    """
    alone = operators(batch) if singles is None else singles
    pace = pace_of_machine()
    works = {
        **{
            f"{model} at {side}": _network(model, side, how, batch, pace)
            for model, side in networks
        },
        **{each.name: _operator(each, how, pace) for each in alone},
    }
    found: dict[str, Measured] = {}
    refused: dict[str, str] = {}
    for done, (name, work) in enumerate(works.items()):
        tell(done, len(works))
        try:
            entry = work()
        except FlopscopeError as error:
            refused[name] = str(error)
        else:
            if entry.is_same:
                found[name] = entry
            else:
                refused[name] = (
                    f"its results differ from PyTorch's by {entry.difference:.1e} of their largest "
                    "value, so that something else was run"
                )
        if done + 1 == len(networks) and not found:
            raise BadInput(f"no network of the set could be run: {next(iter(refused.values()))}")
    time_again(found, lambda name: works[name](), lambda entry: entry.latency)
    tell(len(works), len(works))
    return Here(tuple(each.latency for each in found.values()), refused)


def _operator(each: Single, how: How, pace: Pace) -> Callable[[], Measured]:
    short_time = replace(how, seconds=min(how.seconds, OPERATOR_SECONDS))
    given = Given(inputs=specs_of(each))
    return lambda: measured(target_of(each), short_time, given, pace=pace)


def _network(model: str, side: int, how: How, batch: int, pace: Pace) -> Callable[[], Measured]:
    return lambda: measured(parse_target(model), how, Given(side, batch), pace=pace)
