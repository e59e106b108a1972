"""`flopscope search` from the command line."""

import json
import re
import shlex
from pathlib import Path

import pytest

import flopscope as fs
from flopscope.cli import main
from flopscope.designspaces import store
from flopscope.tracing.engine import trace


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.VARIABLE, "off")


def run(capsys, *words):
    status = main(["search", *words])
    return status, capsys.readouterr()


MEASURED = ("nas_bench_macro", "--accuracy", "measured", "--fit-rows", "300")


def test_the_best_is_said_to_be_proven_and_how_good_its_predictor_is(capsys):
    status, out = run(capsys, *MEASURED, "--max-macs", "60M")
    text = " ".join(out.out.split())
    assert status == 0
    assert "the best of 3,969 networks, proven optimal by a dynamic programme." in text
    assert "fitted on 300 measured networks; its Spearman rank correlation on the other" in text


def test_json_has_the_frontier_and_the_correlation(capsys):
    _, out = run(capsys, *MEASURED, "--max-macs", "60M", "--format", "json")
    found = json.loads(out.out)
    assert found["proven"]
    assert found["predictor"]["spearman"] >= 0.97
    assert found["front"][-1] == found["best"]
    costs = [each["macs"] for each in found["front"]]
    assert costs == sorted(costs)


def test_python_gives_what_the_command_prints(capsys):
    _, out = run(capsys, *MEASURED, "--max-macs", "60M", "--front")
    report = fs.search(
        "nas_bench_macro", accuracy="measured", fit_rows=300, max_macs="60M", front=True
    )
    assert out.out.rstrip() == str(report).rstrip()


def test_the_best_is_a_network_that_runs_and_is_counted_by_a_trace():
    report = fs.search("nas_bench_macro", accuracy="measured", max_macs="60M")
    traced = trace(report.build(), (1, 3, 32, 32)).ledger
    assert int(traced.macs()) == int(report.ledger().macs()) == report.front[-1][1]


def test_a_budget_that_nobody_keeps_is_answered_by_the_nearest(capsys):
    status, out = run(capsys, *MEASURED, "--max-macs", "1M")
    text = " ".join(out.out.split())
    assert status == 1
    assert "no design keeps the budgets" in text
    assert (
        "No network has at most 1,000,000 MACs; the nearest budget that can be kept is "
        "--max-macs 7713280." in text
    )


def test_a_picture_of_the_frontier(capsys, tmp_path):
    status, _ = run(capsys, *MEASURED, "--max-macs", "60M", "--plot", "front.png")
    assert status == 0
    assert (tmp_path / "front.png").exists()


def test_a_function_in_a_file_is_searched(capsys, tmp_path):
    pytest.importorskip("pymoo")
    (tmp_path / "own.py").write_text(
        "def score(choices):\n    return sum(int(option) for option in choices.values())\n"
    )
    line = ("nas_bench_macro", "--accuracy", "own.py:score", "--evaluations", "300")
    status, out = run(capsys, *line, "--max-macs", "60M", "--format", "json")
    found = json.loads(out.out)
    assert (status, found["method"], found["proven"]) == (0, "nsga2", False)
    assert found["best"]["macs"] <= 60_000_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seconds", "0"], "--seconds 0 is not a positive integer; give one such as 1"),
        (["--max-latency", "x:1"], "unknown device 'x'"),
    ],
)
def test_bad_input(capsys, words, message):
    status, out = run(capsys, *MEASURED, *words)
    assert (status, out.out) == (2, "")
    assert message.removeprefix("--") in out.err


def test_the_page_shows_what_is_proved_within_two_budgets(capsys):
    pytest.importorskip("ortools")
    page = (Path(__file__).parents[2] / "docs" / "spaces.md").read_text(encoding="utf-8")
    ((line, shown),) = re.findall(r"^```\n\$ flopscope search (.*?)\n(.*?)^```$", page, re.S | re.M)
    assert main(["search", *shlex.split(line)]) == 0
    assert capsys.readouterr().out == shown
