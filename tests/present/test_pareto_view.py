"""The pareto command as a user meets it, in every format; its pictures are in test_plots.py."""

import csv
import io
import json
from math import log10

import pytest

from flopscope.cli import main

GHOSTS = ("--family", "ghostnet", "--family", "ghostnetv2")


def run(capsys, *arguments):
    """(exit status, standard output, standard error)"""
    status = main(["pareto", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def printed(capsys, *arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    return out


@pytest.fixture
def results(tmp_path):
    """A results file with a stranger, a script for a name, a duplicate and a row without number."""
    path = tmp_path / "r.csv"
    path.write_text(
        "model,top1,params\n"
        "mobilenetv2_100.ra_in1k,72.948,3.50M\n"
        "<script>alert(1)</script>|x,75.5,2.1M\n"
        "mobilenetv1,70.6,\n"
        "mobilenetv1,71.0,\n"
        "mobilenetv3_small_100,NaN,\n",
        encoding="utf-8",
    )
    return str(path)


def test_the_answer_comes_first_and_then_frontier_knee_hypervolume_and_sources(capsys):
    assert printed(capsys, *GHOSTS, "--max-macs", "250M", "--max-params", "8M") == (
        "Best within 250,000,000 MACs and 8,000,000 params: ghostnet_130 at 224×224 with\n"
        "a top-1 of 75.7 % (paper), 227,003,256 MACs and 7,358,820 params.\n"
        "\n"
        "4 of 4 points are on the frontier of MACs (macs) and top-1: no other point is at\n"
        "least as good in all of them and better in one. MACs, convention macs: one per\n"
        "multiply-accumulate of convolution, linear and matmul; bias, norm, activation,\n"
        "pooling free.\n"
        "\n"
        "                                MACs                Top-1\n"
        "Model             Input       (macs)     Params         %  Front\n"
        "─────────────────────────────────────────────────────────────────\n"
        "ghostnet_050    224×224   42,328,152  2,587,292  66.2 [1]  1\n"
        "ghostnet_100    224×224  141,150,512  5,182,508  73.9 [1]  2\n"
        "ghostnetv2_100  224×224  167,048,288  6,156,908  75.3 [2]  3 knee\n"
        "ghostnet_130    224×224  227,003,256  7,358,820  75.7 [1]  4\n"
    ) + (
        "\n"
        "Knee: ghostnetv2_100 at 224×224, highest above the line between the frontier's\n"
        "    ends, logarithm of the cost against top-1.\n"
        "Hypervolume: 1.8 % × decades of cost dominated, down to the highest cost and\n"
        "    lowest top-1 of all points, 227,003,256 and 66.2 %.\n"
        "Top-1 of the catalogue is the accuracy on ImageNet-1k as stated, one for each\n"
        "    network and input size, from ImageNet-1k alone: the paper's where it has\n"
        "    one, else the authors', torchvision's, timm's or another's.\n"
        "The frontier mixes training recipes of its accuracies: 4 from 2 papers;\n"
        "    --accuracy timm:in1k, which has 2 of the 4 points, keeps to one.\n"
        "[1] paper: arXiv 1911.11907 Table 7\n"
        "[2] paper: arXiv 2211.12905 Table 2\n"
    )


def test_dominated_points_are_listed_on_request(capsys):
    few = printed(capsys, "--family", "mobilenetv1", "--family", "ghostnet", "--res", "224")
    assert "by\u00a0" not in few
    assert " by " not in "\n".join(few.splitlines()[5:12])
    assert "Dominated points that are not listed: 3; --all lists them." in few
    every = printed(
        capsys, "--family", "mobilenetv1", "--family", "ghostnet", "--res", "224", "--all"
    )
    lines = [line.split() for line in every.splitlines() if line.startswith("mobilenetv1")]
    assert [line[-2:] for line in lines[1:]] == [["by", "3"], ["by", "4"], ["by", "4"]]
    assert "--all" not in every


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("--max-params", "3M"),
         "Best within 3,000,000 params: ghostnet_050 at 224×224 with a top-1 of 66.2 % (paper), "
         "42,328,152 MACs and 2,587,292 params."),
        (("--max-macs", "200M", "--convention", "torch"),
         "Best within 200,000,000 MACs: ghostnetv2_100 at 224×224 with a top-1 of 75.3 % (paper), "
         "334,096,576 FLOPs and 167,048,288 MACs."),
        (("--max-int8", "20MB", "--x", "params", "--accuracy", "timm"),
         "Best within 20,000,000 bytes of int8 weights: ghostnetv2_160 at 224×224 with a top-1 of "
         "77.836 % (timm in1k), 12,392,698 params and 12,392,698 bytes of int8 weights."),
    ],
)  # fmt: skip
def test_the_best_within_budgets_has_its_figures(capsys, arguments, answer):
    out = printed(capsys, *GHOSTS, *arguments)
    assert " ".join(out.split("\n\n")[0].split()) == answer


