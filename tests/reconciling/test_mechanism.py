"""One reading for a table, and the chance of a coincidence counted out."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.reconciling.chance import near
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.mechanism import Choice, Column, Row, shown

PLAIN = Choice("", Digits.ROUNDED, 0, 0)


def column(texts, counts, steps):
    """A column of these texts; `counts` has a row of counts by each reading for each of them."""
    rows = [
        Row(Reported.parse(text), {"": 2 * np.array(by, np.int64)})
        for text, by in zip(texts, counts, strict=True)
    ]
    return Column(rows, np.array(steps), {"": 0})


@given(st.integers(0, 10**12), st.sampled_from([1, 10, 1000, 10**6]), st.booleans())
def test_digits_end_as_reported_numbers_do(count, unit, half):
    """Counted with fractions, by the rule that single numbers have."""
    exact = Fraction(count) + Fraction(half, 2)
    rounded, truncated, raised = shown(np.array([2 * count + half]), unit)[:, 0].tolist()
    assert rounded == (exact / unit + Fraction(1, 2)).__floor__()
    assert (truncated, raised) == ((exact / unit).__floor__(), -((-exact / unit).__floor__()))
    for value in (rounded, truncated, raised):
        assert Reported("", Fraction(value * unit), Fraction(unit)).digits(exact) is not None


def test_the_mechanism_gives_most_numbers_for_the_fewest_steps():
    counts = [[1000, 1100], [2000, 2200], [3000, 3300], [4000, 4400]]
    found = column(["1100", "2200", "3300", "4000"], counts, [0, 2])
    assert found.mechanism == Choice("", Digits.ROUNDED, 1, 2)
    assert [found.explained(n).by is not None for n in range(4)] == [True, True, True, False]
    first = found.explained(0)
    assert (first.agreeing, first.siblings, first.confirmed) == (2, 3, True)


def test_a_reading_that_the_siblings_refute_explains_nothing():
    """It would give the first number, and the others are plain."""
    counts = [[1000, 1100], [2000, 2200], [3000, 3300], [4000, 4400]]
    found = column(["1100", "2000", "3000", "4000"], counts, [0, 2])
    assert found.explained(0).by is None
    assert found.mechanism == PLAIN


def test_siblings_that_cannot_tell_confirm_nothing():
    """Both readings give the others, so that the number's own digits pay for the steps."""
    found = column(["1100", "2000", "3000"], [[1000, 1100], [2000, 2000], [3000, 3000]], [0, 2])
    explained = found.explained(0)
    assert explained.by == Choice("", Digits.ROUNDED, 1, 2)
    assert (explained.agreeing, explained.siblings, explained.confirmed) == (2, 2, False)
    short = column(["1.1K", "2.0K", "3.0K"], [[1000, 1100], [2000, 2000], [3000, 3000]], [0, 2])
    assert short.explained(0).by is None  # two digits do not pay for two steps


def test_a_number_alone_is_explained_by_the_fewest_steps():
    found = column(["1100"], [[1000, 1100, 1100]], [0, 3, 2])
    explained = found.explained(0)
    assert (explained.by, explained.siblings) == (Choice("", Digits.ROUNDED, 2, 2), 0)
    assert not explained.confirmed
    assert explained.chance == Fraction(2, 221)  # 1000 and 1100, of 990 to 1210
    assert column(["1234"], [[1000, 1100]], [0, 2]).explained(0).by is None


@given(
    data=st.data(),
    steps=st.lists(st.integers(1, 4), min_size=3, max_size=6),
    size=st.integers(1, 4),
)
def test_the_chance_is_that_of_any_number_near(data, steps, size):
    """Each number near it is put in its place, and the explained ones are counted."""
    count = st.integers(80, 130)
    counts = [
        data.draw(st.lists(count, min_size=len(steps) + 1, max_size=len(steps) + 1))
        for _ in range(size)
    ]
    texts = [str(data.draw(st.sampled_from(by))) for by in counts]
    found = column(texts, counts, [0, *steps])
    least, most = near(int(texts[0]))
    if size == 1:
        return  # how far it is looked for depends on the number itself
    expected = sum(found.explained(0, value).by is not None for value in range(least, most + 1))
    assert found.explained(0).chance == Fraction(expected, most - least + 1)


def test_versions_are_readings_of_the_rows_that_have_them():
    rows = [
        Row(Reported.parse("1100"), {"": np.array([2000]), "other": np.array([2200])}),
        Row(Reported.parse("2200"), {"": np.array([4000]), "other": np.array([4400])}),
        Row(Reported.parse("3000"), {"": np.array([6000])}),
    ]
    found = Column(rows, np.array([0]), {"": 0, "other": 2})
    assert found.mechanism == Choice("other", Digits.ROUNDED, 0, 2)
    assert found.gives(found.mechanism, 1)
    assert not found.gives(found.mechanism, 2)


@pytest.mark.parametrize(("value", "range_"), [(579, (522, 636)), (9, (8, 10)), (0, (0, 1))])
def test_numbers_near(value, range_):
    assert near(value) == range_
