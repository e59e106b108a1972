"""Budgets along several axes: against every design tried one by one, and how little is tried."""

import math

import numpy as np
import pytest

from flopscope import formula
from flopscope.choosing import frontier, solve
from flopscope.choosing.axes import BATCH, Axis
from flopscope.choosing.budgets import Budget
from flopscope.choosing.designs import Designs
from flopscope.choosing.ideals import boundaries
from flopscope.choosing.rising import Factored
from flopscope.choosing.steps import stairs
from flopscope.errors import BadInput
from flopscope.sizes import equal, make_divisible, maximum
from flopscope.symbolic import dimension, symbol

WIDTH = Axis("width", 64, 1)


def designs(model, budgets, free, step=None):
    limits = [Budget(quantity, limit) for quantity, limit in budgets.items()]
    return solve.solve(model, limits, free, step=step).designs


def one_by_one(monkeypatch, *arguments):
    """The same by a search for each value of the outer axes."""
    with monkeypatch.context() as patched:
        patched.setattr(solve, "frontier", lambda *_: None)
        return designs(*arguments)


# --- against other searches -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("mobilenetv2", {"macs": 10_000_000}, ["width", "depth", "res"]), id="three"),
        pytest.param(
            ("ghostnetv2_100", {"macs": 60_000_000, "params": 3_000_000}, ["width", "res"]),
            id="two budgets, inputs from 33",
        ),
        pytest.param(("efficientformer_l1", {"macs": 10**9}, ["depth", "res"]), id="few inputs"),
        pytest.param(("mobilenetv3_large", {"peak": 3_000_000}, ["width", "res"]), id="a peak"),
        pytest.param(("efficientnetv2_s", {"peak": 9 * 10**5}, ["width", "res"]), id="it falls"),
        pytest.param(("mobilevit_xxs", {"activations": 10**6}, ["width", "res"]), id="no MACs"),
        pytest.param(("mobileclip_s0", {"macs": 10**10}, ["res", "tokens"]), id="tokens"),
        pytest.param(("mobilenetv2", {"macs": 1000}, ["width", "res"]), id="none"),
        pytest.param(
            ("shufflenetv2_x0.5", {"macs": 800_000}, ["width", "depth", "res", "batch"], 64),
            id="four",
        ),
    ],
)
def test_all_values_at_once_give_what_one_search_for_each_gives(monkeypatch, arguments):
    assert designs(*arguments) == one_by_one(monkeypatch, *arguments)


def test_four_axes_have_a_design_exactly_where_the_least_network_is_affordable():
    limit, least = 600_000, float(np.nextafter(0, 1))
    found = designs("mobilenetv1", {"macs": limit}, ["width", "depth", "res", "batch"])
    count = formula("mobilenetv1", "macs", free=("width", "depth"))
    tenths, res, batch = np.meshgrid(
        np.arange(1, 200), np.arange(32, 500, 32), np.arange(1, 60), indexing="ij"
    )
    costs = count.at(B=batch, H=res, W=res, width=least, depth=tenths / 10)
    grid = (tenths / 10, res, batch)
    affordable = list(zip(*(sizes[costs <= limit].tolist() for sizes in grid), strict=True))
    assert [(d.sizes["depth"], d.sizes["res"], d.sizes["batch"]) for d in found] == affordable
    assert len(affordable) == 165
    for design in found:
        others = {"B": design.sizes["batch"], "depth": design.sizes["depth"]}
        others |= dict.fromkeys("HW", design.sizes["res"])
        first, last = design.span
        assert count.at(**others, width=last) == design.counts["macs"] <= limit
        further = np.append(np.linspace(last, 2, 200)[1:], math.nextafter(last, 3))
        assert (count.at(**others, width=further) > limit).all()
        assert first <= design.sizes["width"] <= last


def test_the_last_whole_size_is_found_where_each_was_tried():
    limit = 50_000_000
    count = formula("mobilenetv2", "macs", free=("depth",))
    sides = np.arange(1, 1000)
    for design in designs("mobilenetv2", {"macs": limit}, ["depth", "res"])[:40]:
        counts = count.at(B=1, H=sides, W=sides, depth=design.sizes["depth"])
        assert design.sizes["res"] == sides[counts <= limit][-1]


