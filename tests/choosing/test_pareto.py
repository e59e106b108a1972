"""Frontiers against a search over all pairs; the numbers that describe them against geometry."""

import itertools
from fractions import Fraction

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.choosing import pareto
from flopscope.choosing.indicators import hypervolume, knee
from flopscope.choosing.pareto import dominators, frontier
from flopscope.errors import BadInput


def dominates(a, b, senses):
    """By the definition, criterion by criterion."""
    signs = [1 if sense == "min" else -1 for sense in senses]
    pairs = [(s * x, s * y) for s, x, y in zip(signs, a, b, strict=True)]
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def brute_force(points, senses):
    return [not any(dominates(other, point, senses) for other in points) for point in points]


@st.composite
def clouds(draw, most=5):
    """Points on a coarse grid, so that ties and duplicates are many; each criterion's sense."""
    d = draw(st.integers(1, most))
    side = draw(st.integers(1, 6))
    value = st.integers(-side, side) | st.just(2**53 + side) | st.floats(-side, side)
    points = draw(st.lists(st.tuples(*[value] * d), max_size=40))
    return points, draw(st.lists(st.sampled_from(["min", "max"]), min_size=d, max_size=d))


def columns(points, senses):
    return [list(column) for column in zip(*points, strict=True)] or [[] for _ in senses]


@given(clouds())
def test_the_frontier_is_that_of_all_pairs(cloud):
    points, senses = cloud
    assert frontier(columns(points, senses), senses).tolist() == brute_force(points, senses)


@pytest.mark.parametrize("few", [0, 3])
@given(cloud=clouds())
def test_thinning_changes_nothing(few, cloud):
    points, senses = cloud
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pareto, "FEW", few)
        assert frontier(columns(points, senses), senses).tolist() == brute_force(points, senses)


@given(clouds())
def test_each_dominated_point_has_a_dominator_on_the_frontier(cloud):
    points, senses = cloud
    on = frontier(columns(points, senses), senses)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pareto, "PAIRS", 7)  # several parts
        found = dominators(columns(points, senses), senses)
    for point, by, kept in zip(points, found, on, strict=True):
        assert (by == -1) == kept
        if not kept:
            rivals = [p for p, k in zip(points, on, strict=True) if k]
            rivals = [p for p in rivals if dominates(p, point, senses)]
            best = (min if senses[-1] == "min" else max)(p[-1] for p in rivals)
            assert points[by] == next(p for p in rivals if p[-1] == best)
            assert dominates(points[by], point, senses)


@given(clouds(), st.randoms())
def test_order_and_scale_of_the_points_do_not_matter(cloud, random):
    points, senses = cloud
    on = frontier(columns(points, senses), senses)
    places = list(range(len(points)))
    random.shuffle(places)
    shuffled = frontier(columns([points[i] for i in places], senses), senses)
    assert shuffled.tolist() == [on[i] for i in places]
    stretched = [[Fraction(x) ** 3 for x in column] for column in columns(points, senses)]
    assert frontier(stretched, senses).tolist() == on.tolist()


@given(clouds(most=4))
def test_moocore_finds_the_same(cloud):
    """With its duplicates kept, and on values that a float holds."""
    points, senses = cloud
    points = [point for point in points if max(map(abs, point)) < 2**53]
    if points:
        theirs = moocore.is_nondominated(
            np.array(points, dtype=float), maximise=[s == "max" for s in senses], keep_weakly=True
        )
        assert frontier(columns(points, senses), senses).tolist() == theirs.tolist()


def test_duplicates_stay_together_and_ties_do_not():
    cost, gain = [1, 1, 2, 2, 3], [5, 5, 6, 5, 6]
    assert frontier([cost, gain], ["min", "max"]).tolist() == [True, True, True, False, False]
    assert dominators([cost, gain], ["min", "max"]).tolist() == [-1, -1, -1, 2, 2]


