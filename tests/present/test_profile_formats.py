"""A profile in every format: formulas at free sizes, lower bounds, 80 columns, messages."""

import csv
import io
import json
from pathlib import Path

import pytest
from profiles import FOLDER, FREE, NUMBERS, body, printed, run, words

from flopscope.answers.profile import profile as traced
from flopscope.conventions import convention as named
from flopscope.errors import listed
from flopscope.present.profile import ProfileReport
from flopscope.present.render import FORMATS
from flopscope.present.view import View, orders

SIZES = {"B": 2, "H": 37, "W": 64}


@pytest.fixture(autouse=True)
def in_this_folder(monkeypatch):
    monkeypatch.chdir(FOLDER)


def at_sizes(capsys, target, *arguments):
    """The same profile traced at SIZES, as JSON."""
    sizes = ("--input", "{B},3,{H},{W}".format(**SIZES))
    return json.loads(printed(capsys, target, *sizes, *arguments, "--format", "json"))


# --- formulas ---------------------------------------------------------------------------------


def test_formulas_in_the_tree_and_the_totals_below(capsys):
    # stem.0 and body: 8·27, 8·9 and 16·8 a position of ⌈H/2⌉·⌈W/2⌉; fc: 160
    out = printed(capsys, "nets.py:Net", *FREE)
    assert (
        body(out)
        == """\
                          MACs
Module            Params  (macs)
───────────────────────────────────────────
stem                 240  216·B·⌈H/2⌉·⌈W/2⌉
  0  conv 3×3 /2     224  216·B·⌈H/2⌉·⌈W/2⌉
  1  batch norm       16  0
  2  relu              0  0
act  relu ×2           0  0
body                 224  200·B·⌈H/2⌉·⌈W/2⌉
  0  dw 3×3           80  72·B·⌈H/2⌉·⌈W/2⌉
  1  conv 1×1        144  128·B·⌈H/2⌉·⌈W/2⌉
(global pool)          0  0
fc  linear           170  160·B
(addition)             0  0

dw: depthwise convolution

Total
──────────────────────────────────────
params       634
MACs (macs)  B·(416·⌈H/2⌉·⌈W/2⌉ + 160)
activations  B·(32·⌈H/2⌉·⌈W/2⌉ + 10)

domain: B, H, W ≥ 1
B: batch size; H: height of the input; W: width of the input
"""
    )


def test_a_total_is_written_over_its_grids(capsys):
    out = printed(capsys, "mobilenetv2", *FREE, "--depth", "0")
    # 3,200 · 112² + 14,832 · 56² + 40,080 · 28² + 523,584 · 14² + 1,608,064 · 7² + 1,280,000
    #   = 300,774,272
    assert (
        """\
MACs (macs)  B · (     3,200 · ⌈H/2⌉·⌈W/2⌉
                 +    14,832 · ⌈H/4⌉·⌈W/4⌉
                 +    40,080 · ⌈H/8⌉·⌈W/8⌉
                 +   523,584 · ⌈H/16⌉·⌈W/16⌉
                 + 1,608,064 · ⌈H/32⌉·⌈W/32⌉
                 + 1,280,000 )
"""
        in out
    )


def test_a_part_s_long_formula_is_cut_and_says_so(capsys):
    tree, _, totals = printed(capsys, "nets.py:Grids", *FREE, "--depth", "1").partition("Total")
    assert "+ 9 · ⌈H/7⌉·⌈W/7⌉\n" in tree
    assert tree.rstrip().endswith("+ … 2 terms more")
    assert "⌈H/11⌉" not in tree
    assert "+ 9 · ⌈H/13⌉·⌈W/13⌉ )\n" in totals
    assert "…" not in totals
    assert "⌈H/13⌉" in printed(
        capsys, "nets.py:Grids", *FREE, "--depth", "1", "--format", "markdown"
    )


def test_a_size_that_became_a_number_is_said_with_its_line(capsys):
    line = 1 + Path("nets.py").read_text().splitlines().index(
        "        width = len(range(x.shape[-1]))"
    )
    out = printed(capsys, "nets.py:Fixed", *FREE, "--example", "W=40")
    assert f"fixed by the trace: W = 40 at nets.py:{line}" in words(out)
    assert "domain: B, H ≥ 1; W = 40" in out
    assert "B: batch size; H: height of the input; W: width of the input" in out
    data = json.loads(
        printed(capsys, "nets.py:Fixed", *FREE, "--example", "W=40", "--format", "json")
    )
    assert data["domain"] == "B, H ≥ 1; W = 40"
    assert [note.split(" at ")[0] for note in data["notes"]] == ["fixed by the trace: W = 40"]
    assert [fixed.split(" at ")[0] for fixed in data["fixed"]] == ["W = 40"]


