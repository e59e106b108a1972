"""The constants of a device from measured networks: non-negative least squares on relative errors.

Errors are weighed by a soft-L1 loss, so that a few networks that run oddly do not bend the rest.
Under the rule `max` the time is linear in the constants wherever it is known which of arithmetic
and memory bounds each unit. A step of Gauss and Newton is then the same least squares at the bounds
of the step before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flopscope.timing.categories import Category
from flopscope.timing.constants import BYTE, INDEXED_BYTE, MACS, MOVED_BYTE, NAMES
from flopscope.timing.design import Floats, Sample
from flopscope.timing.least_squares import non_negative

SCALE = 0.1
"""The relative error from which the loss grows linearly instead of quadratically."""

WEAK = 0.02
"""The weight of the pull of each constant to 0, which decides where the networks do not."""

PRIOR = 0.2
"""The weight of the pull of each constant to that of a sister device: the error of a network over
the relative difference that is expected between sisters, 10 % over 50 %."""

STAND_INS = (
    (MACS[Category.POINTWISE].name, MACS[Category.STANDARD].name),
    (MACS[Category.STANDARD].name, MACS[Category.POINTWISE].name),
    (MACS[Category.LINEAR].name, MACS[Category.POINTWISE].name),
    (MACS[Category.MATMUL].name, MACS[Category.LINEAR].name),
    (MACS[Category.GROUPED].name, MACS[Category.STANDARD].name),
    (MACS[Category.DEPTHWISE].name, MACS[Category.GROUPED].name),
    (MOVED_BYTE.name, BYTE.name),
    (INDEXED_BYTE.name, MOVED_BYTE.name),
)
"""The constant that stands in for one of which the networks say nothing, in this order."""

NOTHING = 1e-9
"""The share of the time below which a constant of a prior counts as 0."""

STEPS = 30
STILL = 1e-6


@dataclass(frozen=True)
class Fit:
    """The rule and the constants, in the order of `constants.CONSTANTS`."""

    rule: str
    constants: Floats

    def seconds(self, sample: Sample) -> Floats:
        """The predicted time of each network."""
        return sample.design(self.rule, self.constants) @ self.constants


def fit(sample: Sample, seconds: Floats, rule: str, prior: Floats | None = None) -> Fit:
    """The constants that bring the predicted times nearest to the measured ones.

    With a `prior`, constants of a sister device, these are first multiplied by one scale, that of
    the median network; the networks then move them away from there as far as they say so.
    """
    matrix = sample.design("sum", np.zeros(0)) / seconds[:, None]
    start = _scaled_prior(sample, seconds, rule, prior)
    constants = _step(matrix, np.ones(len(seconds)), None) if start is None else start
    best, least = constants, np.inf
    for _ in range(STEPS):
        if rule == "max":
            matrix = sample.design(rule, constants) / seconds[:, None]
        loss = _loss(matrix @ constants)
        if loss < least:
            best, least = constants, loss
        new = _step(matrix, matrix @ constants, start)
        if rule == "max":
            new = (new + constants) / 2  # the bounds of many units change at once
        if np.abs(new - constants).max() <= STILL * np.abs(constants).max():
            break
        constants = new
    return Fit(rule, _completed(sample, best))


def _completed(sample: Sample, constants: Floats) -> Floats:
    """The constants, where what no network does takes as long as what is most like it."""
    used = np.any(sample.design("sum", constants) > 0, axis=0)
    found = constants.copy()
    for name, like in STAND_INS:
        if not used[NAMES.index(name)]:
            found[NAMES.index(name)] = found[NAMES.index(like)]
    return found


def _scaled_prior(
    sample: Sample, seconds: Floats, rule: str, prior: Floats | None
) -> Floats | None:
    if prior is None:
        return None
    predicted = sample.design(rule, prior) @ prior
    scaled: Floats = prior * np.median(seconds / predicted)
    return scaled


def _step(matrix: Floats, predicted: Floats, prior: Floats | None) -> Floats:
    """The least squares in which each network weighs as its last error says."""
    size = _sizes(matrix, prior)
    weight = (1 + ((predicted - 1) / SCALE) ** 2) ** -0.25
    scaled = matrix / size
    if prior is None:
        pull = WEAK * np.sqrt(len(matrix)) * np.eye(len(size))
        towards = np.zeros(len(size))
    else:
        share = prior * size
        known = np.where(share > NOTHING, share, 1.0)
        pull = np.diag(PRIOR / known)
        towards = np.where(share > NOTHING, PRIOR, 0.0)
    rows = np.vstack((scaled * weight[:, None], pull))
    found: Floats = non_negative(rows, np.concatenate((weight, towards))) / size
    return found


def _sizes(matrix: Floats, prior: Floats | None) -> Floats:
    """The size of each column, by which it is divided; that of a column that no network uses is
    such that its constant stays what it is in the prior."""
    size: Floats = np.abs(matrix).mean(axis=0)
    other = np.ones_like(size)
    if prior is not None:
        other[prior > 0] = 1 / prior[prior > 0]
    return np.where(size > 0, size, other)


def _loss(ratio: Floats) -> float:
    """The soft-L1 loss of predicted over measured times."""
    return float(np.sum(np.sqrt(1 + ((ratio - 1) / SCALE) ** 2) - 1))