def test_the_best_of_one_s_own_results(capsys, results):
    out = printed(capsys, "--results", results, "--x", "params", "--max-params", "3M")
    assert out.split("\n\n")[0] == (
        "Best within 3,000,000 params: <script>alert(1)</script>|x with a top-1 of 75.5\n"
        "%, 2,100,000 params, as the file states."
    )


# --- whose accuracies ---------------------------------------------------------------------------


def test_whose_accuracies_are_taken_is_said(capsys):
    def said(*arguments):
        return " ".join(printed(capsys, "--family", "resnet", "--res", "224", *arguments).split())

    first = "Top-1 of the catalogue is the accuracy on ImageNet-1k as stated, one for each network "
    first += "and input size, from ImageNet-1k alone: "
    assert f"{first}that of torchvision V2. Left out, 5: no accuracy of torchvision V2: " in said(
        "--accuracy", "torchvision:V2"
    )
    assert f"{first}the highest that anyone states. " in said("--accuracy", "best")
    assert "[1] torchvision V2: torchvision 0.28.0" in said("--accuracy", "torchvision:V2")
    assert "mixes" not in said("--accuracy", "torchvision:V2")


def test_the_mixture_of_training_recipes_is_said(capsys):
    def said(*arguments):
        out = " ".join(printed(capsys, *arguments).split())
        _, _, mixture = out.partition("The frontier mixes training recipes of its accuracies: ")
        return mixture.partition(". ")[0]

    assert said("--family", "resnet", "--res", "224", "--accuracy", "best") == (
        "4 from timm in 2 recipes, 1 from torchvision V2; --accuracy "
        "torchvision:V1, which has 5 of the 8 points, keeps to one"
    )
    assert said("--family", "mobilenetv1", "--res", "224") == ""
    assert said("--family", "regnet", "--family", "resnet", "--accuracy", "pycls") == ""


def test_a_frontier_of_one_s_own_and_of_published_accuracies_says_so(capsys, results):
    asked = ("--results", results, "--with-catalogue", "--x", "params", "--max-params", "4M")
    out = " ".join(printed(capsys, *asked, "--accuracy", "timm").split())
    assert (
        "The frontier mixes training recipes of its accuracies: 4 from timm in 2 recipes, 1 "
        "from your file; --accuracy timm:in1k, which has "
    ) in out


def test_networks_of_the_catalogue_that_are_left_out_are_named_in_part(capsys):
    out = " ".join(printed(capsys, "--family", "resnet", "--accuracy", "torchvision:V1").split())
    assert (
        "Left out, 16: no accuracy of torchvision V1: resnet50:groups=32,width_per_group=4 at "
        "224×224, resnet101:groups=32,width_per_group=4 at 224×224, "
        "resnet152:groups=32,width_per_group=4 at 224×224, resnet152 at 288×288 and 12 more (all "
        "in JSON)."
    ) in out


def test_the_hypervolume_is_the_area_under_the_steps(capsys):
    data = json.loads(printed(capsys, *GHOSTS, "--max-macs", "250M", "--format", "json"))
    second = log10(167_048_288 / 141_150_512) * (73.9 - 66.2)
    third = log10(227_003_256 / 167_048_288) * (75.3 - 66.2)
    assert data["hypervolume"] == pytest.approx(second + third, rel=1e-12)
    assert data["points"][data["knee"]]["name"] == "ghostnetv2_100"


