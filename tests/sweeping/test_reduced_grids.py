"""What is kept of a grid, against every one of its designs counted on its own."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_nets import written
from torch import nn

from flopscope.answers.spaces import Fixed
from flopscope.answers.sweep import sweep
from flopscope.api.analyze import analyze
from flopscope.choosing.pareto import frontier
from flopscope.errors import BadInput, FlopscopeError
from flopscope.quantities import QUANTITIES
from flopscope.sweeping import reductions, tiles
from flopscope.sweeping.answer import answer, prepared
from flopscope.sweeping.reductions import bin_width

OF = ("macs", "params")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return written(tmp_path_factory.mktemp("own"))


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Several tiles and blocks, and pieces that are found in several scans."""
    monkeypatch.setattr(tiles, "CELLS", 64)
    monkeypatch.setattr(tiles, "WIDE", 7)
    monkeypatch.setattr(tiles, "BLOCK", 50)


def every(target, free, of=OF, most=None, res=None):
    """All designs, counted one by one: their sizes and their counts."""
    found = sweep(target, free, of, most=most, res=res)
    axes = {axis.name: found.values(axis) for axis in found.axes}
    return axes, {row.name: found.counts(row) for row in found.quantities}


def kept(target, free, keep, of=OF, res=None, **more):
    return answer(prepared(target, free, keep, of, fixed=Fixed(res), **more))


def rows(axes, counts):
    return [
        (dict(zip(axes, sizes, strict=True)), n)
        for *sizes, n in zip(*axes.values(), zip(*counts.values(), strict=True), strict=True)
    ]


GRIDS = [
    ("mobilenetv2", "width=0.5:1.2:0.05,res=32:224:16", None),
    ("efficientnet_b0", "width=0.5:1:0.1,depth=0.5:1.5:0.25,H=64,96,W=64:160:32", None),
    ("mobilevit_xxs", "width=0.5,1,res=64:256:32,batch=1,2", None),
    ("Net", "width=4:24:4,depth=1:3:1", 16),
    ("Grouped", "width=4:14:1,groups=1:4:1", 8),
    ("Stepped", "size=1:6:1,res=16:33:1", None),
    ("Scaled", "width=0.3:2:0.17,res=16:64:5", None),
]


@pytest.fixture(scope="module", params=GRIDS, ids=lambda grid: grid[0])
def grid(request, own):
    name, free, res = request.param
    target = name if name[0].islower() else f"{own}:{name}"
    axes, counts = every(target, free, res=res)
    return target, free, res, axes, counts


