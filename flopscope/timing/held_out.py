"""How far predictions are from networks of families that the fit has not seen, beside baselines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from flopscope.timing.constants import RULES
from flopscope.timing.design import Floats, Sample
from flopscope.timing.device import LEVELS, HeldOut, Quantiles
from flopscope.timing.fitting import Fit, fit

FOLDS = 10
"""Into how many parts families are divided, at most."""

Integers = npt.NDArray[np.int64]
Prediction = Callable[[npt.NDArray[np.bool_]], Floats]
"""From a mask of the networks to fit to, to predicted seconds of all networks."""


def family_of(name: str) -> str:
    """The family of a network by its name: its letters up to the first digit or underscore.

    >>> [family_of(name) for name in ("tf_efficientnet_b0", "resnet50", "mobilenetv2:width=0.5")]
    ['efficientnet', 'resnet', 'mobilenetv']
    """
    plain = name.removeprefix("timm:").removeprefix("torchvision:").removeprefix("tf_")
    return re.split(r"[_\d:.]", plain)[0].lower() or plain


def folds(families: Sequence[str], most: int = FOLDS) -> Integers:
    """The fold of each network. Every family is in one fold, and folds are of about equal size.

    >>> folds(["resnet", "resnet", "vit"]).tolist()
    [0, 0, 1]
    """
    sizes = {name: families.count(name) for name in sorted(set(families))}
    loads = [0] * min(most, len(sizes))
    place: dict[str, int] = {}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        place[name] = loads.index(min(loads))
        loads[place[name]] += sizes[name]
    return np.array([place[name] for name in families], dtype=np.int64)


@dataclass(frozen=True)
class Validated:
    """A rule with its predictions for networks of families held out: (networks,) seconds."""

    rule: str
    predicted: Floats


def validated(
    sample: Sample,
    seconds: Floats,
    families: Sequence[str],
    prior: Fit | None = None,
    most: int = FOLDS,
) -> Validated:
    """Predictions of the rule whose median error on families held out is least, in `most` folds at
    most. With a prior, its rule stays."""
    fold = folds(families, most)
    rules = RULES if prior is None else (prior.rule,)
    found = []
    for rule in rules:
        start = None if prior is None else prior.constants
        predict = partial(_fitted, sample, seconds, rule, start)
        found.append(Validated(rule, across(fold, predict)))
    return min(found, key=lambda each: median_error(each.predicted, seconds))


def _fitted(
    sample: Sample, seconds: Floats, rule: str, prior: Floats | None, keep: npt.NDArray[np.bool_]
) -> Floats:
    return fit(sample.taken(keep), seconds[keep], rule, prior).seconds(sample)


def across(fold: Integers, predict: Prediction) -> Floats:
    """The prediction of each network by a fit to the other folds. One fold alone is predicted by
    itself, which is no test."""
    found = np.zeros(len(fold))
    for index in range(int(fold.max()) + 1):
        held = fold == index
        found[held] = predict(~held)[held]
    return found


def median_error(predicted: Floats, measured: Floats) -> float:
    """The median absolute error, in percent of the measured time."""
    return float(100 * np.median(np.abs(predicted / measured - 1)))


def errors(
    predicted: Floats,
    measured: Floats,
    families: Sequence[str],
    quantities: Mapping[str, Floats],
    protocol: str,
    most: int = FOLDS,
) -> HeldOut:
    """The errors of predictions for families held out, and of times proportional to each of the
    quantities, or to a power of one, with the same families held out, in `most` folds at most."""
    fold = folds(families, most)
    error = np.abs(predicted / measured - 1)
    return HeldOut(
        protocol=protocol,
        median=float(100 * np.median(error)),
        p90=float(100 * np.quantile(error, 0.9)),
        within_10=float(100 * np.mean(error <= 0.1)),
        kendall=kendall(predicted, measured),
        quantiles={level: quantiles(np.log(measured / predicted), level) for level in LEVELS},
        coverage={level: coverage(predicted, measured, families, level) for level in LEVELS},
        baselines=_baselines(fold, measured, quantities),
    )


def _baselines(
    fold: Integers, measured: Floats, quantities: Mapping[str, Floats]
) -> dict[str, float]:
    forms = {"∝ {}": proportional, "{}^b": power}
    return {
        form.format(name): median_error(across(fold, partial(predict, amount, measured)), measured)
        for form, predict in forms.items()
        for name, amount in quantities.items()
    }


def proportional(amount: Floats, measured: Floats, keep: npt.NDArray[np.bool_]) -> Floats:
    """The time of every network, proportional to a quantity as the median of those kept says.

    >>> proportional(np.array([1.0, 3.0]), np.array([2.0, 0.0]), np.array([True, False]))
    array([2., 6.])
    """
    found: Floats = amount * np.median(measured[keep] / amount[keep])
    return found


def power(amount: Floats, measured: Floats, keep: npt.NDArray[np.bool_]) -> Floats:
    """The time of every network as a · quantity^b, by least squares on logarithms."""
    if keep.sum() < 2 or np.ptp(amount[keep]) == 0:
        return proportional(amount, measured, keep)
    exponent, constant = np.polyfit(np.log(amount[keep]), np.log(measured[keep]), 1)
    found: Floats = np.exp(constant + exponent * np.log(amount))
    return found


def quantiles(residuals: Floats, level: str) -> Quantiles:
    """The central interval of residuals that covers this percentage of further ones, if these are
    like them: of n residuals the k-th, where k is the next integer above (n + 1) · share.

    >>> quantiles(np.arange(99.0), "80")
    Quantiles(low=9.0, high=89.0)
    """
    ordered = np.sort(residuals)
    n = len(ordered)
    below = max((n + 1) * (100 - int(level)) // 200 - 1, 0)
    return Quantiles(float(ordered[below]), float(ordered[n - 1 - below]))


def coverage(predicted: Floats, measured: Floats, families: Sequence[str], level: str) -> float:
    """The percentage of networks within an interval that is made from other families' errors."""
    residuals = np.log(measured / predicted)
    of = np.array(families)
    within = np.zeros(len(of), dtype=bool)
    for name in set(families):
        own = of == name
        if own.all():
            continue
        interval = quantiles(residuals[~own], level)
        within[own] = (residuals[own] >= interval.low) & (residuals[own] <= interval.high)
    return float(100 * within.mean())


def kendall(a: Floats, b: Floats) -> float:
    """Kendall's rank correlation τ-b: 1 where both order all networks alike.

    >>> kendall(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    0.3333333333333333
    """
    upper = np.triu_indices(len(a), 1)
    first = np.sign(a[:, None] - a)[upper]
    second = np.sign(b[:, None] - b)[upper]
    scale = np.sqrt(np.count_nonzero(first) * np.count_nonzero(second))
    return float((first * second).sum() / scale) if scale else 0.0
