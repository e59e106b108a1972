"""Every command over every kind of target, in every format and to every destination: it gives a
result or one sentence, never a traceback and never a part of a file.

The axes are independent, so that not their whole product is tried: each command meets each kind of
target, and formats and destinations take turns.
"""

import json
import subprocess
import sys
from itertools import product
from types import ModuleType, SimpleNamespace

import pytest
from graphs import export
from latencies import MADE_UP
from torch import nn

from flopscope.cli import main
from flopscope.cli.commands import COMMANDS

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))
"""


class Small(nn.Module):
    """What stands for a network of a library, and in an ONNX file."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


KINDS = {
    "catalogue": "mobilenetv1",
    "options": "mobilenetv1:width=0.25",
    "alias": "mobilenetv1_100",
    "file": "net.py:Net",
    "arguments": "net.py:Net[width=8]",
    "package": "pack.nets:Net",
    "timm": "timm:small",
    "torchvision": "torchvision:small",
    "onnx": "net.onnx",
}
OWN = ("file", "arguments", "package")
LIBRARIES = ("timm", "torchvision")
SIZED = dict.fromkeys(OWN, ("--res", "16"))
"""The sizes that a kind of target needs."""
UNSIZED = ("formula", "solve", "sweep")
"""Commands in which the size of the input is free."""

LINES = {
    "advise": ("--platform", "mobile", "--max-params", "5M"),
    "assert": ("{}", "--max-macs", "1G"),
    "audit": ("--family", "mobilenetv1"),
    "calibrate": ("--from", "m.csv"),
    "check": ("{}",),
    "compare": ("{}",),
    "conventions": (),
    "diff": ("{}", "{}"),
    "explore": ("{}", "--only", "-o", "-"),
    "export": ("{}",),
    "formula": ("{}",),
    "latencies": (),
    "laws": (),
    "list": ("mobilenetv1",),
    "measure": ("{}", "--runtime", "eager", "--rounds", "1"),
    "overlay": ("{}", "--for", "netron"),
    "pareto": ("{}", "--top1", "50"),
    "predict": ("{}", "--device", "pixel3-cpu-tflite"),
    "profile": ("{}",),
    "proxies": ("{}", "--of", "naswot,macs", "--batch", "2"),
    "quantize": ("{}",),
    "reconcile": ("{}", "--params", "4.2M"),
    "search": ("nas_bench_macro", "--maximise", "params", "--max-macs", "30M"),
    "show": ("{}",),
    "slim": ("efficientformer_l1", "--device", "pixel3-cpu-tflite"),
    "solve": ("{}", "--macs", "2M", "--free", "res=16:64:16"),
    "space": ("nas_bench_macro", "--max-macs", "30M"),
    "sweep": ("{}", "--free", "res=16,32"),
    "prune": ("{}", "--keep", "0.5"),
    "train-cost": ("{}", "--epochs", "2", "--images", "10", "--batch", "4"),
}
"""What each command is given, with its target in braces."""


def takes_target(command):
    return "{}" in LINES[command]


def line(command, kind):
    target = KINDS.get(kind, "")
    sizes = () if command in UNSIZED else SIZED.get(kind, ())
    return [command, *(word.format(target) for word in LINES[command]), *sizes]


def libraries():
    """timm and torchvision with one network, in place of the installed ones."""
    timm, torchvision = ModuleType("timm"), ModuleType("torchvision")
    timm.is_model = lambda name: name == "small"
    timm.list_models = lambda *_: ["small"]
    timm.create_model = lambda name: Small()
    timm.get_pretrained_cfg = lambda name: SimpleNamespace(input_size=(3, 16, 16))
    timm.layers = SimpleNamespace(set_fused_attn=lambda on: None)
    crop = SimpleNamespace(transforms=lambda: SimpleNamespace(crop_size=[16]))

    class Weights(list):
        DEFAULT = crop

    torchvision.models = SimpleNamespace(
        list_models=lambda: ["small"],
        get_model_builder=lambda name: Small,
        get_model=lambda name: Small(),
        get_model_weights=lambda name: Weights([crop]),
    )
    return {"timm": timm, "torchvision": torchvision}


def written(folder):
    (folder / "net.py").write_text(NET)
    (folder / "pack").mkdir()
    (folder / "pack" / "__init__.py").write_text("")
    (folder / "pack" / "nets.py").write_text(NET)
    export(folder / "net.onnx", Small(), (1, 3, 16, 16))
    (folder / "m.csv").write_text(MADE_UP)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("targets")
    written(found)
    return found


