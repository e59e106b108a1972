"""--columns of profile and show: every column, on every kind of part, at numbers and free sizes."""

import csv
import io
import json

import pytest
from graphs import export
from own_net import made, working

import flopscope as fs
from flopscope.answers.parts import reads, whole
from flopscope.cli import main
from flopscope.conventions import CONVENTIONS
from flopscope.errors import FlopscopeError
from flopscope.present.columns import Rows, known, parse_columns, share_of
from flopscope.present.paper import COLUMNS
from flopscope.present.part_facts import PART_FACTS
from flopscope.present.view import BY, View
from flopscope.quantities import QUANTITIES, askable

NET = ("net.py:Net", "--res", "32")
LISTS = "`flopscope profile --columns help` lists them"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def run(capsys, *command):
    status = main(list(command))
    out, err = capsys.readouterr()
    return status, out, err


def printed(capsys, *command):
    status, out, err = run(capsys, *command)
    assert (status, err) == (0, "")
    return out


def rows(capsys, *command):
    return [*csv.DictReader(io.StringIO(printed(capsys, *command, "--format", "csv")))]


# --- the list ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["profile", "show"])
def test_the_columns_of_parts_are_listed_before_anything_is_read(capsys, command):
    out = printed(capsys, command, "nowhere.py:Nothing", "--columns", "help")
    assert printed(capsys, command, "--columns", "help") == out
    names = [line.split("  ")[0].split(",")[0] for line in out.splitlines()[2:]]
    assert [name for name in names[: names.index("Rows are parts of a network; --columns takes "
            "names with commas between them.")] if name] == list(known(Rows.PARTS))  # fmt: skip
    assert max(map(len, out.splitlines())) <= 80


def test_every_column_that_is_listed_is_made():
    facts = {name for name in known(Rows.PARTS) if name not in askable(CONVENTIONS["macs"])}
    assert facts == {*PART_FACTS, "percent"}
    assert [*COLUMNS] == [*known(Rows.NETWORKS)]
    assert {*QUANTITIES} <= {*known(Rows.PARTS)} & {*known(Rows.NETWORKS)}


def test_names_of_shares():
    assert [share_of(name) for name in ("percent", "params%", "params")] == [
        "count", "params", None,
    ]  # fmt: skip
    assert parse_columns("input ,macs%, fp32", Rows.PARTS) == ("input", "macs%", "weights")


# --- the columns ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", BY)
def test_every_column_at_once_in_every_split(capsys, by):
    names = [*known(Rows.PARTS), "params%", "traffic_int8%"]
    found = rows(capsys, "profile", *NET, "--by", by, "--columns", ",".join(names))
    totals = json.loads(
        printed(
            capsys, "profile", *NET, "--by", by, "--columns", ",".join(names), "--format", "json"
        )
    )
    top = [row for row in found if by != "module" or "." not in row["path"]]
    for row in askable(CONVENTIONS["macs"]).values():
        values = [int(part[row.column]) for part in top]
        summed = sum(values) if row.additive else max(values)
        assert totals[row.key] == summed, row.name
    assert sum(float(part["params_percent"]) for part in top) == pytest.approx(100, abs=0.5)


def test_facts_of_layers(capsys):
    names = "kind,operator,stage,block,input,output,kernel,stride,padding,dilation,groups"
    first, *_, pointwise, pool, last = rows(
        capsys, "profile", *NET, "--by", "layer", "--columns", names
    )
    assert first == {
        "path": "stem.0", "kind": "standard convolution", "operator": "standard 3×3 /2",
        "stage": "stem", "block": "stem", "input": "[1, 3, 32, 32]",
        "output": "[1, 8, 16, 16]", "kernel": "[3, 3]", "stride": "[2, 2]",
        "padding": "[1, 1]", "dilation": "[1, 1]", "groups": "1",
    }  # fmt: skip
    assert (pointwise["kernel"], pointwise["padding"]) == ("[1, 1]", "[0, 0]")
    assert (pool["kernel"], pool["groups"], pool["kind"]) == ("", "", "global pool")
    assert (last["kernel"], last["groups"], last["input"]) == ("", "", "[1, 16]")


def test_what_differs_inside_a_part_is_left_out(capsys):
    found = rows(
        capsys, "profile", *NET, "--depth", "1", "--columns", "kind,kernel,stride,groups,input"
    )
    body = next(row for row in found if row["path"] == "body")
    assert body == {
        "path": "body", "kind": "", "kernel": "", "stride": "[1, 1]", "groups": "",
        "input": "[1, 8, 16, 16]",
    }  # fmt: skip
    stem = next(row for row in found if row["path"] == "stem")
    assert (stem["kernel"], stem["groups"]) == ("[3, 3]", "1")