def test_symbols_with_one_rule_stand_together(capsys):
    out = printed(capsys, "nets.py:Halves", *FREE)
    assert "domain: B ≥ 1; H, W multiples of 2\n" in out


def test_json_formulas_are_python_that_gives_the_numbers(capsys):
    free = json.loads(printed(capsys, "nets.py:Net", *FREE, "--format", "json"))
    exact = at_sizes(capsys, "nets.py:Net")
    assert free["inputs"] == [["B", 3, "H", "W"]]
    assert free["domain"] == "B, H, W ≥ 1"
    assert free["macs"]["latex"].startswith("416 B ") or r"\left\lceil" in free["macs"]["latex"]
    for formulas, numbers in ((free, exact), *zip(free["parts"], exact["parts"], strict=True)):
        assert [valued(formulas[name]) for name in READINGS] == [numbers[n] for n in READINGS]
    outputs = [[valued(size) for size in part["output"]] for part in free["parts"]]
    assert outputs == [part["output"] for part in exact["parts"]]


READINGS = ("params", "macs", "count", "activations")


def valued(formula):
    """A size or reading of JSON at SIZES."""
    text = formula["python"] if isinstance(formula, dict) else formula
    return eval(text, dict(SIZES)) if isinstance(text, str) else text


def test_csv_formulas_are_python_that_gives_the_numbers(capsys):
    out = printed(capsys, "nets.py:Net", *FREE, "--format", "csv", "--convention", "torch")
    exact = at_sizes(capsys, "nets.py:Net", "--convention", "torch")
    tree, totals = (list(csv.DictReader(io.StringIO(part))) for part in out.split("\n\n"))
    assert [valued(row["flops_torch"]) for row in tree] == [p["count"] for p in exact["parts"]]
    assert [valued(row["activations"]) for row in tree] == [
        p["activations"] for p in exact["parts"]
    ]
    assert [row["total"] for row in totals] == ["params", "FLOPs (torch)", "activations"]
    assert [valued(row["formula"]) for row in totals] == [
        exact[name] for name in ("params", "count", "activations")
    ]


def test_python_has_a_function_a_part_and_one_a_total(capsys):
    source = printed(capsys, "nets.py:Net", *FREE, "--format", "python", "--depth", "1")
    namespace = {}
    exec(source, namespace)
    exact = at_sizes(capsys, "nets.py:Net", "--depth", "1")
    named_so = ["stem", "act", "body", "global_pool", "fc", "addition"]
    assert [n for n in namespace if n.startswith("macs_of_")] == [f"macs_of_{n}" for n in named_so]
    for name, part in zip(named_so, exact["parts"], strict=True):
        assert called(namespace[f"macs_of_{name}"]) == part["macs"]
    for name in ("params", "macs", "activations"):
        assert called(namespace[name]) == exact[name]


def called(function):
    names = function.__kwdefaults__ or function.__code__.co_varnames
    wanted = names[: function.__code__.co_kwonlyargcount]
    return function(**{name: SIZES[name] for name in wanted})


# --- data -------------------------------------------------------------------------------------


def test_json_has_the_view_every_operator_and_the_totals(capsys):
    data = json.loads(printed(capsys, "nets.py:Net", *NUMBERS, "--depth", "1", "--format", "json"))
    assert list(data) == [
        "schema", "target", "inputs", "convention", "unit", "params", "macs", "count",
        "activations", "complete", "unknown", "fixed", "expected",
        "active_params", "notes", "domain", "by", "parts",
        "operators",
    ]  # fmt: skip
    assert data["schema"] == "flopscope.profile/1"
    assert (data["by"], data["notes"], data["domain"]) == ("module", [], "no free sizes")
    assert data["parts"][0] == {
        "path": "stem", "depth": 0, "operator": "3 operators", "output": [1, 8, 16, 16],
        "complete": True, "params": 240, "macs": 55296, "count": 55296, "activations": 2048,
    }  # fmt: skip
    for name in READINGS:
        assert sum(row[name] for row in data["operators"]) == data[name]
        assert sum(part[name] for part in data["parts"]) == data[name]


