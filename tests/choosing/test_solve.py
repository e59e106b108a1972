"""Budgets solved backwards, against every design tried one by one."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopscope import analyze, formula
from flopscope.catalog.models import MODELS
from flopscope.choosing.axes import shortest_decimal
from flopscope.choosing.budgets import Budget, parse_budget
from flopscope.choosing.crossing import crossing, parse_when
from flopscope.choosing.solve import solve
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Kind

EXPLORING = settings.get_current_profile_name() == "explore"


@cache
def count(model, quantity="macs", free=("width",)):
    return formula(model, quantity, free=free)


def macs(model, res=None, **options):
    """Of an image of that size, or of the model's own."""
    res = MODELS[model].resolution if res is None else res
    return count(model, free=tuple(options)).at(B=1, H=res, W=res, **options)


def refusal(capsys, *arguments):
    """What the command line says to bad input."""
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("flopscope: ").rstrip("\n")


# --- one axis -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        "mobilenetv1",
        "mobilenetv3_large",
        "ghostnet_100",
        "wtconvnext_tiny",
        "poolformer_s12",
        "mobilevit_xxs",
        "efficientformer_l1",
    ],
)
@settings(max_examples=300 if EXPLORING else 50)  # of each of seven networks
@given(limit=st.integers(40_000_000, 900_000_000))
def test_the_width_is_the_last_float_that_keeps_the_budget(model, limit):
    (design,) = solve(model, [Budget("macs", limit)], ["width"]).designs
    first, last = design.span
    assert macs(model, width=last) <= limit < macs(model, width=math.nextafter(last, math.inf))
    assert first <= design.sizes["width"] <= last
    assert macs(model, width=first) == macs(model, width=last) == design.counts["macs"]
    assert macs(model, width=math.nextafter(first, 0)) != design.counts["macs"] or (
        count(model, "params").at(width=math.nextafter(first, 0)) != design.counts["params"]
    )


@pytest.mark.parametrize("model", ["mobilenetv2", "convnext_tiny", "shufflenetv1_g3_x0.5"])
@given(limit=st.integers(10**8, 3 * 10**9))
def test_the_resolution_is_the_last_whose_count_keeps_the_budget(model, limit):
    (design,) = solve(model, [Budget("macs", limit)], ["res"]).designs
    largest = design.sizes["res"]
    assert macs(model, largest) <= limit
    further = np.arange(largest + 1, largest + 400)
    assert (macs(model, further) > limit).all()


def test_the_resolution_of_a_network_that_takes_few():
    """EfficientFormer's last map has 7×7 positions: not the budget ends the search, the network
    does, and no law reaches beyond."""
    solution = solve("efficientformer_l1", [Budget("macs", 10**12)], ["res"])
    (design,) = solution.designs
    assert (design.sizes["res"], design.ideal, solution.beyond) == (224, None, None)


def test_the_published_network_is_found_from_its_own_cost():
    solution = solve("efficientnet_b0", [Budget("macs", macs("efficientnet_b0"))], ["depth"])
    (design,) = solution.designs
    assert design.span[0] <= 1 <= design.span[1]
    assert design.counts["macs"] == macs("efficientnet_b0")
    assert solution.beyond.counts["macs"] > design.counts["macs"]


def test_several_budgets_hold_together():
    budgets = [Budget("macs", 150_000_000), Budget("params", 3_000_000)]
    (design,) = solve("mobilenetv3_large", budgets, ["width"]).designs
    alone = [solve("mobilenetv3_large", [b], ["width"]).designs[0].span[1] for b in budgets]
    assert design.span[1] == min(alone)
    assert len(set(alone)) == 2


def test_a_budget_of_traffic_is_kept_by_the_last_float():
    limit = 200_000_000
    (design,) = solve("mobilenetv2", [Budget("traffic", limit)], ["width"]).designs
    last = design.span[1]
    at, beyond = (
        int(analyze("mobilenetv2", width=width).traffic_bytes("float32"))
        for width in (last, math.nextafter(last, math.inf))
    )
    assert at == design.counts["traffic"] <= limit < beyond


def test_a_budget_of_the_peak_is_kept_by_the_last_resolution():
    (design,) = solve("mobilenetv2", [Budget("peak", 6_000_000)], ["res"]).designs
    peaks = {
        res: int(analyze("mobilenetv2", res=res).peak_activation_bytes("float32"))
        for res in range(200, 260)
    }
    kept = [res for res, peak in peaks.items() if peak <= 6_000_000]
    assert design.sizes["res"] == kept[-1]
    assert design.counts["peak"] == peaks[kept[-1]]


def test_the_law_s_solution_is_where_the_idealised_formula_meets_the_budget():
    (design,) = solve("mobilenetv2", [Budget("macs", 150_000_000)], ["width"]).designs
    law = formula("mobilenetv2", free=["width"]).idealised()
    assert law.at(B=1, H=224, W=224, width=design.ideal) == pytest.approx(150_000_000)


