"""`flopscope space` from the command line: tables, JSON, pictures, bad input."""

import io
import json
import sys

import pytest

import flopscope as fs
from flopscope.cli import main
from flopscope.designspaces import store

OWN = """
from flopscope.analytic.blocks import conv_bn_act
from flopscope.designspaces.slots import independent
from flopscope.designspaces.space import DesignSpace


def network(x, choices):
    for name, option in choices.items():
        with x.tape.scope(name):
            x = conv_bn_act(x, 8, int(option))
    return x


SPACE = DesignSpace(
    "own",
    network,
    tuple(independent(f"layer{n}", ["1", "3", "5"]) for n in range(1, 5)),
    "mine",
    res=16,
)
NUMBER = 3
"""


@pytest.fixture(autouse=True)
def beside_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "own.py").write_text(OWN)


def run(capsys, *words):
    status = main(["space", *words])
    return status, capsys.readouterr()


def test_json_has_integers(capsys):
    status, out = run(
        capsys, "ofa_mobilenetv3", "--res", "32", "--of", "params", "--kth", "1e18", "--count",
        "--format", "json",
    )  # fmt: skip
    found = json.loads(out.out)
    assert (status, out.err) == (0, "")
    assert found["networks"] == 21_758_655_492_572_485_851
    assert found["encodings"] == 3**5 * 9**20
    assert found["marks"][0]["networks"] == found["networks"]
    assert found["marks"][1]["networks"] >= 10**18


def test_a_space_of_the_readers_own(capsys):
    status, out = run(capsys, "own.py:SPACE", "--sample", "3", "--format", "json")
    found = json.loads(out.out)
    assert (status, found["networks"], len(found["sample"])) == (0, 81, 3)
    status, out = run(capsys, "own.py:NUMBER")
    assert (status, out.err) == (
        2,
        "flopscope: own.py:NUMBER gives int, which is no design space; name a "
        "flopscope.designspaces.space.DesignSpace, or a function that returns one\n",
    )


def test_python_gives_what_the_command_prints(capsys):
    _, out = run(capsys, "nas_bench_macro", "--max-macs", "30M", "--histogram")
    assert out.out.rstrip() == str(
        fs.space("nas_bench_macro", max_macs="30M", histogram=True)
    ).rstrip()  # fmt: skip


def test_a_budget_that_nobody_keeps(capsys):
    status, out = run(capsys, "nas_bench_macro", "--max-macs", "1M", "--count")
    assert status == 1
    text = " ".join(out.out.split())
    assert (
        "No network has at most 1,000,000 MACs; the nearest budget that can be kept is "
        "--max-macs 7713280." in text
    )
    assert run(capsys, "nas_bench_macro", "--max-macs", "7713280")[0] == 0


def test_a_picture_of_it(capsys, tmp_path):
    status, _ = run(capsys, "nas_bench_macro", "--max-macs", "90M", "--plot", "spread.png")
    assert status == 0
    assert (tmp_path / "spread.png").exists()


def test_the_histogram_is_drawn_with_its_shares():
    ax = fs.space("nas_bench_macro").plot()
    (stairs,) = [patch for patch in ax.patches if hasattr(patch, "get_data")]
    assert sum(stairs.get_data().values) == pytest.approx(100)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kth", "0"], "--kth 0 is not a positive integer; give one such as 1 or 1e18"),
        (
            ["--quantile", "2"],
            "--quantile 2 is not a share above 0 and at most 1; give one such as 0.1 or 10%",
        ),
        (
            ["--design", "0000000"],
            "a design of nas_bench_macro has 8 choices, and this one has 7",
        ),
        (["--seed", "1"], "a seed is for a sample, and none is drawn; give --sample too"),
    ],
)
def test_bad_input(capsys, words, message):
    status, out = run(capsys, "nas_bench_macro", *words)
    assert (status, out.out, out.err) == (2, "", f"flopscope: {message}\n")


def test_an_unknown_space_names_the_nearest(capsys):
    status, out = run(capsys, "ofa_mobilenet")
    assert status == 2
    assert "did you mean ofa_mobilenetv3" in out.err


def test_a_terminal_is_told_how_much_is_kept(capsys, monkeypatch, tmp_path):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setattr("flopscope.designspaces.distribution.DIVIDED", 0)
    monkeypatch.setattr("flopscope.designspaces.distribution.KEPT", 1)
    line = ["space", "proxylessnas", "--res", "32", "--max-macs", "5M"]
    said = []
    for _ in range(2):
        with monkeypatch.context() as at_a_terminal:
            at_a_terminal.setattr(sys, "stderr", Terminal())
            assert main(line) == 0
            said.append(sys.stderr.getvalue())
    files = list((tmp_path / "kept" / "designspaces").iterdir())
    size = -(-sum(path.stat().st_size for path in files) // 10**6)
    assert (
        f"flopscope: {size:,} MB are kept in {tmp_path / 'kept' / 'designspaces'} for the next "
        "question; FLOPSCOPE_CACHE names another folder, or is off\n"
    ) in said[0]
    assert "are kept" not in said[1]


def test_a_function_that_gives_no_space_but_an_error_is_one_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("def made():\n    raise KeyError('width')\n")
    assert main(["space", "own.py:made"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: own.py:made raises KeyError: 'width'; name a design space, or a function that "
        "returns one without arguments\n"
    )