@pytest.fixture(autouse=True)
def targets(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name, module in libraries().items():
        monkeypatch.setitem(sys.modules, name, module)


FORMATS = ("table", "markdown", "latex", "csv", "json", "html")
OWN_FORMATS = {
    "explore": ("html",),
    "formula": ("text", "latex", "python", "javascript", "json"),
    "laws": ("text", "markdown"),
    "overlay": ("json",),
}
DESTINATIONS = ("standard output", "file", "-")

CELLS = [
    (command, kind)
    for command, given in LINES.items()
    for kind in (KINDS if "{}" in given else ["no target"])
]


def turn(number):
    """The format and the destination of a cell: all pairs of them in turn."""
    command = CELLS[number][0]
    formats = OWN_FORMATS.get(command, FORMATS)
    return formats[number % len(formats)], DESTINATIONS[number // len(formats) % 3]


REFUSED = {
    ("check", "onnx"): "net.onnx is an ONNX file, which fvcore and torch cannot run; check a "
    "network of PyTorch",
    ("prune", "onnx"): "net.onnx is an ONNX file, whose weights are not cut; give the network in "
    "PyTorch",
    ("train-cost", "onnx"): "net.onnx is an ONNX file, which has no backward pass; give the "
    "network in PyTorch",
    ("export", "onnx"): "net.onnx is an ONNX file already; give what it is to be made ready for, ",
    ("measure", "onnx"): "net.onnx is an ONNX file, which PyTorch eager does not run; give "
    "--runtime ort, openvino or ncnn",
    ("proxies", "onnx"): "net.onnx is an ONNX file, which is read and never run, and proxies run a "
    "network of PyTorch; give one",
}
REFUSED |= {
    ("overlay", kind): "an overlay is for the nodes of an ONNX file, and "
    for kind in KINDS
    if kind != "onnx"
}
"""The cells that get a sentence, and how it begins."""

FAILS = {"reconcile", "solve"}
"""Commands that exit with 1 where a number is not the network's, or no size keeps the budget."""


def test_every_command_is_tried():
    assert set(LINES) == set(COMMANDS)


def test_formats_and_destinations_meet():
    met = {turn(n) for n in range(len(CELLS)) if CELLS[n][0] not in OWN_FORMATS}
    assert met == set(product(FORMATS, DESTINATIONS))


@pytest.mark.parametrize("number", range(len(CELLS)), ids=lambda n: " ".join(CELLS[n]))
def test_a_result_or_a_sentence(capsys, tmp_path, number):
    command, kind = CELLS[number]
    format_name, destination = turn(number)
    file = tmp_path / "answer"
    to = {"standard output": [], "file": ["-o", str(file)], "-": ["-o", "-"]}[destination]
    status = main([*line(command, kind), "--format", format_name, *to])
    out, err = capsys.readouterr()
    if (command, kind) in REFUSED:
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"flopscope: {REFUSED[command, kind]}")
        assert list(tmp_path.iterdir()) == []
        return
    assert (status in ((0, 1) if command in FAILS else (0,)), err) == (True, "")
    in_file = destination == "file"
    assert bool(out) is not in_file
    text = file.read_text() if in_file else out
    assert text.endswith("\n")
    if format_name == "json":
        assert json.loads(text)
    beside = {path.name for path in tmp_path.iterdir()} - {"answer.json"}
    assert beside == ({"answer"} if in_file else set())


@pytest.mark.parametrize("command", LINES)
def test_a_format_that_no_command_has_writes_nothing(capsys, tmp_path, command):
    kind = "catalogue"
    status = main([*line(command, kind), "--format", "xml", "-o", str(tmp_path / "answer")])
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    known = "the only one is " if len(OWN_FORMATS.get(command, FORMATS)) == 1 else "known are "
    assert err.startswith(f"flopscope: unknown format 'xml'; {known}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", LINES)
def test_a_file_in_no_folder_is_refused_before_anything_is_counted(capsys, command):
    status = main([*line(command, "catalogue"), "-o", "nowhere/answer"])
    assert (status, capsys.readouterr()) == (
        2,
        (
            "",
            "flopscope: cannot write 'nowhere/answer'; give a file in a folder that exists and is "
            "writable\n",
        ),
    )


TARGETED = [command for command in LINES if takes_target(command)]
MISSING = {
    "nowhere.py:Net": "there is no file nowhere.py, which nowhere.py:Net names",
    "net.py:Nett": "unknown name in net.py 'Nett'; did you mean Net?",
    "net.py:Net[depth=2]": "did you mean width?",
    "timm:smal": "unknown timm model 'smal'; did you mean small?",
    "mobilenetv9": "unknown ",
    "nowhere.onnx": "nowhere.onnx",
}
"""Targets that do not exist, and how the sentence begins or what it has in it."""


@pytest.mark.parametrize("target", MISSING)
@pytest.mark.parametrize("command", TARGETED)
def test_a_target_that_does_not_exist_gets_one_sentence(capsys, tmp_path, command, target):
    words = [word.format(target) for word in LINES[command]]
    sizes = [] if command in UNSIZED else ["--res", "16"]
    status = main([command, *words, *sizes, "-o", str(tmp_path / "answer")])
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert MISSING[target] in err
    assert list(tmp_path.iterdir()) == []


# --- how standard output ends ---------------------------------------------------------------------

PROGRAM = (sys.executable, "-m", "flopscope", "show", "mobilenetv2", "--format", "json")


def test_a_reader_who_stops_gets_no_traceback():
    program = subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.close()
    err = program.stderr.read()
    program.stderr.close()
    assert (program.wait(), err) == (1, b"")


def test_a_full_disk_gets_a_sentence():
    with open("/dev/full", "w") as full:
        done = subprocess.run(PROGRAM, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        b"flopscope: cannot write to standard output: No space left on device; give a file with "
        b"-o\n",
    )