def test_integers_are_told_apart_beyond_a_float():
    assert frontier([[2**53, 2**53 + 1, 2**53 + 1.0]], ["max"]).tolist() == [False, True, False]
    assert frontier([[2**80, 2**80 + 1]], ["min"]).tolist() == [True, False]
    low = np.array([np.iinfo(np.int64).min, 0, np.iinfo(np.int64).max])
    assert frontier([low], ["max"]).tolist() == [False, False, True]
    assert frontier([low.astype(np.uint64)], ["min"]).tolist() == [False, True, False]


def test_infinite_values_are_ordered_like_others():
    x = np.array([np.inf, -np.inf, 0.0] * 1000)
    assert frontier([x, -x], ["min", "min"]).all()
    assert frontier([x, x], ["min", "min"]).tolist() == [False, True, False] * 1000


def test_a_million_points():
    rng = np.random.default_rng(0)
    cost = rng.integers(1, 10**10, 10**6)
    gain = rng.random(10**6)
    on = frontier([cost, gain], ["min", "max"])
    best = np.lexsort((-gain, cost))
    running = np.maximum.accumulate(gain[best])
    assert on[best].tolist() == [True, *(running[1:] > running[:-1])]


@pytest.mark.parametrize(
    ("criteria", "senses", "message"),
    [
        ([], [], "no criterion to choose by; give at least one sequence of numbers"),
        ([[1], [2]], ["min"], "2 criteria but 1 senses; give one min or max each"),
        ([[1]], ["up"], "sense 'up' is not min or max"),
        ([[1, 2], [3]], ["min", "max"],
         "criteria of 2, 1 points; give every criterion for every point"),
        ([["a"]], ["min"],
         "a criterion is not a sequence of numbers; give one number for each point"),
        ([[[1, 2]]], ["min"],
         "a criterion is not a sequence of numbers; give one number for each point"),
        ([[1.0, float("nan")]], ["max"],
         "a criterion has a value that is NaN; leave that point out"),
        ([np.array([np.nan])], ["min"],
         "a criterion has a value that is NaN; leave that point out"),
    ],
)  # fmt: skip
def test_what_is_no_cloud_of_points(criteria, senses, message):
    for function in (frontier, dominators):
        with pytest.raises(BadInput) as raised:
            function(criteria, senses)
        assert str(raised.value) == message


# --- hypervolume and knee -----------------------------------------------------------------------

GRID = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


@given(GRID, st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_the_hypervolume_is_the_number_of_unit_squares(points, reference):
    most, least = reference
    squares = {
        (x, y)
        for cost, gain in points
        for x, y in itertools.product(range(cost, most), range(least, gain))
    }
    costs, gains = columns(points, ["min", "max"])
    assert hypervolume(costs, gains, reference) == len(squares)


def test_the_hypervolume_of_fractions_is_exact():
    third = Fraction(1, 3)
    assert hypervolume([third, 1], [third, 1], (2, 0)) == Fraction(2, 3) * third + 1


def test_the_knee_is_the_point_furthest_above_the_chord():
    costs = [10**6, 10**7, 10**8, 10**9, 10**7]
    gains = [50.0, 70.0, 75.0, 80.0, 60.0]
    # above the chord by 20/30 − 1/3 and by 25/30 − 2/3; the last point is not on the frontier
    assert knee(costs, gains) == 1
    # exchanged, the frontier is its mirror image: below the chord
    assert knee([10**6, 10**7, 10**8, 10**9], [50.0, 55.0, 60.0, 80.0]) is None


@pytest.mark.parametrize(
    ("costs", "gains"), [([], []), ([5], [1]), ([5, 5], [1, 1]), ([1, 100], [1, 2])]
)
def test_no_knee_without_a_bend(costs, gains):
    assert knee(costs, gains) is None


def test_equal_points_give_the_first_as_knee():
    assert knee([1, 10, 10, 100], [0, 9, 9, 10]) == 1


def test_a_cost_without_logarithm():
    with pytest.raises(BadInput) as raised:
        knee([0, 1, 2], [1, 2, 3])
    assert str(raised.value) == (
        "a cost is not positive and has no logarithm; leave that point out"
    )
