"""A function of `fs` gives the answer that the command of its name prints."""

import json
import shlex

import matplotlib.pyplot as plt
import pytest
from latencies import MADE_UP
from torch import nn

import flopscope as fs
from flopscope.cli import main

NET = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, width=8):
        super().__init__(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU())
"""


@pytest.fixture(autouse=True)
def beside_a_file(tmp_path, monkeypatch):
    """The tests run in a folder with a network of the reader's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "m.csv").write_text(MADE_UP, encoding="utf-8")


NETS = "mobilenetv1 mobilenetv2"
SAME = [
    (
        "advise --platform mobile --max-params 6M --max-latency pixel3-cpu-tflite:40ms --batch 1",
        lambda: fs.advise("mobile", max_params="6M", max_latency="pixel3-cpu-tflite:40ms", batch=1),
    ),
    (
        "advise --platform edge --context global --tokens 256 --res 256 --accuracy best",
        lambda: fs.advise("edge", context="global", tokens=256, res=256, accuracy="best"),
    ),
    (
        "proxies mobilenetv1:width=0.25 --of params,naswot --res 32 --batch 4 --seed 1",
        lambda: fs.proxies(
            "mobilenetv1:width=0.25", of=["params", "naswot"], res=32, batch=4, seed=1
        ),
    ),
    ("compare mobilenetv1 mobilenetv2", lambda: fs.compare(*NETS.split())),
    (
        "compare mobilenetv2 net.py:Net --res 64 --batch 2 --by kind --convention torch",
        lambda: fs.compare(
            "mobilenetv2", "net.py:Net", res=64, batch=2, by="kind", convention="torch"
        ),
    ),
    ("compare mobilenetv1 --check --res 32", lambda: fs.compare(NETS[:11], check=True, res=32)),
    (
        "compare mobilenetv1 resnet50 --columns params,macs --sort macs --group family",
        lambda: fs.compare(
            "mobilenetv1", "resnet50", columns=["params", "macs"], sort="macs", group="family"
        ),
    ),
    (
        "compare efficientnet_b0 --scale phi=1",
        lambda: fs.compare("efficientnet_b0", scale=fs.Scaling()),
    ),
    (
        "compare mobilenetv2 mobileclip_s0 --form train",
        lambda: fs.compare("mobilenetv2", "mobileclip_s0", form="train"),
    ),
    ("check mobilenetv1 --res 32", lambda: fs.check("mobilenetv1", res=(32, 32))),
    (
        "check inverted_residual mobilenetv1 --prove",
        lambda: fs.check("inverted_residual", "mobilenetv1", prove=True),
    ),
    ("check net.py:Net --res 32", lambda: fs.check("net.py:Net", res=32)),
    ("show mobilenetv2", lambda: fs.show("mobilenetv2")),
    (
        "show mobilenetv2 --by stage --res 192x256 --batch 3 --convention fvcore",
        lambda: fs.show("mobilenetv2", by="stage", res=(192, 256), batch=3, convention="fvcore"),
    ),
    ("profile net.py:Net --res 32", lambda: fs.profile("net.py:Net", res=32)),
    (
        "profile net.py:Net --input B,3,H,W --arg width=4",
        lambda: fs.profile("net.py:Net", ("B", 3, "H", "W"), arguments={"width": 4}),
    ),
    (
        "profile net.py:Net[width=4] --input 2,3,8,8 --by layer --sort params --backward",
        lambda: fs.profile(
            "net.py:Net[width=4]", "2,3,8,8", by="layer", sort="params", backward=True
        ),
    ),
    (
        "show net.py:Net --res 32 --columns kernel,output,torch,params% --sort +params",
        lambda: fs.show(
            "net.py:Net",
            res=32,
            columns=["kernel", "output", "torch", "params%"],
            sort="+params",
        ),
    ),
    (
        "show resnet18 --scale phi=1 --by block --columns fp32,int8,peak",
        lambda: fs.show(
            "resnet18", scale=fs.Scaling(phi=1), by="block", columns="fp32, int8, peak"
        ),
    ),
    (
        "profile net.py:Net --res 32 --batch 4 --backward --epoch 1k",
        lambda: fs.profile("net.py:Net", res=32, batch=4, backward=True, epoch="1k"),
    ),
    ("profile mobilenetv1 --depth 1", lambda: fs.profile("mobilenetv1", depth=1)),
    (
        "solve mobilenetv2 --macs 150M --free width",
        lambda: fs.solve("mobilenetv2", macs="150M", free="width"),
    ),
    (
        "solve efficientnet_b0 --macs 1G --params 8M --free width,res",
        lambda: fs.solve("efficientnet_b0", macs=10**9, params=8e6, free=("width", "res")),
    ),
    (
        "solve efficientnet_b0 --when 'conv = 100 linear'",
        lambda: fs.solve("efficientnet_b0", when="conv = 100 linear"),
    ),
    (
        "sweep mobilenetv2 --free width=0.5,1 --max-macs 300M",
        lambda: fs.sweep("mobilenetv2", free="width=0.5,1", max_macs="300M"),
    ),
    (
        "sweep net.py:Net --res 16 --free width=8:16:4 --of params",
        lambda: fs.sweep("net.py:Net", res=16, free={"width": range(8, 17, 4)}, of="params"),
    ),
    (
        "space nas_bench_macro --max-macs 60M --kth 1000 --quantile 0.1 --histogram --sample 30",
        lambda: fs.space(
            "nas_bench_macro", max_macs="60M", kth=1000, quantile=0.1, histogram=True, sample=30
        ),
    ),
    (
        "search nas_bench_macro --accuracy measured --fit-rows 300 --max-macs 60M --seed 2",
        lambda: fs.search(
            "nas_bench_macro", accuracy="measured", fit_rows=300, max_macs=60_000_000, seed=2
        ),
    ),
    ("diff mobilenetv1 mobilenetv2", lambda: fs.diff("mobilenetv1", "mobilenetv2")),
    (
        "diff net.py:Net net.py:Net[width=4] --res 16 --by kind --all",
        lambda: fs.diff("net.py:Net", "net.py:Net[width=4]", res=16, by="kind", everything=True),
    ),
    (
        "solve net.py:Net --res 16 --free width=8:64:8 --params 1k",
        lambda: fs.solve("net.py:Net", res=16, free="width=8:64:8", params=1000),
    ),
    (
        "pareto --max-macs 300M --res 224 --all",
        lambda: fs.pareto(max_macs=3e8, res=224, every=True),
    ),
    (
        "compare mobilenetv2 efficientnet_b0 --accuracy torchvision",
        lambda: fs.compare("mobilenetv2", "efficientnet_b0", accuracy="torchvision"),
    ),
    (
        "compare net.py:Net net.py:Net[width=4] --input 2,3,8,8",
        lambda: fs.compare("net.py:Net", "net.py:Net[width=4]", inputs=(2, 3, 8, 8)),
    ),
    (
        "check net.py:Net --input 2,3,8,8",
        lambda: fs.check("net.py:Net", inputs=[(2, 3, 8, 8)]),
    ),
    (
        "profile net.py:Net --res 16 --batch 4 --backward --epoch 10 --columns params,macs",
        lambda: fs.profile(
            "net.py:Net", res=16, batch=4, backward=True, epoch=10, columns="params,macs"
        ),
    ),
    (
        "show mobilenetv2 --columns input,kernel --sort params",
        lambda: fs.show("mobilenetv2", columns=["input", "kernel"], sort="params"),
    ),
    (
        "assert mobilenetv2 --max-macs 3M --input 1,3,32,32",
        lambda: fs.hold("mobilenetv2", (1, 3, 32, 32), max_macs="3M"),
    ),
    (
        "prune resnet18 --res 32 --keep 0.5 --density 0.3 --batch 2 --skip layer1",
        lambda: fs.prune("resnet18", res=32, keep=0.5, density=0.3, batch=2, skip="layer1"),
    ),
    (
        "train-cost net.py:Net --res 8 --epochs 3 --images 10 --batch 4 --ema --memory 4kB "
        "--device rtx3090-eager-amp-train --precision bf16",
        lambda: fs.train_cost(
            "net.py:Net",
            res=8,
            epochs=3,
            images=10,
            batch=4,
            ema=True,
            memory="4kB",
            device="rtx3090-eager-amp-train",
            precision="bf16",
        ),
    ),
    (
        "train-cost net.py:Net --epochs 3 --images 10 --batch 4 --schedule 8:16:2 --schedule 8,12 "
        "--drop-last --teacher net.py:Net[width=4] --accelerator h100 --utilisation 0.2:0.3",
        lambda: fs.train_cost(
            "net.py:Net",
            epochs=3,
            images=10,
            batch=4,
            schedule=["8:16:2", "8,12"],
            drop_last=True,
            teacher="net.py:Net[width=4]",
            accelerator="h100",
            utilisation=(0.2, 0.3),
        ),
    ),
    ("pareto --max-macs 300M --res 224", lambda: fs.pareto(max_macs="300M", res=224)),
    (
        "pareto --x params --x macs --family ghostnet --family mobilenetv3",
        lambda: fs.pareto(x="params,macs", families=["ghostnet", "mobilenetv3"]),
    ),
    (
        "quantize mobilenetv2 --bits 4 --bits head*=8 --per-tensor --skip first,last --all",
        lambda: fs.quantize(
            "mobilenetv2",
            bits=[4, "head*=8"],
            per_tensor=True,
            skip=["first", "last"],
            everything=True,
        ),
    ),
    ("quantize net.py:Net --res 16", lambda: fs.quantize("net.py:Net", res=16)),
    (
        "reconcile mobilenetv1 --reported 579M --params 4.24M",
        lambda: fs.reconcile("mobilenetv1", reported="579M", params="4.24M"),
    ),
    (
        "reconcile net.py:Net --res 32 --tool thop",
        lambda: fs.reconcile("net.py:Net", res=32, tool="thop"),
    ),
    ("audit mobilenetv1", lambda: fs.audit("mobilenetv1")),
    ("audit --family mobilenetv3", lambda: fs.audit(family="mobilenetv3")),
    ("assert mobilenetv2 --max-macs 310M", lambda: fs.hold("mobilenetv2", max_macs="310M")),
    (
        "assert net.py:Net --max-params 1k --input 1,3,8,8",
        lambda: fs.hold("net.py:Net", (1, 3, 8, 8), max_params=1000),
    ),
    ("calibrate --from m.csv", lambda: fs.calibrate("m.csv")),
    (
        "predict mobilenetv1 mobilenetv2 --device pixel3-cpu-tflite --res 160",
        lambda: fs.predict("mobilenetv1", "mobilenetv2", device="pixel3-cpu-tflite", res=160),
    ),
    (
        "predict net.py:Net --device pixel3-cpu-tflite --input 1,3,8,8 --by layer",
        lambda: fs.predict(
            "net.py:Net", device="pixel3-cpu-tflite", inputs=["1,3,8,8"], by="layer"
        ),
    ),
    (
        "slim efficientformer_l1 --device pixel3-cpu-tflite",
        lambda: fs.slim("efficientformer_l1", device="pixel3-cpu-tflite"),
    ),
    ("list", lambda: fs.list_models()),
    ("list ghost --max-macs 300M", lambda: fs.list_models("ghost", max_macs="300M")),
    ("conventions", lambda: fs.list_conventions()),
    ("latencies", lambda: fs.latencies()),
    (
        "latencies mobilenetv2 --device pixel3-cpu-tflite",
        lambda: fs.latencies("mobilenetv2", device="pixel3-cpu-tflite"),
    ),
    (
        "pareto --x latency --device pixel3-cpu-tflite",
        lambda: fs.pareto(x="latency", device="pixel3-cpu-tflite"),
    ),
    (
        "solve net.py:Net --memory 1M --free batch --res 8 --training --optimizer sgd",
        lambda: fs.solve(
            "net.py:Net", memory="1M", free="batch", res=8, training=True, optimizer="sgd"
        ),
    ),
    (
        "formula mobilenetv2 --free width --assume 'H, W multiples of 32' --ideal",
        lambda: fs.formulas("mobilenetv2", free="width", assume="H, W multiples of 32", ideal=True),
    ),
    (
        "export net.py:Net --res 8 --dynamic batch --for tensorrt --fp16",
        lambda: fs.export("net.py:Net", res=8, dynamic="batch", to="tensorrt", fp16=True),
    ),
    ("formula separable_conv --of macs", lambda: fs.formulas("separable_conv", quantities="macs")),
    ("formula separable-ratio", lambda: fs.law("separable-ratio")),
    ("formula width-law:mobilenetv2", lambda: fs.law("width-law:mobilenetv2")),
    (
        "formula net.py:Net --arg width=C",
        lambda: fs.derive("net.py:Net", {"width": fs.symbol("C")}),
    ),
]
TIMED = {"measure"}
"""Commands whose answer is another one each time, because a clock says it."""

