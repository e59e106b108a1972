"""Operators that were measured alone: which rows of a table they are, and what was run."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.answers.calibration_set import Single, is_single, single_named
from flopscope.answers.profile import profile
from flopscope.answers.target import Source, Target
from flopscope.errors import BadInput
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec, Operator
from flopscope.timing.measurement import Latency


def parted(latencies: Sequence[Latency]) -> tuple[list[Latency], list[Latency]]:
    """The networks of a table, and the operators that were measured alone.

    >>> from flopscope.timing.measurement import Latency
    >>> table = [Latency("relu on 1x64x56x56", "here", 0.1), Latency("mobilenetv2", "here", 9)]
    >>> networks, operators = parted(table)
    >>> networks[0].model, operators[0].model
    ('mobilenetv2', 'relu on 1x64x56x56')
    """
    alone = [is_single(each.model) for each in latencies]
    return (
        [each for each, is_alone in zip(latencies, alone, strict=True) if not is_alone],
        [each for each, is_alone in zip(latencies, alone, strict=True) if is_alone],
    )


def beyond_start(timed: Sequence[tuple[Latency, float]]) -> list[tuple[Latency, float]]:
    """The seconds of each operator without those that starting a run takes, which a network feels
    once: the shortest operator's, since it does next to nothing. Operators that take less than
    twice as long say too little of themselves and are left out.

    >>> from flopscope.timing.measurement import Latency
    >>> times = [("relu on 1x1", 4e-6), ("relu on 1x9", 5e-6), ("relu on 1x999", 9e-6)]
    >>> [left] = beyond_start([(Latency(name, "here", 1e3 * s), s) for name, s in times])
    >>> left[0].model, round(1e6 * left[1], 1)
    ('relu on 1x999', 5.0)
    """
    start = min((seconds for _, seconds in timed), default=0.0)
    return [(each, seconds - start) for each, seconds in timed if seconds >= 2 * start]


def rows_of(name: str) -> tuple[Operator, ...]:
    """The rows of the operator that a table calls so. Raises BadInput for a name that no operator
    of the set can have, and without torch, by which they are traced."""
    require_witnesses()
    each = single_named(name)
    return profile(target_of(each), specs_of(each)).ledger.rows


def target_of(each: Single) -> Target:
    """The operator as a network that can be run. Raises BadInput for numbers that make none."""
    from flopscope.measured.operators import operator

    try:
        module = operator(each.kind, each.sizes)
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise BadInput(f"'{each.name}' is no operator that can be made: {error}") from error
    return Target(each.name, Source.OWN, module=module)


def specs_of(each: Single) -> tuple[InputSpec, ...]:
    """Its inputs."""
    return tuple(InputSpec(None, shape) for shape in each.inputs)
