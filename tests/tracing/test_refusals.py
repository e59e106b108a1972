"""What is said of code that does not import, cannot be made or does not run: one sentence with the
reader's file and line, the cause, and what would help. Nothing of it is a traceback."""

import json
import re
import sys

import pytest
import torch
from profiles import run
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.tracing.inputs import Input

FILES = {
    "half.py": """\
try:
    import nowhere_at_all
except ImportError as error:
    raise ImportError("half needs it") from error
""",
    "lazy/__init__.py": """\
import importlib
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return getattr(importlib.import_module(".parts", __name__), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"Could not import module '{name}'") from error
""",
    "lazy/parts.py": "import nowhere_at_all\n",
    "lonely.py": "def __getattr__(name):\n    raise ModuleNotFoundError('not here: ' + name)\n",
    "syntax.py": "class A:\n    def f(self)\n        pass\n",
    "uses_syntax.py": "from syntax import A\n",
    "null.py": "x = 1\0\n",
    "typo.py": "from helper import nope\n",
    "helper.py": "import torch\n",
    "one.py": "from two import a\nb = 1\n",
    "two.py": "from one import b\na = 1\n",
    "ends.py": "import sys\nsys.exit('usage: ends')\n",
    "argparsed.py": """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.parse_args()
""",
    "odd.py": "raise BaseException('odd')\n",
    "deep.py": "import torch.nn.functional as F\nF.relu('x')\n",
    "nets.py": """\
import torch
from torch import nn

class Config:
    pass

class Needs(nn.Module):
    def __init__(self, width, config: Config):
        super().__init__()

class Takes(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.width = [0] * width

class Optional(nn.Module):
    def __init__(self):
        super().__init__()
        import nowhere_at_all

class Fits(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(x)

class Asserts(nn.Module):
    def forward(self, x):
        assert x.shape[1] == 4
        return x

class Two(nn.Module):
    def forward(self, x, mask, *, scale):
        return x

class Numpy(nn.Module):
    def forward(self, x):
        return torch.from_numpy(x.numpy())

class Ends(nn.Module):
    def forward(self, x):
        raise SystemExit(3)

class Nothing(nn.Module):
    pass

class Caused(nn.Module):
    def forward(self, x):
        try:
            return x[int("a")]
        except ValueError as error:
            raise RuntimeError("bad index") from error

class Long(nn.Module):
    def forward(self, x):
        raise ValueError("Too long.\\n" + "and so on " * 60)

made = nn.Identity()
number = 3
def nothing(): pass
def fails(): return {}["width"]
""",
}

