"""RegNetX and RegNetY: the reference networks against torchvision and timm, closed forms against
them; the quantised linear rule; AnyNet beyond the published networks."""

import importlib
import math
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from public_models import count, layers, meta, settle, state_shapes, timm, torchvision, transplant
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove, prove_variant
from flopscope.analytic import regnet as closed
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import Feature, record
from flopscope.answers.formula import formula
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import FREE, parse
from flopscope.errors import BadInput, FlopscopeError, OutsideDomain, UnknownName
from flopscope.measured import without_memory
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from reference_models import regnet

IDS = [model.id for model in MODELS.values() if model.family == "regnet"]
RECIPES = [id for id in IDS if any(o.name == "recipe" for o in MODELS[id].options)]
IN_TORCHVISION = ("400mf", "800mf", "1.6gf", "3.2gf", "8.0gf", "16gf", "32gf")


def torchvision_name(text: str) -> str:
    """'regnetx_8.0gf' is regnet_x_8gf there."""
    name = text.partition(":")[0].replace(".0", "").replace(".", "_")
    return name.replace("regnet", "regnet_")


def timm_name(text: str) -> str:
    """'regnety_800mf' is regnety_008 there: hundreds of millions."""
    family, size = re.fullmatch(r"(regnet.)_([\d.]+[mg]f)", text).groups()
    hundreds = float(size[:-2]) / 100 if size.endswith("mf") else float(size[:-2]) * 10
    return f"{family}_{round(hundreds):03}"


def on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """torchvision computes widths with tensors, which without numbers it cannot."""

    def run(*args: Any, **options: Any) -> Any:
        with torch.device("cpu"):
            return function(*args, **options)

    return run


def public(text: str, classes: int = 1000) -> nn.Module:
    """torchvision's network where it has it, else timm's."""
    id, _, recipe = text.partition(":")
    if id.split("_")[1] in IN_TORCHVISION and (recipe or id not in RECIPES):
        build = getattr(torchvision().models, torchvision_name(id))
        params = importlib.import_module("torchvision.models.regnet").BlockParams
        with patch.object(params, "from_init_params", on_cpu(params.from_init_params)):
            return build(num_classes=classes)
    timm()
    build = getattr(importlib.import_module("timm.models.regnet"), timm_name(id))
    return build(num_classes=classes)


def ours(text: str, classes: int = 1000) -> nn.Module:
    separator = "," if ":" in text else ":"
    return parse(f"{text}{separator}classes={classes}").build()


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("text", [*IDS, *(f"{id}:recipe=torchvision" for id in RECIPES)])
def test_shapes_and_counts_are_the_public_ones(text: str) -> None:
    """Names too where they are torchvision's; timm's are others."""
    mine, theirs = meta(ours, text), meta(public, text)
    if hasattr(theirs, "trunk_output"):
        assert state_shapes(mine) == state_shapes(theirs)
    else:
        shapes = [
            Counter(map(tuple, map(torch.Tensor.size, m.parameters()))) for m in (mine, theirs)
        ]
        assert shapes[0] == shapes[1]
    ledger = parse(text).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(theirs)


def renamed(name: str) -> str:
    """timm's name of an entry as torchvision's."""
    parts = {"conv1": "f.a", "conv2": "f.b", "conv3": "f.c", "se": "f.se", "downsample": "proj"}
    layer = {"conv": "0", "bn": "1"}
    if name.startswith("stem"):
        _, kind, last = name.split(".")
        return f"stem.{layer[kind]}.{last}"
    if name.startswith("head"):
        return name.replace("head.fc", "fc")
    stage, block, part, kind, last = name.split(".")
    block = f"block{stage[1]}.block{stage[1]}-{int(block[1:]) - 1}"
    return f"trunk_output.{block}.{parts[part]}.{layer.get(kind, kind)}.{last}"


