"""Sweeps, against a ledger of every design."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flopscope.answers import counting
from flopscope.answers.profile import profile
from flopscope.answers.sweep import sweep
from flopscope.api.analyze import analyze
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.measured import measure
from flopscope.onnxgraph import read
from flopscope.present.sweep_picture import picture_of, pictures_of
from flopscope.quantities import QUANTITIES
from tests.support.graphs import export
from tests.support.own_nets import written


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return written(tmp_path_factory.mktemp("own"))


def refusal(capsys, *arguments):
    assert main(["sweep", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("flopscope: ").rstrip("\n")


def designs(found):
    """The free sizes and counts of each design, in order."""
    names = [axis.name for axis in found.axes]
    columns = [*map(found.values, found.axes), *map(found.counts, found.quantities)]
    keys = [*names, *(row.name for row in found.quantities)]
    return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]


# --- counts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["mobilenetv2", "ghostnet_100", "convnext_tiny", "mobilevit_xxs"])
@settings(max_examples=5, deadline=None)
@given(
    widths=st.lists(st.integers(2, 30), min_size=1, max_size=4, unique=True),
    sides=st.lists(st.sampled_from([64, 96, 128, 161, 224]), min_size=1, max_size=3, unique=True),
)
def test_a_sweep_of_the_catalogue_is_its_ledger_at_each_design(model, widths, sides):
    texts = ",".join(f"{n / 20}" for n in sorted(widths))
    free = f"width={texts},res={','.join(map(str, sorted(sides)))}"
    of = ["macs", "params", "peak", "traffic"]
    found = designs(sweep(model, free, of))
    assert [(d["width"], d["res"]) for d in found] == [
        (n / 20, side) for n in sorted(widths) for side in sorted(sides)
    ]
    for design in found:
        ledger = analyze(f"{model}:width={design['width']}", res=design["res"])
        assert {name: design[name] for name in of} == {
            name: int(QUANTITIES[name].read(ledger)) for name in of
        }


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_sweep_of_an_own_network_is_its_trace_at_each_design(own, data):
    name, free, arguments = data.draw(
        st.sampled_from([
            ("Net", "width=4,8,12,depth=1:3:1,res=16,31", ["width", "depth"]),
            ("Scaled", "width=0.3:2:0.17,res=16,32", ["width"]),
            ("Scaled", "width=0.1,0.35,0.36,0.75,1.1,1.25,res=33", ["width"]),
            ("Grouped", "width=4:24:1,groups=1:4:1,res=8", ["width", "groups"]),
            ("Stepped", "size=1:6:1,batch=1,3,res=16", ["size"]),
        ])
    )  # fmt: skip
    of = ["macs", "params", "activations", "peak"]
    found = designs(sweep(f"{own}:{name}", free, of, convention="fvcore"))
    for design in found:
        given = {key: design[key] for key in arguments}
        shape = f"{design.get('batch', 1)},3,{design['res']},{design['res']}"
        ledger = profile(f"{own}:{name}", [shape], given).ledger
        assert design["macs"] == int(ledger.flops("fvcore"))
        assert design["params"] == int(ledger.params())
        assert design["activations"] == int(ledger.activations())
        assert design["peak"] == int(ledger.peak_activation_bytes("float32"))


def test_fvcore_counts_the_same(own):
    from flopscope.answers.target import parse_target

    found = designs(sweep(f"{own}:Scaled", "width=0.25:1.5:0.25,res=32"))
    for design in found:
        module = parse_target(f"{own}:Scaled").build({"width": design["width"]})
        assert design["macs"] == measure(module, (1, 3, 32, 32)).fvcore.macs


def test_a_module_of_python_is_swept_along_its_input():
    network = nn.Conv2d(3, 8, 3)
    found = designs(sweep(network, "batch=1,4,res=8:10:1", ["macs"]))
    assert [d["macs"] for d in found] == [
        b * (r - 2) ** 2 * 8 * 27 for b in (1, 4) for r in (8, 9, 10)
    ]


def test_a_class_or_a_function_of_python_is_swept_along_its_arguments():
    by_class = sweep(
        nn.Linear,
        {"out_features": [3, 5]},
        ["macs"],
        inputs=["1,4"],
        arguments={"in_features": 4},
    )
    assert designs(by_class) == [{"out_features": n, "macs": 4 * n} for n in (3, 5)]

    def made(width=4):
        return nn.Sequential(nn.Conv2d(3, width, 1), nn.Conv2d(width, 2, 1))

    by_function = sweep(made, {"width": range(1, 4)}, ["params"], res=8)
    assert designs(by_function) == [{"width": w, "params": 4 * w + 2 * w + 2} for w in (1, 2, 3)]
    assert by_function.counted.parts == 1


def test_a_function_that_makes_no_module_is_refused():
    with pytest.raises(BadInput) as raised:
        sweep(lambda: 3, "res=8")
    assert str(raised.value) == (
        "<lambda> has no design in this range; at res 8: <lambda> makes int, which is not an "
        "nn.Module"
    )


def test_too_many_traces_are_refused(own, monkeypatch):
    monkeypatch.setattr(counting, "MOST_PARTS", 4)
    with pytest.raises(BadInput) as raised:
        sweep(f"{own}:Stepped", "size=1:6:1", res=8)
    assert str(raised.value) == (
        f"more than 4 of these 6 designs of {own}:Stepped take a trace of their own; give shorter "
        "ranges or larger steps for size"
    )


def test_it_is_told_how_many_are_counted(own):
    told = []
    sweep(f"{own}:Net", "depth=1:3:1,width=4,8", res=8, tell=lambda *given: told.append(given))
    assert told == [(2, 6), (4, 6), (6, 6)]


def test_a_graph_is_swept_along_its_named_sizes(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 8, 3))
    path = export(tmp_path / "net.onnx", network, (1, 3, 32, 48), {0: "batch", 2: "rows"})
    found = designs(sweep(str(path), "batch=1,2,rows=3:9:1", ["macs"]))
    assert [(d["batch"], d["rows"]) for d in found] == [
        (b, r) for b in (1, 2) for r in (5, 6, 7, 8, 9)
    ]
    for d in found:
        assert d["macs"] == int(read(path, [(d["batch"], 3, d["rows"], 48)]).ledger.macs())


# --- what is kept, left out and said ------------------------------------------------------------


def test_budgets_keep_the_designs_that_have_no_more(own, capsys):
    arguments = ["--free", "width=4:24:4", "--res", "16", "--max-macs", "200k", "--format", "json"]
    assert main(["sweep", f"{own}:Net", *arguments]) == 0
    data = json.loads(capsys.readouterr().out)
    macs = {
        w: int(profile(f"{own}:Net", ["1,3,16,16"], {"width": w}).ledger.macs())
        for w in range(4, 25, 4)
    }
    kept = [w for w, n in macs.items() if n <= 200_000]
    assert 0 < len(kept) < 6
    assert [(d["width"], d["macs"]) for d in data["designs"]] == [(w, macs[w]) for w in kept]
    assert data["over_budget"] == 6 - len(kept)
    assert data["free"] == {"width": [4, 8, 12, 16, 20, 24]}


def test_a_budget_that_no_design_keeps_is_a_failure(capsys):
    assert main(["sweep", "mobilenetv2", "--free", "width=1,2", "--max-params", "1k"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert text.endswith(
        "2 designs were counted by the closed form. 2 designs were left out, with more than 1,000 "
        "params. No design keeps the budgets; the nearest is width 1, with 3,504,872 params."
    )


def test_designs_that_do_not_exist_are_said(own, capsys):
    arguments = ["--free", "width=4:7:1", "--res", "8"]
    assert main(["sweep", f"{own}:Grouped", *arguments]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1 design along width=4:7:1" in text
    assert "1 design was counted in 1 trace. 3 of the grid do not exist; one of them at width" in (
        text
    )


def test_an_unknown_cost_makes_lower_bounds(own, capsys):
    assert main(["sweep", f"{own}:Unknown", "--free", "width=4,8", "--res", "8"]) == 0
    out = capsys.readouterr().out
    assert "≥ 3,888" in out  # 6 · 6 · 4 · 27
    assert "lower bound" in out
    arguments = ["--free", "width=4,8", "--res", "8", "--format", "json"]
    assert main(["sweep", f"{own}:Unknown", *arguments]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [d["lower_bound"] for d in data["designs"]] == [True, True]


def test_csv_has_the_raw_numbers(capsys):
    arguments = ["--free", "width=0.5,1", "--of", "macs", "--format", "csv"]
    assert main(["sweep", "mobilenetv2", *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "width,macs_macs", "0.5,97131840", "1.0,300774272",
    ]  # fmt: skip


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mobilenetv2"],
         "nothing is free; name at least one of res, batch, width, depth, classes"),
        (["mobilenetv2", "--free", "width"],
         "width has no values; write --free width=FROM:TO:STEP or values, such as "
         "width=0.25:2:0.25"),
        (["mobilenetv2", "--free", "widht=1"],
         "unknown free size of mobilenetv2 'widht'; did you mean width?"),
        (["mobilenetv2", "--free", "res=224.5"],
         "res=224.5 has values that are not integers; res takes integers"),
        (["mobilenetv2", "--free", "classes=2.5"],
         "classes=2.5 has values that are not integers; classes takes integers"),
        (["mobilenetv2", "--free", "res=160", "--res", "224"],
         "res is given and free at once; leave one of them out"),
        (["mobilenetv2:width=2", "--free", "width=1"],
         "width is fixed in 'mobilenetv2:width=2' and free at once; leave one of them out"),
        (["mobilenetv2", "--free", "width=1", "--input", "1,3,H,W"],
         "mobilenetv2 is a catalogue model, whose input has one form; give --res and --batch in "
         "place of --input"),
        (["mobilenetv2", "--free", "width=1", "--arg", "a=1"],
         "mobilenetv2 is a catalogue model; its options follow a colon, as in "
         "mobilenetv2:width=1.4, and --arg and --example are for a network of your own"),
        (["mobilenetv2", "--free", "width=1", "--of", "mac"],
         "unknown quantity 'mac'; did you mean macs?"),
        (["mobilenetv2", "--free", "width=1", "--of", "macs,macs"],
         "no quantity is named, or one twice; name each once, such as params,macs"),
        (["mobilenetv2", "--free", "width=0.001:20:0.001"],
         "there are 20,000 designs, and a table has at most 10,000; give shorter ranges, larger "
         "steps, a budget such as --max-macs 300M, or what to keep of them, such as --keep "
         "top:100, front, histogram, count or all"),
        (["mobilenetv2", "--free", "res=1:2000:1,width=0.01:20:0.01", "--max-macs", "1M"],
         "4,000,000 designs are too many, of res (2,000), width (2,000); give shorter ranges or "
         "larger steps, for at most 1,000,000"),
        (["mobilenetv2", "--free", "res=1:200:1,width=0.01:20:0.01", "--max-macs", "900G"],
         "there are 400,000 designs that keep the budgets, and a table has at most 10,000; give "
         "shorter ranges, larger steps, a budget such as --max-macs 300M, or what to keep of them, "
         "such as --keep top:100, front, histogram, count or all"),
        (["mobilenetv2", "--free", "res=1,2,width=1,2,classes=1,2,depth=1,2", "--plot", "x.png"],
         "a picture has one to three free sizes, not res, width, classes, depth; fix some, or "
         "leave the picture out"),
        (["mobilenetv2", "--free", "res=1:8:1,width=1:9:1,batch=1:9:1", "--plot", "x.png"],
         "a picture along res, width, batch has a part for each value of one of them, at most 6, "
         "and res has 8, the fewest; give fewer of one, or fix one"),
        (["mobilenetv2", "--free", "res=32,64,width=1,2,classes=1,2", "--plot", "x.png",
          "--panel", "lines"],
         "lines show one or two free sizes, and this sweep has three; draw the panel heatmap or "
         "levels, or fix one"),
        (["nothing", "--free", "res=1"], "unknown model 'nothing'; known are "),
    ],
)  # fmt: skip
def test_bad_input(capsys, arguments, message):
    assert refusal(capsys, *arguments)[: len(message)] == message


def test_a_range_without_any_design(own, capsys):
    found = refusal(capsys, f"{own}:Grouped", "--free", "width=5,6", "--res", "8")
    assert found.startswith(f"{own}:Grouped has no design in this range; at width 6: ")


# --- pictures -----------------------------------------------------------------------------------


def test_one_size_is_a_line():
    picture = picture_of(sweep("mobilenetv2", "width=0.25:1:0.25", ["macs"]))
    assert picture.first.values == (0.25, 0.5, 0.75, 1.0)
    assert picture.counts == [[37201312, 97131840, 209069792, 300774272]]
    assert picture.quantity == "MACs, convention macs; MobileNetV2, 224×224, batch 1"
    assert picture.second is None


@pytest.mark.parametrize("free", ["width=0.5,1,res=32:96:32", "res=32:96:32,width=0.5,1"])
def test_the_longer_of_two_sizes_lies_across(free):
    picture = picture_of(sweep("mobilenetv2", free, ["macs"]))
    assert picture.first.values == (32, 64, 96)
    assert picture.second.values == (0.5, 1.0)
    assert picture.counts == [
        [analyze(f"mobilenetv2:width={w}", res=r).macs().value for r in (32, 64, 96)]
        for w in (0.5, 1)
    ]


def test_three_sizes_are_parted_along_the_shortest():
    free = "batch=1,2,res=32:96:32,width=0.25:1:0.25"
    pictures = pictures_of(sweep("mobilenetv2", free, ["macs"]))
    assert [each.part for each in pictures] == ["Batch 1", "Batch 2"]
    for batch, picture in enumerate(pictures, start=1):
        assert picture.first.values == (0.25, 0.5, 0.75, 1.0)
        assert picture.second.values == (32, 64, 96)
        assert picture.counts == [
            [
                batch * analyze(f"mobilenetv2:width={w}", res=r).macs().value
                for w in (0.25, 0.5, 0.75, 1)
            ]
            for r in (32, 64, 96)
        ]
    counts = [n for each in pictures for row in each.counts for n in row]
    assert {each.ends for each in pictures} == {(min(counts), max(counts))}


def test_one_pair_of_axes_has_two_sizes_at_most():
    with pytest.raises(BadInput) as refused:
        picture_of(sweep("mobilenetv2", "batch=1,2,res=32,64,width=0.5,1", ["macs"]))
    assert str(refused.value) == (
        "one pair of axes shows one or two free sizes, not batch, res, width; fix some, or draw "
        "three with --plot of flopscope sweep"
    )


def test_without_a_wish_the_work_is_drawn():
    found = sweep("mobilenetv2", "width=0.5,1")
    assert picture_of(found).counts == [[97131840, 300774272]]
    assert picture_of(sweep("mobilenetv2", "width=0.5,1", ["params", "macs", "peak"])).counts == [
        [1968680, 3504872]
    ]
    assert picture_of(found, QUANTITIES["params"]).counts == [[1968680, 3504872]]


def test_a_limit_of_what_is_drawn_is_a_line_and_others_leave_gaps():
    most = {"macs": 100_000_000, "params": 3_000_000}
    found = sweep("mobilenetv2", "width=0.5,0.75,1", ["macs"], most=most)
    picture = picture_of(found)
    assert picture.counts == [[97131840, 209069792, None]]
    assert picture.budget == 100_000_000


def test_designs_that_do_not_exist_are_gaps(own):
    found = sweep(f"{own}:Grouped", "width=4:8:1", ["params"], res=8)
    assert [count is None for count in picture_of(found).counts[0]] == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_a_picture_is_drawn(tmp_path, capsys):
    path = tmp_path / "sweep.png"
    arguments = ["--free", "width=0.5,1,res=64,96", "--plot", str(path), "--panel", "heatmap"]
    assert main(["sweep", "mobilenetv2", *arguments]) == 0
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "sweep.png.json").read_text())["data"]["designs"][0]["res"] == 64
    assert "4 designs" in capsys.readouterr().out
