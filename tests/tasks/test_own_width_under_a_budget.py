"""The task: how wide may my own network be for 40 M MACs at 160 px, and how deep, wide and large
may a published one be?"""

import pytest

import flopscope as fs
from flopscope.answers.profile import profile
from flopscope.cli import main
from tests.support.own_nets import NETS


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the reader's file, as the working directory."""
    (tmp_path / "net.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def macs(width):
    return int(profile("net.py:Net", ["1,3,160,160"], {"width": width}).ledger.macs())


def test_one_command_answers_it(capsys):
    assert main("solve net.py:Net --free width --macs 40M --res 160".split()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    row = next(line.split() for line in out.splitlines() if line.split()[1:2] == [f"{macs(17):,}"])
    assert row[0] == "17"
    assert macs(17) <= 40_000_000 < macs(18)
    assert f"The next one, width 18, has {macs(18):,} MACs." in out


def test_a_range_keeps_to_multiples_of_eight(capsys):
    assert main("solve net.py:Net --free width=8:64:8 --macs 40M --res 160".split()) == 0
    out = capsys.readouterr().out
    assert f"{macs(16):,}" in out
    assert f"The next one, width 24, has {macs(24):,} MACs." in out


def test_the_same_of_a_published_network_along_three_sizes():
    found = fs.solve("efficientnet_b0", free="depth=1,1.2,res=192:256:32,width", macs="600M")
    designs = {(d.sizes["depth"], d.sizes["res"]): d for d in found.solution.designs}
    assert list(designs) == [(d, r) for d in (1.0, 1.2) for r in (192, 224, 256)]
    for (depth, res), design in designs.items():
        last = f"efficientnet_b0:width={design.sizes['width']},depth={depth}"
        assert int(fs.analyze(last, res=res).macs()) == design.counts["macs"] <= 600_000_000


def test_python_answers_it_in_three_lines():
    found = fs.solve("net.py:Net", free="width", macs="40M", res=160)
    assert found.solution.designs[0].sizes == {"width": 17}