@torch.no_grad()
@pytest.mark.parametrize("text", ["regnetx_400mf:recipe=torchvision", "regnety_400mf"])
def test_the_logits_are_torchvisions(text: str) -> None:
    """Bit for bit."""
    torch.manual_seed(1)
    theirs, mine = public(text, 7), ours(text, 7)
    settle(theirs)
    transplant(theirs.eval(), mine.eval())
    assert_the_same_logits(mine, theirs, 0)


@torch.no_grad()
def test_the_logits_of_the_paper_s_recipe_are_timm_s() -> None:
    """timm's mean over a map is another kernel, which may round otherwise."""
    torch.manual_seed(1)
    theirs, mine = public("regnety_800mf", 7), ours("regnety_800mf", 7)
    settle(theirs)
    state = {renamed(name): value for name, value in theirs.eval().state_dict().items()}
    mine.eval().load_state_dict(state, strict=True)
    assert_the_same_logits(mine, theirs, 1e-5)


def assert_the_same_logits(mine: nn.Module, theirs: nn.Module, tolerance: float) -> None:
    for size in ((64, 64), (33, 49)):
        x = torch.randn(2, 3, *size)
        logits = theirs(x)
        assert logits.std() > 0.01
        torch.testing.assert_close(mine(x), logits, rtol=tolerance, atol=tolerance)


