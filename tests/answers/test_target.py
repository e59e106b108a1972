"""The one grammar of what a command is about, and networks of every kind in one table."""

import csv
import io
import json

import pytest
from graphs import export
from torch import nn

import flopscope as fs
from flopscope.answers.target import Source, is_own, parse_target
from flopscope.catalog.models import MODELS
from flopscope.catalog.names import TIMM, TORCHVISION
from flopscope.cli import main
from flopscope.errors import FlopscopeError

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=1, act=nn.ReLU):
        super().__init__()
        self.stem = nn.Conv2d(3, 8 * width, 3, stride=2, padding=1)
        self.act = act()
        self.head = nn.Linear(8 * width, 10)

    def forward(self, x):
        return self.head(self.act(self.stem(x)).mean((2, 3)))


class Text(nn.Module):
    def forward(self, x):
        return torch.linalg.pinv(x)
"""
STEM, HEAD = 16 * 16 * 8 * 3 * 9, 8 * 10
"""The MACs of Net's convolution at 32×32, and of its linear layer."""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


def printed(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "source", "name"),
    [
        ("mobilenetv2:width=1.4", Source.CATALOG, "mobilenetv2:width=1.4"),
        ("mobilenetv2_140", Source.CATALOG, "mobilenetv2:width=1.4"),
        ("mobilenetv2_140.ra_in1k", Source.CATALOG, "mobilenetv2:width=1.4"),
        ("mobilenetv2_140:classes=10", Source.CATALOG, "mobilenetv2:width=1.4,classes=10"),
        ("mobilenet_v2", Source.CATALOG, "mobilenetv2"),
        ("net.py:Net", Source.OWN, "net.py:Net"),
        ("net.py:Net[width=2]", Source.OWN, "net.py:Net[width=2]"),
        ("net.py:Net([1, 2])", Source.OWN, "net.py:Net([1, 2])"),
        ("torch.nn:Linear", Source.OWN, "torch.nn:Linear"),
        ("timm:resnet50.a1_in1k", Source.TIMM, "timm:resnet50.a1_in1k"),
        ("torchvision:resnet18", Source.TORCHVISION, "torchvision:resnet18"),
        ("path/to/model.onnx", Source.ONNX, "path/to/model.onnx"),
    ],
)
def test_a_text_says_where_its_network_comes_from(text, source, name):
    found = parse_target(text)
    assert (found.source, found.name) == (source, name)
    assert is_own(text) is (source not in (Source.CATALOG, Source.ONNX))


@pytest.mark.parametrize("name", [*MODELS, *TIMM, *TORCHVISION])
def test_every_name_of_the_tables_is_a_catalogue_model(name):
    assert parse_target(name).source is Source.CATALOG


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("net.py:Net[width=2]", ("width=2",)),
        ("net.py:Net[width=2, act=nn.GELU]", ("width=2", "act=nn.GELU")),
        ("net.py:Net[widths=[1,2],name='a,b']", ("widths=[1,2]", "name='a,b'")),
        ("timm:resnet18[num_classes=10]", ("num_classes=10",)),
        ("net.py:Net([1, 2])", ()),
        ("net.py:Net", ()),
    ],
)
def test_arguments_stand_in_brackets(text, pairs):
    assert parse_target(text).pairs == pairs


