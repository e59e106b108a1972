"""The task: how deep, wide and large may EfficientNet be within 600 M MACs and 8 M parameters?"""

import json

import flopscope as fs
from flopscope.cli import main

TASK = "solve efficientnet_b0 --macs 600M --params 8M --free depth=1,1.2,res=192:256:32,width"
AXES = [(depth, res) for depth in (1.0, 1.2) for res in (192, 224, 256)]


def counts(depth, res, width):
    net = fs.analyze(f"efficientnet_b0:width={width},depth={depth}", res=res)
    return int(net.macs()), int(net.params())


def test_one_command_answers_it(capsys):
    assert main([*TASK.split(), "--format", "csv"]) == 0
    header, *rows = (line.split(",") for line in capsys.readouterr().out.splitlines())
    designs = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(float(d["depth"]), int(d["res"])) for d in designs] == AXES
    for d in designs:
        macs, params = counts(d["depth"], int(d["res"]), d["width"])
        assert (macs, params) == (int(d["macs"]), int(d["params"]))
        assert macs <= 600_000_000
        assert params <= 8_000_000


def test_the_next_width_breaks_a_budget(capsys):
    assert main([*TASK.split(), "--format", "json"]) == 0
    for design in json.loads(capsys.readouterr().out)["designs"]:
        macs, params = counts(design["depth"], design["res"], design["width"] + 0.02)
        assert macs > 600_000_000 or params > 8_000_000


def test_python_answers_it_in_three_lines():
    free = {"depth": [1, 1.2], "res": [192, 224, 256], "width": None}
    found = fs.solve("efficientnet_b0", free=free, macs="600M", params="8M")
    assert [(d.sizes["depth"], d.sizes["res"]) for d in found.solution.designs] == AXES
