"""From measured networks to a device: the fit, its held-out errors, and what it has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flopscope.errors import BadInput
from flopscope.facts import Kind, Operator
from flopscope.readings import activations, macs, traffic_bytes
from flopscope.timing.constants import NAMES, RULES
from flopscope.timing.design import Floats, Sample
from flopscope.timing.device import Calibration, Device, HeldOut, Quantiles, Seen
from flopscope.timing.fitting import Fit, fit
from flopscope.timing.held_out import FOLDS, errors, median_error, validated
from flopscope.timing.measurement import Setting
from flopscope.timing.precision import precision_named
from flopscope.timing.runtimes import runtime_of
from flopscope.timing.unlike import kind_of
from flopscope.timing.work import Work, works

LEAST = 20
"""The fewest networks that a device is fitted to without a sister. Ten constants from fewer had
median errors of up to 40 %."""

QUANTITIES = ("MACs", "bytes", "activations")
"""What baselines are proportional to."""


class Case(NamedTuple):
    """A network that was measured: its family, its units, its seconds and images, the quantities of
    the baselines by name, and the kinds of its operators."""

    family: str
    works: Sequence[Work]
    seconds: float
    batch: int
    quantities: Mapping[str, int]
    kinds: frozenset[str]


@dataclass(frozen=True)
class Facts:
    """What a calibration says of itself: the device's name in files, where and how the networks
    ran, the clock, the day, the source of the measurements, and what is held out."""

    name: str
    setting: Setting
    clock: str
    date: str
    source: str
    repeatability: float | None = None
    protocol: str = "families held out"


@dataclass(frozen=True)
class Calibrated:
    """A device with the predictions, in seconds, that its held-out errors are made of."""

    device: Device
    predicted: Floats
    measured: Floats


def case(
    rows: Sequence[Operator], setting: Setting, family: str, seconds: float, batch: int
) -> Case:
    """A measured network from its rows at the batch with which it ran."""
    precision = precision_named(setting.dtype)
    dtype = "float16" if precision.mixed else precision.name
    quantities = {
        "MACs": macs(rows).value,
        "bytes": traffic_bytes(rows, dtype).value,
        "activations": activations(rows).value,
    }
    found = works(rows, runtime_of(setting.runtime, setting.runtime_version), precision)
    kinds = frozenset(kind_of(row) for row in rows if row.kind is not Kind.STORED)
    return Case(family, found, seconds, batch, quantities, kinds)


def calibrated(
    cases: Sequence[Case],
    facts: Facts,
    sister: Device | None = None,
    operators: Sequence[Case] = (),
) -> Calibrated:
    """The device that these measured networks are evidence of. Where `operators` were measured
    alone on the same machine, the constants that they give are the prior, as a sister's are; and
    each family is held out by itself, because then there are few networks.

    Raises BadInput for fewer than `LEAST` networks without a sister or operators, and for networks
    of one family alone, of which none can be held out.
    """
    _check_enough(cases, has_start=sister is not None or bool(operators))
    sample = Sample.of([each.works for each in cases])
    seconds = np.array([each.seconds for each in cases])
    families = [each.family for each in cases]
    prior = None if sister is None else Fit(sister.rule, _vector(sister))
    if prior is None and operators:
        prior = prior_of(operators, sample, seconds, families)
    most = len(cases) if operators else FOLDS
    found = validated(sample, seconds, families, prior, most)
    final = fit(sample, seconds, found.rule, None if prior is None else prior.constants)
    quantities = {
        name: np.array([float(each.quantities[name]) for each in cases]) for name in QUANTITIES
    }
    held = errors(found.predicted, seconds, families, quantities, facts.protocol, most)
    held = held if sister is None else _widened(held, sister.held_out)
    return Calibrated(_device(final, held, cases, facts, sister), found.predicted, seconds)


def prior_of(
    operators: Sequence[Case], sample: Sample, seconds: Floats, families: Sequence[str]
) -> Fit:
    """The constants that operators alone give, under the rule with which networks of families held
    out are then predicted best."""
    alone = Sample.of([each.works for each in operators])
    taken = np.array([each.seconds for each in operators])
    fits = [fit(alone, taken, rule) for rule in RULES]

    def error(prior: Fit) -> float:
        found = validated(sample, seconds, families, prior, len(families))
        return median_error(found.predicted, seconds)

    return min(fits, key=error)


def _vector(device: Device) -> Floats:
    """Its constants in the order of `constants.CONSTANTS`."""
    return np.array([device.constants[name] for name in NAMES])


def _check_enough(cases: Sequence[Case], *, has_start: bool) -> None:
    if not has_start and len(cases) < LEAST:
        raise BadInput(
            f"{len(cases)} measured networks are too few for the constants of a device, which "
            f"needs {LEAST}; measure more, or give the device file of a similar machine with "
            "--sister"
        )
    if len({each.family for each in cases}) < 2:
        raise BadInput(
            f"all measured networks are of one family, {cases[0].family}, so that none can be held "
            "out to test the fit; measure networks of at least two families"
        )


def _widened(held: HeldOut, sister: HeldOut) -> HeldOut:
    """The errors with intervals that are no narrower than the sister's, as few networks say little
    about the tails."""
    wide = {
        level: Quantiles(min(own.low, other.low), max(own.high, other.high))
        for level, own in held.quantiles.items()
        for other in (sister.quantiles[level],)
    }
    return HeldOut(**{**vars(held), "quantiles": wide})


def _device(
    final: Fit, held: HeldOut, cases: Sequence[Case], facts: Facts, sister: Device | None
) -> Device:
    setting = facts.setting
    work = [each.quantities["MACs"] for each in cases]
    batches = [each.batch for each in cases]
    return Device(
        name=facts.name,
        device=setting.device,
        runtime=runtime_of(setting.runtime, setting.runtime_version).name,
        version=setting.runtime_version,
        dtype=precision_named(setting.dtype).name,
        threads=setting.threads,
        layout=setting.layout,
        mode=setting.mode or "inference",
        clock=facts.clock,
        date=facts.date,
        rule=final.rule,
        constants=dict(zip(NAMES, map(float, final.constants), strict=True)),
        calibration=Calibration(
            facts.source, len(cases), Counter(each.family for each in cases),
            "" if sister is None else sister.name,
        ),
        held_out=held,
        seen=Seen(
            (int(min(work)), int(max(work))),
            (min(batches), max(batches)),
            Counter(batches).most_common(1)[0][0],
            tuple(sorted(frozenset().union(*(each.kinds for each in cases)))),
        ),
        repeatability=facts.repeatability,
    )  # fmt: skip


def by_family(found: Calibrated, families: Sequence[str]) -> dict[str, tuple[int, float, float]]:
    """For each family its number of networks, the median signed error of their predictions and the
    median absolute one, in percent of the measured times."""
    of = np.array(families)
    signed = 100 * (found.predicted / found.measured - 1)
    return {
        name: (
            int((of == name).sum()),
            float(np.median(signed[of == name])),
            median_error(found.predicted[of == name], found.measured[of == name]),
        )
        for name in sorted(set(families))
    }
