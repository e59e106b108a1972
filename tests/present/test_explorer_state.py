"""What is chosen on the page, its address and its words, in node, without a browser."""

from __future__ import annotations

from functools import cache

import pytest
from node import needs_node, run

from flopscope.answers.explore import explore
from flopscope.closedform.scripts import runtime
from flopscope.present.explorer.page import page_data, page_file, script

CHOSEN = """
const classes = bounded(data.page.classes);
page.conventions = data.page.conventions;
page.metrics = data.page.metrics;
page.devices = data.page.devices.map((each) => new Device(each, data.page.categories));
for (const each of data.page.networks) page.networks.set(each.name, new Network(each, classes));
"""


@cache
def found(*names: str) -> dict:
    """The data of a page of these networks alone."""
    return page_data(explore(names, only=True))


def in_script(data: dict, script_text: str) -> object:
    """What the state's script prints of the networks of a page."""
    files = map(page_file, ("network.js", "time.js", "state.js"))
    parts = [runtime(), *files, CHOSEN, script_text]
    return run("\n".join(parts), {"page": data})


@needs_node
def test_the_address_holds_the_designs():
    said = in_script(
        found("mobilenetv2", "mobilenetv3_large:width=0.6"),
        """
        const [, v3] = [...page.networks.values()];
        page.designs = [{ network: v3, sizes: { ...v3.usual(), H: 160, W: 160, width: 0.6 } }];
        page.budget = 3e8; page.by = "kind";
        const hash = address();
        page.designs = []; page.by = "stage";
        const known = readAddress(hash);
        console.log(JSON.stringify([hash, known, page.designs[0].sizes, page.by, page.budget,
          readAddress("#d=nothing~x=1"), address() === hash]));
        """,
    )
    hash_ = "#d=mobilenetv3_large~H=160~W=160~width=0.6&by=kind&budget=300000000"
    sizes = {"B": 1, "H": 160, "W": 160, "width": 0.6, "depth": 1, "classes": 1000}
    assert said == [hash_, True, sizes, "kind", 300_000_000, False, True]


BROKEN = {
    "a network that is not here": "d=alexnet&d=mobilenetv2~H=96",
    "letters that are no text": "d=%E0%A4%A&d=mobilenetv2~H=96~%E0%A4=3",
    "a size that is no number": "d=mobilenetv2~H=96~W=abc~B=~width=1e999",
    "a size that no network has": "d=mobilenetv2~H=96~cows=3~__proto__=5~constructor=2",
    "choices that there are not": "d=mobilenetv2~H=96&curve=beauty&parts=peak&by=colour&scale=log"
    "&of=cows&cost=%E0%A4%A&columns=none&device=abacus&width=3&convention=99",
    "places that there are not": "d=mobilenetv2~H=96&layers=-1&formula=1.5&before=x&after=&roof=1e9"
    "&budget=-5",
    "words without a meaning": "&&=&d&d=&=d&hello=world&d=mobilenetv2~H=96&d=~",
}


@needs_node
@pytest.mark.parametrize("hash_", BROKEN.values(), ids=BROKEN)
def test_of_a_broken_address_the_page_reads_what_is_whole(hash_):
    said = in_script(
        found("mobilenetv2"),
        f"""
        const known = readAddress({("#" + hash_)!r});
        const names = Object.keys(QUANTITIES);
        console.log(JSON.stringify([known, page.designs.length, page.designs[0].sizes,
          [page.curve, page.parts, page.cost].every((name) => names.includes(name)),
          page.convention < page.conventions.length, page.by, page.of, page.width,
          page.columns, page.budget, deviceHere().name,
          [page.layers, page.formula, page.before].map(Number.isInteger)]));
        """,
    )
    sizes = {"B": 1, "H": 96, "W": 224, "width": 1, "depth": 1, "classes": 1000}
    assert said == [
        True, 1, sizes, True, True, "stage", "macs", 4, "usual", 0, "i7-12700h-inductor",
        [True] * 3,
    ]  # fmt: skip


@needs_node
def test_an_address_of_hundreds_of_designs_is_cut():
    said = in_script(
        found("mobilenetv2"),
        """
        readAddress("#" + "d=mobilenetv2&".repeat(500));
        console.log(JSON.stringify([page.designs.length, letter(0), letter(25), letter(26),
          letter(49)]));
        """,
    )
    assert said == [50, "A", "Z", "AA", "AX"]


