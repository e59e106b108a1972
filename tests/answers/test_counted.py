"""Inputs and arguments mean the same in every command that counts at numbers."""

import json

import pytest
from graphs import export
from torch import nn

from flopscope.answers.compare import compare
from flopscope.answers.counted import Given, counted, made
from flopscope.answers.target import parse_target
from flopscope.catalog.variant import parse
from flopscope.cli import main
from flopscope.errors import BadInput

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self, width=1, channels=3):
        super().__init__()
        self.stem = nn.Conv2d(channels, 8 * width, 3, padding=1)

    def forward(self, x):
        return self.stem(x).mean((2, 3))


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, ids):
        return self.head(self.embed(ids))
"""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


def data(capsys, *arguments):
    status = main([*arguments, "--format", "json"])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return json.loads(out)


def stem(height, width, *, channels=3, wide=1, batch=1):
    """The MACs of Net's convolution."""
    return batch * height * width * 8 * wide * channels * 9


# --- inputs and arguments of several networks -----------------------------------------------------


def test_inputs_are_for_every_network_and_arguments_for_ones_own(capsys):
    given = ("--input", "2,3,64,96", "--arg", "width=3")
    own, known = data(capsys, "compare", "net.py:Net", "mobilenetv2", *given)["models"]
    assert (own["model"], own["macs"]) == ("net.py:Net[width=3]", stem(64, 96, wide=3, batch=2))
    ledger = parse("mobilenetv2").ledger((64, 96), 2)
    assert (known["batch"], known["resolution"], known["macs"]) == (2, [64, 96], int(ledger.macs()))


def test_arguments_stand_beside_those_in_brackets(capsys):
    given = ("--arg", "channels=4", "--input", "1,4,8,8")
    first, second = data(capsys, "compare", "net.py:Net[width=2]", "net.py:Net", *given)["models"]
    assert first["model"] == "net.py:Net[width=2,channels=4]"
    assert first["macs"] == stem(8, 8, channels=4, wide=2)
    assert second["macs"] == stem(8, 8, channels=4)


def test_a_type_and_a_name_of_an_input(capsys):
    (found,) = data(capsys, "compare", "net.py:Text", "--input", "ids=1,7:int64")["models"]
    assert found["macs"] == 7 * 4 * 2


def test_show_and_check_take_what_compare_takes(capsys):
    given = ("--input", "1,4,8,8", "--arg", "channels=4")
    layers = data(capsys, "show", "net.py:Net", *given)["layers"]
    assert layers[0]["macs"] == stem(8, 8, channels=4)
    (found,) = data(capsys, "check", "net.py:Net", *given)["models"]
    assert found["agrees"] is True
    (known,) = data(capsys, "check", "mobilenetv2", "--input", "1,3,32,32")["models"]
    assert (known["agrees"], known["resolution"]) == (True, [32, 32])


def test_a_model_with_a_resolution_multiplier_takes_the_input_as_it_is():
    variant = parse_target("mobilenetv1:rho=0.5")
    assert counted(variant, Given(res=224)).resolution == (112, 112)
    assert counted(variant, Given(inputs=("1,3,224,224",))).resolution == (224, 224)


def test_a_model_of_several_inputs_takes_all_of_them():
    both = Given(inputs=("3,3,224,224", "3,77:int64"))
    found = counted(parse_target("mobileclip_b"), both)
    assert (found.resolution, found.batch) == ((224, 224), 3)
    with pytest.raises(BadInput) as raised:
        counted(parse_target("mobileclip_b"), Given(inputs=("1,3,224,224",)))
    assert str(raised.value) == (
        "mobileclip_b takes inputs such as 1,3,224,224 and 1,77:int64, and --input gives "
        "1,3,224,224; give what every network takes, or leave --input out"
    )


# --- a file whose batch has a name ----------------------------------------------------------------


@pytest.fixture
def dynamic(tmp_path):
    export("net.onnx", nn.Conv2d(3, 8, 3), (2, 3, 8, 8), free={0: "N", 2: "h", 3: "w"})


SIZES = ("--example", "h=8", "--example", "w=6")


def test_a_named_batch_is_the_batch_and_other_names_are_examples(capsys, dynamic):
    macs = 6 * 4 * 8 * 3 * 9
    found = data(capsys, "compare", "net.onnx", *SIZES, "--batch", "5")["models"]
    assert (found[0]["macs"], found[0]["inputs"]) == (5 * macs, [[5, 3, 8, 6]])
    (found,) = data(capsys, "compare", "net.onnx", *SIZES, "--example", "N=4")["models"]
    assert (found["macs"], found["batch"]) == (4 * macs, 4)
    assert main(["assert", "net.onnx", *SIZES, "--max-macs", str(macs)]) == 0
    assert main(["assert", "net.onnx", *SIZES, "--max-macs", str(macs - 1)]) == 1


