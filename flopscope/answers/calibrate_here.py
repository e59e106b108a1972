"""What the machine at hand takes for operators and networks, from which a device is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flopscope.answers.calibration_set import NETWORKS, Single, operators, single_named
from flopscope.answers.counted import Given
from flopscope.answers.measure import How, Measured, measured
from flopscope.answers.profile import profile
from flopscope.answers.target import Source, Target, parse_target
from flopscope.brief import short
from flopscope.errors import BadInput, FlopscopeError
from flopscope.facts import InputSpec, Operator
from flopscope.timing.measurement import Latency

CPU_CLOCK = "processor time, minimum of the rounds"
"""The statistic of times that were taken on a busy machine."""


@dataclass(frozen=True)
class Here:
    """What was measured on this machine in one setting: networks, and operators alone. `refused`
    says why something of the set could not be run, by name. Where the machine was `busy`, times are
    the minimum of processor time; else they are wall time."""

    networks: tuple[Latency, ...]
    operators: tuple[Latency, ...]
    refused: Mapping[str, str]
    busy: bool

    def __repr__(self) -> str:
        many = f"{len(self.networks)} networks and {len(self.operators)} operators"
        return short(self, f"{many}{' on a busy machine' if self.busy else ''}")


def measure_here(
    how: How,
    batch: int = 1,
    tell: Callable[[int, int], None] = lambda done, of: None,
    networks: Sequence[tuple[str, int]] = NETWORKS,
    singles: Sequence[Single] | None = None,
) -> Here:
    """Run and time the set of operators and networks. `tell` is told how many of how many are done.

    What the runtime refuses is left out and named. Raises BadInput where it refuses all networks.
    """
    alone = operators(batch) if singles is None else singles
    works: list[tuple[str, Callable[[], Measured]]] = [
        *((each.name, _operator(each, how)) for each in alone),
        *((f"{model} at {side}", _network(model, side, how, batch)) for model, side in networks),
    ]
    found: list[Measured | None] = []
    refused: dict[str, str] = {}
    for number, (name, work) in enumerate(works):
        tell(number, len(works))
        try:
            found.append(work())
        except FlopscopeError as error:
            found.append(None)
            refused[name] = str(error)
    tell(len(works), len(works))
    ran = [each for each in found[len(alone) :] if each is not None]
    if not ran:
        raise BadInput(f"no network of the set could be run: {next(iter(refused.values()))}")
    busy = any(entry.is_loaded for entry in ran) and ran[0].latency.cpu_min_ms is not None
    return Here(
        tuple(_by_clock(entry.latency, busy) for entry in ran),
        tuple(_by_clock(each.latency, busy) for each in found[: len(alone)] if each is not None),
        refused,
        busy,
    )


def rows_of(operator: Latency) -> tuple[Operator, ...]:
    """The rows of an operator that was measured alone, from its name. Raises BadInput for a name
    that no operator of the set can have."""
    each = single_named(operator.model)
    return profile(_target(each), _specs(each)).ledger.rows


def _by_clock(latency: Latency, busy: bool) -> Latency:
    """The latency by the clock that is to be believed."""
    if not busy or latency.cpu_min_ms is None:
        return latency
    return replace(
        latency, latency_ms=latency.cpu_min_ms, q25_ms=None, q75_ms=None, throughput_ips=None,
        cpu_ms=None, statistic=CPU_CLOCK,
    )  # fmt: skip


def _operator(each: Single, how: How) -> Callable[[], Measured]:
    return lambda: measured(_target(each), how, Given(inputs=_specs(each)))


def _network(model: str, side: int, how: How, batch: int) -> Callable[[], Measured]:
    return lambda: measured(parse_target(model), how, Given(side, batch))


def _target(each: Single) -> Target:
    from flopscope.measured.operators import operator

    return Target(each.name, Source.OWN, module=operator(each.kind, each.sizes))


def _specs(each: Single) -> tuple[InputSpec, ...]:
    return tuple(InputSpec(None, shape) for shape in each.inputs)