# --- how little is tried --------------------------------------------------------------------------


def test_thousands_of_designs_take_hundreds_of_evaluations(monkeypatch):
    asked = []
    keeps = Designs.keeps

    def counted(self, budgets, sizes):
        asked.append(1)
        return keeps(self, budgets, sizes)

    monkeypatch.setattr(Designs, "keeps", counted)
    found = designs("efficientnet_b0", {"macs": 390_000_000}, ["width", "depth", "res"])
    assert len(found) == 4848
    assert len(asked) <= 300


def test_more_designs_than_can_be_listed_are_refused(monkeypatch):
    monkeypatch.setattr(frontier, "MOST", 1000)
    with pytest.raises(BadInput) as raised:
        designs("mobilenetv2", {"params": 2_000_000}, ["width", "classes"])
    assert str(raised.value) == (
        "more than 1,000 designs of mobilenetv2 keep 2,000,000 params along classes, width; leave "
        "one of them out, or give a smaller budget"
    )


def test_budgets_that_do_not_bind_along_several_axes():
    with pytest.raises(BadInput) as raised:
        designs("mobilenetv2", {"macs": 10**17}, ["width", "res"], 8192)
    assert str(raised.value) == (
        "mobilenetv2 keeps 100,000,000,000,000,000 MACs even at width 64, the largest that is "
        "looked at; give a smaller budget"
    )


# --- steps ----------------------------------------------------------------------------------------


def test_steps_end_where_the_next_float_is_another_network():
    width = dimension("width")
    channels = make_divisible(24 * width, 8) + make_divisible(1280 * maximum(width, 1), 8)
    steps = stairs(WIDTH, [channels]).up_to(2)
    value = np.array([channels.evaluate({"width": float(first)}) for first in steps.firsts])
    assert [channels.evaluate({"width": float(last)}) for last in steps.lasts] == list(value)
    assert (np.diff(value) > 0).all()
    assert (np.nextafter(steps.lasts[:-1], 3) == steps.firsts[1:]).all()
    assert (steps.firsts[0], steps.lasts[-1]) == (5e-324, 2.0)


def test_what_is_not_rounded_has_no_stairs():
    width = dimension("width")
    assert stairs(WIDTH, [width * symbol("H")]) is None
    assert stairs(WIDTH, [maximum(width, 1) * symbol("H")]) is None
    assert stairs(WIDTH, [make_divisible(8 * width * dimension("depth"), 8)]) is None
    assert (
        stairs(WIDTH, [make_divisible(8 * width, 8, 12)]) is None
    )  # 11.9 gives 20, and 12 gives 16


def test_whole_sizes_are_steps_of_their_own():
    assert stairs(BATCH, [symbol("batch") ** 2]).up_to(4).firsts.tolist() == [1, 2, 3, 4]


# --- what is known to rise ------------------------------------------------------------------------


def test_a_cost_rises_where_no_factor_is_negative():
    factored = Factored((symbol("B") - 3) * symbol("H") + 5, "H")
    assert factored.climbs({"H": np.arange(1, 9)})
    assert factored.weighs({"B": np.array([1, 3, 4])}, 3).tolist() == [False, True, True]


def test_a_product_that_falls_does_not_climb():
    H = symbol("H")
    shortcut = Factored(equal(H, 3) * symbol("B"), "H")
    assert not shortcut.climbs({"H": np.arange(1, 9)})
    assert shortcut.climbs({"H": np.arange(1, 4)})


def test_what_two_axes_share_rises_if_all_its_parts_do():
    H, B = symbol("H"), symbol("B")
    steps = {"H": np.arange(1, 9)}
    assert Factored(maximum(2 * H * B, H + 3), "H").climbs(steps)
    assert not Factored(maximum(2 * H * B - 5 * H, 3 * B), "H").climbs(steps)


def test_a_law_that_never_meets_its_budget_has_no_solution():
    found = boundaries(lambda rows, values: (rows == 0) | (values < 3), 2, 64)
    assert np.isnan(found[0])
    assert found[1] == math.nextafter(3, 0)
