"""The closed forms of networks against the reference modules; what agreement says and refuses.

Everything is compared for equality. Widths, sizes, batch and classes are drawn.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from witnesses import PROFILE, Calls, assert_all_agree, check, on_meta

from flopscope.agreement import (
    FVCORE_TOTAL,
    Agreement,
    Check,
    RowAgreement,
    Uncounted,
    Verdict,
    agree,
    check_variant,
)
from flopscope.analytic import mobilenetv1, mobilenetv2, mobilenetv3
from flopscope.analytic import operators as op
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature, record
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnboundSymbols
from flopscope.facts import Kind, Operator
from flopscope.ledger import Ledger
from flopscope.measured import measure
from flopscope.symbolic import symbol
from reference_models import mobilenetv1 as modules_v1
from reference_models import mobilenetv2 as modules_v2
from reference_models import mobilenetv3 as modules_v3

# --- networks ---------------------------------------------------------------------------------


class Family(NamedTuple):
    """A network typed twice, and the recipes that both sides know."""

    closed: Callable[..., Feature]
    build: Callable[..., nn.Module]
    recipes: tuple[Recipe | None, ...]


FAMILIES = {
    "mobilenetv1": Family(
        mobilenetv1.mobilenetv1, modules_v1.mobilenetv1, (Recipe.PAPER, Recipe.TIMM)
    ),
    "mobilenetv2": Family(mobilenetv2.mobilenetv2, modules_v2.mobilenetv2, (None,)),
    "mobilenetv3_large": Family(
        mobilenetv3.mobilenetv3_large, modules_v3.mobilenetv3_large, tuple(Recipe)
    ),
    "mobilenetv3_small": Family(
        mobilenetv3.mobilenetv3_small, modules_v3.mobilenetv3_small, tuple(Recipe)
    ),
}

WIDTHS = st.integers(10, 200).map(lambda percent: percent / 100)
# Each side of every rounding by the five strides, and maps smaller than a kernel.
SIZES = st.one_of(st.integers(32, 96), st.integers(1, 31))
SHAPES = st.tuples(st.integers(1, 3), st.just(3), SIZES, SIZES)


@pytest.mark.parametrize("name", FAMILIES)
@settings(PROFILE, max_examples=15)
@given(st.data(), WIDTHS, SHAPES, st.integers(1, 1200))
def test_network(
    name: str, data: st.DataObject, width: float, shape: tuple[int, ...], classes: int
) -> None:
    closed, build, recipes = FAMILIES[name]
    recipe = data.draw(st.sampled_from(recipes))
    ours: dict[str, Any] = {"width": width, "classes": classes}
    theirs = dict(ours)
    if recipe is not None:
        ours["recipe"], theirs["recipe"] = recipe, recipe.value
    check(partial(closed, **ours), partial(build, **theirs), shape)


@pytest.mark.parametrize("recipe", [Recipe.TORCHVISION, Recipe.TIMM])
def test_another_recipe_is_another_network(recipe: Recipe) -> None:
    """Below width 0.75 the stem and the head tell the recipes apart."""
    shape, width = (1, 3, 32, 32), 0.5
    closed = partial(mobilenetv3.mobilenetv3_small, width=width, recipe=recipe)
    paper = on_meta(partial(modules_v3.mobilenetv3_small, width), shape)
    differing = {difference.name for difference in agree(record(closed, shape), paper).differences}
    assert {"parameters", "MACs"} <= differing
    assert ("stem.conv: weights" in differing) is (recipe is Recipe.TIMM)


def test_catalogue_variant() -> None:
    variant = parse("mobilenetv3_small:width=0.5,classes=10")
    assert_all_agree(check_variant(variant, (33, 40), batch=2), variant.ledger((33, 40), 2))


# --- what a verdict is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"ledger": 1, "fvcore": 1, "torch": 1}, Verdict.AGREES),
        ({"ledger": 1, "torch": 1}, Verdict.AGREES),
        ({"ledger": 1, "fvcore": 1, "torch": 2}, Verdict.DIFFERS),
        ({"ledger": 1, "fvcore": 2}, Verdict.DIFFERS),
        ({"fvcore": 1, "torch": 2}, Verdict.DIFFERS),
        ({"ledger": None, "module": 0}, Verdict.DIFFERS),
        ({"ledger": 1}, Verdict.NOT_COUNTED),
        ({"fvcore": 1, "torch": 1}, Verdict.NOT_COUNTED),
        ({}, Verdict.NOT_COUNTED),
    ],
)
def test_verdict(values: dict[str, Any], verdict: Verdict) -> None:
    assert Check("MACs", values).verdict is verdict


def test_a_row_is_as_good_as_its_worst_comparison_and_agreement_as_its_worst_part() -> None:
    good = Check("good", {"ledger": 1, "torch": 1})
    bad = Check("bad", {"ledger": 1, "torch": 2})
    silent = Check("silent", {"ledger": 1})
    tools_own = Check(FVCORE_TOTAL, {"ledger": 1})
    row = RowAgreement("a", "b", (good, silent))
    assert row.verdict is Verdict.NOT_COUNTED
    assert RowAgreement("a", "b", (good,)).verdict is Verdict.AGREES
    assert RowAgreement("a", "b", (good, silent, bad)).verdict is Verdict.DIFFERS
    assert Agreement((), (good,), (good, tools_own))
    for agreement in (
        Agreement((row,), (good,), (good,)),
        Agreement((), (bad,), (good,)),
        Agreement((), (good,), (silent,)),
        Agreement((), (good,), (Check(FVCORE_TOTAL, {"ledger": 1, "fvcore": 2}),)),
    ):
        assert not agreement
    both = Agreement((row,), (bad,), (tools_own,))
    assert (both.differences, both.unconfirmed) == ((bad,), (silent, tools_own))


# --- what a witness skipped -------------------------------------------------------------------


def test_padding_same_leaves_torch_as_the_witness() -> None:
    def closed(x: Feature) -> Feature:
        return op.linear(op.flatten(op.conv2d(x, 4, 3)), 2, bias=False)

    def build() -> nn.Module:
        convolution = nn.Conv2d(3, 4, 3, padding="same", bias=False)
        return nn.Sequential(convolution, nn.Flatten(), nn.Linear(4 * 36, 2, bias=False))

    agreement = agree(record(closed, (1, 3, 6, 6)), on_meta(build, (1, 3, 6, 6)))
    macs = agreement.rows[0].checks[-1]
    assert macs.values == {"ledger": 36 * 4 * 27, "torch": 36 * 4 * 27}
    assert macs.not_counted == {"fvcore": "skipped _convolution_mode"}
    assert str(macs) == (
        "conv: MACs: ledger 3888, torch 3888, fvcore not counted (skipped _convolution_mode)"
    )
    convolution, linear, _ = agreement.classes
    assert set(convolution.values) == {"ledger", "torch"}
    assert set(linear.values) == {"ledger", "fvcore", "torch"}
    assert [comparison.name for comparison in agreement.unconfirmed] == [FVCORE_TOTAL]
    assert agreement.skipped == (Uncounted("fvcore", "0", "_convolution_mode"),)
    assert agreement


def test_a_wrong_convolution_with_padding_same_is_found_by_torch() -> None:
    build = partial(nn.Conv2d, 3, 4, 3, padding="same", bias=False)
    wrong = record(lambda x: op.conv2d(x, 4, 5), (1, 3, 6, 6))
    agreement = agree(wrong, on_meta(build, (1, 3, 6, 6)))
    differing = [difference.name for difference in agreement.differences]
    assert differing[:3] == ["conv: weights", "conv: window", "conv: MACs"]


def fused_attention() -> nn.Module:
    layer = nn.Linear(8, 8)
    return Calls(lambda m, x: F.scaled_dot_product_attention(m.layer(x), x, x), layer=layer)


def closed_attention(x: Feature) -> Feature:
    scores = op.softmax(op.matmul(op.linear(x, 8), x._replace(shape=(2, 1, 8, 5))))
    return op.matmul(scores, x)


def test_fused_attention_is_confirmed_by_torch_on_meta_and_by_nobody_on_the_cpu() -> None:
    shape = (2, 1, 5, 8)
    ledger = record(closed_attention, shape)
    on_the_meta_device = agree(ledger, on_meta(fused_attention, shape))
    matmul = on_the_meta_device.classes[2]
    assert matmul.values == {"ledger": 800, "torch": 800}
    assert matmul.not_counted == {"fvcore": "skipped scaled_dot_product_attention"}
    assert on_the_meta_device

    on_the_cpu = agree(ledger, measure(fused_attention(), shape))
    assert on_the_cpu.classes[2].values == {"ledger": 800}
    assert on_the_cpu.classes[2].verdict is Verdict.NOT_COUNTED
    assert on_the_cpu.classes[1].verdict is Verdict.AGREES
    unconfirmed = [comparison.name for comparison in on_the_cpu.unconfirmed]
    assert unconfirmed[:3] == ["MACs of matmul", "MACs", "activations"]
    assert on_the_cpu.differences == ()
    assert not on_the_cpu


def test_an_operator_that_may_be_a_product_leaves_every_class_uncounted() -> None:
    network = Calls(lambda m, x: torch.linalg.matrix_exp(m.layer(x)), layer=nn.Linear(4, 4))
    agreement = agree(record(lambda x: op.linear(x, 4), (1, 4, 4)), measure(network, (1, 4, 4)))
    assert {comparison.verdict for comparison in agreement.classes} == {Verdict.NOT_COUNTED}
    assert agreement.classes[1].not_counted["fvcore"] == "skipped linalg_matrix_exp"
    assert agreement.rows[0].verdict is Verdict.AGREES
    assert agreement.differences == ()
    assert not agreement


def test_a_ledger_with_an_unknown_row_confirms_nothing() -> None:
    rows = record(lambda x: op.linear(x, 2), (1, 4)).rows
    unknown = Operator(Kind.UNKNOWN, "mystery", ((1, 2),), (1, 2))
    agreement = agree(Ledger((*rows, unknown)), on_meta(partial(nn.Linear, 4, 2), (1, 4)))
    linear = agreement.classes[1]
    assert linear.not_counted == {"ledger": "unknown rows mystery"}
    assert linear.verdict is Verdict.NOT_COUNTED
    macs = next(total for total in agreement.totals if total.name == "MACs")
    assert macs.not_counted == {"ledger": "unknown rows mystery"}
    assert not agreement


def test_a_layer_of_unknown_type_is_reported() -> None:
    measurement = on_meta(lambda: nn.Sequential(nn.Linear(4, 2), nn.Softplus()), (1, 4))
    agreement = agree(record(lambda x: op.linear(x, 2), (1, 4)), measurement)
    assert agreement.skipped == (Uncounted("module", "1", "Softplus: a layer type without a rule"),)
    assert agreement


def test_a_module_that_fvcore_cannot_trace_leaves_torch_as_the_witness() -> None:
    def build() -> nn.Module:
        return Calls(lambda m, x: {m.layer(x).shape}, layer=nn.Linear(4, 2))

    agreement = agree(record(lambda x: op.linear(x, 2), (1, 4)), on_meta(build, (1, 4)))
    assert [(skip.witness, skip.path) for skip in agreement.skipped] == [("fvcore", "")]
    assert agreement.skipped[0].what.startswith("RuntimeError")
    assert all("fvcore" not in comparison.values for comparison in agreement)
    assert agreement


# --- ledgers that cannot be compared ----------------------------------------------------------


def test_ledgers_that_are_not_one_network_at_one_size_are_refused() -> None:
    measurement = on_meta(partial(nn.Linear, 4, 2), (1, 4))

    def closed(batch: Any) -> Ledger:
        return record(lambda x: op.linear(x, 2), (batch, 4))

    with pytest.raises(UnboundSymbols, match=r"depends on B; bind"):
        agree(closed(symbol("B")), measurement)
    with pytest.raises(BadInput, match="row linear has a column of sizes"):
        agree(closed(np.array([1, 2])), measurement)
    with pytest.raises(BadInput, match="row linear stands for 3 copies"):
        agree(closed(1).repeat(3), measurement)
    assert agree(closed(symbol("B")).at(B=1), measurement)
    assert agree(closed(1) + closed(1).repeat(0), measurement)
