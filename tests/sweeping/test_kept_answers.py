"""The command and the function that keep a part of a sweep: what they print, write and refuse."""

import errno
import json
import os
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from own_nets import written

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.sweeping import running, tiles, writing
from flopscope.sweeping.journal import Journal

FREE = "width=0.5:1.2:0.05,res=32:224:16"
LINE = ["sweep", "mobilenetv2", "--free", FREE]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    """Several blocks and several parts of a file, in a folder of the test's own."""
    monkeypatch.setattr(tiles, "BLOCK", 50)
    monkeypatch.setattr(writing, "ROWS", 40)
    monkeypatch.chdir(tmp_path)


def printed(capsys, *words, status=0):
    assert main([*LINE, *words]) == status
    return " ".join(capsys.readouterr().out.split())


def refusal(capsys, *words, line=LINE):
    assert main([*line, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("flopscope: ").rstrip("\n")


def data(capsys, *words):
    assert main([*LINE, *words, "--format", "json"]) in (0, 1)
    return json.loads(capsys.readouterr().out)


# --- what is printed ----------------------------------------------------------------------------


def test_the_count_in_words_and_as_an_object(capsys):
    text = printed(capsys, "--keep", "count", "--max-macs", "100M")
    found = data(capsys, "--keep", "count", "--max-macs", "100M")
    assert found["kept"] + found["over_budget"] == found["grid"] == 195
    assert f"in the grid 195 100 % over a budget {found['over_budget']}" in text
    assert f"mobilenetv2, batch 1: {found['kept']} of 195 designs along width=0.5:1.2:0.05" in text
    assert "195 designs were counted by the closed form." in text
    assert (found["schema"], found["missing"], found["nearest"]) == ("flopscope.kept/1", 0, None)


def test_designs_are_rows(capsys):
    text = printed(capsys, "--keep", "top:2", "--max-macs", "100M", "--of", "macs,params")
    assert "the 2 with the most MACs (macs) of" in text
    found = data(capsys, "--keep", "top:2", "--max-macs", "100M", "--of", "macs,params")
    table = fs.sweep("mobilenetv2", free=FREE, of="macs,params", max_macs="100M").to_dict()
    best = sorted(table["designs"], key=lambda design: -design["macs"])[:2]
    assert found["designs"] == best


def test_a_frontier_shows_what_it_gains(capsys):
    text = printed(capsys, "--keep", "front", "--of", "macs", "--gain", "params")
    assert "the frontier of the least MACs (macs) and the most params of" in text
    assert "Params" in text
    without = printed(capsys, "--keep", "front")
    assert without.endswith(
        "Without --gain a frontier has the designs with the least of every quantity; --gain width, "
        "for example, says that more of it is better."
    )


def test_a_budget_that_none_keeps_names_the_nearest_and_fails(capsys):
    text = printed(capsys, "--keep", "count", "--max-macs", "1M", status=1)
    assert text.endswith(
        "No design keeps the budgets; the nearest is width 0.5, res 32, with 3,236,160 MACs."
    )
    found = data(capsys, "--keep", "histogram", "--max-macs", "1M")
    assert (found["kept"], found["bins"]) == (0, [])
    assert found["nearest"]["macs"] == 3_236_160


def test_an_own_module_is_swept_over_its_constructor(capsys, tmp_path):
    line = [
        "sweep",
        f"{written(tmp_path)}:Net",
        "--res",
        "16",
        "--free",
        "width=4:200:4,depth=1:9:1",
    ]
    assert main([*line, "--keep", "top:1", "--max-params", "100k", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    table = fs.sweep(f"{tmp_path}/own.py:Net", res=16, free="width=4:200:4,depth=1:9:1",
                     max_params="100k").to_dict()  # fmt: skip
    assert found["designs"] == [max(table["designs"], key=lambda design: design["macs"])]
    assert (found["kept"], found["ledgers"]) == (len(table["designs"]), table["ledgers"])


# --- files --------------------------------------------------------------------------------------


def test_all_designs_go_to_a_file_with_its_provenance(capsys, tmp_path):
    text = printed(capsys, "--keep", "all", "--max-macs", "100M", "-o", "out.csv")
    number = data(capsys, "--keep", "count", "--max-macs", "100M")["kept"]
    assert f"{number} designs were written to out.csv." in text
    assert {path.name for path in tmp_path.iterdir()} == {"out.csv", "out.csv.json"}
    assert main([*LINE, "--max-macs", "100M", "--format", "csv"]) == 0
    assert (tmp_path / "out.csv").read_text() == capsys.readouterr().out
    made = json.loads((tmp_path / "out.csv.json").read_text())
    assert made["command"].endswith("--keep all --max-macs 100M -o out.csv")
    assert made["data"]["kept"] == number
    assert "mobilenetv2" in made["formulas"]


def test_parquet_has_the_rows_of_csv(capsys, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    for ending in ("csv", "parquet"):
        printed(capsys, "--keep", "all", "--of", "macs,peak", "-o", f"out.{ending}")
        printed(capsys, "--keep", "top:7", "-o", f"top.{ending}")
        printed(capsys, "-o", f"table.{ending}")
    for name in ("out", "top", "table"):
        table = pq.read_table(tmp_path / f"{name}.parquet").to_pydict()
        lines = [
            ",".join(table),
            *(",".join(map(str, r)) for r in zip(*table.values(), strict=True)),
        ]
        assert (tmp_path / f"{name}.csv").read_text().splitlines() == lines
    made = json.loads((tmp_path / "out.parquet.json").read_text())
    assert list(made["packages"]) == ["pyarrow"]


def test_designs_that_do_not_exist_are_not_written(capsys, tmp_path):
    line = [
        "sweep",
        f"{written(tmp_path)}:Grouped",
        "--res",
        "8",
        "--free",
        "width=4:14:1,groups=1:4:1",
    ]
    assert main([*line, "--keep", "all", "-o", "out.csv"]) == 0
    rows = [row.split(",") for row in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    pairs = [(int(width), int(groups)) for width, groups, *_ in rows]
    assert pairs == [(w, g) for w in range(4, 15) for g in range(1, 5) if w % g == 0]
    capsys.readouterr()


def test_lower_bounds_are_marked_in_the_file(capsys, tmp_path):
    line = ["sweep", f"{written(tmp_path)}:Unknown", "--res", "8", "--free", "width=4,8"]
    assert main([*line, "--keep", "all", "-o", "out.csv"]) == 0
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "width,params,macs_macs,lower_bound", "4,112,3888,True", "8,224,7776,True",
    ]  # fmt: skip
    assert "lower bound" in capsys.readouterr().out


# --- interruptions ------------------------------------------------------------------------------

KEEPS = ["count", "histogram:5", "top:5", "front", "all"]


@pytest.mark.parametrize("keep", KEEPS)
def test_an_interrupted_sweep_goes_on_where_it_was(capsys, monkeypatch, tmp_path, keep):
    words = ["--keep", keep, "--max-macs", "200M", "-o"]
    ending = "csv" if keep == "all" else "json"
    assert main([*LINE, *words, f"whole.{ending}"]) == 0
    work, calls = ("rows_of", writing) if keep == "all" else ("block_state", running)
    real, done = getattr(calls, work), []

    def interrupted(shared, part):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(part)
        return real(shared, part)

    monkeypatch.setattr(calls, work, interrupted)
    assert main([*LINE, *words, f"out.{ending}"]) == 130
    assert capsys.readouterr().err == (
        f"flopscope: interrupted; what is done is kept in 'out.{ending}.partial', and the same "
        "command goes on from there\n\n"  # click ends the line of the interruption
    )
    assert not (tmp_path / f"out.{ending}").exists()
    assert (tmp_path / f"out.{ending}.partial").is_dir()
    again = []
    monkeypatch.setattr(calls, work, lambda shared, part: again.append(part) or real(shared, part))
    assert main([*LINE, *words, f"out.{ending}"]) == 0
    assert not set(again[: 3 if keep == "all" else 1]) & set(done)
    assert (tmp_path / f"out.{ending}").read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()
    assert not (tmp_path / f"out.{ending}.partial").exists()
    capsys.readouterr()


def test_the_part_of_another_sweep_is_not_taken(capsys, tmp_path):
    journal = Journal(str(tmp_path / "out.csv"), {"another": 1})
    journal.open()
    assert refusal(capsys, "--keep", "all", "-o", "out.csv") == (
        "'out.csv.partial' keeps a part of another sweep, or is not a folder of flopscope; remove "
        "it, or give the result another name"
    )
    assert not (tmp_path / "out.csv").exists()
    journal.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", ["top:5", "all"])
def test_a_full_disk_leaves_no_file_that_looks_whole(capsys, monkeypatch, tmp_path, keep):
    replace, number = os.replace, []

    def full(old, new):
        number.append(new)
        if len(number) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(old, new)

    monkeypatch.setattr("flopscope.sweeping.journal.SECONDS", 0.0)
    monkeypatch.setattr("flopscope.sweeping.journal.os.replace", full)
    assert refusal(capsys, "--keep", keep, "-o", "out.csv") == (
        "cannot write 'out.csv': No space left on device; what is done is kept in "
        "'out.csv.partial', and the same command goes on from there"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv.partial"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main([*LINE, "--keep", keep, "-o", "out.csv"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"out.csv", "out.csv.json"}
    capsys.readouterr()


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep", "all"],
         "every design goes to a file; name one, such as --output 'out.parquet'"),
        (["--keep", "all", "-o", "out.json"],
         "every design of a sweep is written to a file that ends in .csv or .parquet, and "
         "'out.json' does not; give such a file with --output"),
        (["--keep", "all", "-o", "-"],
         "every design of a sweep is written to a file that ends in .csv or .parquet, and '-' does "
         "not; give such a file with --output"),
        (["--gain", "width"], "--gain is for --keep; give one, such as --keep front"),
        (["--workers", "2"], "--workers is for --keep; give one, such as --keep front"),
        (["--keep", "count", "--workers", "0"],
         "--workers 0 is not a positive integer; give one such as 1"),
        (["--keep", "count", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"],
         "--workers starts a cluster and --scheduler names a running one; leave one of them out"),
        (["--keep", "count", "--plot", "x.png"],
         "'count' has no picture; a histogram has one, and so has the table of all designs"),
        (["--keep", "histogram", "--plot", "x.png", "--panel", "lines"],
         "a histogram has one panel; leave --panel out"),
    ],
)  # fmt: skip
def test_bad_input(capsys, tmp_path, words, message):
    assert refusal(capsys, *words) == message
    assert list(tmp_path.iterdir()) == []


def test_a_grid_too_large_to_be_written_is_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(writing, "MOST_WRITTEN", 100)
    assert refusal(capsys, "--keep", "all", "-o", "out.csv") == (
        "every design of a grid is written for at most 100 of them, and this one has 195; keep a "
        "part, such as --keep top:100, front or histogram"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("package", "words"),
    [("pyarrow", ["--keep", "all", "-o", "x.parquet"]), ("pyarrow", ["-o", "x.parquet"]),
     ("distributed", ["--keep", "count", "--workers", "2"])],
)  # fmt: skip
def test_a_missing_extra_is_one_sentence(capsys, monkeypatch, tmp_path, package, words):
    monkeypatch.setitem(sys.modules, package, None)
    found = refusal(capsys, *words)
    assert found.startswith(f"this needs {package}, but {package} cannot be imported; install it ")
    assert list(tmp_path.iterdir()) == []


def test_other_commands_write_no_parquet(capsys):
    assert refusal(capsys, line=["compare", "mobilenetv2", "-o", "x.parquet"]) == (
        "--output x.parquet would be text, and a file that ends in .parquet is none; give an "
        "ending such as .csv or .html"
    )


# --- from Python --------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", ["count", "histogram:5", "top:5", "front"])
def test_the_function_gives_what_the_command_prints(capsys, keep):
    gain = "width" if keep == "front" else ()
    report = fs.sweep("mobilenetv2", free=FREE, keep=keep, gain=gain, max_macs="100M")
    words = ["--gain", "width"] if gain else []
    assert report.to_dict() == data(capsys, "--keep", keep, *words, "--max-macs", "100M")
    assert bool(report)
    assert repr(report).startswith(f"KeptReport(mobilenetv2, batch 1: {report.found.keep} of ")


def test_the_function_writes_a_file(capsys, tmp_path):
    report = fs.sweep("mobilenetv2", free=FREE, keep="all", output="python.csv")
    printed(capsys, "--keep", "all", "-o", "command.csv")
    assert (tmp_path / "python.csv").read_text() == (tmp_path / "command.csv").read_text()
    assert len(report.to_frame()) == 2
    assert not (tmp_path / "python.csv.partial").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keep": "all"}, "every design goes to a file; name one, such as output='out.parquet'"),
        ({"keep": "count", "output": "x.csv"},
         "output is for keep='all', and keep='count' returns what it found; write it with to_csv "
         "or to_frame"),
        ({"gain": "width"}, "gain is for keep; give one, such as keep=\"front\""),
        ({"keep": "count", "workers": 0},
         "workers 0 is not a positive integer; give one such as 1"),
        ({"keep": "all", "output": "nowhere/x.csv"},
         "cannot write 'nowhere/x.csv': No such file or directory; give a file in a folder that "
         "exists and is writable"),
    ],
)  # fmt: skip
def test_bad_arguments(given, message):
    with pytest.raises(BadInput) as refused:
        fs.sweep("mobilenetv2", free=FREE, **given)
    assert str(refused.value) == message


# --- pictures -----------------------------------------------------------------------------------


def test_a_histogram_is_drawn_as_bars(capsys, tmp_path):
    report = fs.sweep("mobilenetv2", free=FREE, keep="histogram:6", max_macs="200M")
    ax = report.plot(Figure().subplots())
    assert [bar.get_height() for bar in ax.patches] == [n for _, _, n in report.found.bins]
    assert [bar.get_x() for bar in ax.patches] == [least for least, _, _ in report.found.bins]
    assert ax.get_xlabel().startswith("MACs, convention macs;")
    assert ax.get_ylabel() == "Designs"
    printed(capsys, "--keep", "histogram:6", "--max-macs", "200M", "--plot", "bars.png")
    made = json.loads((tmp_path / "bars.png.json").read_text())
    assert made["data"]["bins"] == report.to_dict()["bins"]


@pytest.mark.parametrize(
    ("keep", "message"),
    [("top:5", "'top:5' has no picture; a histogram has one, and so has the table of all designs"),
     ("histogram", "no design keeps the budgets, so there is nothing to draw")],
)  # fmt: skip
def test_what_cannot_be_drawn(keep, message):
    report = fs.sweep("mobilenetv2", free=FREE, keep=keep, max_macs="1M")
    with pytest.raises(BadInput) as refused:
        report.plot(Figure().subplots())
    assert str(refused.value) == message


def test_level_lines_run_where_the_amount_is_theirs():
    report = fs.sweep("mobilenetv2", free=FREE, of="macs", max_macs="100M")
    ax = report.plot(Figure().subplots(), panel="levels")
    macs = report.to_dict()["designs"]
    lines, budget = ax.collections[:2]
    assert budget.levels.tolist() == [1e8]
    assert lines.levels.min() >= min(d["macs"] for d in macs)
    assert len(lines.levels) >= 3
    table = fs.sweep("mobilenetv2", free=FREE, of="macs").to_frame()
    grid = table.pivot_table(index="width", columns="res", values="macs_macs")
    for path in budget.get_paths():
        for x, y in path.vertices:
            near = grid.loc[np.abs(grid.index - x) < 0.0501, np.abs(grid.columns - y) < 16.1]
            assert near.to_numpy().min() <= 1e8 <= near.to_numpy().max()


@pytest.mark.parametrize("free", ["res=32:224:32", "width=0.5:1:0.1,res=224"])
def test_level_lines_need_two_axes(free):
    with pytest.raises(BadInput) as refused:
        fs.sweep("mobilenetv2", free=free).plot(Figure().subplots(), panel="levels")
    assert str(refused.value) == (
        "level lines need two axes of numbers with at least 2 values each; draw the panel lines"
    )


def test_equal_amounts_have_no_level_lines():
    with pytest.raises(BadInput) as refused:
        fs.sweep("mobilenetv2", free="batch=1,2,res=32,64", of="params").plot(
            Figure().subplots(), panel="levels"
        )
    assert str(refused.value) == (
        "all designs have the same amount, so that there are no level lines"
    )