each = pytest.mark.parametrize(("line", "call"), SAME, ids=[line for line, _ in SAME])


@each
def test_it_is_what_the_command_prints(capsys, monkeypatch, line, call):
    monkeypatch.delenv("COLUMNS", raising=False)  # which would break lines on the command line
    report = call()
    status = main(shlex.split(line))
    assert capsys.readouterr() == (f"{report}\n", "")
    assert status == (0 if report else 1)
    main([*shlex.split(line), "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(report.to_json())
    assert report.to_dict() == report.data
    short = repr(report)
    assert short.startswith(f"{type(report).__name__}(")
    assert len(short) <= 200
    assert "\n" not in short


def test_every_verb_has_its_command():
    from flopscope.cli.commands import COMMANDS

    tried = {line.split()[0] for line, _ in SAME}
    files = {"explore", "overlay"}  # a page and a file are no reports
    assert tried | {"laws", *files, *TIMED} == set(COMMANDS)


def test_the_laws_print_as_the_command_prints_them(capsys):
    assert main(["laws"]) == 0
    assert capsys.readouterr().out == f"{fs.law()}\n"


def test_a_module_is_profiled_in_one_call():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    assert str(fs.profile(net, (1, 3, 32, 32))) == (
        "Sequential on (1, 3, 32, 32). MACs, convention macs: one per multiply-accumulate\n"
        "of convolution, linear and matmul; bias, norm, activation, pooling free.\n"
        "\n"
        "                                 MACs         Activ-\n"
        "Module        Output  Params   (macs)      %  ations\n"
        "────────────────────────────────────────────────────\n"
        "0  conv 3×3  8×30×30     224  194,400  100.0   7,200\n"
        "1  relu      8×30×30       0        0    0.0       0\n"
        "\n"
        "total                    224  194,400  100.0   7,200"
    )


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.mix = nn.Embedding(10, 4), nn.Linear(4, 4)

    def forward(self, image, ids):
        return self.mix(image) + self.embed(ids)


def test_inputs_are_shapes_texts_and_tensors():
    from torch import zeros

    by_text = fs.profile(Two(), "1,7,4", "ids=1,7:int64")
    assert by_text.to_dict()["macs"] == 7 * 4 * 4
    assert fs.profile(Two(), (1, 7, 4), {"ids": "1,7:int64"}).data == by_text.data
    assert fs.profile(Two(), zeros(1, 7, 4), {"ids": zeros(1, 7).long()}).data == by_text.data
    free = fs.profile(Two(), ("B", "T", 4), "B,T:int64")
    assert str(free.profile.ledger.macs().formula).strip() == "16 · B·T"


def test_a_trace_reads_texts_too():
    conv = nn.Conv2d(3, 8, 3)
    assert fs.trace(conv, "B,3,H,W") == fs.trace(conv, ("B", 3, "H", "W"))
    assert fs.trace(Two(), "image=1,7,4", "ids=1,7:int64").macs().value == 7 * 4 * 4


FORMATS = ["to_markdown", "to_latex", "to_csv", "to_json", "_repr_html_"]


@pytest.mark.parametrize("method", FORMATS)
def test_a_report_converts(capsys, method):
    name = {"_repr_html_": "html"}.get(method, method.removeprefix("to_"))
    main(["audit", "wtconvnext_tiny", "--format", name])
    assert capsys.readouterr().out == getattr(fs.audit("wtconvnext_tiny"), method)()


def test_tables_are_frames_and_formulas_too():
    frame = fs.hold("mobilenetv2", max_macs="310M", max_params="4M").to_frame()
    assert list(frame["value"]) == [300_774_272, 3_504_872]
    frame = fs.formulas("separable_conv", quantities="macs").to_frame()
    assert list(frame["formula"]) == ["B·C_in · H·W · (K² + C_out)"]
    with pytest.raises(fs.BadInput) as raised:
        fs.law("separable-ratio").to_frame()
    assert str(raised.value) == (
        "LawReport has no table; it has text(), to_latex(), to_python() and to_dict()"
    )


def test_a_report_without_a_picture_says_so():
    with pytest.raises(fs.BadInput) as raised:
        fs.audit("wtconvnext_tiny").plot()
    assert str(raised.value) == (
        "AuditReport has no picture; fs.compare, fs.pareto and fs.profile give reports that can be "
        "drawn"
    )


def test_a_picture_is_drawn_on_axes_and_not_into_a_file():
    with pytest.raises(fs.BadInput) as raised:
        fs.pareto(families="ghostnet").plot("front.pdf")
    assert str(raised.value) == (
        "'front.pdf' is not axes of matplotlib; give axes or none, and write the picture with "
        "plot().figure.savefig('picture.pdf')"
    )


def test_a_front_is_drawn_on_given_axes():
    _, ax = plt.subplots()
    assert fs.pareto(families="ghostnet").plot(ax) is ax
    plt.close("all")


def test_a_budget_that_is_broken_makes_a_report_false():
    assert fs.hold("mobilenetv2", max_macs=300_774_272)
    assert not fs.hold("mobilenetv2", max_macs=300_774_271)


def test_a_derivation_keeps_its_formulas():
    found = fs.derive(nn.Linear, {"in_features": fs.symbol("C"), "out_features": 4})
    assert str(found.formula("params")).strip() == "4·C + 4"
    assert [list(piece.formulas) for piece in found.pieces] == [["macs", "params"]]
