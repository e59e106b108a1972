"""Operators that were measured alone as the start of a fit, on a machine that is made up."""

from __future__ import annotations

import numpy as np
import pytest

from flopscope.answers.calibration_set import operators
from flopscope.answers.measured_operators import rows_of
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.timing.calibration import Facts, calibrated, case, prior_of
from flopscope.timing.constants import NAMES
from flopscope.timing.design import Sample
from flopscope.timing.fitting import fit
from flopscope.timing.held_out import folds, validated
from flopscope.timing.measurement import Setting

SETTING = Setting("made up", "ort", "1", "float32", 1, "nchw", "inference")
FACTS = Facts("made-up", SETTING, "mean", "2026-11-30", "a test")
CONSTANTS = np.array([8, 8, 13, 10, 8, 5, 7, 9, 9, 6, 120, 5e6, 4e6]) * 1e-12
FEW = ("mobilenetv2", "resnet18", "ghostnet_100", "shufflenetv2_x1.0")


def taken(rows):
    """The case of these rows, with the seconds that the machine takes under the rule of the sum."""
    found = case(rows, SETTING, "", 1.0, 1)
    design = Sample.of([found.works]).design("sum", CONSTANTS)
    return found._replace(seconds=float((design @ CONSTANTS)[0]))


@pytest.fixture(scope="module")
def singles():
    found = [taken(rows_of(each.name)) for each in operators(1)]
    return [each for each in found if each.works]


@pytest.fixture(scope="module")
def networks():
    rows = {name: parse(name).ledger((224, 224)).rows for name in FEW}
    return [taken(rows[name])._replace(family=name) for name in FEW]


def test_the_operators_of_the_set_tell_all_constants(singles):
    sample = Sample.of([each.works for each in singles])
    seconds = np.array([each.seconds for each in singles])
    found = fit(sample, seconds, "sum").constants
    assert dict(zip(NAMES, found / CONSTANTS, strict=True)) == pytest.approx(
        dict.fromkeys(NAMES, 1), rel=0.35
    )


def test_four_networks_are_enough_with_operators(networks, singles):
    found = calibrated(networks, FACTS, operators=singles)
    assert found.device.rule == "sum"
    assert found.device.calibration.networks == 4
    assert found.device.held_out.median < 2
    assert found.predicted == pytest.approx(found.measured, rel=0.1)


def test_without_operators_they_are_too_few(networks):
    with pytest.raises(BadInput) as refused:
        calibrated(networks, FACTS)
    assert str(refused.value).startswith("4 measured networks are too few for the constants")


def test_the_start_has_the_rule_that_predicts_networks_best(networks, singles):
    sample = Sample.of([each.works for each in networks])
    seconds = np.array([each.seconds for each in networks])
    assert prior_of(singles, sample, seconds, FEW).rule == "sum"


def test_each_family_can_be_held_out_by_itself(networks):
    families = [f"family {number:02}" for number in range(12)]
    assert len(set(folds(families))) == 10
    assert len(set(folds(families, 12))) == 12
    sample = Sample.of([each.works for each in networks])
    seconds = np.array([each.seconds for each in networks])
    assert len(validated(sample, seconds, FEW, most=4).predicted) == 4


def test_a_constant_of_next_to_nothing_is_nothing(networks):
    sample = Sample.of([each.works for each in networks])
    seconds = np.array([each.seconds for each in networks])
    start = CONSTANTS.copy()
    start[NAMES.index("moved_byte")] = 1e-300
    found = fit(sample, seconds, "sum", start)
    assert np.isfinite(found.constants).all()
    assert found.seconds(sample) == pytest.approx(seconds, rel=0.05)