@needs_node
@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"H": 0}, "H=0 is outside the domain: H must be at least 1"),
        ({"B": -1}, "B=-1 is outside the domain: B must be at least 1"),
        ({"H": 1.5}, "H=1.5 is not an integer below 2^53; give one from 1"),
        ({"H": 1e300}, "H=1e+300 is not an integer below 2^53; give one from 1"),
        ({"width": 0}, "width=0 is outside the domain: width must be above 0 and finite"),
        ({"width": 1e300}, "a rounded size is beyond 2^53, where it is no longer exact"),
        ({"depth": "NaN"}, "depth=NaN is outside the domain: depth must be above 0 and finite"),
    ],
)
def test_a_size_that_nobody_can_have_is_refused_in_words(sizes, said):
    moved = ", ".join(f"{name}: {value}" for name, value in sizes.items())
    told = in_script(
        found("mobilenetv2"),
        f"""
        const [network] = page.networks.values();
        console.log(JSON.stringify(counted(network, {{ ...network.usual(), {moved} }})));
        """,
    )
    assert told == {"refusal": said}


@needs_node
def test_numbers_are_written_to_three_digits_and_never_shorter():
    told = in_script(
        found("mobilenetv2"),
        """
        console.log(JSON.stringify([100, 120, 1000, 1234567, 14.02, 0.0221, 0].map(threeDigits)
          .concat([1234567, -1234567, 6.29551, 1234.5678, 12n ** 20n].map(exactText))));
        """,
    )
    assert told == [
        "100", "120", "1,000", "1,230,000", "14", "0.0221", "0",
        "1,234,567", "-1,234,567", "6.296", "1,235", f"{12**20:,}",
    ]  # fmt: skip


@needs_node
def test_an_accuracy_is_shown_where_it_was_published_and_nowhere_else():
    said = in_script(
        found("mobilenetv2"),
        """
        const [network] = page.networks.values(), usual = network.usual();
        const tops = [usual, { ...usual, width: 1.4 }, { ...usual, width: 1.39 },
          { ...usual, H: 225 }, { ...usual, depth: 1.1 }, { ...usual, B: 8 },
          { ...usual, classes: 10 }].map((sizes) => network.publishedAt(sizes)?.[3] ?? null);
        console.log(JSON.stringify(tops));
        """,
    )
    assert said == ["72", "74.7", None, None, None, "72", None]


@needs_node
def test_values_of_other_metrics_are_shown_where_they_were_published_and_nowhere_else():
    said = in_script(
        found("efficientsam_ti", "mobilevlm_v2_3b:phase=decode", "mobilevlm_v2_3b"),
        """
        const words = (network, moved) => network.scoresAt({ ...network.usual(), ...moved })
          .map(([, , , metric, value, source]) => [page.metrics[metric][0], value, source]);
        const [sam, decode, vlm] = [...page.networks.values()];
        console.log(JSON.stringify([words(vlm, {}), words(vlm, { B: 3 }).length,
          words(vlm, { H: 448 }), words(vlm, { tokens: 65 }), words(decode, {}),
          words(sam, {}).length, words(sam, { prompts: 3 })]));
        """,
    )
    source = "Meituan-AutoML/MobileVLM README.md"
    values = {
        "gqa": "61.1", "sqa": "70.0", "textvqa": "57.5", "pope": "84.7", "mme": "1440.5",
        "mmbench": "63.2",
    }  # fmt: skip
    stated = [[metric, value, source] for metric, value in values.items()]
    assert said == [stated, 6, [], [], [], 8, []]


@needs_node
def test_a_refusal_is_said_in_words():
    said = in_script(
        found("ghostnetv2_100"),
        """
        const [network] = page.networks.values();
        console.log(JSON.stringify(counted(network, { ...network.usual(), H: 32 })));
        """,
    )
    assert said == {
        "refusal": "outside the domain (H ≥ 33); given: B=1, H=32, W=224, width=1, depth=1, "
        "classes=1000"
    }


@needs_node
def test_amounts_are_read_as_they_are_written():
    told = in_script(
        found("mobilenetv2"),
        "console.log(JSON.stringify(['300M', '1.5G', '12', '3,000k', 'x', ''].map(amountOf)));",
    )
    assert told == [3e8, 1.5e9, 12, 3e6, None, None]


@needs_node
def test_the_script_is_one_that_a_browser_can_parse():
    run("new Function(data); console.log(1);", script())


NAMED = """
from torch import nn


class Net(nn.Module):
    def __init__(self, title):
        super().__init__()
        self.stem = nn.Conv2d(3, 3, 3)

    def forward(self, x):
        return self.stem(x)
"""


@needs_node
def test_a_name_with_the_signs_of_the_address_in_it(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NAMED)
    monkeypatch.chdir(tmp_path)
    name = "net.py:Net[title='~a=1&d=%23#']"
    said = in_script(
        found(name),
        """
        const [network] = page.networks.values();
        page.designs = [{ network, sizes: { ...network.usual(), H: 33 } }];
        const hash = address();
        page.designs = [];
        console.log(JSON.stringify([readAddress(hash), page.designs[0].network.name,
          page.designs[0].sizes.H, address() === hash]));
        """,
    )
    assert said == [True, name, 33, True]
