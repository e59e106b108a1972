"""How far predicted savings are from measured ones.

The interval of a network's time is too narrow for the difference of two times: errors that are a
few per cent of a network are many per cent of one block. So savings have an interval of their own,
from pairs of published networks of one family, whose times were measured on the device.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from flopscope.catalog.latencies import batches, devices, latencies
from flopscope.catalog.variant import parse
from flopscope.timing.builtin import device_of, is_builtin
from flopscope.timing.device import LEVELS, Device, Quantiles

WIDER = 3.5
"""How many times wider a saving's interval is in logarithms than a network's, where no measured
pairs tell. On the four devices with enough pairs it is 2.6 to 4.3 times at 90 %."""

SHARES = (0.05, 0.6)
"""The least and the most that a pair's saving is of the slower network's time."""

ENOUGH = 10
"""Families from which quantiles are taken, at least."""


@dataclass(frozen=True)
class Savings:
    """The quantiles of ln(measured saving / predicted saving), each family of networks with equal
    weight. `pairs` is 0 where they are a network's quantiles, widened. `covered` is the share of
    the pairs, in percent, that a network's own interval of 90 % covers."""

    quantiles: Mapping[str, Quantiles]
    pairs: int = 0
    families: int = 0
    covered: float = math.nan

    def factors(self, level: int) -> tuple[float, float]:
        """What a predicted saving is multiplied by for the ends of its interval."""
        ends = self.quantiles[str(level)]
        return math.exp(ends.low), math.exp(ends.high)


def savings_on(device: Device) -> Savings:
    """How far savings are off on a device: from the measured networks of the catalogue if it comes
    with flopscope, and otherwise the network's interval, widened."""
    if is_builtin(device) and device.name in devices():
        found = _measured(device.name)
        if found is not None:
            return found
    widened = {
        level: Quantiles(WIDER * ends.low, WIDER * ends.high)
        for level, ends in device.held_out.quantiles.items()
    }
    return Savings(widened)


@cache
def _measured(name: str) -> Savings | None:
    """The errors of the savings between networks of one family; None where they are too few."""
    device = device_of(name)
    errors: dict[str, list[float]] = defaultdict(list)
    for (family, _), times in _times(device).items():
        errors[family] += _errors(times)
    errors = {family: found for family, found in errors.items() if found}
    values = np.array([error for found in errors.values() for error in found])
    if len(errors) < ENOUGH:
        return None
    weights = np.array([1 / len(found) for found in errors.values() for _ in found])
    quantiles = {}
    for level in LEVELS:
        tail = (1 - int(level) / 100) / 2
        quantiles[level] = Quantiles(*(_quantile(values, weights, q) for q in (tail, 1 - tail)))
    own = device.held_out.quantiles["90"]
    covered = 100 * float(np.mean((values >= own.low) & (values <= own.high)))
    return Savings(quantiles, len(values), len(errors), covered)


def _times(device: Device) -> dict[tuple[str, object], list[tuple[float, float]]]:
    """Measured and predicted seconds of the catalogue's networks at the device's usual batch, by
    family and size of the image."""
    found: dict[tuple[str, object], dict[str, tuple[float, float]]] = defaultdict(dict)
    batch = next(iter(batches(device.name)), None)
    for row in latencies(device.name):
        if row.catalogue is None or row.latency_ms is None or row.resolution is None:
            continue
        if row.batch != batch:
            continue
        variant = parse(row.catalogue)
        networks = found[variant.model.family, row.resolution]
        if str(variant) not in networks:
            ledger = variant.ledger(row.resolution, row.batch)
            times = float(row.latency_ms) / 1e3, float(ledger.time(device).seconds)
            networks[str(variant)] = times
    return {key: list(networks.values()) for key, networks in found.items()}


def _errors(times: Sequence[tuple[float, float]]) -> list[float]:
    """ln(measured / predicted saving) of each pair; −∞ where nothing was saved."""
    found = []
    for pair in combinations(times, 2):
        less, more = sorted(pair, key=lambda each: each[1])
        predicted, measured = more[1] - less[1], more[0] - less[0]
        if SHARES[0] <= predicted / more[1] <= SHARES[1]:
            found.append(math.log(measured / predicted) if measured > 0 else -math.inf)
    return found


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The least value up to which the weights add up to this share."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, share)])
