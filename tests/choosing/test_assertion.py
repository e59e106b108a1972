"""Budgets asserted: on the command line, and in the tests of a network's own repository."""

import json

import pytest
import torch
from torch import nn

from flopscope import analyze
from flopscope.choosing.assertion import assess
from flopscope.choosing.budgets import Budget
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.testing import assert_budget

NET = """
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1, bias=False))
"""
MACS = {"0": 30 * 30 * 8 * 27, "2": 30 * 30 * 4 * 8}
PARAMS = 8 * 27 + 8 + 32


@pytest.fixture
def target(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    return f"{tmp_path / 'net.py'}:net"


def asserted(capsys, *arguments):
    status = main(["assert", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_module_that_keeps_its_budgets(capsys, target):
    limits = ["--max-macs", str(sum(MACS.values())), "--max-params", str(PARAMS)]
    status, out, err = asserted(capsys, target, *limits, "--res", "32")
    assert (status, err) == (0, "")
    assert out.count("kept") == 2


def test_a_broken_budget_names_the_layers_that_hold_the_excess(capsys, target):
    limit = sum(MACS.values()) - 1
    status, out, _ = asserted(
        capsys, target, "--max-macs", str(limit), "--max-params", "1M", "--res", "32",
        "--format", "json",
    )  # fmt: skip
    macs, params = json.loads(out)["budgets"]
    assert status == 1
    assert macs == {
        "quantity": "macs", "limit": limit, "value": limit + 1, "kept": False, "unknown": [],
        "offenders": [{"layer": "0", "value": MACS["0"]}],
    }  # fmt: skip
    assert params["kept"]


def test_a_batch_of_a_catalogue_model(capsys):
    assert asserted(capsys, "mobilenetv2", "--max-macs", "601548543", "--batch", "2")[0] == 1
    assert asserted(capsys, "mobilenetv2", "--max-macs", "601548544", "--batch", "2")[0] == 0


def test_the_offenders_are_the_fewest_layers_that_hold_the_excess():
    ledger = analyze("mobilenetv2", res=224)
    (verdict,) = assess(ledger, [Budget("macs", 250_000_000)])
    layers = sorted((int(part.macs()) for part in _layers(ledger)), reverse=True)
    held = [value for _, value in verdict.offenders]
    assert held == layers[: len(held)]
    assert sum(held) >= verdict.excess > sum(held[:-1])


def _layers(ledger):
    from flopscope.ledger import Level

    return ledger.group_by(Level.LAYER).values()


def test_a_catalogue_model_is_counted_from_its_closed_form(capsys):
    assert asserted(capsys, "mobilenetv2", "--max-macs", "300774272")[0] == 0
    assert asserted(capsys, "mobilenetv2", "--max-macs", "300774271")[0] == 1
    assert asserted(capsys, "mobilenetv2", "--max-macs", "301M", "--res", "256")[0] == 1


def test_no_layers_hold_the_excess_of_a_peak(capsys):
    """A peak is no sum: what lives at once is of several layers."""
    status, out, _ = asserted(
        capsys, "mobilenetv2", "--max-peak", "6M", "--max-int8", "4M", "--format", "json"
    )
    int8, peak = json.loads(out)["budgets"]
    assert status == 1
    assert int8 == {
        "quantity": "int8", "limit": 4_000_000, "value": 3_504_872, "kept": True, "unknown": [],
        "offenders": [],
    }  # fmt: skip
    assert peak == {
        "quantity": "peak", "limit": 6_000_000, "value": 6_021_120, "kept": False, "unknown": [],
        "offenders": [],
    }  # fmt: skip


def test_a_budget_that_there_is_not_is_refused():
    with pytest.raises(UnknownName) as raised:
        assert_budget("mobilenetv2", max_activation="1M")
    assert str(raised.value) == "unknown budget 'max_activation'; did you mean max_activations?"


class Sorts(nn.Module):
    def forward(self, x):
        return torch.linalg.eigvalsh(x)


def test_an_operator_of_unknown_cost_keeps_no_budget():
    with pytest.raises(AssertionError) as raised:
        assert_budget(Sorts(), (1, 4, 4), max_macs="1G")
    text = " ".join(str(raised.value).split())
    assert "not certain" in text
    assert "what is counted is a lower bound, and no budget is kept for certain." in text


def test_the_helper_of_tests_passes_and_fails():
    conv = nn.Conv2d(3, 8, 3)
    assert_budget(conv, (1, 3, 32, 32), max_macs=MACS["0"])
    with pytest.raises(AssertionError) as raised:
        assert_budget(conv, (1, 3, 32, 32), max_macs=MACS["0"] - 1, max_params="1k".upper())
    assert "broken by 1" in str(raised.value)
    assert_budget("mobilenetv2", 192, max_macs="222M")


def test_the_helper_of_tests_wants_a_budget():
    with pytest.raises(BadInput) as raised:
        assert_budget("mobilenetv2")
    message = 'no budget is given; give one, such as max_macs="300M"'
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--res", "32"], "no budget is given; give one, such as --max-macs 300M"),
        (["--max-macs", "much", "--res", "32"],
         "--max-macs much is not a number from 1; give one such as 150M, 1.5 G, 3e8 or "
         "300,000,000"),
        (["--max-macs", "1M"],
         "{target} does not state the size of its input; give it, such as --res 224 or "
         "--input 1,3,224,224"),
        (["--max-macs", "1M", "--input", "B,3,32,32"],
         "this counts at sizes that are numbers, and B,3,32,32 has free ones; give an input such "
         "as --input 1,3,224,224"),
    ],
)  # fmt: skip
def test_bad_input(capsys, target, arguments, message):
    status, out, err = asserted(capsys, target, *arguments)
    assert (status, out, err) == (2, "", f"flopscope: {message.format(target=target)}\n")


@pytest.mark.parametrize("further", [[], ["--res", "224"], ["--input", "1,3,224,224"]])
def test_a_catalogue_model_takes_no_arguments(capsys, further):
    """They would be dropped in silence; its options follow a colon."""
    status, out, err = asserted(
        capsys, "mobilenetv2", "--max-macs", "1G", "--arg", "width=2", *further
    )
    assert (status, out, err) == (
        2,
        "",
        "flopscope: mobilenetv2 is a catalogue model; its options follow a colon, as in "
        "mobilenetv2:width=1.4, and --arg and --example are for a network of your own\n",
    )


def test_an_unknown_model_is_refused(capsys):
    status, out, err = asserted(capsys, "mobilenet2", "--max-macs", "1M", "--res", "32")
    assert (status, out) == (2, "")
    assert err.startswith("flopscope: ")


def test_a_budget_that_a_table_prints_is_read_again(capsys):
    """Every number of the answer, as it is printed, is a budget that is just kept."""
    _, out, _ = asserted(capsys, "mobilenetv2", "--max-macs", "1", "--max-params", "1")
    rows = [line.split() for line in out.splitlines()]
    counted = {row[0]: row[2] for row in rows if row[:1] in (["MACs"], ["params"]) and len(row) > 3}
    assert counted == {"MACs": "300,774,272", "params": "3,504,872"}
    kept = ["--max-macs", counted["MACs"], "--max-params", counted["params"]]
    assert asserted(capsys, "mobilenetv2", *kept, "--res", "224,224", "--batch", "1")[0] == 0
