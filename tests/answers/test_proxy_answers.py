"""The proxies of targets: what is counted, what is drawn, how AZ-NAS ranks, and what is refused."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

import flopscope as fs
from flopscope.answers.proxies import proxies
from flopscope.catalog.proxies import CORRELATIONS, DATE, NETWORKS, PROXIES
from flopscope.errors import BadInput, UnknownName
from flopscope.measured.proxies import MEASURED
from flopscope.present.proxies import proxies_document

ROOT = Path(__file__).parents[2]
NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.body = nn.Sequential(*self.block(3, width), *self.block(width, width))
        self.head = nn.Linear(width, 10)

    @staticmethod
    def block(channels, out):
        return nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))
"""


@pytest.fixture(autouse=True)
def beside_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")


def values(found):
    return [dict(each.values) for each in found.networks]


def test_each_proxy_is_defined_and_has_a_correlation():
    assert set(PROXIES) == set(CORRELATIONS)
    assert [name for name, row in PROXIES.items() if row.runs and name != "az_nas"] == [*MEASURED]
    for name, row in CORRELATIONS.items():
        assert row.low < row.spearman < row.high, name
        if name != "macs":
            assert row.given_low < row.given_macs < row.given_high, name
    assert NETWORKS == 200


def test_counts_are_exact_and_need_no_run():
    (found,) = values(proxies(["mobilenetv2"], ["params", "macs"]))
    assert found == {"params": 3_504_872, "macs": 300_774_272}


def test_a_network_of_text_has_the_weights_of_the_seed():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    asked = ["net.py:Net[width=8]"], ["snip", "naswot"]
    first = values(proxies(*asked, res=8, batch=4, seed=3))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert values(proxies(*asked, res=8, batch=4, seed=3)) == first
    assert values(proxies(*asked, res=8, batch=4, seed=4)) != first


def test_a_module_keeps_its_weights():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    zero = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    nn.init.zeros_(zero[0].weight)
    (one,) = values(proxies([net], ["snip"], inputs=["1,1,8,8"], batch=4))
    (none,) = values(proxies([zero], ["snip"], inputs=["1,1,8,8"], batch=4))
    assert one["snip"] > 0
    assert none["snip"] == 0


def test_az_nas_adds_logarithms_of_ranks():
    names = [f"net.py:Net[width={width}]" for width in (4, 8, 16)]
    asked = ["expressivity", "progressivity", "trainability", "macs", "az-nas"]
    found = values(proxies(names, asked, res=8, batch=4))
    for each in found:
        ranks = [
            sum(other[name] < each[name] for other in found)
            + (sum(other[name] == each[name] for other in found) + 1) / 2
            for name in asked[:-1]
        ]
        assert each["az_nas"] == pytest.approx(sum(math.log(rank / 3) for rank in ranks))


def test_az_nas_of_one_network_says_why_it_has_none():
    found = proxies(["net.py:Net"], ["az_nas"], res=8, batch=4)
    assert found.asked[0].name == "az_nas"
    assert values(found) == [
        {"az_nas": "it ranks networks among each other, and there is only one"}
    ]
    notes = proxies_document(found).tables[0].notes
    assert notes[0] == (
        "net.py:Net has no az_nas: it ranks networks among each other, and there is only one."
    )


def test_a_network_without_a_part_has_no_az_nas():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 10))
    found = values(proxies([net, "net.py:Net", "net.py:Net[width=8]"], ["az_nas"], res=8, batch=4))
    assert found[0] == {"az_nas": "it has no expressivity"}
    assert [isinstance(each["az_nas"], float) for each in found] == [False, True, True]


def test_the_verdict_follows_the_intervals():
    found = fs.proxies("net.py:Net", of="params,macs,grasp,naswot", res=8, batch=4)
    assert found.document().tables[0].notes[-1] == (
        "MACs alone have 0.80. Less than MACs have params and grasp. Given MACs, more accuracy "
        "goes with more naswot. Given MACs, less accuracy goes with more params. That grasp adds "
        "to MACs is not shown."
    )


@pytest.mark.parametrize(
    ("target", "given", "sentence"),
    [
        (
            "net.py:Net",
            {"batch": 1},
            "proxies compare the images of a batch, and a batch of 1 has one; give at least 2, "
            "such as 16",
        ),
        (
            "mobilevlm_v2_1.7b",
            {},
            "mobilevlm_v2_1.7b takes 1,3,336,336 and 1,64:int64, and proxies are of classifiers of "
            "one image; give one",
        ),
        (
            "net.py:Net",
            {"inputs": ["4,3,8,8"]},
            "--input gives a batch of 4, and MACs are those of one image; give the input of one, "
            "such as 1,3,32,32, and the batch as --batch",
        ),
        (
            "net.py:Net",
            {},
            "net.py:Net does not state the size of its input; give it, such as --res 224 or "
            "--input 1,3,224,224",
        ),
        (
            "net.py:Net",
            {"inputs": ["1,5,8,8"]},
            None,
        ),
    ],
)
def test_what_has_no_proxies_gets_a_sentence(target, given, sentence):
    with pytest.raises(BadInput) as error:
        proxies([target], ["naswot"], **given)
    if sentence is None:
        assert "cannot run on" in str(error.value)
    else:
        assert str(error.value) == sentence


def test_an_unknown_proxy_gets_a_sentence():
    with pytest.raises(UnknownName) as error:
        proxies(["net.py:Net"], ["synflo"])
    assert str(error.value) == "unknown proxy 'synflo'; did you mean synflow?"


def test_no_network_gets_a_sentence():
    with pytest.raises(BadInput) as error:
        fs.proxies()
    assert str(error.value) == "fs.proxies is given no network; name one, such as 'mobilenetv2'"


def test_the_page_has_the_correlations():
    page = (ROOT / "docs" / "proxies.md").read_text(encoding="utf-8")
    for name, row in CORRELATIONS.items():
        plain = f"{row.spearman:.2f} [{row.low:.2f}, {row.high:.2f}]"
        given = ""
        if name != "macs":
            given = f"{row.given_macs:.2f} [{row.given_low:.2f}, {row.given_high:.2f}]"
        assert f"| `{name}` | {plain} | {given} |" in page
    assert DATE in page