IMPORTS = {
    "half.py:Net": (
        "half.py:Net does not import: ImportError: half needs it at half.py:4, because of "
        "ModuleNotFoundError: No module named 'nowhere_at_all' at half.py:2; install "
        "nowhere_at_all, or put its folder into PYTHONPATH"
    ),
    "lazy:Net": (
        "lazy:Net does not import: ModuleNotFoundError: Could not import module 'Net' at "
        "lazy/__init__.py:8, because of ModuleNotFoundError: No module named 'nowhere_at_all' at "
        "lazy/parts.py:1; install nowhere_at_all, or put its folder into PYTHONPATH"
    ),
    "lonely.py:Net": (
        "lonely.py:Net does not import: ModuleNotFoundError: not here: Net at lonely.py:2"
    ),
    "syntax.py:A": "syntax.py:A does not import: SyntaxError: expected ':' at syntax.py:2",
    "uses_syntax.py:A": (
        "uses_syntax.py:A does not import: SyntaxError: expected ':' at syntax.py:2"
    ),
    "null.py:A": (
        "null.py:A does not import: SyntaxError: source code string cannot contain null bytes in "
        "null.py"
    ),
    "typo.py:A": (
        "typo.py:A does not import: ImportError: cannot import name 'nope' from 'helper' "
        "(FOLDER/helper.py) at typo.py:1; correct the name, or install the version that has it"
    ),
    "one.py:b": (
        "one.py:b does not import: ImportError: cannot import name 'b' from 'one' (FOLDER/one.py) "
        "at two.py:1; these files import each other, so import in one of them inside the function "
        "that needs it"
    ),
    "ends.py:A": (
        "ends.py:A does not import: its code ends the program at ends.py:2; keep what a program "
        "does under if __name__ == '__main__'"
    ),
    "argparsed.py:A": (
        "argparsed.py:A does not import: its code ends the program at argparsed.py:4; keep what a "
        "program does under if __name__ == '__main__'"
    ),
    "odd.py:A": "odd.py:A does not import: BaseException: odd at odd.py:1",
    "deep.py:A": (
        "deep.py:A does not import: TypeError: relu(): argument 'input' (position 1) must be "
        "Tensor, not str at deep.py:2"
    ),
    "lazy.nope:Net": (
        "lazy.nope:Net does not import: ModuleNotFoundError: No module named 'lazy.nope'; write "
        "path/to/file.py:Name, or run where the module can be imported"
    ),
    "nowhere:Net": (
        "nowhere:Net does not import: ModuleNotFoundError: No module named 'nowhere'; write "
        "path/to/file.py:Name, or run where the module can be imported"
    ),
    "gone.py:Net": "there is no file gone.py, which gone.py:Net names",
    "lazy/parts:Net": (
        "lazy/parts is neither a Python file nor the dotted name of a module; did you mean "
        "lazy/parts.py:Net?"
    ),
    "./nope:Net": (
        "./nope is neither a Python file nor the dotted name of a module; write "
        "path/to/file.py:Name or package.module:Name"
    ),
    ".nets:Net": (
        ".nets is neither a Python file nor the dotted name of a module; write "
        "path/to/file.py:Name or package.module:Name"
    ),
    "helper.py:Net": "unknown name in helper.py 'Net'; there is none",
    "nets.py:Need": "unknown name in nets.py 'Need'; did you mean Needs?",
    "nets.py:Needs.smal": "unknown name in nets.py.Needs 'smal'; there is none",
    "nets.py:Fits(": (
        "'Fits(' is not a name in a module; write one like Net, Net.small or Net(Config(width=16))"
    ),
    "nets.py:Takes(Confi())": "unknown name in nets.py 'Confi'; did you mean Config?",
    "nets.py:number()": "nets.py:number() calls number, which cannot be called; leave () out",
    "nets.py:": (
        "'nets.py:' is not a target; write a model of `flopscope list`, path/to/file.py:Name, "
        "package.module:Name, timm:NAME, torchvision:NAME or path/to/model.onnx"
    ),
}

MADE = {
    "nets.py:Needs": (
        "could not be made with no arguments: TypeError: Needs.__init__() missing 2 required "
        "positional arguments: 'width' and 'config' at nets.py:8; give --arg width=VALUE --arg "
        "'config=Config()'"
    ),
    "nets.py:Needs --arg width=3": (
        "could not be made with width=3: TypeError: Needs.__init__() missing 1 required positional "
        "argument: 'config' at nets.py:8; give --arg 'config=Config()'"
    ),
    "nets.py:Takes --arg widht=3": (
        "could not be made with widht=3: TypeError: Takes.__init__() got an unexpected keyword "
        "argument 'widht' at nets.py:12; did you mean width?"
    ),
    "nets.py:Takes --arg colour=3": (
        "could not be made with colour=3: TypeError: Takes.__init__() got an unexpected keyword "
        "argument 'colour' at nets.py:12; it takes width"
    ),
    "nets.py:Takes --arg width=wide": (
        "could not be made with width=wide: TypeError: can't multiply sequence by non-int of type "
        "'str' at nets.py:14"
    ),
    "nets.py:Takes --arg width=Config": (
        "could not be made with width=Config: TypeError: can't multiply sequence by non-int of "
        "type 'str' at nets.py:14; Config is text, --arg width=nets.Config is what nets.py has "
        "under that name"
    ),
    "nets.py:Takes --arg width=nn.Relu": (
        "could not be made with width=nn.Relu: TypeError: can't multiply sequence by non-int of "
        "type 'str' at nets.py:14; nn.Relu is text, since nets.py has no such name"
    ),
    "nets.py:Optional": (
        "could not be made with no arguments: ModuleNotFoundError: No module named "
        "'nowhere_at_all' at nets.py:19; install nowhere_at_all, or put its folder into PYTHONPATH"
    ),
    "nets.py:fails": "could not be made with no arguments: KeyError: 'width' at nets.py:63",
    "torch.nn:Linear": (
        "could not be made with no arguments: TypeError: Linear.__init__() missing 2 required "
        "positional arguments: 'in_features' and 'out_features'; give --arg in_features=VALUE "
        "--arg out_features=VALUE"
    ),
}

