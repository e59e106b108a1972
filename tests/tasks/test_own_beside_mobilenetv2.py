"""The task: my own network beside MobileNetV2, in one table."""

import pytest
from own_net import made, working

import flopscope as fs
from flopscope.cli import main

MACS = 112 * 112 * (8 * 27 + 8 * 9 + 8 * 16) + 160
"""Of the stem, both layers of the body, and the classifier, at 224×224."""

TASK = ["compare", "net.py:Net", "mobilenetv2", "--res", "224"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def test_one_command_answers_it(capsys):
    assert main(TASK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = [
        line.split() for line in out.splitlines() if line.startswith(("net.py", "mobilenetv2 "))
    ]
    # 5.2 M: 112·112·416 + 160
    assert rows[0][:5] == ["net.py:Net", "own", "634", "5.22", "M"]
    assert rows[1][:4] == ["mobilenetv2", "catalogue", "3,504,872", "301"]
    ratios = [f"{3_504_872 / 634:.0f}", f"{300_774_272 / MACS:.1f}"]
    assert [row[-2:] for row in rows[:2]] == [["1.00", "1.00"], ratios]
    assert "[1] mobilenetv2: stated 300M MAdds (MACs)" in out


def test_the_same_exactly(capsys):
    assert main([*TASK, "--format", "csv"]) == 0
    header, *rows = (line.split(",") for line in capsys.readouterr().out.splitlines())
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["source"], row["params"], row["macs_macs"]) for row in found] == [
        ("own", "634", str(MACS)),
        ("catalogue", "3504872", "300774272"),
    ]


def test_python_answers_it_in_three_lines():
    found = fs.compare(made(), "mobilenetv2", res=224).to_dict()["models"]
    assert [(row["params"], row["macs"]) for row in found] == [
        (634, MACS),
        (3_504_872, 300_774_272),
    ]
