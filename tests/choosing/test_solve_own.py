"""Budgets solved for one's own networks, against a trace of every design."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flopscope.answers.profile import profile
from flopscope.choosing.budgets import Budget
from flopscope.choosing.solve import solve
from flopscope.cli import main
from flopscope.onnxgraph import read
from tests.support.graphs import export
from tests.support.own_nets import written


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return written(tmp_path_factory.mktemp("own"))


def traced(target, res=32, batch=1, **arguments):
    """The MACs and params of one design by a trace of its own."""
    ledger = profile(target, [f"{batch},3,{res},{res}"], arguments).ledger
    return int(ledger.macs()), int(ledger.params())


def refusal(capsys, *arguments):
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("flopscope: ").rstrip("\n")


# --- one axis -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_width(own):
    return {width: traced(f"{own}:Net", width=width) for width in range(1, 65)}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_width_is_the_last_that_keeps_every_budget(own, every_width, data):
    macs = data.draw(st.integers(100_000, 8_000_000))
    params = data.draw(st.integers(300, 60_000))
    kept = [w for w, (m, p) in every_width.items() if m <= macs and p <= params]
    found = solve(f"{own}:Net", [Budget("macs", macs), Budget("params", params)], "width", res=32)
    (design,) = found.designs
    width = design.sizes["width"]
    assert width == kept[-1]
    assert (design.counts["macs"], design.counts["params"]) == every_width[width]
    assert found.beyond.sizes == {"width": width + 1}
    assert (found.beyond.counts["macs"], found.beyond.counts["params"]) == every_width[width + 1]
    assert found.tried.designs == 64
    assert found.tried.parts == 1


def test_a_multiplier_takes_the_values_of_its_range(own):
    counts = {n / 20: traced(f"{own}:Scaled", width=n / 20) for n in range(5, 41)}
    solution = solve(f"{own}:Scaled", [Budget("macs", 200_000)], ["width=0.25:2:0.05"], res=32)
    (design,) = solution.designs
    kept = [width for width, (macs, _) in counts.items() if macs <= 200_000]
    assert design.sizes["width"] == kept[-1]
    assert design.counts["macs"] == counts[kept[-1]][0]
    assert solution.tried.designs == 36
    assert solution.tried.parts < 36


@pytest.mark.parametrize("free", ["res", "batch"])
def test_the_sizes_of_the_input_are_solved_too(own, free):
    limit = 3_000_000
    fixed = {"batch": 2} if free == "res" else {"res": 24}
    solution = solve(f"{own}:Net", [Budget("macs", limit)], free, **fixed)
    value = solution.designs[0].sizes[free]
    assert traced(f"{own}:Net", **fixed, **{free: value})[0] == solution.designs[0].counts["macs"]
    assert traced(f"{own}:Net", **fixed, **{free: value})[0] <= limit
    assert traced(f"{own}:Net", **fixed, **{free: value + 1})[0] > limit


def test_code_that_needs_a_number_takes_a_trace_for_each_value(own):
    counts = {size: traced(f"{own}:Stepped", size=size)[0] for size in range(1, 7)}
    limit = 300_000
    solution = solve(f"{own}:Stepped", [Budget("macs", limit)], "size=1:6:1", res=32)
    kept = [size for size, macs in counts.items() if macs <= limit]
    assert solution.designs[0].sizes == {"size": kept[-1]}
    assert solution.tried.parts == 6
    below = [size for size in counts if size < kept[-1] and counts[size] > limit]
    assert solution.tried.broken == len(below) > 0


def test_designs_that_do_not_exist_are_left_out(own):
    solution = solve(f"{own}:Grouped", [Budget("params", 1000)], "width=1:32:1", res=16)
    there = {w: traced(f"{own}:Grouped", 16, width=w)[1] for w in range(4, 33, 4)}
    assert solution.designs[0].sizes["width"] == max(w for w, n in there.items() if n <= 1000)
    assert solution.beyond.sizes["width"] == min(w for w, n in there.items() if n > 1000)
    assert (solution.tried.designs, solution.tried.missing) == (8, 24)


# --- several axes -------------------------------------------------------------------------------


def test_for_each_resolution_the_largest_width(own):
    limit = 2_000_000
    solution = solve(
        f"{own}:Net", [Budget("macs", limit)], ["width=4,8,12,16,20", "res=16:64:16"], batch=2
    )
    assert [axis.name for axis in solution.axes] == ["res", "width"]
    expected = {}
    for res in (16, 32, 48, 64):
        kept = [w for w in (4, 8, 12, 16, 20) if traced(f"{own}:Net", res, 2, width=w)[0] <= limit]
        expected |= {res: kept[-1]} if kept else {}
    assert {d.sizes["res"]: d.sizes["width"] for d in solution.designs} == expected


def test_an_integer_that_decides_how_often_code_runs_is_counted_at_each_value(own):
    solution = solve(f"{own}:Net", [Budget("params", 5_000)], "depth=1:3:1,width=4:24:4", res=16)
    for design in solution.designs:
        assert traced(f"{own}:Net", 16, **design.sizes)[1] == design.counts["params"]
    assert [design.sizes for design in solution.designs] == [
        {"depth": 1, "width": 20}, {"depth": 2, "width": 12}, {"depth": 3, "width": 12},
    ]  # fmt: skip


def test_the_catalogue_takes_ranges_too():
    macs = Budget("macs", 300_000_000)
    free = solve("mobilenetv2", [macs], ["res=192,224", "width"])
    assert [(d.sizes["res"], d.span) for d in free.designs] == [
        (side, solve("mobilenetv2", [macs], ["width"], res=side).designs[0].span)
        for side in (192, 224)
    ]
    given = solve("mobilenetv2", [macs], ["res=192,224", "width=0.5:1:0.25"])
    assert [d.sizes for d in given.designs] == [
        {"res": 192, "width": 1.0}, {"res": 224, "width": 0.75},
    ]  # fmt: skip


# --- ONNX files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 8, 3))
    free = {0: "batch", 2: "rows"}
    return str(export(tmp_path_factory.mktemp("graph") / "net.onnx", network, (1, 3, 32, 48), free))


def counted(graph, batch, rows, columns=48):
    return int(read(graph, [(batch, 3, rows, columns)]).ledger.macs())


@pytest.mark.parametrize(
    ("free", "fixed", "shape"),
    [
        ("batch", {"examples": {"rows": 32}}, lambda n: (n, 32)),
        ("rows=8:200:1", {"examples": {"batch": 2}}, lambda n: (2, n)),
        ("rows=8:200:1", {"batch": 2}, lambda n: (2, n)),
        ("batch", {"res": 24}, lambda n: (n, 24, 24)),
        ("res", {"batch": 3}, lambda n: (3, n, n)),
    ],
)
def test_sizes_of_an_onnx_file_are_free(graph, free, fixed, shape):
    limit = 1_500_000
    solution = solve(graph, [Budget("macs", limit)], free, **fixed)
    (value,) = solution.designs[0].sizes.values()
    assert counted(graph, *shape(value)) == solution.designs[0].counts["macs"] <= limit
    assert counted(graph, *shape(value + 1)) > limit
    assert solution.tried.parts == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--free", "width"],
         "unknown free size of {graph} 'width'; known are batch, rows, res"),
        (["--free", "batch"],
         "{graph} has free sizes: rows; name them in --free, or give them numbers, such as "
         "--example rows=1"),
        (["--free", "batch", "--arg", "width=8"],
         "{graph} is an ONNX file, which takes no arguments; leave --arg out"),
        (["--free", "batch", "--input", "1,3,32,32"],
         "{graph} states its inputs; give --res, --batch or --example in place of --input"),
    ],
)  # fmt: skip
def test_bad_input_beside_an_onnx_file(graph, capsys, arguments, message):
    found = refusal(capsys, "solve", graph, "--macs", "1M", *arguments)
    assert found == message.replace("{graph}", graph)


# --- what is printed ----------------------------------------------------------------------------


def test_what_was_counted_is_said(own, capsys):
    target = f"{own}:Net"
    assert main(["solve", target, "--macs", "1M", "--free", "width", "--res", "32"]) == 0
    lines = capsys.readouterr().out.splitlines()
    best = max(w for w in range(1, 65) if traced(target, width=w)[0] <= 1_000_000)
    beyond = traced(target, width=best + 1)[0]
    text = " ".join(" ".join(lines).split())
    assert text.endswith(
        "64 designs were counted in 1 trace; the largest width that keeps the budget is shown. "
        f"The next one, width {best + 1}, has {beyond:,} MACs."
    )


def test_the_data_says_it_too(own, capsys):
    arguments = ["--macs", "1M", "--free", "width=8,16,24", "--res", "32", "--format", "json"]
    assert main(["solve", f"{own}:Net", *arguments]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["model"] == f"{own}:Net"
    assert data["source"] == "own"
    assert data["counted"] == {
        "designs": 3, "missing": 0, "ledgers": 1, "breaking_below": 0, "expected": [],
    }  # fmt: skip
    assert data["designs"][0]["macs"] == traced(f"{own}:Net", width=8)[0]
    assert data["next"]["macs"] == traced(f"{own}:Net", width=16)[0]


def test_a_budget_that_nothing_keeps(own, capsys):
    arguments = ["--macs", "1k", "--free", "width=2,4", "--res", "32"]
    assert main(["solve", f"{own}:Net", *arguments]) == 1
    text = " ".join(capsys.readouterr().out.split())
    macs = traced(f"{own}:Net", width=2)[0]
    assert text.endswith(
        "2 designs were counted in 1 trace; none of them keeps this. The nearest one, at width 2, "
        f"has {macs:,} MACs; the nearest budget that can be kept is --macs {macs}."
    )


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Net", ["--macs", "1M", "--free", "widht", "--res", "32"],
         "unknown free size of {own}:Net 'widht'; did you mean width?"),
        ("Net", ["--macs", "1M", "--free", "act", "--res", "32"],
         "act of {own}:Net needs a range, for it has no default that is a number; write --free "
         "act=FROM:TO:STEP or values, such as act=16:64:8 or act=0.5,1,2"),
        ("Net", ["--macs", "1M", "--free", "width"],
         "{own}:Net does not state the size of its input; give it, such as --res 224 or --input "
         "1,3,224,224"),
        ("Net", ["--macs", "9G", "--free", "width", "--res", "32"],
         "{own}:Net keeps 9,000,000,000 MACs even at width 64, the largest that is looked at; give "
         "a range, such as --free width=64:512:8, or a smaller budget"),
        ("Net[width=8]", ["--macs", "1M", "--free", "width", "--res", "32"],
         "width is given and free at once; leave one of them out"),
        ("Net", ["--macs", "1M", "--free", "width", "--arg", "width=8", "--res", "32"],
         "width is given and free at once; leave one of them out"),
        ("Net", ["--macs", "1M", "--free", "res", "--res", "32"],
         "res is given and free at once; leave one of them out"),
        ("Net", ["--params", "4M", "--free", "res=32,64"],
         "params of {own}:Net do not depend on res, so that no budget bounds it; bound another "
         "quantity, or leave it out"),
        ("made", ["--macs", "1M", "--free", "width", "--res", "32"],
         "unknown free size of {own}:made 'width'; known are res, batch"),
        ("Unknown", ["--macs", "1M", "--free", "width=4,8", "--res", "32"],
         "{own}:Unknown has operators whose cost is unknown, so that no design is certain to keep "
         "a budget; `flopscope profile` names them"),
        ("Words", ["--macs", "1M", "--free", "dim", "--input", "1,16:int64"],
         "dim of {own}:Words needs a range, for it has no default that is a number; write --free "
         "dim=FROM:TO:STEP or values, such as dim=16:64:8 or dim=0.5,1,2"),
        ("Words", ["--macs", "1M", "--free", "dim=4,8", "--input", "1,T:int64"],
         "the input 1,T:int64 has free sizes that are not in --free: T; name them there, or give "
         "numbers"),
        ("Words", ["--macs", "1M", "--free", "dim=4,8", "--input", "1,4:int64", "--res", "32"],
         "--input gives every size of the input; leave --res and --batch out, or --input"),
        ("Net", ["--macs", "1M", "--free", "width=0.5,1", "--res", "32", "--example", "n=1"],
         "{own}:Net is no ONNX file and takes no --example; leave it out"),
        ("Net", ["--when", "conv = linear", "--arg", "width=3"],
         "--when is for models of the catalogue; leave --input, --arg and --example out"),
    ],
)  # fmt: skip
def test_bad_input(own, capsys, name, arguments, message):
    found = refusal(capsys, "solve", f"{own}:{name}", *arguments)
    assert found == message.replace("{own}", own)


def test_an_input_of_its_own_is_free_by_name(own):
    solution = solve(
        f"{own}:Words", [Budget("macs", 10_000)], "T=1:64:1", inputs=["1,T:int64"],
        arguments={"dim": 16},
    )  # fmt: skip
    assert solution.designs[0].sizes == {"T": 10_000 // 256}