RUNS = {
    "Fits": "Fits cannot run on 1,3,8,8: fc expects 4 features and gets 8 at nets.py:27",
    "Asserts": (
        "Asserts cannot run on 1,3,8,8: AssertionError: assert x.shape[1] == 4 at nets.py:31"
    ),
    "Two": (
        "Two cannot run on 1,3,8,8: TypeError: Two.forward() missing 1 required positional "
        "argument: 'mask' at nets.py:35; give an input for each of x, mask, scale"
    ),
    "Ends": "Ends cannot run on 1,3,8,8: its code ends the program at nets.py:44",
    "Nothing": (
        "Nothing cannot run on 1,3,8,8: NotImplementedError: Module [Nothing] is missing the "
        'required "forward" function at nets.py:46'
    ),
    "Caused": (
        "Caused cannot run on 1,3,8,8: RuntimeError: bad index at nets.py:54, because of "
        "ValueError: invalid literal for int() with base 10: 'a' at nets.py:52"
    ),
    "Long": "Long cannot run on 1,3,8,8: ValueError: Too long at nets.py:58",
}

OTHER = {
    "nets.py:Numpy": (
        "the network reads the values of a tensor (.tolist() or .numpy()) at nets.py:40; a trace "
        "has shapes only, so give it a form that depends on shapes alone"
    ),
    "nets.py:made --arg width=3": (
        "nets.py:made is a module already, which takes no arguments; leave --arg out, or name the "
        "class or function that makes it"
    ),
    "nets.py:nothing": (
        "nets.py:nothing gives NoneType, which is not an nn.Module, nor a class or function that "
        "makes one"
    ),
    "nets.py:Takes --arg width=3 --arg width=4": "the argument width is given twice; give it once",
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, folder, *arguments):
    """The last line; a program of the reader's may have written others."""
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return err.splitlines()[-1].replace(str(folder), "FOLDER")


@pytest.mark.parametrize("target", IMPORTS)
def test_what_does_not_import(capsys, folder, target):
    assert said(capsys, folder, target, "--res", "8") == f"flopscope: {IMPORTS[target]}"


@pytest.mark.parametrize("command", MADE)
def test_what_cannot_be_made(capsys, folder, command):
    target, *arguments = command.split()
    message = said(capsys, folder, target, *arguments, "--res", "8")
    assert message == f"flopscope: {target} {MADE[command]}"


@pytest.mark.parametrize("name", RUNS)
def test_what_does_not_run(capsys, folder, name):
    assert (
        said(capsys, folder, f"nets.py:{name}", "--res", "8") == f"flopscope: nets.py:{RUNS[name]}"
    )


@pytest.mark.parametrize("command", OTHER)
def test_what_is_no_network(capsys, folder, command):
    assert said(capsys, folder, *command.split(), "--res", "8") == f"flopscope: {OTHER[command]}"


@pytest.mark.parametrize(
    "command",
    [
        ("assert", "nets.py:Asserts", "--max-macs", "3", "--res", "8"),
        ("reconcile", "nets.py:Asserts", "--tool", "fvcore", "--res", "8"),
        ("profile", "nets.py:Asserts", "--res", "8"),
    ],
    ids=lambda command: command[0],
)
def test_every_command_says_the_same(capsys, command):
    assert main([*command]) == 2
    assert capsys.readouterr().err == f"flopscope: nets.py:{RUNS['Asserts']}\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "nets.py:Needs --arg width=C",
            "nets.py:Needs cannot be derived with width=C: TypeError: Needs.__init__() missing 1 "
            "required positional argument: 'config' at nets.py:8; give --arg 'config=Config()'",
        ),
        (
            "nets.py:Asserts --input B,3,H",
            "nets.py:Asserts cannot be derived with no arguments on B,3,H: AssertionError: assert "
            "x.shape[1] == 4 at nets.py:31",
        ),
        (
            "nets.py:made --arg width=C",
            "nets.py:made is a module already; name the class or function that makes one",
        ),
        ("nets.py:number", "nets.py:number is int; name the class or function that makes one"),
        ("half.py:Net", IMPORTS["half.py:Net"]),
    ],
)
def test_formulas(capsys, command, message):
    assert main(["formula", *command.split()]) == 2
    assert capsys.readouterr().err == f"flopscope: {message}\n"