def test_facts_alone_have_no_total(capsys):
    out = printed(capsys, "profile", *NET, "--by", "layer", "--columns", "path,stage,stride")
    assert (
        out
        == """\
net.py:Net on (1, 3, 32, 32).

Layer   Stage  Stride
─────────────────────
stem.0  stem        2
stem.1  stem
stem.2  stem
body.0  body        1
body.1  body        1

fc      fc
"""
    )


def test_a_kind_has_neither_input_nor_output(capsys):
    found = rows(capsys, "profile", *NET, "--by", "operator", "--columns", "input,output,params")
    assert {(row["input"], row["output"]) for row in found} == {("", "")}


def test_counts_of_several_conventions_are_each_said(capsys):
    out = printed(capsys, "profile", *NET, "--depth", "0", "--columns", "macs,torch,fp16,params%")
    assert (
        out
        == """\
net.py:Net on (1, 3, 32, 32).

           MACs    FLOPs    fp16  Params
Module   (macs)  (torch)      MB       %
────────────────────────────────────────
total   106,656  213,312  0.0013   100.0

MACs (macs): one per multiply-accumulate of convolution, linear and matmul;
    bias, norm, activation, pooling free
FLOPs (torch): two per multiply-accumulate of convolution, linear and matmul;
    nothing else
"""
    )


def test_one_convention_is_in_the_title(capsys):
    out = printed(capsys, "profile", *NET, "--depth", "0", "--columns", "torch")
    assert out.startswith("net.py:Net on (1, 3, 32, 32). FLOPs, convention torch: two per")
    assert "macs" not in out


def test_the_sort_needs_no_column(capsys):
    found = rows(capsys, "profile", *NET, "--by", "layer", "--columns", "params", "--sort", "torch")
    assert [row["path"] for row in found[:3]] == ["stem.0", "body.1", "body.0"]
    assert [*found[0]] == ["path", "params"]


def test_lower_bounds_are_marked_and_explained(capsys, folder):
    (folder / "odd.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Odd(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 4, 3, 2, 1)\n\n"
        "    def forward(self, x):\n        return torch.linalg.pinv(self.conv(x))\n"
    )
    target = ("odd.py:Odd", "--input", "1,3,9,9", "--by", "layer")
    found = rows(capsys, "profile", *target, "--columns", "params,macs")
    assert [(row["path"], row["bound"], row["not_counted"]) for row in found] == [
        ("conv", "=", ""), ("", "≥", "linalg_pinv"),
    ]  # fmt: skip
    assert [*rows(capsys, "profile", *target, "--columns", "params")[0]] == ["path", "params"]
    out = printed(capsys, "profile", *target, "--columns", "params,macs,percent")
    assert "≥: a lower bound; the cost of these operators is unknown" in out
    assert "%: of what is counted" in out
    out = printed(capsys, "profile", *target, "--columns", "params,percent")
    assert "%: of what is counted" in out
    assert main(["profile", *target, "--columns", "params", "--strict"]) == 0
    assert main(["profile", *target, "--columns", "macs", "--strict"]) == 1


def test_a_plus_puts_the_smallest_first(capsys):
    largest, smallest = (
        [int(row["params"]) for row in rows(
            capsys, "profile", *NET, "--by", "layer", "--columns", "params", "--sort", sort
        )]
        for sort in ("params", "+params")
    )  # fmt: skip
    assert largest == sorted(largest, reverse=True)
    assert smallest == sorted(smallest) == largest[::-1]


def test_counts_of_networks_are_said_too(capsys):
    def said(columns):
        out = printed(capsys, "compare", "mobilenetv2", "--columns", columns)
        return " ".join(out.split())

    assert said("params").startswith("Input 224×224, batch 1. Model Params")
    assert said("torch").startswith("Input 224×224, batch 1. FLOPs, convention torch: two per")
    assert said("macs,torch").startswith("Input 224×224, batch 1. MACs FLOPs Model")
    assert said("macs,torch").endswith(
        "MACs (macs): one per multiply-accumulate of convolution, linear and matmul; bias, norm, "
        "activation, pooling free FLOPs (torch): two per multiply-accumulate of convolution, "
        "linear and matmul; nothing else"
    )
    assert printed(capsys, "compare", "mobilenetv1", "mobilenetv2", "--sort", "+fp32") == printed(
        capsys, "compare", "mobilenetv1", "mobilenetv2", "--sort", "+weights"
    )


