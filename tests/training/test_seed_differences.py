"""Differences over seeds, with scipy's distribution as the witness."""

import numpy as np
import pytest
from scipy import stats

from flopscope.errors import BadInput
from flopscope.training.seeds import T_95, difference


def test_the_quantiles_are_those_of_student_s_distribution():
    for freedom, quantile in enumerate(T_95, start=1):
        assert quantile == pytest.approx(stats.t.ppf(0.975, freedom), abs=5e-4)


@pytest.mark.parametrize("pairs", [2, 3, 5, 10])
def test_the_interval_is_that_of_a_paired_test(pairs):
    rng = np.random.default_rng(pairs)
    first, second = rng.normal(97, 1, pairs).tolist(), rng.normal(97.6, 1, pairs).tolist()
    found = difference(first, second)
    test = stats.ttest_rel(second, first)
    low, high = test.confidence_interval(0.95)
    assert found.mean - found.half_width == pytest.approx(low, rel=1e-3)
    assert found.mean + found.half_width == pytest.approx(high, rel=1e-3)
    assert found.within_noise == (test.pvalue >= 0.05)


def test_verdicts():
    better, same = difference([1, 2, 3], [2.1, 3, 3.9]), difference([1, 2], [1, 2])
    assert str(better) == "+1.00 ± 0.25 over 3 seeds, beyond the noise"
    assert str(same) == "+0.00 ± 0.00 over 2 seeds, within the noise"


PAIRS = [([1], [2]), ([1, 2], [1, 2, 3]), ([0] * 11, [1] * 11)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_refused_pairs(first, second):
    with pytest.raises(BadInput) as refused:
        difference(first, second)
    assert str(refused.value) == (
        f"{len(first)} values and {len(second)} are not 2 to 10 pairs; give as many of both, each "
        "pair of one seed"
    )
