"""The example at which a network is traced: found where it runs, told where none does."""

import pytest
import torch
from torch import nn

from flopscope import trace
from flopscope.cli import main
from flopscope.domain import Relation
from flopscope.symbolic import Symbol, symbol
from flopscope.tracing import attempts
from flopscope.tracing import trace as traced
from flopscope.tracing.attempts import MOST_FAILURES, first_that_runs
from flopscope.tracing.trail import Trail

IMAGE = ("B", 3, "H", "W")
VOLUME = ("B", 1, "D", "H", "W")


@pytest.fixture
def tried(monkeypatch):
    """Every example that is run, in order."""
    examples = []

    def trail(example):
        examples.append(dict(example))
        return Trail(example)

    monkeypatch.setattr(attempts, "Trail", trail)
    return examples


class Patches(nn.Module):
    """Patches and a learnt position for each, so that only some sizes fit."""

    def __init__(self, patch, positions):
        super().__init__()
        self.cut = nn.Conv2d(3, 8, patch, patch)
        self.positions = nn.Parameter(torch.zeros(1, positions, 8))

    def forward(self, x):
        y = self.cut(x).flatten(2).transpose(1, 2)
        return torch.cat([y[:, :1], y], 1) + self.positions


@pytest.mark.parametrize(
    ("patch", "side"), [(16, 224), (16, 448), (32, 224), (8, 64), (14, 518), (7, 49)]
)
def test_the_size_that_a_network_was_made_for_is_found(patch, side, tried):
    found = trace(Patches(patch, (side // patch) ** 2 + 1), IMAGE)
    assert {"B": 3, "H": side, "W": side} in tried[:2]
    assert found.at(B=1, H=side, W=side).macs().value == 3 * 8 * side**2


def strided(*kernels):
    """Convolutions of a waveform, each of half its kernel's stride."""
    layers = [nn.Conv1d(4 if n else 1, 4, k, k // 2) for n, k in enumerate(kernels)]
    return nn.Sequential(*layers)


def test_a_waveform_is_long_enough_for_every_layer(tried):
    found = trace(strided(10, 4, 4, 4, 4, 4, 4), ("B", 1, "T"))
    # the shortest input: 4 on the last map, each time (n − 1) · stride + kernel before it
    shortest = 1
    for kernel in (4, 4, 4, 4, 4, 4, 10):
        shortest = (shortest - 1) * (kernel // 2) + kernel
    assert [str(condition) for condition in found.conditions] == [f"T ≥ {shortest}"]
    assert len(tried) <= 5


def test_a_volume_is_deep_enough(tried):
    net = nn.Sequential(nn.Conv3d(1, 4, 16, 16), nn.Conv3d(4, 4, 1))
    found = trace(net, VOLUME)
    assert [str(c) for c in found.conditions] == ["D ≥ 16", "H ≥ 16", "W ≥ 16"]
    assert len(tried) == 2
    # 16³ weights a position and channel, then 4 · 4
    assert found.at(B=1, D=32, H=16, W=48).macs().value == 2 * 1 * 3 * (16**3 * 4 + 4 * 4)


class Halved(nn.Module):
    """A volume halved five times and doubled again, each time joined with what it was."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(nn.Conv3d(4 if n else 1, 4, 3, 2, 1) for n in range(5))
        self.up = nn.ModuleList(nn.ConvTranspose3d(4, 4 if n else 1, 2, 2) for n in range(5))

    def forward(self, x):
        maps = [x]
        for down in self.down:
            maps.append(down(maps[-1]))
        y = maps.pop()
        for up in reversed(self.up):
            y = up(y) + maps.pop()
        return y


def test_sizes_are_mended_one_after_the_other(tried):
    found = trace(Halved(), VOLUME)
    assert [str(c) for c in found.conditions] == [f"{s} multiple of 32" for s in "DHW"]
    assert len(tried) < MOST_FAILURES


class Film(nn.Module):
    """Learnt positions for frames, rows and columns together."""

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(16 * 14 * 14, 8))
        self.cut = nn.Conv3d(3, 8, (1, 16, 16), (1, 16, 16))

    def forward(self, x):
        return self.cut(x).flatten(2).transpose(1, 2) + self.positions


def test_examples_that_go_the_way_of_a_failure_are_not_run(tried):
    trace(Film(), ("B", 3, "D", "H", "W"))
    assert tried == [{"B": 3, "D": 8, "H": 264, "W": 328}, {"B": 3, "D": 16, "H": 224, "W": 224}]


class Residues(nn.Module):
    """Another layer for sides that 32 does not divide."""

    def __init__(self):
        super().__init__()
        self.usual, self.odd = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 5, 1)

    def forward(self, x):
        return self.odd(x) if x.shape[2] % 32 == 8 else self.usual(x)


def test_a_trace_holds_at_sizes_that_networks_are_made_for(tried):
    found = trace(Residues(), IMAGE)
    assert found.at(B=1, H=224, W=224).macs().value == 3 * 4 * 224**2
    assert [example["H"] for example in tried] == [264, 320]


def test_of_traces_at_odd_sizes_alone_the_first_is_taken():
    class Odd(nn.Module):
        def forward(self, x):
            assert x.shape[2] % 32 == 8
            return x.relu()

    found = trace(Odd(), IMAGE)
    assert [str(condition) for condition in found.conditions] == ["H mod 32 in {8}"]


class Refuses(nn.Module):
    """Takes no input at all, and says more the longer the text is."""

    def forward(self, x):
        if x.shape[1] > 50:
            raise ValueError("longer than the 50 positions that it has")
        return x @ torch.zeros(9, 9)


def test_where_none_is_accepted_the_error_tells_what_was_tried():
    with pytest.raises(
        RuntimeError,
        match=r"^mat1 and mat2 shapes cannot be multiplied \(B·T×8 and 9×9\)\n"
        r"tried B=3, T=40 and 1 other; --example T=… gives another size$",
    ):
        traced(Refuses(), ("B", "T", 8))


def test_an_example_that_is_given_is_not_replaced():
    with pytest.raises(ValueError, match=r"^longer than the 50 positions that it has$"):
        traced(Refuses(), ("B", "T", 8), example={"B": 2, "T": 51})


def test_the_command_line_offers_an_example(tmp_path, capsys, monkeypatch):
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        if x.shape[2] > 1:\n"
        "            raise ValueError('never')\n"
        "        return self.other(x)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["profile", "net.py:Net", "--input", "B,3,H,W"]) == 2
    assert capsys.readouterr().err.replace(str(tmp_path) + "/", "") == (
        "flopscope: net.py:Net cannot run on B,3,H,W: ValueError: never at net.py:5; "
        "tried B=3, H=264, W=328 and 1 other; --example H=… gives another size\n"
    )


def test_attempts_end(tried):
    """Each example answers a question of its own, so none is known to fail like another."""

    def fails(trail):
        trail.settle(Relation(symbol("H") - trail.example["H"], equality=True))
        raise RuntimeError("no")

    with pytest.raises(
        RuntimeError,
        match=r"^no\ntried B=3, H=264 and \d+ others; --example H=… gives another size$",
    ):
        first_that_runs([Symbol("B"), Symbol("H")], {}, fails)
    assert 2 < len(tried) <= MOST_FAILURES
