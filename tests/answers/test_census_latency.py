"""How many designs of a space keep a latency, held against every design timed on its own."""

import json

import pytest
from small_spaces import BLOCKS

import flopscope as fs
from flopscope.answers import spacelatency
from flopscope.answers.space import census
from flopscope.answers.spacequestions import Questions
from flopscope.answers.timed import latency_on
from flopscope.cli import main
from flopscope.designspaces import store
from flopscope.designspaces.known import space_named
from flopscope.errors import BadInput
from flopscope.timing.builtin import device_of

PIXEL = "pixel3-cpu-tflite"
MS = 10**15


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "off")


@pytest.fixture(scope="module")
def times():
    """Attoseconds of every design, each from its own ledger."""
    quantity = latency_on(device_of(PIXEL))
    return {design: int(quantity.read(BLOCKS.ledger(design))) for design in BLOCKS.all()}


def within(most, **asked):
    """The census of the designs that take at most so many attoseconds."""
    text = f"{PIXEL}:{most / MS:.18f}ms"
    return census(BLOCKS, Questions(**asked), max_latency=text)


@pytest.mark.parametrize("rank", [0, 1, 100, 760, 1400, 1520])
def test_the_number_within_a_latency_is_that_of_brute_force(times, rank):
    least = sorted(times.values())[rank]
    found = within(least * 1.0000001)
    assert found.timed.count.exact
    assert found.timed.count.least == sum(t <= found.timed.bound.most for t in times.values())


def test_coarse_units_enclose_the_number(times, monkeypatch):
    monkeypatch.setattr(spacelatency, "POSITIONS", 200)
    apart = 0
    for most in sorted(times.values())[50::200]:
        count = within(most).timed.count
        assert count.least <= sum(t <= most for t in times.values()) <= count.most
        apart += not count.exact
    assert apart


def test_encodings_are_counted_too(times):
    most = sorted(times.values())[700]
    text = f"{PIXEL}:{most / MS * 1.0000001:.18f}ms"
    found = census(BLOCKS, Questions(), max_latency=text, encodings=True)
    # A stage of n blocks is written down in 3 ** (3 - n) ways.
    ways = sum(3 ** sum(option == "-" for option in d) for d, t in times.items() if t <= most)
    assert found.timed.count == (ways, ways)


def test_samples_keep_the_latency_and_the_budget(times):
    macs = {design: int(BLOCKS.ledger(design).macs()) for design in times}
    limit, most = sorted(macs.values())[800], sorted(times.values())[300]
    text = f"{PIXEL}:{most / MS * 1.0000001:.18f}ms"
    asked = Questions(sample=300, seed=3)
    found = census(BLOCKS, asked, most={"macs": limit}, max_latency=text)
    kept = {d for d, taken in times.items() if taken <= most and macs[d] <= limit}
    assert {each.design for each in found.drawn} <= kept
    assert len({each.design for each in found.drawn}) > len(kept) / 3
    assert all(each.latency == times[each.design] for each in found.drawn)
    share = found.together
    assert share.within == found.timed.count.most
    assert share.low <= len(kept) / share.within <= share.high


def test_a_list_is_counted_exactly():
    grid = space_named("efficientnet_grid")
    found = census(grid, Questions(), max_latency=f"{PIXEL}:400ms")
    costs = found.timed.bound.table.costs
    assert found.timed.count == ((costs <= 400 * MS).sum(),) * 2
    assert 0 < found.timed.count.least < grid.networks


def test_a_table_of_latencies_counts_as_well(tmp_path):
    space = space_named("nas_bench_macro")
    path = tmp_path / "blocks.csv"
    rows = [
        f"{slot.name},{option},{0.25 * n + 0.01}"
        for slot in space.slots
        for n, option in enumerate(dict.fromkeys(slot.options))
    ]
    path.write_text("\n".join(["slot,option,latency", *rows]) + "\n")
    found = census(space, Questions(), max_latency=f"{path}:1.5")
    table = found.timed.bound.table
    costs = [table.cost(design) for design in space.all()]
    assert found.timed.count == (sum(cost <= 1_500_000 for cost in costs),) * 2
    assert 0 < found.timed.count.least < space.networks


def test_where_no_design_keeps_the_latency_the_nearest_is_named(times, capsys):
    line = ["space", "nas_bench_macro", "--max-latency", f"{PIXEL}:0.1ms", "--count"]
    assert main(line) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"No network takes at most 0.1 ms on {PIXEL}; the nearest budget" in said
    nearest = said.split(f"--max-latency {PIXEL}:")[1].split("ms.")[0]
    assert main([*line[:3], f"{PIXEL}:{nearest}ms", "--count"]) == 0


def test_the_command_and_the_function_give_the_same(capsys):
    words = f"space nas_bench_macro --max-latency {PIXEL}:2.6ms --sample 3 --count --format json"
    assert main(words.split()) == 0
    printed = json.loads(capsys.readouterr().out)
    report = fs.space("nas_bench_macro", max_latency=f"{PIXEL}:2.6ms", sample=3, count=True)
    assert json.loads(json.dumps(report.to_dict())) == printed
    assert printed["within_latency"] == {"least": 1060, "most": 1060}
    assert printed["budgets"] == {"latency": 2.6}
    quantity, space = latency_on(device_of(PIXEL)), space_named("nas_bench_macro")
    listed = [int(quantity.read(space.ledger(design))) for design in space.all()]
    assert sum(taken <= 2.6 * MS for taken in listed) == 1060


@pytest.mark.parametrize(
    ("target", "given", "message"),
    [
        (
            "nas_bench_macro",
            {"batch": 2},
            "batch is that of a time on a device, and none is bounded; give max-latency too, such "
            "as pixel3-cpu-tflite:15ms",
        ),
        (
            "nas_bench_201",
            {"max_latency": "i7-12700h-inductor:1ms"},
            "times on i7-12700h-inductor, whose runtime is inductor, do not add up over choices: "
            "nas_bench_201 does not separate: the cost of what all designs share depends on the "
            "other choices, as in the design 'nor_conv_1x1 nor_conv_1x1 nor_conv_1x1 nor_conv_1x1 "
            "nor_conv_1x1 nor_conv_1x1'; give a table of latencies, or another device",
        ),
        (
            "nas_bench_macro",
            {"max_latency": f"{PIXEL}:fast"},
            f"max-latency {PIXEL}:fast ends in 'fast', which is no time above 0; give one such as "
            f"{PIXEL}:15ms",
        ),
    ],
)
def test_what_is_refused(target, given, message):
    with pytest.raises(BadInput) as refused:
        fs.space(target, **given)
    assert str(refused.value) == message