def test_networks_side_by_side_have_one_batch(capsys, dynamic):
    arguments = ["compare", "mobilenetv2", "net.onnx", *SIZES, "--example", "N=4"]
    assert main(arguments) == 2
    assert capsys.readouterr().err == (
        "flopscope: net.onnx is counted on a batch of 4 and mobilenetv2 on a batch of 1; give one "
        "for all, such as --batch 4\n"
    )
    assert main([*arguments, "--batch", "4"]) == 0


# --- what does not go together --------------------------------------------------------------------

BOTH = (
    "--input and --res both give the size of the input; give one of them, such as --res 224 or "
    "--input B,3,H,W"
)
CATALOGUE = (
    "mobilenetv2 is a catalogue model; its options follow a colon, as in mobilenetv2:width=1.4, "
    "and --arg and --example are for a network of your own"
)
FOUR = (
    "mobilenetv2 takes inputs such as 1,3,224,224, and --input gives 1,4,8,8; give what every "
    "network takes, or leave --input out"
)
FREE = (
    "this counts at sizes that are numbers, and B,3,H,W has free ones; give an input such as "
    "--input 1,3,224,224"
)
MESSAGES = {
    ("mobilenetv2", "--input", "1,4,8,8"): FOUR,
    ("mobilenetv2", "--input", "B,3,H,W"): FREE,
    ("net.py:Net", "--input", "B,3,H,W"): FREE,
    ("net.py:Net", "--input", "1,3,8,8", "--res", "8"): BOTH,
    ("mobilenetv2", "--input", "1,3,8,8", "--res", "8"): BOTH,
    ("mobilenetv2", "--input", "1,3,8,8", "--batch", "2"): "--input gives the batch too, as in "
    "8,3,H,W; leave --batch out",
    ("mobilenetv2", "--arg", "width=2"): CATALOGUE,
    ("mobilenetv2", "--example", "N=2"): CATALOGUE,
    ("net.onnx", "--arg", "width=2"): "net.onnx is an ONNX file, which takes no arguments",
    ("net.onnx",): "net.onnx has free sizes, h, w; give them numbers with --example, such as "
    "--example h=64",
    ("net.onnx", "--example", "h=8", "--example", "w=8", "--example", "N=4", "--batch", "2"):
    "net.onnx takes 4×3×8×8, which is not a batch of 2; give its own, such as --batch 4",
    ("net.py:Net[width=2]", "--arg", "width=3", "--res", "8"): "net.py:Net[width=2] has the "
    "argument width already; give it once",
    ("net.py:Net", "--arg", "width", "--res", "8"): "'width' is not an argument; write it as "
    "name=value",
    ("net.py:Net",): "net.py:Net does not state the size of its input; give it, such as --res 224 "
    "or --input 1,3,224,224",
}  # fmt: skip
COMMANDS = {
    "compare": (),
    "diff": ("mobilenetv2",),
    "check": (),
    "assert": ("--max-macs", "1"),
    "reconcile": ("--reported", "1M"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("arguments", MESSAGES, ids=" ".join)
def test_every_command_refuses_in_the_same_words(capsys, dynamic, command, arguments):
    status = main([command, *arguments, *COMMANDS[command]])
    assert (status, capsys.readouterr()) == (2, ("", f"flopscope: {MESSAGES[arguments]}\n"))


def test_one_catalogue_model_beside_networks_of_ones_own(capsys):
    status = main(["compare", "net.py:Net[channels=4]", "mobilenetv2", "--input", "1,4,8,8"])
    assert (status, capsys.readouterr()) == (2, ("", f"flopscope: {FOUR}\n"))


def test_a_scale_needs_a_size_that_it_can_multiply(capsys):
    status = main(["compare", "mobilenetv2", "--input", "1,3,64,64", "--scale", "phi=1"])
    assert (status, capsys.readouterr().err) == (
        2,
        "flopscope: --scale multiplies the size of the input, which --input states as it is; give "
        "--res, or leave one of them out\n",
    )


@pytest.mark.parametrize(
    "further", [("--res", "8"), ("--batch", "2"), ("--input", "1,3,8,8"), ("--arg", "width=2")]
)
def test_a_proof_takes_no_sizes(capsys, further):
    assert main(["check", "mobilenetv2", "--prove", *further]) == 2
    assert capsys.readouterr().err == (
        "flopscope: --prove holds for every size and takes no --res, --batch, --input, --arg or "
        "--example; leave them out\n"
    )


def test_python_says_the_same():
    with pytest.raises(BadInput) as raised:
        compare(["mobilenetv2"], inputs=["1,3,8,8"], res=8)
    assert str(raised.value) == BOTH
    with pytest.raises(BadInput) as raised:
        made([parse_target(nn.ReLU())], Given(pairs=("width=2",)))
    assert str(raised.value) == "ReLU is a module already, which takes no arguments"
