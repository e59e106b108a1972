"""The task: fvcore gives 314 M for MobileNetV2, and its paper says 300 M. Who is right?"""

import json
import warnings

import pytest
import torch

import flopscope as fs
from flopscope.cli import main

PAPER = 300_774_272
FVCORE = 314_193_216


def printed(capsys, *command):
    assert main(list(command)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_one_command_shows_both_and_what_the_paper_states(capsys):
    out = printed(capsys, "compare", "mobilenetv2", "--columns", "macs,fvcore,top1")
    row = next(line.split() for line in out.splitlines() if line.startswith("mobilenetv2 "))
    assert row == ["mobilenetv2", f"{PAPER:,}", f"{FVCORE:,}", "72.0", "[1]"]
    assert "[1] mobilenetv2: stated 300M MAdds (MACs)" in out


def test_one_command_says_what_fvcore_counts_beside(capsys):
    out = printed(capsys, "reconcile", "mobilenetv2", "--tool", "fvcore", "--format", "csv")
    terms = {row.split(",")[0]: row for row in out.splitlines()[1:]}
    # 2 an element of the inputs of batch norm, 1 of the inputs of the global pool, 7·7·1280
    assert "batch norm" in terms
    more = sum(int(terms[name].split(",")[2]) for name in ("batch norm", "global pool"))
    assert more == FVCORE - PAPER
    assert terms["global pool"].split(",")[2] == str(7 * 7 * 1280)


def test_the_number_of_the_paper_is_explained_without_fvcore(capsys):
    command = ["reconcile", "mobilenetv2", "--reported", "300M", "--format", "json"]
    found = json.loads(printed(capsys, *command))
    simplest = found["reported"][0]["readings"][0]
    assert (simplest["reading"], simplest["count"]) == ("macs", PAPER)
    assert (simplest["digits"], PAPER // 1_000_000) == ("truncated", 300)


def test_python_answers_it_in_three_lines():
    net = fs.analyze("mobilenetv2")
    assert (int(net.macs()), int(net.flops("fvcore"))) == (PAPER, FVCORE)


@pytest.mark.filterwarnings("ignore")
def test_fvcore_itself_gives_the_number():
    from fvcore.nn import FlopCountAnalysis

    counter = FlopCountAnalysis(fs.build("mobilenetv2").eval(), torch.zeros(1, 3, 224, 224))
    with warnings.catch_warnings():
        assert counter.unsupported_ops_warnings(False).total() == FVCORE