def test_csv_has_paths_depths_and_shapes(capsys):
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows[1] == {
        "path": "stem.0", "depth": "1", "operator": "conv 3×3 /2", "output": "[1, 8, 16, 16]",
        "params": "224", "macs_macs": "55296", "percent": "51.8", "activations": "2048",
        "bound": "=", "not_counted": "",
    }  # fmt: skip


def test_a_report_converts_to_a_frame():
    report = ProfileReport(
        traced("nets.py:Net", ["1,3,32,32"]), View(named("macs"), by="operator", sort="macs")
    )
    frame = report.to_frame()
    assert list(frame.columns)[:3] == ["operator", "params", "macs_macs"]
    assert frame["macs_macs"].sum() == report.to_dict()["macs"] == 106656


# --- lower bounds -----------------------------------------------------------------------------

SENTENCE = (
    "≥: a lower bound; the cost of these operators is unknown and not counted: "
    "linalg_pinv in inner; linalg_qr in the network itself"
)


@pytest.mark.parametrize("sizes", [NUMBERS, FREE], ids=["numbers", "free"])
@pytest.mark.parametrize("format_name", [name for name in FORMATS if name not in ("csv", "json")])
def test_a_lower_bound_is_marked_and_the_operators_named(capsys, format_name, sizes):
    out = printed(capsys, "nets.py:Odd", *sizes, "--format", format_name)
    said = SENTENCE.replace("_", r"\_").replace("≥", r"$\geq$")
    assert (said if format_name == "latex" else SENTENCE) in words(out)
    total = {
        ("latex", NUMBERS): r"total &  & 112 & $\geq$ 27,648 & 100.0 & $\geq$ 1,024 \\",
        ("latex", FREE): r"MACs (macs) & $\geq 108 B ",
        ("html", NUMBERS): ">≥ 27,648<",
        ("html", FREE): ">≥ 108·B·⌈H/2⌉·⌈W/2⌉<",
    }
    assert total.get((format_name, sizes), "≥ 27,648" if sizes is NUMBERS else "≥ 108·B·") in out
    assert ("%: of what is counted" in words(out)) is (sizes is NUMBERS)


def test_a_lower_bound_in_csv_is_a_column_and_numbers_stay_numbers(capsys):
    out = printed(capsys, "nets.py:Odd", *NUMBERS, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["path"], row["bound"], row["not_counted"]) for row in rows] == [
        ("conv", "=", ""),
        ("inner", "≥", "linalg_pinv"),
        ("", "≥", "linalg_qr"),
    ]
    assert sum(int(row["macs_macs"]) for row in rows) == 27648
    totals = printed(capsys, "nets.py:Odd", *FREE, "--format", "csv").split("\n\n")[1]
    assert [row["bound"] for row in csv.DictReader(io.StringIO(totals))] == ["=", "≥", "≥"]


def test_a_lower_bound_in_json_is_incomplete_and_named(capsys):
    data = json.loads(printed(capsys, "nets.py:Odd", *NUMBERS, "--format", "json"))
    assert data["complete"] is False
    assert data["unknown"] == ["inner:linalg_pinv", ":linalg_qr"]
    assert data["notes"] == [SENTENCE]
    assert [part["complete"] for part in data["parts"]] == [True, False, False]


def test_a_lower_bound_in_python_is_said_by_the_docstring(capsys):
    out = printed(capsys, "nets.py:Odd", *FREE, "--format", "python")
    said = "MACs, a lower bound without linalg_pinv, linalg_qr (convention macs)"
    assert said in words(out)
    assert '"""MACs (convention macs); ' in out  # that of conv


def test_places_of_an_unknown_operator_are_the_first_three(capsys):
    out = printed(capsys, "nets.py:Many", "--input", "2,3")
    assert "linalg_pinv in 0, 1, 2 and 2 more" in words(out)


@pytest.mark.parametrize(
    ("target", "status"), [("nets.py:Net", 0), ("nets.py:Odd", 1)], ids=["known", "unknown"]
)
@pytest.mark.parametrize("format_name", FORMATS)
def test_strict_prints_all_the_same_and_exits_1_on_a_lower_bound(
    capsys, target, status, format_name
):
    arguments = (target, *NUMBERS, "--format", format_name)
    assert run(capsys, *arguments, "--strict") == (status, printed(capsys, *arguments), "")