# --- the peak of a part -----------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, row in askable(CONVENTIONS["macs"]).items()
                                  if not row.additive])  # fmt: skip
@pytest.mark.parametrize("by", ["module", "layer", "kind", "stage"])
def test_the_largest_peak_of_parts_is_that_of_the_network(name, by):
    ledger = fs.analyze("mobilenetv3_small:width=0.5", res=64)
    quantity = askable(CONVENTIONS["macs"])[name]
    read = reads(quantity, ledger.rows)
    parts = View(CONVENTIONS["macs"], by).parts(ledger)
    found = [int(read(part)) for part in parts]
    assert max(found) == int(read(whole(ledger))) == int(quantity.read(ledger))
    assert len({*found}) > 1


# --- free sizes -------------------------------------------------------------------------------


def test_columns_at_free_sizes(capsys):
    out = printed(
        capsys, "profile", "net.py:Net", "--input", "B,3,H,W", "--by", "layer",
        "--columns", "kernel,output,macs,int8",
    )  # fmt: skip
    first = out.partition("stem.0")[2].splitlines()[0].split()
    assert first[-4:] == ["3×3", "B×8×⌈H/2⌉×⌈W/2⌉", "216·B·⌈H/2⌉·⌈W/2⌉", "224"]
    assert "MACs (macs)  B·(416·⌈H/2⌉·⌈W/2⌉ + 160)" in out
    assert "int8, bytes  634" in out


# --- show -------------------------------------------------------------------------------------


def test_show_takes_what_profile_takes(capsys, folder):
    export(folder / "model.onnx", made(), (2, 3, 32, 32), {0: "batch"})
    for target in (["mobilenetv2", "--res", "64"], [*NET], ["model.onnx"]):
        found = rows(capsys, "show", *target, "--columns", "kernel,params,peak", "--sort", "params")
        assert [*found[0]] == ["layer", "kernel", "params", "peak_activation_bytes_float32"]
        params = [int(row["params"]) for row in found]
        assert params == sorted(params, reverse=True)
    assert printed(capsys, "show", "model.onnx", "--batch", "4").startswith(
        "model.onnx, input 32×32, batch 4. "
    )


def test_a_tree_of_a_closed_form(capsys):
    out = printed(capsys, "show", "mobilenetv2", "--by", "module", "--depth", "1")
    lines = out.partition("\n\n")[2].splitlines()
    assert [line.split()[0] for line in lines[3:12]] == [
        "stem", *(f"stage{n}" for n in range(1, 8)), "head",
    ]  # fmt: skip
    assert lines[-1].split() == ["total", "3,504,872", "300,774,272", "100.0", "6,679,112"]


def test_show_at_free_sizes_prints_formulas(capsys):
    out = printed(capsys, "show", "net.py:Net", "--input", "B,3,H,W", "--by", "stage")
    assert out.startswith("net.py:Net, input H×W, batch B. MACs, convention macs: ")
    assert "stem              240  216·B·⌈H/2⌉·⌈W/2⌉" in out
    data = json.loads(
        printed(capsys, "show", "net.py:Net", "--input", "B,3,H,W", "--format", "json")
    )
    assert (data["batch"], data["resolution"]) == ("B", ["H", "W"])
    assert data["layers"][0]["macs"]["python"] == "216 * B * (-(-H // 2)) * (-(-W // 2))"


def test_a_closed_form_is_shown_at_stated_inputs(capsys):
    """At numbers, and at free sizes, without torch: the formulas are those of `formula`."""
    stated = printed(capsys, "show", "mobilenetv2", "--input", "2,3,64,96", "--by", "stage")
    assert stated == printed(
        capsys, "show", "mobilenetv2", "--res", "64x96", "--batch", "2", "--by", "stage"
    )
    free = json.loads(
        printed(
            capsys, "show", "mobilenetv2", "--input", "B,3,H,W", "--by", "stage",
            "--format", "json",
        )
    )  # fmt: skip
    numbers = json.loads(
        printed(
            capsys, "show", "mobilenetv2", "--input", "2,3,64,96", "--by", "stage",
            "--format", "json",
        )
    )  # fmt: skip
    for formula, number in zip(free["stages"], numbers["stages"], strict=True):
        assert eval(formula["macs"]["python"], {"B": 2, "H": 64, "W": 96}) == number["macs"]


