"""The formulas of an ONNX file, against readings of it at numbers."""

import json

import pytest
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.onnxgraph import read
from tests.support.graphs import export


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 8, 3))
    free = {0: "batch", 2: "rows"}
    return str(export(tmp_path_factory.mktemp("graph") / "net.onnx", network, (1, 3, 32, 48), free))


def macs(graph, *shape):
    return int(read(graph, [shape]).ledger.macs())


def page(capsys, *arguments):
    assert main(["formula", *arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_named_sizes_of_the_file_are_free(graph):
    formula = fs.formula(graph)
    for batch, rows in ((1, 5), (2, 33), (7, 224)):
        assert formula.subs(batch=batch, rows=rows).expression == macs(graph, batch, 3, rows, 48)
    assert formula.domain == "batch ≥ 1; rows ≥ 5"


def test_inputs_replace_the_sizes_and_examples_give_them_values(graph, capsys):
    found = page(capsys, graph, "--input", "B,3,H,W", "--of", "macs")
    (formula,) = found["formulas"]
    assert formula["domain"] == "B ≥ 1; H, W ≥ 5"
    assert found["source"] == "read from its graph, on an input of B×3×H×W"
    (one,) = page(capsys, graph, "--example", "batch=2", "--example", "rows=9")["formulas"][:1]
    assert one["domain"] == "no free sizes"


def test_the_page_is_printed(graph, capsys):
    assert main(["formula", graph, "--of", "params"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        graph, "read from its graph, on an input of batch×3×rows×48", "", "parameters", "",
        f"  {4 * 27 + 4 + 8 * 36 + 8}", "", "  domain: rows ≥ 5",
    ]  # fmt: skip


def test_sizes_may_be_multiples(graph, capsys):
    assume = ["--input", "1,3,H,W", "--assume", "H, W multiples of 2", "--of", "macs"]
    (formula,) = page(capsys, graph, *assume)["formulas"]
    assert "⌈" not in json.dumps(formula, ensure_ascii=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--free", "batch"],
         "{graph} is an ONNX file, free in every named size already; leave batch out, or give "
         "names in --input, as in B,3,H,W"),
        (["--free", "batch=1,2"],
         "--free batch=1,2 gives values, and a formula holds for all of them; write --free batch, "
         "or count at the values with `flopscope sweep`"),
        (["--arg", "width=2"],
         "{graph} is an ONNX file, which takes no arguments; leave --arg out"),
        (["--of", "mac"], "unknown quantity 'mac'; did you mean macs?"),
    ],
)  # fmt: skip
def test_bad_input(graph, capsys, arguments, message):
    assert main(["formula", graph, *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"flopscope: {message.replace('{graph}', graph)}\n")


def test_a_file_that_does_not_exist(capsys):
    assert main(["formula", "none.onnx"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: there is no file none.onnx; give the path of an ONNX model\n"
    )
