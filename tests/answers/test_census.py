"""What `space` answers: marks, histograms, several budgets, samples; and what it refuses."""

from fractions import Fraction

import pytest
from small_spaces import BLOCKS

import flopscope as fs
from flopscope.answers.space import census
from flopscope.answers.spacequestions import Questions
from flopscope.designspaces import store
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput
from flopscope.quantities import QUANTITIES


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "off")


def costs(of):
    (table,) = tables(BLOCKS, [QUANTITIES[of]])
    return sorted(table.cost(design) for design in BLOCKS.all())


def test_without_a_question_it_gives_the_ends_and_the_middle():
    listed = costs("macs")
    found = census(BLOCKS, Questions())
    assert [(mark.words, mark.cost) for mark in found.marks] == [
        ("the cheapest", listed[0]),
        ("the median", listed[(len(listed) - 1) // 2]),
        ("the most expensive", listed[-1]),
    ]


def test_quantiles_are_the_least_costs_that_the_share_keeps():
    listed, found = costs("macs"), census(BLOCKS, Questions())
    for part in range(1, 20):
        rank = -(-part * len(listed) // 20)
        assert found.quantile(Fraction(part, 20)) == listed[rank - 1]


def test_the_histogram_counts_every_design_once():
    found = census(BLOCKS, Questions(histogram=True), of="params")
    listed = costs("params")
    assert sum(each.networks for each in found.bins) == len(listed)
    for each in found.bins:
        assert each.networks == sum(each.above < cost <= each.most for cost in listed)


def test_samples_keep_every_budget():
    most = {"macs": costs("macs")[900], "params": costs("params")[700]}
    found = census(BLOCKS, Questions(sample=50, seed=3), most=most)
    assert len(found.drawn) == 50
    for design, spent, _ in found.drawn:
        ledger = BLOCKS.ledger(design)
        assert spent == (int(ledger.macs()), int(ledger.params()))
        assert spent[0] <= most["macs"]
        assert spent[1] <= most["params"]
    again = census(BLOCKS, Questions(sample=50, seed=3), most=most)
    assert again.drawn == found.drawn
    share = found.together
    assert share is not None
    assert share.low <= share.kept / share.tried <= share.high


def test_a_budget_that_nobody_keeps_is_answered_by_the_nearest():
    least = costs("macs")[0]
    found = census(BLOCKS, Questions(), most={"macs": least - 1})
    assert not found.holds
    (mark,) = found.broken
    assert mark.cost == least
    assert not fs.space(BLOCKS, max_macs=least - 1)
    assert fs.space(BLOCKS, max_macs=least)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fs.space(BLOCKS, kth=1522),
            "blocks has 1,521 designs, and so none of rank 1,522; give a rank from 1 to that",
        ),
        (lambda: fs.space(BLOCKS, quantile=1.5), "1.5 is not a share; give one above 0 and at "
         "most 1"),
        (
            lambda: fs.space(BLOCKS, sample=100_001),
            "a sample has at most 100,000 designs, not 100,001",
        ),
        (
            lambda: fs.space(BLOCKS, encodings=True, sample=1),
            "a sample is of networks, not of encodings; leave one of them out",
        ),
        (
            lambda: fs.space(BLOCKS, seed=1),
            "a seed is for a sample, and none is drawn; give sample too",
        ),
        (
            lambda: fs.space(3),
            "3 is not a design space; give a name such as 'ofa_mobilenetv3', or a text such as "
            "'space.py:NAME'",
        ),
        (lambda: fs.space(BLOCKS, kth=0), "kth 0 is not a positive integer; give one such as 1"),
        (
            lambda: fs.space(BLOCKS, quantile="half"),
            "quantile 'half' is not a number; give a share such as 0.1",
        ),
        (
            lambda: fs.space(BLOCKS).count("no"),
            "most 'no' is not an integer from 1; give one such as '300M'",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(call, message):
    with pytest.raises(BadInput) as refused:
        str(call())
    assert str(refused.value) == message