def test_outside_the_law_s_conditions_it_has_no_solution():
    """MobileNetV2's law follows the side of its last layer that holds below width 1."""
    (design,) = solve("mobilenetv2", [Budget("macs", 10**9)], ["width"]).designs
    assert design.sizes["width"] > 1
    assert design.ideal is None


# --- several axes -------------------------------------------------------------------------------


def test_a_frontier_has_for_each_resolution_the_largest_width():
    limit = 150_000_000
    solution = solve("mobilenetv2", [Budget("macs", limit)], ["width", "res"], step=64)
    sides = [design.sizes["res"] for design in solution.designs]
    assert sides == list(range(64, sides[-1] + 1, 64))
    for design in solution.designs:
        res, last = design.sizes["res"], design.span[1]
        assert macs("mobilenetv2", res, width=last) <= limit
        assert macs("mobilenetv2", res, width=math.nextafter(last, math.inf)) > limit
    assert macs("mobilenetv2", sides[-1] + 64, width=1e-3) > limit


def test_the_table_shows_the_designs_nearest_to_the_published_one(capsys):
    arguments = ["solve", "mobilenetv2", "--macs", "300774272", "--free", "res,width"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line.split() for line in lines if line.split()[:1] == ["224"])
    assert row[2] == "300,774,272"
    assert max(map(len, lines)) <= 80


# --- no solution --------------------------------------------------------------------------------


def test_an_infeasible_budget_names_the_nearest_that_can_be_kept(capsys):
    assert main(["solve", "mobilenetv3_large", "--macs", "1M", "--free", "width"]) == 1
    out = capsys.readouterr().out
    least = macs("mobilenetv3_large", width=1e-3)
    assert f"nearest budget that can be kept is --macs {least}." in " ".join(out.split())
    assert main(["solve", "mobilenetv3_large", "--macs", str(least), "--free", "width"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--macs", "-5", "--free", "width"],
         "--macs -5 is not a number from 1; give one such as 150M, 1.5 G, 3e8 or "
         "300,000,000"),
        (["--macs", "0", "--free", "width"],
         "--macs 0 is not a number from 1; give one such as 150M, 1.5 G, 3e8 or "
         "300,000,000"),
        (["--macs", "1M"],
         "nothing is free; name at least one of res, batch, width, depth, classes"),
        (["--free", "width"],
         "no budget is given; give one, such as --macs 150M"),
        (["--macs", "1M", "--free", "width,width"], "width is free twice; name it once"),
        (["--macs", "1M", "--free", "res", "--res", "224"],
         "res is given and free at once; leave one of them out"),
        (["--macs", "1M", "--free", "batch", "--batch", "2"],
         "batch is given and free at once; leave one of them out"),
        (["--params", "4M", "--free", "res"],
         "params of mobilenetv2 do not depend on res, so that no budget bounds it; bound another "
         "quantity, or leave it out"),
        (["--macs", "900T", "--free", "width"],
         "mobilenetv2 keeps 900,000,000,000,000 MACs even at width 64, the largest that is looked "
         "at; give a smaller budget"),
        (["--macs", "1M", "--free", "res", "--step", "0"],
         "--step 0 is not a positive integer; give one such as 1"),
        (["--when", "conv = linear", "--macs", "1M"],
         "--when is an equation along one free size; leave budgets, --step and further free sizes "
         "out"),
        (["--when", "conv linear"],
         "'conv linear' is not an equation of two costs; write it like 'attention = conv' or "
         "'attention = 0.5 macs', of attention, conv, linear, macs"),
        (["--when", "convs = linear"], "unknown cost 'convs'; did you mean conv?"),
        (["--when", "attention = conv"],
         "mobilenetv2 has no operator of 'attention', so it never equals another cost"),
        (["--when", "conv = linear", "--free", "width"],
         "width is a multiplier; a crossing is looked for along res or another size"),
        (["--when", "conv = linear", "--res", "224"],
         "res is given and free at once; leave one of them out"),
    ],
)  # fmt: skip
def test_bad_input(capsys, arguments, message):
    assert refusal(capsys, "solve", "mobilenetv2", *arguments) == message


def test_an_option_that_is_fixed_is_not_free(capsys):
    assert refusal(capsys, "solve", "mobilenetv2:width=0.5", "--macs", "1M", "--free", "width") == (
        "width is fixed in 'mobilenetv2:width=0.5' and free at once; leave one of them out"
    )


def test_two_budgets_of_one_reading():
    with pytest.raises(BadInput) as raised:
        solve("mobilenetv2", [Budget("macs", 1), Budget("macs", 2)], ["width"])
    assert str(raised.value) == "macs has two budgets; give the smaller one"


def test_an_unknown_axis_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName) as raised:
        solve("mobilenetv2", [Budget("macs", 1)], ["depthh"])
    assert str(raised.value).startswith("unknown free size of mobilenetv2 'depthh'; ")