def test_the_count_is_that_of_the_designs(grid):
    target, free, res, _, counts = grid
    for limit in (1, sorted(counts["macs"])[len(counts["macs"]) // 2], max(counts["macs"])):
        found = kept(target, free, "count", res=res, most={"macs": limit})
        assert found.there == len(counts["macs"])
        assert found.kept == sum(n <= limit for n in counts["macs"])
        assert found.over == found.there - found.kept


def test_two_budgets_are_kept_at_once(grid):
    target, free, res, _, counts = grid
    limits = {name: int(np.median(values)) for name, values in counts.items()}
    found = kept(target, free, "count", res=res, most=limits)
    pairs = zip(counts["macs"], counts["params"], strict=True)
    assert found.kept == sum(a <= limits["macs"] and b <= limits["params"] for a, b in pairs)


def test_the_histogram_is_that_of_the_designs(grid):
    target, free, res, _, counts = grid
    found = kept(target, free, "histogram:7", res=res)
    assert len(found.bins) <= 7
    assert sum(n for _, _, n in found.bins) == len(counts["macs"])
    for least, most, number in found.bins:
        assert number == sum(least <= n <= most for n in counts["macs"])
    assert found.bins[0][0] == min(counts["macs"])


@pytest.mark.parametrize(("keep", "sign"), [("top:9", -1), ("bottom:9", 1), ("top:10000", -1)])
def test_the_largest_are_those_of_the_designs_the_first_of_equal_ones(grid, keep, sign):
    target, free, res, axes, counts = grid
    limit = int(np.quantile(counts["params"], 0.8, method="higher"))
    found = kept(target, free, keep, res=res, most={"params": limit})
    known = [row for row in rows(axes, counts) if row[1][1] <= limit]
    known.sort(key=lambda row: sign * row[1][0])  # stable: of equal ones the first
    assert [(d.sizes, d.counts[:2]) for d in found.designs] == known[: found.keep.number]


@pytest.mark.parametrize("gains", [(), ("params",)], ids=["costs alone", "a gain"])
def test_the_frontier_is_that_of_the_designs(grid, gains):
    target, free, res, axes, counts = grid
    found = kept(target, free, "front", res=res, gains=gains)
    senses = ["min", "max" if gains else "min"]
    on = frontier(list(counts.values()), senses)
    points = {n for n, flag in zip(zip(*counts.values(), strict=True), on, strict=True) if flag}
    assert [d.counts[:2] for d in found.designs] == sorted(points)
    known = dict(reversed([(n, sizes) for sizes, n in rows(axes, counts)]))
    assert [d.sizes for d in found.designs] == [known[d.counts[:2]] for d in found.designs]


def test_a_frontier_may_gain_in_a_size():
    free = "width=0.5:1.2:0.05,res=32:224:16"
    axes, counts = every("mobilenetv2", free)
    found = kept("mobilenetv2", free, "front", ["macs"], gains=["width"])
    on = frontier([counts["macs"], axes["width"]], ["min", "max"])
    points = {(n, w) for n, w, flag in zip(counts["macs"], axes["width"], on, strict=True) if flag}
    assert [(d.counts[0], d.sizes["width"]) for d in found.designs] == sorted(points)


@pytest.mark.parametrize("quantity", ["activations", "peak", "traffic", "energy", "weights"])
def test_any_quantity_is_that_of_the_ledger(quantity):
    found = kept("ghostnet_100", "width=0.5,0.73,1,res=64:224:32", "bottom:30", [quantity])
    assert len(found.designs) == 18
    for design in found.designs[::5]:
        ledger = analyze(f"ghostnet_100:width={design.sizes['width']}", res=design.sizes["res"])
        assert design.counts[0] == int(QUANTITIES[quantity].read(ledger))


def test_designs_that_do_not_exist_are_counted_and_the_first_is_named(own):
    found = kept(f"{own}:Grouped", "width=4:14:1,groups=1:4:1", "count", res=8)
    there = sum(width % groups == 0 for width in range(4, 15) for groups in range(1, 5))
    assert (found.grid.size, found.there, found.missing) == (44, there, 44 - there)
    assert found.refused.startswith("at width ")


def test_no_design_that_keeps_a_budget_names_the_nearest():
    found = kept("mobilenetv2", "width=0.5:1.2:0.05,res=64:224:32", "top", most={"macs": 10**6})
    assert (found.kept, found.designs, found.nearest.sizes) == (0, (), {"width": 0.5, "res": 64})
    two = {"macs": 10**6, "params": 10**5}
    axes, counts = every("mobilenetv2", "width=0.5:1.2:0.05,res=64:224:32")
    worst = [max(a / 10**6, b / 10**5) for a, b in zip(*counts.values(), strict=True)]
    at = int(np.argmin(worst))
    found = kept("mobilenetv2", "width=0.5:1.2:0.05,res=64:224:32", "count", most=two)
    assert found.nearest.sizes == {name: values[at] for name, values in axes.items()}


class Watched:
    """A runner in this process that keeps what each block gave."""

    def each(self, work, shared, parts):
        self.reduction, self.states = shared.reduction, [work(shared, part) for part in parts]
        return iter(self.states)


@pytest.mark.parametrize("keep", ["count", "histogram:5", "top:6", "front"])
@settings(max_examples=8)
@given(order=st.randoms())
def test_states_merge_in_any_order_and_survive_storage(keep, order):
    gains = ["res"] if keep == "front" else []
    watched = Watched()
    free = "width=0.5:1.2:0.05,res=32:224:16"
    whole = answer(prepared("mobilenetv2", free, keep, OF, gains=gains), runner=watched)
    states = [json.loads(json.dumps(state)) for state in watched.states]
    order.shuffle(states)
    assert len(states) > 1
    merged = reductions.merged(watched.reduction, states)
    assert {name: whole.state[name] for name in merged} == merged


def test_counts_beyond_64_bits_are_exact():
    """A convolution at sides beyond 2³¹, whose count is its formula."""
    network = nn.Conv2d(3, 8, 3)
    sides = [2_000_000_000, 2_100_000_000, 40]
    found = kept(network, {"H": sides, "W": sides[:2]}, "top:9", ["macs"])
    expected = sorted((27 * 8 * (h - 2) * (w - 2) for h in sides for w in sides[:2]), reverse=True)
    assert expected[0] > 2**63
    assert [design.counts[0] for design in found.designs] == expected
    histogram = kept(network, {"H": sides, "W": sides[:2]}, "histogram:4", ["macs"])
    for least, most, number in histogram.bins:
        assert number == sum(least <= n <= most for n in expected)


def test_a_billion_designs_are_counted_without_being_written_out(monkeypatch):
    """They agree with the sum of slices along one axis, whose designs are few enough."""
    monkeypatch.undo()
    free = "width=0.5:1.49:0.01,depth=0.5:1.49:0.01,H=32:347:1,W=32:347:1"
    found = kept("efficientnet_b0", free, "count", ["macs"], most={"macs": 400_000_000})
    assert (found.grid.size, found.there) == (998_560_000,) * 2
    slices = [
        kept("efficientnet_b0", free.replace("depth=0.5:1.49:0.01", f"depth={a}:{b}:0.01"),
             "count", ["macs"], most={"macs": 400_000_000}).kept
        for a, b in (("0.5", "0.99"), ("1", "1.49"))
    ]  # fmt: skip
    assert found.kept == sum(slices)


def test_a_trace_that_holds_everywhere_is_not_asked_at_every_design(own, monkeypatch):
    monkeypatch.undo()
    free = "width=1:1000:1,depth=1,res=16:1015:1,batch=1:1000:1"
    found = kept(f"{own}:Net", free, "count", ["macs"], most={"macs": 10**9})
    assert (found.grid.size, found.there, found.parts) == (10**9, 10**9, 1)
    assert 0 < found.kept < 10**9
    thinned = kept(f"{own}:Net", "width=1:1000:1,depth=1,res=16:1015:1,batch=7", "count", ["macs"],
                   most={"macs": 10**9})  # fmt: skip
    one = kept(f"{own}:Net", "width=1:1000:1,depth=1,res=16:1015:1", "count", ["macs"],
               most={"macs": 10**9 // 7})  # fmt: skip
    assert thinned.kept == one.kept  # seven times the batch, seven times the work


@pytest.mark.parametrize(
    ("least", "most", "bins", "width"), [(0, 99, 10, 10), (0, 100, 10, 11), (7, 7, 40, 1)]
)
def test_bins_are_as_narrow_as_they_can_be(least, most, bins, width):
    assert bin_width(least, most, bins) == width


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "more", "message"),
    [
        ("width=0.5:1:0", {},
         "width=0.5:1:0 has a step of 0, which leads nowhere; give one above 0"),
        ("width=1:0.5:0.1", {},
         "width=1:0.5:0.1 has no value, for it goes from the larger to the smaller; write "
         "width=0.5:1:0.1"),
        ("kernel=3,5", {}, "unknown free size of mobilenetv2 'kernel'; known are "),
        ((), {}, "nothing is free; name at least one of res, batch, width, depth, classes"),
        ("width=1", {"keep": "top:0"},
         "--keep top:0 does not say how many in 1 to 10,000; write such as --keep top:50"),
        ("width=1", {"keep": "count:5"},
         "--keep count:5 has a number, and count takes none; write --keep count"),
        ("width=1", {"keep": "tops"}, "unknown part of a sweep to keep 'tops'; did you mean top?"),
        ("width=1", {"keep": "count", "gains": ["width"]},
         "--gain says what a frontier has more of, and --keep count keeps none; leave --gain "),
        ("width=1", {"keep": "front", "gains": ["kernel"]},
         "unknown free size or quantity 'kernel'; known are "),
        ("width=1", {"keep": "front", "gains": ["macs", "params"]},
         "a frontier weighs costs against gains, and every quantity of --of is a gain; name a "
         "cost in --of, such as macs"),
        ("width=0.01:20:0.01,depth=0.01:20:0.01,res=1:2000:1,batch=1:2000:1", {},
         "16,000,000,000,000 designs are too many, of width (2,000), depth (2,000), res (2,000), "
         "batch (2,000); give shorter ranges or larger steps, for at most 1,000,000,000,000"),
        ("H=32,res=32", {}, "res gives both sides of the image, and H is free; leave one of them "
         "out"),
    ],
)  # fmt: skip
def test_bad_input(free, more, message):
    with pytest.raises(FlopscopeError) as refused:
        answer(prepared("mobilenetv2", free, **{"keep": "count", "of": OF, **more}))
    assert str(refused.value)[: len(message)] == message


def test_a_range_without_any_design(own):
    with pytest.raises(BadInput) as refused:
        kept(f"{own}:Grouped", "width=5,7", "count", res=8)
    assert str(refused.value).startswith(f"{own}:Grouped has no design in this range; at width ")


def test_a_frontier_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(reductions, "MOST_ON_FRONT", 10)
    with pytest.raises(BadInput) as refused:
        kept(
            "mobilenetv2",
            "width=0.25:2:0.05,res=32:224:16",
            "front",
            ["macs"],
            gains=["width", "res"],
        )
    assert str(refused.value) == (
        "the frontier has more than 10 designs; name fewer quantities in --of or in --gain, give "
        "larger steps, or a budget such as --max-macs 300M"
    )