REFUSED = {
    "mobilenetv3": "unknown model 'mobilenetv3'; did you mean mobilenetv3_large or "
    "mobilenetv3_small?",
    "EfficientViT": "unknown model 'EfficientViT'; did you mean efficientvit_b0, efficientvit_b1, "
    "efficientvit_b2, efficientvit_b3, efficientvit_l1, efficientvit_l2, efficientvit_l3, "
    "efficientvit_m0, efficientvit_m1, efficientvit_m2, efficientvit_m3, efficientvit_m4 or "
    "efficientvit_m5? Those with b or l are MIT's (arXiv 2205.14756), those with m are Microsoft's "
    "(arXiv 2305.07027)",
    "mobilenetv9:width=2": "unknown model 'mobilenetv9'; did you mean mobilenetv2, "
    "mobilenetv1 or mobilenetv3_small?",
    "net.py": "'net.py' is not a target; write a model of `flopscope list`, path/to/file.py:Name, "
    "package.module:Name, timm:NAME, torchvision:NAME or path/to/model.onnx",
    "mobilenetv2[width=2]": "mobilenetv2[width=2] is a catalogue model, whose options follow a "
    "colon; write mobilenetv2:width=2",
    "model.onnx[width=2]": "model.onnx is an ONNX file, which takes no arguments; leave [] out",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_target_is_said_in_a_sentence(text):
    with pytest.raises(FlopscopeError) as raised:
        parse_target(text)
    assert str(raised.value) == REFUSED[text]


def test_networks_of_every_kind_stand_in_one_table(capsys):
    arguments = ("net.py:Net", "net.py:Net[width=2]", "mobilenetv2", "timm:resnet18", "--res", "32")
    out = printed(capsys, "compare", *arguments, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["model"] for row in rows] == list(arguments[:4])
    assert [row["source"] for row in rows] == ["own", "own", "catalogue", "timm"]
    resnet = fs.compare("resnet18", res=32).comparison.entries[0]
    mobilenet = fs.compare("mobilenetv2", res=32).comparison.entries[0]
    expected = [STEM + HEAD, 2 * (STEM + HEAD), mobilenet.count("macs"), resnet.count("macs")]
    assert [int(row["macs_macs"]) for row in rows] == expected
    assert max(map(len, printed(capsys, "compare", *arguments).splitlines())) <= 80


def test_a_table_of_the_catalogue_alone_does_not_say_where_from(capsys):
    assert "From" not in printed(capsys, "compare", "mobilenetv1", "mobilenetv2")


def test_every_kind_of_network_is_split_alike(capsys):
    out = printed(capsys, "compare", "net.py:Net", "mobilenetv2", "--res", "32", "--by", "kind",
                  "--format", "json")  # fmt: skip
    own, known = json.loads(out)["models"]
    assert (own["source"], known["source"]) == ("own", "catalogue")
    assert sum(group["macs"] for group in own["groups"]) == STEM + HEAD
    assert sum(group["macs"] for group in known["groups"]) == known["macs"]
    assert own["published"] == []


def test_an_onnx_file_is_compared_at_its_own_inputs(capsys, tmp_path):
    export("net.onnx", nn.Conv2d(3, 8, 3), (2, 3, 8, 8))
    out = printed(capsys, "compare", "net.onnx", "mobilenetv2", "--batch", "2", "--format", "json")
    entry = json.loads(out)["models"][0]
    assert (entry["source"], entry["inputs"]) == ("onnx", [[2, 3, 8, 8]])
    assert entry["macs"] == 2 * 6 * 6 * 8 * 3 * 9
    assert main(["compare", "net.onnx"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: net.onnx takes 2×3×8×8, which is not a batch of 1; give its own, such as "
        "--batch 2\n"
    )


def test_a_module_is_compared_from_python():
    net = nn.Conv2d(3, 8, 3)
    found = fs.compare(net, "mobilenetv2", res=32)
    own, known = found.to_dict()["models"]
    assert (own["model"], own["source"], own["macs"]) == ("Conv2d", "own", 30 * 30 * 8 * 3 * 9)
    assert known["model"] == "mobilenetv2"


def test_anything_but_a_text_or_a_module_is_refused():
    with pytest.raises(FlopscopeError):
        fs.compare(nn.Conv2d, res=32)


def test_an_unknown_cost_is_a_lower_bound_without_a_ratio(capsys):
    out = printed(capsys, "compare", "net.py:Net", "net.py:Text", "--res", "32")
    assert "≥ 0" in out
    assert "net.py:Text: ≥ is a lower bound, for the cost of linalg_pinv is unknown" in out
    out = printed(capsys, "compare", "net.py:Net", "net.py:Text", "--res", "32", "--format", "json")
    own = json.loads(out)["models"][1]
    assert (own["complete"], own["count_ratio"]) == (False, None)


SENTENCES = {
    ("compare", "net.py:Nett"): "unknown name in net.py 'Nett'; did you mean Net?",
    ("compare", "nat.py:Net"): "there is no file nat.py, which nat.py:Net names",
    ("compare", "timm:"): "'timm:' names no network of timm; write one as in timm:resnet18",
    (
        "compare",
        "net.py:Net[width=]",
        "--res",
        "32",
    ): "'width=' gives no value; write one as in width=24, or '' for an empty text",
    ("compare", "net.py:Net", "mobilenetv2"): "net.py:Net does not state the size of its input; "
    "give it, such as --res 224 or --input 1,3,224,224",
    ("compare", "net.py:Net", "--res", "32", "--scale", "phi=1"): "net.py:Net is not a catalogue "
    "model and has no coefficients that could be scaled; leave --scale out, or compare catalogue "
    "models alone",
    ("profile", "net.py:Net[width=2]", "--arg", "width=3", "--res", "32"): "net.py:Net[width=2] "
    "has the argument width already; give it once",
    ("check", "net.py:Net", "--prove"): "net.py:Net has no closed form that could be proved; "
    "--prove is for models of the catalogue and blocks, and without it fvcore and torch count the "
    "network",
}


@pytest.mark.parametrize("arguments", SENTENCES, ids=" ".join)
def test_what_does_not_go_together_is_said_in_a_sentence(capsys, arguments):
    assert main(list(arguments)) == 2
    assert capsys.readouterr() == ("", f"flopscope: {SENTENCES[arguments]}\n")


@pytest.mark.parametrize(
    ("target", "resolution"),
    [
        ("mobilenetv2", 224),
        ("efficientnet_b1", 240),
        ("timm:efficientnet_b1", 240),
        ("torchvision:efficientnet_b1", 240),
    ],
)
def test_a_network_is_profiled_at_its_own_input(capsys, target, resolution):
    out = printed(capsys, "profile", target, "--depth", "0")
    assert out.startswith(f"{target} on (1, 3, {resolution}, {resolution}), which it is made for")


def test_arguments_in_brackets_are_those_of_arg(capsys):
    sizes = ("--res", "32", "--format", "json")
    bracketed = json.loads(printed(capsys, "profile", "net.py:Net[width=2]", *sizes))
    given = json.loads(printed(capsys, "profile", "net.py:Net", "--arg", "width=2", *sizes))
    assert bracketed["macs"] == given["macs"] == 2 * (STEM + HEAD)


def test_arguments_in_brackets_are_free_in_a_formula(capsys):
    bracketed = "torch.nn:Linear[in_features=C,out_features=N]"
    apart = ("torch.nn:Linear", "--arg", "in_features=C", "--arg", "out_features=N")
    formulas = [
        printed(capsys, "formula", *words, "--of", "params") for words in ([bracketed], apart)
    ]
    titles, texts = zip(*(found.split("\n", 1) for found in formulas), strict=True)
    assert titles == (bracketed, "torch.nn:Linear")
    assert texts[0] == texts[1]
    assert "N · (C + 1)" in texts[0]


def test_any_network_is_shown_layer_by_layer(capsys):
    out = printed(capsys, "show", "net.py:Net", "--res", "32", "--format", "json")
    layers = json.loads(out)["layers"]
    assert [row["macs"] for row in layers] == [STEM, 0, 0, HEAD]


def test_counters_confirm_the_trace_of_any_network(capsys):
    out = printed(capsys, "check", "net.py:Net", "timm:resnet18", "--res", "32", "--format", "json")
    for found in json.loads(out)["models"]:
        assert found["agrees"] is True
        assert {"MACs", "parameters"} <= {total["quantity"] for total in found["totals"]}


def test_a_budget_and_a_number_are_of_any_network(capsys):
    assert main(["assert", "net.py:Net[width=2]", "--res", "32", "--max-macs", "1"]) == 1
    assert "net.py:Net[width=2] against its budgets." in capsys.readouterr().out
    reported = str(2 * (STEM + HEAD))
    assert main(["reconcile", "net.py:Net[width=2]", "--res", "32", "--reported", reported]) == 0
