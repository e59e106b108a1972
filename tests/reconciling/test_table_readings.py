"""The readings that tables share, counted as single numbers are."""

import numpy as np
import pytest

from flopscope.catalog.variant import parse
from flopscope.reconciling.accounts import parameter_accounts, work_accounts
from flopscope.reconciling.changes import SEVERAL, SINGLE
from flopscope.reconciling.countings import countings
from flopscope.reconciling.readings import (
    parameter_counts,
    parameter_readings,
    work_counts,
    work_readings,
)
from flopscope.reconciling.subjects import Version

NAMES = ("mobilenetv3_small", "mobilevit_xxs", "resnet18", "ghostnet_050", "wtconvnext_tiny")


def halves(readings, counts):
    """Counts by name, which come doubled."""
    assert len(readings) == len(counts)
    return {
        reading.name: (int(n), reading.steps) for reading, n in zip(readings, counts, strict=True)
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_account_of_work_is_a_reading_with_its_steps(name):
    variant = parse(name)
    ledger = variant.ledger(variant.resolution())
    found = halves(work_readings(), work_counts(ledger.rows))
    version = Version("", 0, ledger)
    accounts = [*work_accounts(version, countings()), *work_accounts(version, countings(), SEVERAL)]
    assert len(accounts) > 400
    for account in accounts:
        assert found[account.name] == (2 * account.count, account.steps)


@pytest.mark.parametrize("name", NAMES)
def test_every_account_of_parameters_is_a_reading_with_its_steps(name):
    variant = parse(name)
    ledger = variant.ledger(variant.resolution())
    found = halves(parameter_readings(), parameter_counts(ledger.rows))
    version = Version("", 0, ledger)
    accounts = [*parameter_accounts(version), *parameter_accounts(version, SEVERAL)]
    for account in accounts:
        assert found[account.name] == (2 * account.count, account.steps)


def test_the_plain_count_is_the_first_reading():
    assert (work_readings()[0].name, work_readings()[0].steps) == ("macs", 0)
    assert (parameter_readings()[0].name, parameter_readings()[0].steps) == ("parameters", 0)
    assert sum(reading.steps == 0 for reading in work_readings()) == 1


def test_names_tell_readings_apart():
    for readings in (work_readings(), parameter_readings()):
        assert len({reading.name for reading in readings}) == len(readings)


def test_changes_are_composed_in_their_order():
    assert len(SINGLE) == 6
    assert len(SEVERAL) == 30
    both = next(
        each for each in SEVERAL if each.name == "batch norm folded; without the classifier"
    )
    variant = parse("mobilenetv2")
    rows = both.apply(variant.ledger(variant.resolution()).rows)
    found = halves(parameter_readings(), parameter_counts(variant.ledger((224, 224)).rows))
    weights = {w.key: np.prod(w.shape) for row in rows for w in row.weights if w.learnt}
    assert found[f"parameters; {both.name}"][0] == 2 * sum(weights.values())
