"""The page counts what Python counts, row by row and in total, and refuses what Python refuses."""

from __future__ import annotations

import os
import random
import re

import pytest
from node import needs_node, run

import flopscope as fs
from flopscope.answers.counted import Given
from flopscope.answers.explore import Exploration, explore
from flopscope.catalog.models import MODELS
from flopscope.closedform.scripts import runtime
from flopscope.conventions import CONVENTIONS
from flopscope.errors import BadInput, OutsideDomain
from flopscope.present.explorer.page import explorer_page, page_data, page_file, script
from flopscope.quantities import QUANTITIES, formulas

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "explore"
SAMPLE = (
    "mobilenetv2",
    "mobilenetv3_large",
    "mobilenetv4_conv_small",
    "ghostnetv2_100",
    "mobileclip_s0",
    "mobilevlm_v2_1.7b",
)

COUNTS = """
const classes = bounded(data.page.classes);
const networks = new Map(data.page.networks.map((each) => [each.name, new Network(each, classes)]));
const all = (c) => [...data.page.conventions.map((_, i) => c.total("work", i)), c.total("params"),
  c.total("activations"), ...[4, 2, 1].map((width) => c.total("bytes", width)), c.total("int4"),
  c.peak(4), c.memory(4), ...[4, 2, 1].map((width) => c.traffic(width)),
  ...[4, 2, 1].map((width) => c.energy(width, data.page.energy))].map(String);
const tried = ([name, sizes]) => {
  try { return all(networks.get(name).at(sizes)); }
  catch (error) { if (error instanceof RangeError) return error.constructor.name; throw error; }
};
console.log(JSON.stringify(data.points.map(tried)));
"""
SUMS = (*CONVENTIONS, "params", "activations", "weights", "fp16", "int8", "int4")
MOVING = (QUANTITIES["traffic"], QUANTITIES["energy"])
AT_NUMBERS = (
    QUANTITIES["peak"],
    QUANTITIES["memory"],
    *(typed for each in MOVING for typed in (each, each.in_type("fp16"), each.in_type("int8"))),
)


def in_page(found: Exploration, points: list[tuple[str, dict]]) -> list:
    data = {"page": page_data(found), "points": points}
    return run(f"{runtime()}\n{page_file('network.js')}\n{COUNTS}", data)


def in_python(network, sizes: dict) -> list[str] | str:
    """The sums by their formulas; peaks, traffic and energy by the ledger at these numbers."""
    try:
        counts = [formulas()[q].formula(network.ledger).at(**sizes) for q in SUMS]
        at = network.ledger.at(**sizes)
    except OutsideDomain:
        return "Outside"
    others = [each.of(at.rows).value for each in AT_NUMBERS]
    return [str(int(n)) for n in (*counts, *others)]


def drawn(network, rng: random.Random, number: int) -> list[dict]:
    """The usual sizes, and sizes near and far from them, images square as often as not."""
    usual = {size.name: size.usual for size in network.sizes}
    found = [usual]
    for _ in range(number):
        at = {
            s.name: rng.choice([s.usual, rng.randint(1, int(2 * s.usual)), rng.randint(1, 40)])
            if s.symbol.integer
            else rng.choice([0.35, 0.6, 1.0, 1.4, rng.randint(10, 300) / 100])
            for s in network.sizes
        }
        if "W" in at and rng.random() < 0.6:
            at["W"] = at["H"]
        found.append(at)
    return found


def compare(name: str, number: int) -> None:
    found = explore([name], only=True)
    (network,) = found.networks
    points = drawn(network, random.Random(name), number)
    given = [(network.name, point) for point in points]
    assert in_page(found, given) == [in_python(network, point) for point in points]


@needs_node
@pytest.mark.parametrize("name", SAMPLE)
def test_the_page_counts_what_python_counts(name):
    compare(name, 3)


@needs_node
@pytest.mark.may_skip("every network takes minutes: see `make slow`")
@pytest.mark.skipif(not THOROUGH, reason="only `make slow` compares every network")
@pytest.mark.parametrize("name", MODELS)
def test_the_page_counts_every_network(name):
    compare(name, 12)