def test_inputs_that_a_model_does_not_take_are_refused(capsys):
    assert run(capsys, "show", "mobilenetv2", "--input", "1,4,64,64") == (
        2,
        "",
        "flopscope: mobilenetv2 takes inputs such as 1,3,224,224, and --input gives 1,4,64,64; "
        "give what every network takes, or leave --input out\n",
    )


def test_a_sort_adds_its_column(capsys):
    found = rows(capsys, "show", "mobilenetv2", "--by", "stage", "--sort", "traffic")
    values = [int(row["traffic_bytes_float32"]) for row in found]
    assert values == sorted(values, reverse=True)
    assert "traffic_bytes_float32" not in rows(
        capsys, "show", "mobilenetv2", "--by", "stage", "--sort", "macs"
    )[0]  # fmt: skip


# --- bad input --------------------------------------------------------------------------------

LONG = "1" * 5000
FREE = ("net.py:Net", "--input", "B,3,H,W")
NUMBERS = "needs numbers, and some sizes are free; give numbers, such as --res 224, or leave the"
BAD = {
    (*NET, "--columns", ""): (
        f"--columns is empty; give names of columns such as params,macs; {LISTS}"
    ),
    (*NET, "--columns", "params,"): (
        f"--columns params, leaves out a name; give names of columns such as params,macs; {LISTS}"
    ),
    (*NET, "--columns", "kernal"): f"unknown column 'kernal'; did you mean kernel? {LISTS}",
    (*NET, "--columns", "bytes"): f"unknown column 'bytes'; {LISTS}",
    (*NET, "--columns", "macs,macs"): "the column macs is given twice; give it once",
    (*NET, "--columns", "top1"): (
        "the column top1 is of networks, as in flopscope compare; these rows are parts of a "
        f"network; {LISTS}"
    ),
    (*NET, "--columns", "peak%"): f"unknown column 'peak%'; did you mean peak? {LISTS}",
    (*FREE, "--columns", "peak"): f"the column peak {NUMBERS} column out",
    (*FREE, "--columns", "macs%"): f"the column macs% {NUMBERS} column out",
    (*NET, "--columns", "peak_int8", "--backward"): (
        "the column peak_int8 is of a forward pass, and this is a training step; leave --backward "
        "or the column out; the bytes saved for the backward pass are below the table"
    ),
    (*NET, "--epoch", "50k"): "--epoch counts training steps; add --backward",
    (*NET, "--backward", "--epoch", "many"): (
        "--epoch many is not a number of images; give one such as 1.28M"
    ),
    (*FREE, "--backward", "--epoch", "50k"): (
        "--epoch needs the batch as a number, first in every input, and B,3,H,W does not have it; "
        "give --batch, or an input such as --input 128,3,224,224"
    ),
    (*NET, "--batch", "0"): "--batch 0 is not a positive integer; give one such as 1",
    (*NET, "--batch", LONG): f"--batch {LONG} is not a positive integer; give one such as 1",
    (*NET, "--backward", "--epoch", f"1.{LONG}"): (
        f"--epoch 1.{LONG} is not a number of images; give one such as 1.28M"
    ),
    ("net.py:Net", "--input", "4,3,32,32", "--batch", "4"): (
        "--input gives the batch too, as in 8,3,H,W; leave --batch out"
    ),
    (*NET, "--scale", "phi=1"): (
        "net.py:Net is not a catalogue model and has no coefficients that could be scaled; leave "
        "--scale out, or name a catalogue model"
    ),
}


@pytest.mark.parametrize("command", ["profile", "show"])
@pytest.mark.parametrize("arguments", BAD, ids=lambda words: " ".join(words)[:60])
def test_bad_input_gets_one_sentence(capsys, command, arguments):
    assert run(capsys, command, *arguments) == (2, "", f"flopscope: {BAD[arguments]}\n")


def test_arguments_are_for_own_networks_in_both(capsys):
    for command in ("profile", "show"):
        status, out, err = run(capsys, command, "mobilenetv2", "--arg", "width=2")
        assert (status, out) == (2, "")
        assert err.startswith("flopscope: mobilenetv2 is a catalogue model; its options follow")


@pytest.mark.parametrize("columns", [["macs", "macs"], ["top1"], ["nothing"]])
def test_python_refuses_the_same(columns):
    with pytest.raises(FlopscopeError):
        View(CONVENTIONS["macs"], columns=columns)
