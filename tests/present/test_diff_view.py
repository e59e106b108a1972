"""How the differences of two networks are printed, and what a program reads of them."""

import csv
import io
import json

import pytest
from torch import nn

import flopscope as fs
from flopscope.cli import main

TWO = ("mobilenetv2", "mobilenetv2:classes=10")
ROWS = 151


def run(capsys, *arguments):
    status = main(["diff", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def printed(capsys, *arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    return out


def test_totals_come_first_and_then_the_rows_that_differ(capsys):
    out = printed(capsys, *TWO)
    params, macs = 1280 * 990 + 990, 1280 * 990
    assert f"difference              −{params:,}   −{macs:,}" in out
    assert "Rows: 150 the same, 1 changed." in out
    assert f"changed  head.classifier  out 1000 → 10, bias 1000 → 10  −{params:,}" in out


def test_all_shows_the_rows_that_are_the_same(capsys):
    few, every = printed(capsys, *TWO), printed(capsys, *TWO, "--all")
    assert [text.count("\nsame ") for text in (few, every)] == [0, ROWS - 1]


def test_rows_that_only_follow_are_left_out_and_counted(capsys):
    out = printed(capsys, "mobilenetv1", "mobilenetv1:width=0.5")
    assert "stem.act" not in out
    counted = "28 rows changed only in size, as those before, and cost the same; --all shows them."
    assert counted in " ".join(out.split())
    assert "stem.act" in printed(capsys, "mobilenetv1", "mobilenetv1:width=0.5", "--all")


def test_equal_networks(capsys):
    out = printed(capsys, "mobilenetv1", "mobilenetv1")
    assert "The networks are the same, row by row: 83 rows." in out
    assert "other names" not in out


def test_other_names_are_told_in_examples():
    first, second = nn.Sequential(nn.ReLU(), nn.ReLU()), nn.Sequential()
    second.add_module("a", nn.ReLU())
    second.add_module("b", nn.ReLU())
    report = fs.diff(first, second, (1, 3))
    assert report.same
    assert "2 rows have other names: 0 → a, 1 → b\n" in str(report)


def test_inputs_that_differ_are_both_in_the_title(capsys):
    out = printed(capsys, "efficientnet_b0", "efficientnet_b1", "--by", "stage")
    assert out.startswith(
        "Each at its own input: 224×224, batch 1, and 240×240, batch 1. MACs, convention\nmacs: "
    )


@pytest.mark.parametrize("by", ["module", "layer", "block", "stage", "kind"])
def test_sums_stand_above_a_total(capsys, by):
    out = printed(capsys, "resnet50", "resnext50_32x4d", "--by", by, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    found = fs.diff("resnet50", "resnext50_32x4d").to_dict()["difference"]
    assert sum(int(row["params_difference"]) for row in rows) == found["params"]
    assert sum(int(row["macs_macs_difference"]) for row in rows) == found["macs"]
    assert by in rows[0]


def test_csv_has_the_rows_and_raw_numbers(capsys):
    out = printed(capsys, *TWO, "--format", "csv", "--convention", "fvcore")
    assert list(csv.reader(io.StringIO(out))) == [
        ["row", "layer", "was", "what", "params_difference", "macs_fvcore_difference",
         "activations_difference"],
        ["changed", "head.classifier", "", "out 1000 → 10, bias 1000 → 10", "-1268190",
         "-1267200", "-990"],
    ]  # fmt: skip
    same = printed(capsys, "mobilenetv1", "mobilenetv1", "--format", "csv")
    assert same == out.splitlines()[0].replace("fvcore", "macs") + "\n"


def test_json_has_every_change_of_every_row(capsys):
    data = json.loads(printed(capsys, *TWO, "--format", "json"))
    assert data["schema"] == "flopscope.diff/1"
    assert (data["same"], data["rows_by_verdict"]["same"]) == (False, ROWS - 1)
    (row,) = data["rows"]
    assert row == {
        "row": "changed",
        "before": "head.classifier",
        "after": "head.classifier",
        "operator": "linear",
        "changes": [
            {"what": "out", "before": "1000", "after": "10"},
            {"what": "bias", "before": "1000", "after": "10"},
        ],
        "difference": {
            "params": -1268190, "macs": -1267200, "count": -1267200, "activations": -990
        },
    }  # fmt: skip
    assert data["after"]["params"] - data["before"]["params"] == data["difference"]["params"]
    every = json.loads(printed(capsys, *TWO, "--all", "--format", "json"))
    assert len(every["rows"]) == ROWS


def test_an_unknown_difference_is_said_and_is_null():
    class Unknown(nn.Module):
        def __init__(self, times):
            super().__init__()
            self.times = times

        def forward(self, x):
            for _ in range(self.times):
                x = x.pinverse()
            return x

    report = fs.diff(Unknown(1), Unknown(2), (8, 8))
    assert report.to_dict()["difference"]["macs"] is None
    assert str(report).splitlines()[-1].split() == ["total", "0", "unknown"]
    assert report.to_frame()["macs_macs_difference"].isna().all()


def test_the_exit_status_is_asked_for(capsys, tmp_path):
    assert run(capsys, *TWO)[0] == 0
    assert run(capsys, *TWO, "--exit-code")[0] == 1
    assert run(capsys, "mobilenetv2", "mobilenetv2", "--exit-code")[0] == 0
    status, out, _ = run(capsys, *TWO, "--exit-code", "-o", str(tmp_path / "diff.csv"))
    assert (status, out) == (1, "")
    assert (tmp_path / "diff.csv").read_text().startswith("row,layer,was,what,")


def test_python_prints_what_the_command_prints(capsys):
    assert f"{fs.diff(*TWO)}\n" == printed(capsys, *TWO)
    assert f"{fs.diff(*TWO, by='stage')}\n" == printed(capsys, *TWO, "--by", "stage")
    assert repr(fs.diff(*TWO)) == "DiffReport(mobilenetv2, mobilenetv2:classes=10 at 224×224)"


@pytest.mark.parametrize("width", ["mobilenetv2:width=0.5", "mobilenetv2:width=1.4"])
@pytest.mark.parametrize("more", [(), ("--all",), ("--by", "module"), ("--by", "kind")])
def test_it_fits_80_columns(capsys, width, more):
    out = printed(capsys, "mobilenetv2", width, *more)
    assert max(map(len, out.splitlines())) <= 80


MESSAGES = {
    (*TWO, "--by", "layers"): "flopscope: unknown level 'layers'; did you mean layer?\n",
    ("mobilenetv2", "mobilenetv22"): "flopscope: unknown model 'mobilenetv22'; did you mean "
    "mobilenetv2, mobilenetv1 or mobileone_s2?\n",
    (*TWO, "--format", "xml"): "flopscope: unknown format 'xml'; known are table, markdown, "
    "latex, csv, json, html\n",
}


@pytest.mark.parametrize("arguments", MESSAGES, ids=" ".join)
def test_bad_input_gets_one_sentence(capsys, arguments):
    assert run(capsys, *arguments) == (2, "", MESSAGES[arguments])


def test_two_networks_are_needed(capsys):
    status, out, err = run(capsys, "mobilenetv2")
    assert (status, out) == (2, "")
    assert err.endswith("Error: Missing argument 'TARGET'.\n")