def test_a_formula_of_a_module_that_is_made_already(capsys):
    """In its sizes; there is nothing to give it."""
    status = main(["formula", "nets.py:made", "--input", "B,3", "--format", "json"])
    assert status == 0
    assert json.loads(capsys.readouterr().out)


class Asks(nn.Module):
    def forward(self, x, mask=None, *, scale):
        if x.shape[1] != 4:
            raise ValueError("four channels are needed")
        return x


@pytest.mark.parametrize(
    ("inputs", "named", "message"),
    [
        (
            ((1, 3, 8, 8),),
            {"scale": 2},
            r"Asks cannot run on 1,3,8,8 and scale=2: ValueError: four channels are needed at LINE",
        ),
        (
            (torch.zeros(1, 3), None, ("B", 8), (torch.zeros(2), [1])),
            {"scale": {"a": 1}},
            r"Asks cannot run on 1,3 and None and B,8 and tuple and scale=dict: TypeError: .*"
            r" at LINE; it takes x, mask, scale",
        ),
        (
            (Input(("B", 3), torch.int64),),
            {},
            r"Asks cannot run on B,3: TypeError: Asks\.forward\(\) missing 1 required keyword-only "
            r"argument: 'scale' at LINE; give an input for each of x, scale",
        ),
    ],
)
def test_the_python_function_says_so_too(inputs, named, message):
    with pytest.raises(BadInput) as error:
        fs.trace(Asks(), *inputs, **named)
    place = r"\S*test_refusals\.py:\d+"
    assert re.fullmatch(message.replace("LINE", place), str(error.value))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (nn.ReLU, "ReLU is a class; give a module of it, ReLU(...)"),
        (
            torch.relu,
            "only an nn.Module is traced, not builtin_function_or_method; give one whose "
            "forward does what is to be counted",
        ),
    ],
)
def test_what_is_no_module(given, message):
    with pytest.raises(BadInput) as error:
        fs.trace(given, (1, 3))
    assert str(error.value) == message


def test_deriving_in_python_says_what_is_missing():
    with pytest.raises(BadInput) as error:
        fs.derive(nn.Linear, {"in_features": fs.symbol("C")}, ("B", 3))
    assert str(error.value) == (
        "Linear cannot be derived with in_features=C on B,3: TypeError: Linear.__init__() missing "
        "1 required positional argument: 'out_features'; give out_features=VALUE"
    )


def test_who_asks_to_stop_is_obeyed(capsys, folder, monkeypatch):
    (folder / "slow.py").write_text("raise KeyboardInterrupt\n")
    assert main(["profile", "slow.py:Net", "--res", "8"]) == 130


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("ImportError('numpy.core is\\n gone')", " (ImportError: numpy.core is gone)"),
        ("OSError('libtorch.so: no such file')", " (OSError: libtorch.so: no such file)"),
        (
            "TypeError('Descriptors cannot be created')",
            " (TypeError: Descriptors cannot be created)",
        ),
    ],
)
def test_an_installation_that_is_broken(capsys, folder, monkeypatch, error, cause):
    """It is there, and raises what it likes as it is imported."""
    (folder / "onnx.py").write_text(f"raise {error}\n")
    (folder / "model.onnx").write_bytes(b"")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "onnx", raising=False)
    assert main(["profile", "model.onnx"]) == 2
    assert capsys.readouterr().err == (
        f"flopscope: this needs onnx, but onnx cannot be imported{cause}; install it with: "
        "pip install 'onnx>=1.19', or in a clone of flopscope with: make setup\n"
    )