# --- pieces -------------------------------------------------------------------------------------


@given(low=st.floats(1e-6, 100), step=st.floats(0, 10))
def test_the_shortest_decimal_lies_within(low, step):
    high = low + step
    found = shortest_decimal(low, high)
    assert low <= found <= high
    decimals = len(repr(found).partition(".")[2].rstrip("0")) if "e" not in repr(found) else 0
    if decimals:
        coarser = 10 ** (decimals - 1)
        assert Fraction(math.ceil(Fraction(low) * coarser), coarser) > high


@pytest.mark.parametrize(
    ("quantity", "texts", "limit"),
    [
        ("macs", ["1500M", "1.5G", "1.5 G", "1.5e9", "1500000000", "1,500,000,000", "1.5B"],
         1_500_000_000),
        ("params", ["50k", "50K", "50,000", "5e4", "0.05M", "50000.9"], 50_000),
        ("weights", ["1.2GB", "1.2 GB", "1.2G", "1.2e9", "1,200,000,000", "1200000000B"],
         1_200_000_000),
        ("peak", ["2MiB", "2 Mi", "2,097,152 B"], 2**21),
        ("macs", ["7"], 7),
    ],
)  # fmt: skip
def test_budgets_are_read_exactly(quantity, texts, limit):
    assert {parse_budget("--it", quantity, text).limit for text in texts} == {limit}


@pytest.mark.parametrize(
    "text", ["", "0", "0.9", "-1", "1,00", "1.2GB", "3e8M", "1e-3", "1e9999", "1 2", "nan", "٣"]
)
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(BadInput) as raised:
        parse_budget("--macs", "macs", text)
    assert str(raised.value) == (
        f"--macs {text} is not a number from 1; give one such as 150M, 1.5 G, 3e8 or 300,000,000"
    )


def test_a_budget_of_bytes_offers_bytes():
    with pytest.raises(BadInput) as raised:
        parse_budget("--weights", "weights", "20 MFLOPs")
    assert str(raised.value) == (
        "--weights 20 MFLOPs is not a number from 1; give one such as 20MB, 1.2 GB, 5e6 or "
        "5,000,000"
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [("20mJ", 2 * 10**13), ("1.5 \u00b5J", 15 * 10**8), ("1.5uJ", 15 * 10**8), ("20T", 2 * 10**13)],
)
def test_a_budget_of_energy_is_read_as_tables_print_it(text, limit):
    assert parse_budget("--max-energy", "energy", text).limit == limit


def test_a_budget_of_energy_offers_joules():
    with pytest.raises(BadInput) as raised:
        parse_budget("--energy", "energy", "2 Wh")
    assert str(raised.value) == (
        "--energy 2 Wh is not a number from 1; give one such as 20mJ, 1.5 mJ or 3e13, which is in "
        "femtojoules"
    )


# --- crossings ----------------------------------------------------------------------------------


def test_a_crossing_is_found_where_every_resolution_was_tried():
    found = crossing("efficientnet_b0", "conv = 100 linear")
    linear = 1280 * 1000
    ahead = [macs("efficientnet_b0", res) - linear >= 100 * linear for res in range(1, 400)]
    assert found.first == ahead.index(True) + 1
    assert found.settled == 400 - ahead[::-1].index(False)


def test_a_cost_that_stays_below_is_no_crossing(capsys):
    assert main(["solve", "efficientnet_b0", "--when", "linear = conv"]) == 1
    assert "linear stays below conv up to res 16,384." in capsys.readouterr().out


def test_attention_overtakes_convolution_where_every_resolution_was_tried():
    found = crossing("mobilevit_xxs", "attention = conv")
    rows = analyze("mobilevit_xxs", res=np.arange(1, 800))
    attention = rows.filter(lambda row: row.kind is Kind.MATMUL).macs().value
    conv = rows.filter(lambda row: row.kind is Kind.CONVOLUTION).macs().value
    ahead = list(attention >= conv)
    assert found.first == ahead.index(True) + 1
    assert found.settled == 800 - ahead[::-1].index(False)


def test_tokens_end_where_the_context_does(capsys):
    arguments = ["solve", "mobilevlm_v2_1.7b", "--when", "attention = linear", "--free", "tokens"]
    assert main(arguments) == 1
    assert "attention stays below linear up to tokens 1,904." in capsys.readouterr().out


def test_the_sides_of_an_equation():
    assert [str(side) for side in parse_when("2.5*linear = conv")] == ["2.5 linear", "conv"]


@pytest.mark.parametrize("target", ["net.py:Net", "timm:resnet18", "model.onnx"])
def test_a_crossing_of_a_network_without_a_closed_form_is_refused(capsys, target):
    assert refusal(capsys, "solve", target, "--when", "conv = linear") == (
        f"{target} is not a model of the catalogue, and this needs the closed form of one; give a "
        "name of `flopscope list`, such as mobilenetv2"
    )