# --- 80 columns -------------------------------------------------------------------------------

HUGE = ("--input", "123456,3,4096,8192")


@pytest.mark.parametrize("by", ["module", "layer", "operator", "stage"])
@pytest.mark.parametrize("sizes", [NUMBERS, HUGE, FREE], ids=["numbers", "huge", "free"])
@pytest.mark.parametrize("target", ["nets.py:Net", "nets.py:Odd", "nets.py:Deep", "nets.py:Grids"])
def test_every_table_fits_80_columns_and_no_cells_touch(capsys, target, sizes, by):
    out = printed(capsys, target, *sizes, "--by", by)
    assert max(map(len, out.splitlines())) <= 80
    if sizes is not FREE:
        total = next(line for line in body(out).splitlines() if line.startswith("total "))
        assert len(total.replace("≥ ", "").replace(" T", "").split()) == 5


def test_a_reference_model_fits_whole(capsys):
    out = printed(capsys, "mobilenetv3_large", "--res", "224")
    assert max(map(len, out.splitlines())) <= 80


def test_long_names_lose_their_middle_not_their_ends(capsys):
    out = printed(capsys, "nets.py:Deep", "--res", "224")
    assert "a_name_that_says_much" in out
    assert "a_name_t…says_much" in out
    assert "4,064,256" in out


def test_long_paths_are_broken_at_dots(capsys):
    out = printed(capsys, "nets.py:Deep", "--res", "224", "--by", "layer", "--arg", "depth=3")
    lines = [line.split("  ")[0] for line in body(out).splitlines() if "a_name" in line]
    assert lines[0] == "a_name_that_says_much."


def test_numbers_are_shortened_only_where_names_cannot_be(capsys):
    out = printed(capsys, "nets.py:Odd", *HUGE)
    assert "≥ 112 T" in out
    exact = printed(capsys, "nets.py:Odd", "--input", "64,3,512,512")
    assert "≥ 452,984,832" in exact


# --- messages ---------------------------------------------------------------------------------

BAD = {
    (*NUMBERS, "--by", "modul"): "unknown level 'modul'; did you mean module?",
    (*NUMBERS, "--by", "depth"): (
        "unknown level 'depth'; known are module, layer, operator, kind, stage, block"
    ),
    (*NUMBERS, "--sort", "size"): (
        f"unknown order 'size'; known are {', '.join([*orders(named('macs'))][:16])} and "
        f"{len(orders(named('macs'))) - 16} more"
    ),
    (*NUMBERS, "--depth", "-1"): "--depth -1 is not an integer from 0; give one such as 2",
    (*NUMBERS, "--depth", "two"): "--depth two is not an integer from 0; give one such as 2",
    (*NUMBERS, "--depth", "1", "--by", "layer"): (
        "depth 1 folds the module tree, and a table by layer has no tree; "
        "leave depth out, or split by module"
    ),
    (*FREE, "--sort", "macs"): (
        "the order by macs depends on the free sizes; "
        "give numbers, or sort by params, or leave sort out"
    ),
    (*NUMBERS, "--format", "python"): (
        "format python is for free sizes, such as --input B,3,H,W, and these are numbers; "
        f"give {listed(FORMATS)}"
    ),
    (*FREE, "--format", "yaml"): (f"unknown format 'yaml'; known are {', '.join(FORMATS)}, python"),
    (*NUMBERS, "--convention", "fvcor"): "unknown convention 'fvcor'; did you mean fvcore?",
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_sentence(capsys, arguments):
    assert run(capsys, "nets.py:Net", *arguments) == (2, "", f"flopscope: {BAD[arguments]}\n")


@pytest.mark.parametrize("depth", [-1, True, 1.0])
def test_a_view_of_no_depth_is_refused(depth):
    from flopscope.errors import BadInput

    with pytest.raises(BadInput) as error:
        View(named("macs"), depth=depth)
    assert str(error.value) == f"depth {depth} is not an integer from 0; give one such as 2"


def test_free_sizes_are_sorted_by_params(capsys):
    out = printed(capsys, "nets.py:Net", *FREE, "--depth", "1", "--sort", "params")
    rows = [line.split("  ")[0] for line in body(out).splitlines()[3:6]]
    assert rows == ["stem", "body", "fc"]
