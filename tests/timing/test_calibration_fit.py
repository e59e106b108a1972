"""Fits to machines that are made up, whose constants are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.timing.builtin import device_of
from flopscope.timing.calibration import Facts, calibrated, case
from flopscope.timing.constants import NAMES
from flopscope.timing.held_out import coverage, family_of, folds, quantiles
from flopscope.timing.least_squares import non_negative
from flopscope.timing.measurement import Setting
from flopscope.timing.roofline import Bound, attoseconds, time_of

SETTING = Setting("a machine", "ort", "1.0", "float32", 1, "nchw", "inference")
MODELS = (
    "mobilenetv2:width=0.5", "mobilenetv2", "mobilenetv1", "mobilenetv1:width=0.5", "resnet18",
    "resnet34", "resnet50", "shufflenetv2_x0.5", "shufflenetv2_x1.0", "ghostnet_100",
    "mobilenetv3_large", "mobilenetv3_small", "efficientnet_b0", "regnetx_200mf", "regnetx_400mf",
)  # fmt: skip
SIZES = (96, 160)


def machine(rule):
    """A device whose constants are chosen, for a runtime that folds."""
    known = device_of("pixel3-cpu-tflite")
    macs = [3e-11, 2.5e-11, 1e-10, 4e-11, 5e-11, 6e-11]
    values = [*macs, 8e-11, 9e-11, 9e-11, 1.5e-10, 1e-9, 2e-6, 4e-6]
    constants = dict(zip(NAMES, values, strict=True))
    return replace(known, name="made up", runtime="ort", rule=rule, constants=constants)


@pytest.fixture(scope="module")
def ledgers():
    return [(name, parse(name).ledger((size, size))) for name in MODELS for size in SIZES]


def cases_on(device, ledgers, noise=0.0):
    random = np.random.default_rng(0)
    return [
        case(
            ledger.rows, SETTING, family_of(name),
            time_of(ledger.rows, device).seconds * np.exp(noise * random.standard_normal()), 1,
        )
        for name, ledger in ledgers
    ]  # fmt: skip


@pytest.mark.parametrize(("rule", "most"), [("sum", 3), ("max", 8)])
def test_the_constants_of_a_known_machine_predict_its_networks(ledgers, rule, most):
    # what bounds a unit under the rule max is found step by step, from thirty networks alone
    found = calibrated(cases_on(machine(rule), ledgers), Facts("d", SETTING, "", "2026-01-01", ""))
    assert found.device.rule == rule
    assert found.device.held_out.median < most
    assert min(found.device.held_out.baselines.values()) > 2 * most
    assert found.device.held_out.kendall > 0.9


def test_noise_is_in_the_interval(ledgers):
    cases = cases_on(machine("sum"), ledgers, 0.1)
    held = calibrated(cases, Facts("d", SETTING, "", "2026-01-01", "")).device.held_out
    assert 4 < held.median < 14
    narrow, wide = held.quantiles["80"], held.quantiles["90"]
    assert wide.low <= narrow.low < 0 < narrow.high <= wide.high


def test_few_networks_need_a_sister(ledgers):
    facts = Facts("d", SETTING, "", "2026-01-01", "")
    few = cases_on(machine("sum"), ledgers)[::5]
    with pytest.raises(BadInput) as caught:
        calibrated(few, facts)
    assert str(caught.value) == (
        "6 measured networks are too few for the constants of a device, which needs 20; measure "
        "more, or give the device file of a similar machine with --sister"
    )
    twice = {name: 2 * value for name, value in machine("sum").constants.items()}
    found = calibrated(few, facts, replace(machine("sum"), constants=twice))
    assert found.device.held_out.median < 2  # one scale is all that they differ by
    assert found.device.calibration.sister == "made up"


def test_one_family_cannot_be_held_out(ledgers):
    cases = [each._replace(family="one") for each in cases_on(machine("sum"), ledgers)]
    with pytest.raises(BadInput) as caught:
        calibrated(cases, Facts("d", SETTING, "", "2026-01-01", ""))
    assert str(caught.value) == (
        "all measured networks are of one family, one, so that none can be held out to test the "
        "fit; measure networks of at least two families"
    )


@pytest.mark.parametrize("rule", ["sum", "max"])
@pytest.mark.parametrize("name", ["mobilenetv2", "mobilevit_s"])
def test_the_formula_is_the_sum_of_the_units(rule, name):
    from flopscope.symbolic import dimension

    device = machine(rule)
    ledger = parse(name).ledger((224, 224))
    seconds = time_of(ledger.rows, device).seconds
    assert int(attoseconds(ledger.rows, device)) / 1e18 == pytest.approx(seconds, rel=1e-12)
    side = dimension("H")
    free = parse(name).ledger((side, side))
    formula = free.read(lambda rows: attoseconds(rows, device)).formula
    assert formula.at(H=224) == int(attoseconds(ledger.rows, device))


def test_the_shares_of_the_bounds_add_up():
    time = time_of(parse("efficientnet_b0").ledger((224, 224)).rows, machine("max"))
    assert sum(time.shares().values()) == pytest.approx(1)
    assert set(time.shares()) == set(Bound)
    assert time.interval(80)[0] < time.seconds < time.interval(90)[1]


def test_time_is_for_numbers():
    from flopscope.symbolic import dimension

    ledger = parse("mobilenetv1").ledger((dimension("H"), dimension("H")))
    with pytest.raises(BadInput) as caught:
        ledger.time("pixel3-cpu-tflite")
    assert str(caught.value) == (
        "stem.conv has free sizes, and a time is for numbers; give them values, as in "
        "ledger.at(B=1, H=224, W=224)"
    )


def test_non_negative_least_squares_is_that_of_every_subset():
    from itertools import product as choices

    random = np.random.default_rng(3)
    for _ in range(20):
        matrix, wanted = random.standard_normal((9, 4)), random.standard_normal(9)
        best = np.inf
        for keep in choices([False, True], repeat=4):
            columns = np.flatnonzero(keep)
            part = np.linalg.lstsq(matrix[:, columns], wanted, rcond=None)[0]
            if (part >= 0).all():
                best = min(best, float(((matrix[:, columns] @ part - wanted) ** 2).sum()))
        found = non_negative(matrix, wanted)
        assert (found >= 0).all()
        assert ((matrix @ found - wanted) ** 2).sum() == pytest.approx(best)


def test_families_stay_whole_in_folds():
    families = ["a"] * 7 + ["b"] * 5 + ["c"] * 3 + ["d"]
    fold = folds(families, 3)
    assert {len(set(fold[[f == name for f in families]])) for name in "abcd"} == {1}
    assert sorted(np.bincount(fold).tolist()) == [4, 5, 7]


def test_quantiles_cover_what_they_say():
    random = np.random.default_rng(1)
    residuals = random.standard_normal(4000)
    ends = quantiles(residuals, "90")
    assert (ends.low, ends.high) == pytest.approx((-1.645, 1.645), abs=0.1)
    measured = np.exp(residuals)
    families = [f"family {n % 40}" for n in range(4000)]
    assert coverage(np.ones(4000), measured, families, "90") == pytest.approx(90, abs=1)