def test_results_with_strangers_and_skipped_rows(capsys, results):
    out = printed(capsys, "--results", results, "--x", "params", "--all")
    lines = [line.split() for line in out.splitlines() if "[1]" in line]
    assert lines[:3] == [
        ["<script>alert(1)</script>|x", "2,100,000*", "75.50", "[1]", "1"],
        ["mobilenetv2_100.ra_in1k", "224×224", "3,504,872", "72.95", "[1]", "by", "1"],
        ["mobilenetv1", "224×224", "4,231,976", "70.60", "[1]", "by", "1"],
    ]
    notes = " ".join(out.split())
    assert "* as the file states it, for points that are not in the catalogue: 1 in all." in notes
    assert (
        "Left out, 1: repeats line 4: mobilenetv1 (line 5). Left out, 1: top1 'NaN' is not a "
        "percentage from 0 to 100: mobilenetv3_small_100 (line 6)."
    ) in notes
    assert "Top-1 of the catalogue" not in out


def test_many_strangers_are_counted_and_the_first_listed(capsys, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("model,top1\nmobilenetv2,72\n" + "".join(f"net{n},70\n" for n in range(20)))
    # a torchvision whose extension does not load beside torch is told of on standard error, once
    status, out, _ = run(capsys, "--results", str(path))
    notes = " ".join(out.split())
    listed = ", ".join(f"net{n} (line {n + 3})" for n in range(16))
    assert status == 0
    assert (
        f"Left out, 20: no network of the catalogue or of an installed timm or torchvision, and "
        f"states no macs: {listed} and 4 more "
        "(all in JSON)."
    ) in notes
    data = json.loads(printed(capsys, "--results", str(path), "--format", "json"))
    assert [left["name"] for left in data["left_out"]] == [f"net{n}" for n in range(20)]


def test_nothing_of_a_file_is_markup(capsys, results):
    html = printed(capsys, "--results", results, "--x", "params", "--format", "html")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;|x" in html
    markdown = printed(capsys, "--results", results, "--x", "params", "--format", "markdown")
    assert r"&lt;script>alert(1)&lt;/script>\|x" in markdown


def test_csv_has_every_row_with_its_dominator_on_request(capsys):
    out = printed(
        capsys,
        "--family",
        "mobilenetv1",
        "--res",
        "192",
        "--format",
        "csv",
        "--x",
        "macs",
        "--x",
        "params",
    )
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == [
        "model", "resolution", "macs_macs", "params", "stated", "top1", "source", "whose",
        "front", "dominated_by", "dominated_by_resolution",
    ]  # fmt: skip
    first = rows[0]
    assert (first["model"], first["resolution"], first["front"]) == (
        "mobilenetv1:width=0.25", "192x192", "1",
    )  # fmt: skip
    assert int(first["macs_macs"]) > 0
    out = printed(capsys, "--family", "resnet", "--res", "224", "--format", "csv", "--all")
    rows = list(csv.DictReader(io.StringIO(out)))
    by_name = {row["model"]: row for row in rows}
    dominated = [row for row in rows if row["dominated_by"]]
    assert len(dominated) == sum(row["front"] == "" for row in rows) > 0
    for row in dominated:
        rival = by_name[row["dominated_by"]]
        assert rival["front"] != ""
        assert float(rival["top1"]) >= float(row["top1"])
        assert int(rival["macs_macs"]) <= int(row["macs_macs"])


def test_json_is_one_object(capsys, results):
    out = printed(capsys, "--results", results, "--x", "int8", "--format", "json")
    data = json.loads(out)
    assert data["schema"] == "flopscope.pareto/1"
    assert data["costs"] == ["int8"]
    assert data["points"][0] == {
        "name": "<script>alert(1)</script>|x", "variant": None, "resolution": None,
        "costs": {"int8": 2_100_000}, "bounded": {}, "stated": True, "target": None, "top1": 75.5,
        "source": results, "whose": None, "recipe": None, "on_frontier": True,
        "dominated_by": None,
    }  # fmt: skip
    assert data["points"][1]["variant"] == "mobilenetv2"
    assert data["points"][1]["dominated_by"] == 0
    assert [left["line"] for left in data["left_out"]] == [5, 6]
    assert data["reference"] == [4_231_976, 70.6]


def test_json_has_all_points_and_the_best_within_budgets(capsys):
    asked = ("--family", "mobilenetv1", "--family", "ghostnet", "--res", "224", "--format", "json")
    data = json.loads(printed(capsys, *asked, "--max-params", "5M", "--accuracy", "authors"))
    assert (data["budgets"], data["accuracy"]) == ({"params": 5_000_000}, "authors")
    assert [point["on_frontier"] for point in data["points"]].count(False) == 0
    best = data["points"][data["best"]]
    assert (best["name"], best["top1"], best["bounded"]) == (
        "mobilenetv1", 70.9, {"params": 4_231_976},
    )  # fmt: skip
    assert (best["whose"], best["recipe"]) == ("authors", None)
    assert data["left_out"][0] == {
        "name": "ghostnet_050", "line": None, "reason": "no accuracy of the authors' repository",
        "resolution": [224, 224],
    }  # fmt: skip
    every = json.loads(printed(capsys, *asked))["points"]
    assert [point["on_frontier"] for point in every].count(False) == 3


@pytest.mark.parametrize("more", [(), ("--all",), ("--accuracy", "timm", "--max-traffic", "1GB")])
def test_every_line_of_the_whole_catalogue_fits(capsys, more):
    out = printed(capsys, *more)
    assert max(map(len, out.splitlines())) <= 80


def test_latex_compiles_in_principle(capsys, results):
    out = printed(capsys, "--results", results, "--x", "params", "--all", "--format", "latex")
    assert out.count("{") == out.count("}")
    assert r"mobilenetv2\_100.ra\_in1k" in out


def test_a_long_name_is_folded(capsys, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(f"model,top1,params\n{'very long name, ' * 9},70,3M\n{'x' * 90},60,2M\n")
    out = printed(capsys, "--results", str(path), "--x", "params")
    assert max(map(len, out.splitlines())) <= 80
    assert "".join(out.split()).count("verylongname,") >= 1
    assert out.count("x" * 20) >= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--x", "mac"), "unknown cost 'mac'; did you mean macs?"),
        (("--x", "latency"),
         "latency is a time on a device, and none is named; name one, such as pixel3-cpu-tflite "
         "(`flopscope latencies` lists those with published latencies), or give your own in a "
         "results file, as latency_ms"),
        (("--max-macs", "lots"), "--max-macs lots is not a number from 1; give one such as "
         "150M, 1.5 G, 3e8 or 300,000,000"),
        (("--max-params", "-1"), "--max-params -1 is not a number from 1; give one such as "
         "150M, 1.5 G, 3e8 or 300,000,000"),
        (("--convention", "macss"), "unknown convention 'macss'; did you mean macs?"),
        (("--family", "resnets"), "unknown family 'resnets'; did you mean resnet or regnet?"),
        (("--res", "0"), "--res 0 is not a size of at least 1; give a number such as 224, or HxW "
         "such as 192x256"),
        (("--res", "7"), "no point has this input size, family and cost; give other limits or "
         "none (0 left out)"),
        (("--results", "no.csv"),
         "cannot read 'no.csv': No such file or directory; give a CSV file"),
        (("--with-catalogue",),
         "--with-catalogue adds the published accuracies to those of --results FILE; give both"),
        (("--accuracy", "tim"), "unknown accuracy 'tim'; did you mean timm?"),
        (("--accuracy", "best", "--results", "r.csv"),
         "--accuracy chooses among published accuracies, and --results takes those of a file in "
         "their place; leave one of them out, or add --with-catalogue"),
        (("--format", "tabel"), "unknown format 'tabel'; did you mean table?"),
        (("--plot", "x.gif"), "a picture cannot be drawn into 'x.gif'; give a name that ends in "
         ".png, .svg or .pdf"),
        (("--plot", "x.png", "--x", "macs", "--x", "params"),
         "a plot has one cost, not macs, params; give --x once to draw"),
        (("--plot", "no/x.png"),
         "cannot write 'no/x.png'; give a file in a folder that exists and is writable"),
        (("--wide",), "--wide is for a picture, and none is drawn; give --plot FILE too"),
    ],
)  # fmt: skip
def test_bad_input(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *arguments) == (2, "", f"flopscope: {message}\n")
    assert list(tmp_path.iterdir()) == []