@needs_node
def test_beyond_doubles_the_page_counts_too():
    found = explore(["mobilenetv2"], only=True)
    (network,) = found.networks
    point = {"B": 2**20, "H": 2**16, "W": 2**15, "width": 1.0, "depth": 1.0, "classes": 1000}
    (counts,) = in_page(found, [("mobilenetv2", point)])
    assert int(counts[0]) > 2**53
    assert counts == in_python(network, point)


# --- the file -------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_asks_no_server():
    html = explorer_page(explore(["mobilenetv2"], only=True))
    assert not re.search(r"(src|href)=\"?(https?:|//)|@import|fetch\(|XMLHttpRequest", html)
    assert "{{" not in html.split("<script")[0]
    assert html.count("</html>") == 1


def test_without_javascript_there_is_a_sentence_and_the_table():
    html = explorer_page(explore(["mobilenetv2"], only=True))
    assert '<noscript><p class="message">This page computes with JavaScript, which is off' in html
    row = "<tr><th>mobilenetv2<td>B=1, H=224, W=224, width=1.0, depth=1.0, classes=1000"
    assert f"{row}<td>3,504,872<td>300,774,272</tr>" in html


NAMED = """
from torch import nn


class Net(nn.Module):
    def __init__(self, title="", layers=1):
        super().__init__()
        self.stem = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(layers)))

    def forward(self, x):
        return self.stem(x)


class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(x)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NAMED)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("own")
def test_names_with_html_in_them_stay_text():
    name = "net.py:Net[title='</script><b onclick=x>']"
    html = explorer_page(explore([name], only=True))
    assert "<b onclick" not in html
    assert "&lt;/script&gt;&lt;b onclick=x&gt;" in html
    assert html.count("</script>") == 2  # of the data and of the script


def test_the_script_never_reads_html_from_a_text():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", script())


@pytest.mark.usefixtures("own")
@needs_node
def test_a_network_of_ones_own_stands_beside_the_catalogue():
    found = explore(["net.py:Net", "mobilenetv2"], only=True)
    network = found.networks[0]
    assert [size.name for size in network.sizes] == ["B", "H", "W"]
    point = {"B": 2, "H": 33, "W": 17}
    (counts,) = in_page(found, [("net.py:Net", point)])
    assert int(counts[0]) == 2 * 33 * 17 * 3 * 3 * 9
    assert counts == in_python(network, point)


@pytest.mark.usefixtures("own")
def test_a_network_without_a_free_size_says_so():
    given = Given(inputs=("1,8",))
    (network,) = explore(["net.py:Fixed"], given, only=True).networks
    assert network.sizes == ()
    assert network.notes == (
        "net.py:Fixed has no free size: its sizes are those at which it was traced.",
    )
    assert "<tr><th>net.py:Fixed<td><td>18<td>16</tr>" in explorer_page(Exploration((network,)))


@pytest.mark.usefixtures("own")
@needs_node
def test_a_network_of_thousands_of_rows_is_counted():
    found = explore(["net.py:Net[layers=3000]"], Given(res=8), only=True)
    (network,) = found.networks
    assert len(network.ledger) == 3000
    (counts,) = in_page(found, [(network.name, {"B": 1, "H": 8, "W": 8})])
    assert int(counts[0]) == 3000 * 64 * 81


def test_an_empty_page_is_refused():
    with pytest.raises(BadInput) as refused:
        explore([], only=True)
    assert str(refused.value) == (
        "the page would be empty: --only leaves the catalogue out, and no target is given; "
        "name one, such as mobilenetv2, or leave --only out"
    )


def test_a_page_is_saved_whole_or_not_at_all(tmp_path):
    page = fs.explore("mobilenetv2", only=True)
    saved = page.save(tmp_path / "page.html")
    assert saved.read_text(encoding="utf-8") == page.html == str(page)
    with pytest.raises(fs.BadInput) as refused:
        page.save(tmp_path / "nowhere" / "page.html")
    assert str(refused.value) == (
        f"cannot write '{tmp_path / 'nowhere' / 'page.html'}'; give a file in a folder that exists "
        "and is writable"
    )
