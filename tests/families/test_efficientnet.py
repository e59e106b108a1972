"""EfficientNet B0 to B7 and EfficientNetV2: the two files against each other and against the public
implementations, torchvision at the published coefficients and timm at others; depth left free."""

import importlib
import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import (
    layers,
    meta,
    operations,
    settle,
    state_shapes,
    timm,
    torchvision,
    transplant,
)
from torch import nn
from witnesses import PROFILE, assert_all_agree, check

import flopscope as fs
from flopscope.agreement import check_variant
from flopscope.agreement.proof import prove
from flopscope.analytic import efficientnet as closed
from flopscope.analytic import efficientnetv2 as closed_v2
from flopscope.analytic.stages import LISTED
from flopscope.analytic.tape import record
from flopscope.answers import formula as formulas
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import FREE, parse
from flopscope.closedform.bound import largest_intermediate
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from flopscope.measured import without_memory
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from reference_models import efficientnet as modules
from reference_models import efficientnetv2 as modules_v2
from reference_models.layers import stochastic_depth

# Parameters and MACs at the native resolution, of torchvision 0.28 and timm 1.0.31.
KNOWN = {
    "efficientnet_b0": (5_288_548, 385_814_752),
    "efficientnet_b1": (7_794_184, 686_802_832),
    "efficientnet_b2": (9_109_994, 993_561_872),
    "efficientnet_b3": (12_233_232, 1_827_141_392),
    "efficientnet_b4": (19_341_616, 4_393_771_024),
    "efficientnet_b5": (30_389_784, 10_266_384_752),
    "efficientnet_b6": (43_040_704, 19_067_593_536),
    "efficientnet_b7": (66_347_960, 37_745_884_192),
    "efficientnetv2_s": (21_458_488, 8_365_617_152),
    "efficientnetv2_m": (54_139_356, 24_582_460_384),
    "efficientnetv2_l": (118_515_272, 56_079_699_008),
}
SCALED = [model for model in KNOWN if MODELS[model].family == "efficientnet"]
ALL_FREE = ("width", "depth", "classes")

each_model = pytest.mark.parametrize("model", KNOWN)

coefficients = st.integers(10, 160).map(lambda percent: percent / 100)
shallow = st.integers(10, 100).map(lambda percent: percent / 100)
sizes = st.one_of(st.integers(1, 31), st.integers(32, 128))
shapes = st.tuples(st.integers(1, 3), st.just(3), sizes, sizes)


def ours(model: str, classes: int = 1000) -> nn.Module:
    return parse(f"{model}:classes={classes}").build()


def public(model: str, classes: int = 1000) -> nn.Module:
    name = model.replace("v2_", "_v2_")
    return getattr(torchvision().models, name)(num_classes=classes)


# --- the public implementations -------------------------------------------------------------------


def rates(model: nn.Module) -> dict[str, list[object]]:
    """What a state dict does not show: norms' settings, dropouts, shares of blocks left out."""
    depths = [m for m in model.modules() if type(m).__name__ == "StochasticDepth"]
    return {
        "norms": [(norm.eps, norm.momentum) for norm in layers(model, nn.BatchNorm2d)],
        "dropouts": [dropout.p for dropout in layers(model, nn.Dropout)],
        "blocks": [m.dropped for m in layers(model, modules.Block)] or [m.p for m in depths],
    }


@each_model
def test_names_shapes_and_rates_are_torchvisions(model: str) -> None:
    mine, theirs = meta(ours, model), meta(public, model)
    assert state_shapes(mine) == state_shapes(theirs)
    assert rates(mine) == rates(theirs)


@pytest.mark.parametrize("model", ["efficientnet_b1", "efficientnetv2_s"])
def test_every_operation_is_a_module_with_torchvisions_settings(model: str) -> None:
    assert operations(meta(ours, model)) == operations(meta(public, model))


