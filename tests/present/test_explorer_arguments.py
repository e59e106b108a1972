"""On the page, a network of one's own moves along the arguments of its constructor."""

from __future__ import annotations

import pytest
from node import needs_node, run

from flopscope.answers.explore import Exploration, Explored, explore
from flopscope.answers.profile import profile
from flopscope.closedform.scripts import runtime
from flopscope.present.explorer.page import page_data, page_file
from flopscope.quantities import QUANTITIES

NETS = """
from torch import nn


class Net(nn.Module):
    def __init__(self, width=16, depth=2, drop=0.1, classes=10, groups=1, norm=True):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.body = nn.Sequential(*(
            nn.Conv2d(width, width, 3, padding=1, groups=groups) for _ in range(depth)))
        self.norm = nn.BatchNorm2d(width) if norm else nn.Identity()
        self.drop, self.head = nn.Dropout(drop), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.drop(self.norm(self.body(self.stem(x))).mean((2, 3))))


class Scaled(nn.Module):
    def __init__(self, width=1.0, table=7):
        super().__init__()
        channels = max(8, int(32 * width + 4) // 8 * 8)
        self.rows = ["a row"] * len("x" * table)
        self.stem = nn.Conv2d(3, channels, 3)

    def forward(self, x):
        return self.stem(x)


class Alone(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Conv2d(3, len("x" * width), 3)

    def forward(self, x):
        return self.stem(x)
"""

COUNTS = """
const [each] = data.page.networks, network = new Network(each, bounded(data.page.classes));
const tried = (sizes) => {
  try {
    const counts = network.at(sizes);
    return [counts.total("params"), counts.total("work"), counts.total("int4"), counts.peak(4)];
  } catch (error) { if (error instanceof RangeError) return error.message; throw error; }
};
console.log(JSON.stringify(data.points.map(tried)));
"""
ASKED = ("params", "macs", "int4", "peak")


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)


def of(*targets: str) -> Exploration:
    return explore(targets, devices=(), only=True)


def in_page(found: Exploration, points: list[dict]) -> list:
    data = {"page": page_data(found), "points": points}
    return run(f"{runtime()}\n{page_file('network.js')}\n{COUNTS}", data)


def anew(network: Explored, point: dict) -> list[int]:
    """The counts of the network that is made with these arguments, and traced at numbers."""
    arguments = ",".join(f"{name}={point[name]}" for name in network.arguments)
    shape = f"{point['B']},3,{point['H']},{point['W']}"
    rows = profile(f"{network.name}[{arguments}]", [shape]).ledger.rows
    return [int(QUANTITIES[name].of(rows).value) for name in ASKED]


@needs_node
@pytest.mark.usefixtures("own")
def test_arguments_are_moved_to_what_the_network_then_is():
    found = of("net.py:Net")
    (network,) = found.networks
    assert network.arguments == ("width", "classes", "groups")
    assert network.notes == (
        "depth stays 2, because the code takes another way at another number; give that as "
        "net.py:Net[depth=…].",
    )
    points = [
        {"B": 1, "H": 224, "W": 224, "width": 16, "classes": 10, "groups": 1},
        {"B": 2, "H": 33, "W": 17, "width": 45, "classes": 3, "groups": 5},
    ]
    assert in_page(found, points) == [anew(network, point) for point in points]
    assert in_page(found, [points[0] | {"groups": 5}]) == [
        "outside the domain (groups·⌊width/groups⌋ = width); given: B=1, H=224, W=224, width=16, "
        "classes=10, groups=5"
    ]


@needs_node
@pytest.mark.usefixtures("own")
def test_an_argument_that_takes_no_symbol_leaves_the_others_free():
    found = of("net.py:Scaled")
    (network,) = found.networks
    assert network.arguments == ("width",)
    assert network.notes == (
        "table stays 7, because the code takes another way at another number; give that as "
        "net.py:Scaled[table=…].",
    )
    points = [{"B": 1, "H": 32, "W": 40, "width": width} for width in (1.0, 0.6, 2.35)]
    assert in_page(found, points) == [anew(network, point) for point in points]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["net.py:Alone", "net.py:Net[width=8,classes=3,groups=2]"])
def test_without_an_argument_to_move_the_image_is_free(name):
    (network,) = of(name).networks
    assert network.arguments == ()
    assert [size.name for size in network.sizes] == ["B", "H", "W"]


@needs_node
@pytest.mark.usefixtures("own")
def test_an_argument_is_not_moved_together_with_an_option_of_that_name():
    found = of("net.py:Net", "net.py:Net[groups=2]", "mobilenetv2")
    files = map(page_file, ("network.js", "time.js", "state.js", "figures.js", "tables.js"))
    asked = """
    const classes = bounded(data.classes);
    page.designs = data.networks.map((each) => new Network(each, classes))
      .map((network) => ({ network, sizes: network.usual() }));
    const free = (axis) => page.designs.map(({ network }) => Boolean(axisSize(network, axis)));
    const [first, second, third] = page.designs;
    first.sizes = moved(first.sizes, "own width", 48);
    second.sizes = moved(second.sizes, "own width", 24);
    third.sizes = moved(third.sizes, "width", 0.5);
    console.log(JSON.stringify([axes(), free("own width"), free("width"), free("res"),
      axisWords("own width"), page.designs.map(optionsText)]));
    """
    axes, own_width, width, res, words, texts = run(
        "\n".join([runtime(), *files, asked]), page_data(found)
    )
    assert axes == [
        "res", "B", "own width", "own classes", "own groups", "width", "depth", "classes"
    ]  # fmt: skip
    assert (own_width, width, res) == ([True, True, False], [False, False, True], [True] * 3)
    assert words == "argument width"
    assert texts == [
        "net.py:Net[width=48]",
        "net.py:Net[groups=2,width=24]",
        "mobilenetv2:width=0.5",
    ]