def test_the_same_seed_gives_torchvisions_initial_weights() -> None:
    states = []
    for build in (ours, public):
        torch.manual_seed(5)
        states.append(build("regnety_400mf", 7).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_it_trains() -> None:
    torch.manual_seed(0)
    assert_it_trains(regnet.regnety(4, w0=16, wa=8.0, wm=2.0, d=4, g=8), side=64, steps=20)


# --- the quantised linear rule --------------------------------------------------------------------

COEFFICIENTS = {
    "w0": st.integers(1, 40).map(lambda n: 8 * n),
    "wa": st.integers(0, 12_000).map(lambda n: n / 100),
    "wm": st.integers(110, 300).map(lambda n: n / 100),
    "d": st.integers(1, 14),
    "g": st.integers(1, 130),
}


def is_near_a_tie(value: float) -> bool:
    """timm computes in single precision, and may then take the other side."""
    return abs(value % 1 - 0.5) < 1e-3


@settings(deadline=None, max_examples=25)
@given(recipe=st.sampled_from(["paper", "torchvision"]), **COEFFICIENTS)
def test_the_stages_are_timm_s(w0: int, wa: float, wm: float, d: int, g: int, recipe: str) -> None:
    steps = [math.log((w0 + wa * j) / w0) / math.log(wm) for j in range(d)]
    assume(not any(map(is_near_a_tie, steps)))
    assume(not any(is_near_a_tie(w0 * wm ** round(step) / 8) for step in steps))
    timm()
    theirs = importlib.import_module("timm.models.regnet")
    widths, _, _ = theirs.generate_regnet(wa, w0, wm, d, g)
    counts = sorted(Counter(widths).items())
    ones = [1.0] * len(counts)
    floor = 0.9 if recipe == "torchvision" else 0.0
    fitted, groups = theirs.adjust_widths_groups_comp(
        [width for width, _ in counts], ones, [g] * len(counts), floor
    )
    expected = list(zip([number for _, number in counts], fitted, groups, strict=True))
    stages = closed.regnet_stages(w0, wa, wm, d, g, Recipe(recipe))
    assert [(stage.d, stage.w, stage.g) for stage in stages] == expected
    model = meta(partial(regnet.regnetx, 10, recipe, w0=w0, wa=wa, wm=wm, d=d, g=g))
    blocks = [block for block in model.trunk_output if len(block)]
    assert [len(block) for block in blocks] == [stage.d for stage in stages]
    spatial = [conv for conv in layers(model.trunk_output, nn.Conv2d) if conv.kernel_size == (3, 3)]
    found = dict.fromkeys((conv.out_channels, conv.out_channels // conv.groups) for conv in spatial)
    assert list(found) == list(dict.fromkeys((stage.w, stage.g) for stage in stages))


def test_the_published_stages() -> None:
    """arXiv 2003.13678, figures 15 and 16: depths and widths."""
    assert [s[:2] for s in closed.regnet_stages(88, 26.31, 2.25, 25, 48)] == [
        (2, 96),
        (6, 192),
        (15, 432),
        (2, 1008),
    ]
    assert [s[:2] for s in closed.regnet_stages(232, 115.89, 2.53, 20, 232)] == [
        (2, 232),
        (5, 696),
        (12, 1392),
        (1, 3712),
    ]


# --- AnyNet ---------------------------------------------------------------------------------------


@st.composite
def stages(draw: st.DrawFn) -> tuple[int, int, int, float]:
    """Depth, width, group width, ratio; the group width divides the bottleneck."""
    ratio = draw(st.sampled_from([0.25, 0.5, 1, 2]))
    width = 4 * draw(st.integers(1, 20))
    hidden = round(width * ratio)
    group = draw(st.sampled_from([n for n in range(1, hidden + 1) if hidden % n == 0]))
    return draw(st.integers(1, 2)), width, group, ratio


SHAPES = st.tuples(st.integers(1, 2), st.just(3), st.integers(1, 70), st.integers(1, 70))


def networks(
    rows: list[tuple[int, int, int, float]], squeeze: bool, classes: int = 5
) -> tuple[Callable[[Feature], Feature], Callable[[], nn.Module]]:
    first = [closed.Stage(*row) for row in rows]
    second = [regnet.Stage(*row) for row in rows]
    return (
        lambda x: closed.anynet(x, first, squeeze=squeeze, classes=classes),
        lambda: regnet.anynet(second, squeeze, classes),
    )


@settings(PROFILE, max_examples=15)
@given(st.lists(stages(), min_size=1, max_size=3), st.booleans(), SHAPES, st.integers(1, 1200))
def test_every_witness_agrees(
    rows: list[tuple[int, int, int, float]],
    squeeze: bool,
    shape: tuple[int, ...],
    classes: int,
) -> None:
    check(*networks(rows, squeeze, classes), shape)


@pytest.mark.parametrize("text", ["regnetx_400mf:recipe=torchvision", "regnety_200mf"])
def test_every_witness_agrees_on_published_networks(text: str) -> None:
    variant = parse(text)
    name, options = variant.model.function, dict(variant.options)
    check(partial(getattr(closed, name), **options), variant.build, (2, 3, 57, 40))


@pytest.mark.parametrize("squeeze", [False, True])
def test_identical_to_the_traced_formula_for_all_sizes(squeeze: bool) -> None:
    b, h, w = (FREE[name] for name in "BHW")
    network, build = networks([(1, 8, 4, 1), (2, 16, 2, 0.5)], squeeze)
    traced = trace(without_memory(build), (b, 3, h, w))
    proof = prove(record(network, (b, 3, h, w)), traced.ledger)
    assert [str(mismatch) for mismatch in proof.mismatches] == []
    assert proof


def test_a_published_network_is_proved() -> None:
    assert prove_variant(parse("regnety_200mf"))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 30), st.integers(1, 8), st.booleans())
def test_an_anynet_of_free_stages_is_that_of_numbers(
    depth: int, groups: int, group_width: int, squeeze: bool
) -> None:
    """Depth, width and group width of a stage are symbols."""
    width = groups * group_width
    assume(width > 2 or not squeeze)  # a smaller one is squeezed to nothing
    d, w, g = (symbol(name) for name in ("depth", "width", "group_width"))

    def network(row: closed.Stage) -> Callable[[Feature], Feature]:
        return lambda x: closed.anynet(x, [row], squeeze=squeeze)

    free = record(network(closed.Stage(d, w, g)), (1, 3, 33, 40))
    fixed = record(network(closed.Stage(depth, width, group_width)), (1, 3, 33, 40))
    values = {"depth": depth, "width": width, "group_width": group_width}
    for reading in ("params", "macs", "activations"):
        exact = getattr(free, reading)().formula
        assert exact.at(**values) == getattr(fixed, reading)().value


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("regnety_400mf", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 401_842_848
    assert exact.domain == "B, H, W, classes ≥ 1"


# --- bad input ------------------------------------------------------------------------------------

BAD_STAGES = (
    ([], "an AnyNet needs at least one stage, but none was given"),
    ([(0, 8, 4, 1)], "number of blocks of stage 1 is 0, but must be at least 1"),
    ([(1, 0, 4, 1)], "width of stage 1 is 0, but must be at least 1"),
    ([(1, 8, 4, 1), (1, 1, 1, 0.5)], "bottleneck width of stage 2 is 0, but must be at least 1"),
    ([(1, 8, 0, 1)], "group width of stage 1 is 0, but must be at least 1"),
    ([(1, 20, 8, 1)], "bottleneck width of stage 1 is 20, which 8 does not divide"),
    ([(1, 2, 1, 1), (1, 8, 1, 1)], "squeezed width of stage 2 is 0, but must be at least 1"),
)
MODULE_SAYS = (
    "an AnyNet needs at least one stage, but none was given",
    "the number of blocks of stage 1 must be at least 1, but is 0",
    "the width of stage 1 must be at least 1, but is 0",
    "the bottleneck width of stage 2 must be at least 1, but is 0",
    "the group width of stage 1 must be at least 1, but is 0",
    "the group width of stage 1 must divide its bottleneck width 20, but is 8",
    "an input of 2 channels cannot be squeezed to a quarter; with squeeze-and-excite every width "
    "must be at least 3",
)


@pytest.mark.parametrize(
    ("rows", "message", "module"),
    [(*bad, module) for bad, module in zip(BAD_STAGES, MODULE_SAYS, strict=True)],
)
def test_a_stage_that_cannot_be_is_refused_in_one_sentence(
    rows: list[tuple[int, int, int, float]], message: str, module: str
) -> None:
    network, build = networks(rows, squeeze=True)
    with pytest.raises((BadInput, OutsideDomain)) as error:
        record(network, (1, 3, 32, 32))
    assert str(error.value) == message
    with pytest.raises(ValueError) as refused:
        build()
    assert str(refused.value) == module


COEFFICIENTS_OF_X_200MF = {"w0": 24, "wa": 36.44, "wm": 2.49, "d": 13, "g": 8}


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("w0", 20, "a positive multiple of 8"),
        ("w0", 0, "a positive multiple of 8"),
        ("wa", -1.0, "a finite number from 0"),
        ("wa", math.nan, "a finite number from 0"),
        ("wm", 1.0, "a finite number above 1"),
        ("d", 0, "at least 1"),
        ("g", 0, "at least 1"),
    ],
)
def test_a_coefficient_outside_its_domain_is_refused(name: str, value: Any, rule: str) -> None:
    values: dict[str, Any] = COEFFICIENTS_OF_X_200MF | {name: value}
    with pytest.raises(BadInput) as error:
        closed.regnet_stages(**values)
    assert str(error.value) == f"{name}={value} gives no RegNet; {name} must be {rule}"
    with pytest.raises(ValueError) as refused:
        regnet.regnetx(**values)
    assert str(refused.value) == f"{name} must be {rule}, but {value!r} was given"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "regnetx_200mf:recipe=torchvision",
            UnknownName,
            "unknown option of regnetx_200mf 'recipe'; known are width, depth, classes",
        ),
        (
            "regnety_800mf:recipe=timm",
            UnknownName,
            "unknown recipe 'timm'; known are paper, torchvision",
        ),
        (
            "regnetx_64gf",
            UnknownName,
            "unknown model 'regnetx_64gf'; did you mean regnetx_6.4gf, regnetx_16gf or "
            "regnety_6.4gf?",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_refused(
    text: str, kind: type[FlopscopeError], message: str
) -> None:
    with pytest.raises(kind) as error:
        parse(text)
    assert str(error.value) == message