@torch.no_grad()
@pytest.mark.parametrize("model", ["efficientnet_b2", "efficientnetv2_s"])
def test_the_logits_are_torchvisions(model: str) -> None:
    """Bit for bit, in training too, where the same examples are left out."""
    torch.manual_seed(1)
    theirs = public(model, 10)
    settle(theirs)
    mine = meta(ours, model, 10).to_empty(device="cpu")
    transplant(theirs, mine)
    x = torch.randn(4, 3, 65, 48)
    logits = theirs.eval()(x)
    assert logits.std() > 0.01
    assert torch.equal(mine.eval()(x), logits)
    outputs = []
    for network in (mine.train(), theirs.train()):
        torch.manual_seed(2)
        outputs.append(network(x))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("model", ["efficientnet_b0", "efficientnetv2_s"])
def test_the_same_seed_gives_torchvisions_initial_weights(model: str) -> None:
    states = []
    for build in (ours, public):
        torch.manual_seed(5)
        states.append(build(model, 10).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@settings(PROFILE, max_examples=6)
@given(coefficients, coefficients, st.integers(1, 200))
def test_other_coefficients_are_scaled_as_in_timm(width: float, depth: float, classes: int) -> None:
    """There as in the authors' code the last convolution has a width of its own."""
    timm()
    builder = importlib.import_module("timm.models.efficientnet")._gen_efficientnet
    scaled = {"channel_multiplier": width, "depth_multiplier": depth, "num_classes": classes}
    theirs = meta(partial(builder, "efficientnet_b0", **scaled))
    mine = meta(partial(modules.efficientnet_b0, width=width, depth=depth, classes=classes))
    expected = [tuple(value.shape) for value in theirs.state_dict().values()]
    assert [tuple(value.shape) for value in mine.state_dict().values()] == expected


# --- the closed forms -----------------------------------------------------------------------------


@each_model
def test_known_counts(model: str) -> None:
    ledger = fs.analyze(model)
    assert (ledger.params().value, ledger.macs().value) == KNOWN[model]


@settings(PROFILE, max_examples=5)
@given(coefficients, shallow, shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    width: float, depth: float, shape: tuple[int, ...], classes: int
) -> None:
    options: dict[str, Any] = {"width": width, "depth": depth, "classes": classes}
    closed_form = partial(closed.efficientnet_b0, **options)
    check(closed_form, partial(modules.efficientnet_b0, **options), shape)


def shortened(table: tuple[Any, ...]) -> tuple[Any, ...]:
    """At most two layers a stage: the first, and one like the others."""
    return tuple(row._replace(n=min(row.n, 2)) for row in table)


TABLES = {name: (getattr(closed_v2, name), getattr(modules_v2, name)) for name in "SML"}
each_table = pytest.mark.parametrize(("table", "stages"), TABLES.values(), ids=TABLES)


@each_table
def test_every_witness_agrees_on_v2(table: tuple[Any, ...], stages: tuple[Any, ...]) -> None:
    assert [row.n for row in table] == [stage.n for stage in stages]
    check(
        lambda x: closed_v2.efficientnetv2(x, shortened(table), classes=7),
        partial(modules_v2.efficientnetv2, shortened(stages), dropout=0.0, classes=7),
        (2, 3, 33, 70),
    )


def test_every_witness_agrees_on_variants_of_the_catalogue() -> None:
    """Their defaults are the closed form's: B2 by its own coefficients."""
    for name in ("efficientnet_b2:classes=10", "efficientnet_b6:width=0.3,depth=0.3"):
        variant = parse(name)
        assert_all_agree(check_variant(variant, (33, 40), batch=2), variant.ledger((33, 40), 2))


def test_identical_to_the_traced_formula_for_all_sizes() -> None:
    b, h, w = (FREE[name] for name in "BHW")
    v2 = shortened(closed_v2.S)
    build_v2 = partial(modules_v2.efficientnetv2, shortened(modules_v2.S), dropout=0.0)
    narrow: dict[str, Any] = {"width": 0.25, "depth": 0.5}
    for network, build in (
        (partial(closed.efficientnet_b0, **narrow), partial(modules.efficientnet_b0, **narrow)),
        (partial(closed_v2.efficientnetv2, table=v2), build_v2),
    ):
        traced = trace(without_memory(build), (b, 3, h, w))
        proof = prove(record(network, (b, 3, h, w)), traced.ledger)
        assert [str(mismatch) for mismatch in proof.mismatches] == []
        assert proof


# --- depth left free ------------------------------------------------------------------------------


@cache
def free_formula(quantity: str) -> fs.Formula:
    return fs.formula("efficientnet_b0", quantity, free=ALL_FREE)


@pytest.mark.parametrize("model", SCALED)
def test_one_formula_for_all_and_its_values(model: str) -> None:
    """B0 to B7 differ in their coefficients alone."""
    assert fs.formula(model, "macs", free=ALL_FREE).expression == free_formula("macs").expression
    own = {o.name: o.default for o in MODELS[model].options}
    side = MODELS[model].resolution
    counted = [free_formula(q).at(B=1, H=side, W=side, **own) for q in ("params", "macs")]
    assert tuple(counted) == KNOWN[model]


designs = st.fixed_dictionaries(
    {
        "B": st.integers(1, 3),
        "H": st.integers(1, 300),
        "W": st.integers(1, 300),
        "width": coefficients | st.floats(0.02, 3),
        "depth": coefficients | st.floats(0.02, 3),
        "classes": st.integers(1, 2000),
    }
)


@settings(deadline=None, max_examples=15)
@given(designs, st.sampled_from(["params", "macs", "activations", "all"]))
def test_a_repeated_block_counts_as_the_blocks_one_by_one(
    design: dict[str, Any], quantity: str
) -> None:
    options = {name: design[name] for name in ALL_FREE}
    ledger = parse("efficientnet_b0").ledger((design["H"], design["W"]), design["B"], **options)
    one_by_one = formulas.QUANTITIES[quantity](ledger).expression
    formula = free_formula(quantity)
    assert formula.at(**design) == one_by_one
    namespace: dict[str, Any] = {}
    exec(formula.python(), namespace)
    used = {s.name: design[s.name] for s in formula.symbols}
    assert namespace[f"efficientnet_b0_{quantity}"](**used) == one_by_one
    column = formula.at(**design | {"depth": np.array([design["depth"], 1.1])})
    assert column[0] == one_by_one
    largest = {name: Fraction(size) for name, size in used.items()}
    assert one_by_one <= largest_intermediate(formula.expression, largest)


@pytest.mark.parametrize("depth", [0.2, 1.0, 1.1, 2.2])
def test_the_peak_is_that_of_the_blocks_one_by_one(depth: float) -> None:
    """At 0.2 every stage is one block, and the repeated ones are absent."""
    listed = fs.analyze(f"efficientnet_b0:depth={depth}", res=65)
    free = fs.analyze("efficientnet_b0", res=65, depth=symbol("depth", lower=0, integer=False))
    column = fs.analyze("efficientnet_b0", res=65, depth=np.array([depth, 3.0]))
    peak = listed.peak_activation_bytes().value
    assert free.at(depth=depth).peak_activation_bytes().value == peak
    assert np.broadcast_to(column.peak_activation_bytes().value, 2)[0] == peak
    assert column.params().value[0] == free.at(depth=depth).params().value == listed.params().value


def test_the_law_without_roundings() -> None:
    law = free_formula("params").subs(classes=1000).when().idealised()
    assert law.text() == ("  4,665,984·d·α² + 268,452·d·α - 892,672·α² + 1,245,784·α + 1,000")
    assert law.domain == "d > 0; α > 0"


def test_nobody_lists_a_million_blocks() -> None:
    """Beyond some depth the other blocks are one of that multiplicity, and the count is exact."""
    deep = LISTED // 2 + 1  # two layers become more than are listed, one does not
    ledger = fs.analyze(f"efficientnet_b0:depth={deep}")
    paths = {row.path.rpartition(".")[0].removesuffix(".se") for row in ledger}
    assert f"stage1.block{deep}" in paths
    assert {path for path in paths if path.startswith("stage2")} == {
        "stage2.block1",
        "stage2.repeated",
    }
    million = fs.analyze("efficientnet_b0:depth=1000000").params().value
    assert million == free_formula("params").at(width=1.0, depth=1e6, classes=1000)


# --- training, and what is refused ----------------------------------------------------------------


@pytest.mark.parametrize(
    "build",
    [
        partial(modules.efficientnet_b0, width=0.25, depth=0.5),
        partial(modules_v2.efficientnetv2, shortened(modules_v2.S)[:4], dropout=0.0),
    ],
    ids=["efficientnet", "efficientnetv2"],
)
def test_a_few_steps_of_training_lower_the_loss(build: Callable[..., nn.Module]) -> None:
    torch.manual_seed(0)
    model = build(classes=4)
    x, y = torch.randn(8, 3, 64, 64), torch.arange(8) % 4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        assert all(p.grad is not None and p.grad.any() for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_a_block_left_out_is_its_input() -> None:
    torch.manual_seed(0)
    y = stochastic_depth(torch.ones(1000, 2, 3, 3), 0.25, training=True)
    assert set(y.unique().tolist()) == {0.0, torch.tensor(4 / 3).item()}
    assert (y == y[:, :1, :1, :1]).all(), "an example is left out as a whole"
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    assert stochastic_depth(y, 0.25, training=False) is y


MULTIPLIER = "{} must be a positive finite number such as 0.75, but {!r} was given"


@pytest.mark.parametrize("name", ["width", "depth"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, 10**400, True, "1.0", None])
def test_a_coefficient_must_be_positive_and_finite(name: str, value: object) -> None:
    with pytest.raises(ValueError) as error:
        modules.efficientnet_b0(**{name: value})
    assert str(error.value) == MULTIPLIER.format(name, value)


@pytest.mark.parametrize("build", [modules.efficientnet_b0, modules_v2.efficientnetv2_s])
def test_classes_must_be_a_positive_integer(build: Callable[..., nn.Module]) -> None:
    with pytest.raises(ValueError) as error:
        build(classes=0)
    assert str(error.value) == "classes must be a positive integer such as 1000, but 0 was given"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "efficientnet_b0:depth=0",
            BadInput,
            "depth=0 is not a positive number; give a decimal such as 0.75",
        ),
        (
            "efficientnet_b0:depht=1",
            UnknownName,
            "unknown option of efficientnet_b0 'depht'; did you mean depth?",
        ),
        (
            "efficientnetv2_s:rho=1.1",
            UnknownName,
            "unknown option of efficientnetv2_s 'rho'; known are width, depth, classes",
        ),
        (
            "efficientnet_b8",
            UnknownName,
            "unknown model 'efficientnet_b8'; did you mean efficientnet_b7, efficientnet_b6 "
            "or efficientnet_b5?",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_refused(
    name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        parse(name)
    assert str(raised.value) == message


def test_a_free_depth_is_refused_where_it_is_no_depth() -> None:
    with pytest.raises(OutsideDomain) as error:
        free_formula("params").at(width=1.0, depth=0, classes=10)
    assert str(error.value) == "depth=0 is outside the domain: depth must be above 0 and finite"
    with pytest.raises(UnknownName) as unknown:
        fs.formula("efficientnetv2_s", free=["rho"])
    assert str(unknown.value) == (
        "unknown free option of efficientnetv2_s 'rho'; known are width, depth, classes"
    )


def test_a_variant_shows_what_is_not_its_own() -> None:
    assert str(parse("efficientnet_b3:width=1.2,depth=1.4")) == "efficientnet_b3"
    assert str(parse("efficientnet_b3:depth=2,width=1")) == "efficientnet_b3:width=1,depth=2"
