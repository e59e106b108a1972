"""The task: which layers of my own network do the most work?"""

import pytest
from own_net import working

from flopscope.cli import main

TASK = ["profile", "net.py:Net", "--res", "32", "--by", "layer", "--sort", "macs"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    return working(tmp_path, monkeypatch)


def test_one_command_sorts_the_layers(capsys):
    # stem.0: 16·16·8·27; body.1: 16·16·16·8; body.0: 16·16·8·9; fc: 16·10
    assert main(TASK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert (
        out.partition("\n\n")[2]
        == """\
                                          MACs         Activ-
Layer                  Output  Params   (macs)      %  ations
─────────────────────────────────────────────────────────────
stem.0  conv 3×3 /2   8×16×16     224   55,296   51.8   2,048
body.1  conv 1×1     16×16×16     144   32,768   30.7   4,096
body.0  dw 3×3        8×16×16      80   18,432   17.3   2,048
fc  linear                 10     170      160    0.2      10
stem.1  batch norm    8×16×16      16        0    0.0       0
stem.2  relu          8×16×16       0        0    0.0       0
(global pool)              16       0        0    0.0       0

total                             634  106,656  100.0   8,202

dw: depthwise convolution
"""
    )
