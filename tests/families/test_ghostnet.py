"""GhostNet and GhostNetV2: the reference networks against timm, the closed forms against them."""

import importlib
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, from_timm, meta, settle, state_shapes, timm, transplant
from torch import nn
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import ghostnet as closed
from flopscope.analytic import ghostnetv2 as closed_v2
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula, symbolic_ledger
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain
from flopscope.facts import Function, Kind
from reference_models.ghostnet import ghostnet
from reference_models.ghostnetv2 import AttendedModule, ghostnetv2

WIDTHS = st.integers(5, 200).map(lambda percent: percent / 100)
SIZES = st.integers(33, 100)
SHAPES = st.tuples(st.integers(1, 2), st.just(3), SIZES, SIZES)

PAIRS = {"v1": (closed.ghostnet, ghostnet), "v2": (closed_v2.ghostnetv2, ghostnetv2)}
BUILDS = {"v1": ghostnet, "v2": ghostnetv2}
each_version = pytest.mark.parametrize("version", BUILDS)


def public(version: str, width: float, classes: int = 1000) -> nn.Module:
    """timm's network of this width, which need not be one of its names."""
    variant = "ghostnet_100" if version == "v1" else "ghostnetv2_100"
    make = "_create_ghostnet"
    return from_timm("ghostnet", make, variant, width, classes, version=version)


# --- the reference networks against timm's --------------------------------------------------------


# At 0.06 the rounded widths of stage 4 coincide, and its shortcut is the input.
@each_version
@pytest.mark.parametrize("width", [0.05, 0.06, 0.5, 1.0, 1.3, 1.6])
def test_names_and_shapes_are_timms(version: str, width: float) -> None:
    ours, theirs = meta(BUILDS[version], width, 9), meta(public, version, width, 9)
    assert state_shapes(ours) == state_shapes(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@each_version
def test_the_same_seed_gives_timms_initial_weights(version: str) -> None:
    states = []
    for build in (BUILDS[version], partial(public, version)):
        torch.manual_seed(5)
        states.append(build(0.33, 10).state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


@torch.no_grad()
@each_version
@pytest.mark.parametrize("width", [0.06, 0.5, 1.3])
def test_the_logits_are_timms(version: str, width: float) -> None:
    torch.manual_seed(round(100 * width))
    theirs, ours = public(version, width, 7), BUILDS[version](width, 7)
    settle(theirs)
    transplant(theirs.eval(), ours.eval())
    for size in ((96, 64), (65, 97)):
        x = torch.randn(2, 3, *size)
        expected = theirs(x)
        spread = (expected[0] - expected[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(ours(x) / spread, expected / spread, rtol=0, atol=2e-5)


# Parameters and MACs at 224 of timm 1.0.31, products of convolutions and linear layers only.
@pytest.mark.parametrize(
    ("version", "width", "params", "macs"),
    [
        ("v1", 0.5, 2_587_292, 42_328_152),
        ("v1", 1.0, 5_182_508, 141_150_512),
        ("v1", 1.3, 7_358_820, 227_003_256),
        ("v2", 1.0, 6_156_908, 167_048_288),
        ("v2", 1.3, 8_960_404, 269_322_976),
        ("v2", 1.6, 12_392_698, 398_607_224),
    ],
)
def test_parameters_and_macs(version: str, width: float, params: int, macs: int) -> None:
    assert count(meta(BUILDS[version], width)) == (params, macs)
    name = f"{'ghostnet' if version == 'v1' else 'ghostnetv2'}_{round(100 * width):03}"
    ledger = parse(name).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == (params, macs)


@each_version
def test_a_few_steps_of_training_lower_the_loss(version: str) -> None:
    torch.manual_seed(0)
    model = BUILDS[version](0.3, 4)
    x, y = torch.randn(8, 3, 64, 64), torch.arange(8) % 4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        assert not [n for n, p in model.named_parameters() if p.grad is None]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


# --- the closed forms against the reference networks ----------------------------------------------


@each_version
@settings(PROFILE, max_examples=2)
@given(WIDTHS, SHAPES, st.integers(1, 1200))
def test_network_agrees(version: str, width: float, shape: tuple[int, ...], classes: int) -> None:
    ours, theirs = PAIRS[version]
    options = {"width": width, "classes": classes}
    check(partial(ours, **options), partial(theirs, **options), shape)


@settings(PROFILE, max_examples=2)
@given(WIDTHS, st.integers(1, 32), st.integers(1, 32))
def test_v1_takes_any_resolution(width: float, height: int, wide: int) -> None:
    shape = (1, 3, height, wide)
    check(partial(closed.ghostnet, width=width), partial(ghostnet, width), shape)


@settings(PROFILE, max_examples=15)
@given(
    st.integers(1, 12),
    st.integers(1, 20),
    st.sampled_from([1, 3]),
    st.integers(2, 5),
    st.sampled_from([1, 3, 5]),
)
def test_ghost_module_of_any_ratio_agrees_with_timms(
    channels: int, out: int, kernel: int, ratio: int, cheap: int
) -> None:
    """Where the ratio does not divide the channels, one more is made and the rest is cut."""
    timm()
    module = importlib.import_module("timm.models.ghostnet").GhostModule
    ledger = check(
        partial(
            closed.ghost_module,
            channels=out,
            kernel=kernel,
            ratio=ratio,
            cheap_kernel=cheap,
            function=Function.RELU,
        ),
        partial(module, channels, out, kernel, ratio, cheap),
        (2, channels, 6, 7),
    )
    made = -(-out // ratio)
    assert ledger.rows[-1].output == (2, made * ratio, 6, 7)
    if out % ratio == 0:
        sizes = {"C_in": channels, "C_out": out, "K": kernel, "s": ratio, "d": cheap}
        assert formula("ghost_module").at(B=2, H=6, W=7, **sizes) == ledger.macs().value


def test_the_next_operator_sees_the_cut_channels() -> None:
    def network(x: Any) -> Any:
        return closed.ghost_module(closed.ghost_module(x, 5), 4)

    first, second = (r for r in record(network, (1, 3, 4, 4)).rows if "primary_conv" in r.path)
    assert (first.output, second.inputs) == ((1, 3, 4, 4), ((1, 5, 4, 4),))


@settings(PROFILE, max_examples=8)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(2, 9), st.integers(2, 9))
def test_attended_module_agrees(channels: int, half: int, height: int, width: int) -> None:
    ledger = check(
        partial(closed_v2.attended_module, channels=2 * half),
        partial(AttendedModule, channels, 2 * half, nn.ReLU),
        (1, channels, height, width),
    )
    (resized,) = [row for row in ledger.rows if row.kind is Kind.RESIZE]
    assert resized.inputs[0][2:] == (height // 2, width // 2)
    assert resized.output[2:] == (height, width)


def test_attention_begins_at_the_third_bottleneck() -> None:
    rows = record(closed_v2.ghostnetv2, (1, 3, 64, 64)).rows
    attended = [row.path.rpartition(".ghost1")[0] for row in rows if row.kind is Kind.RESIZE]
    assert len(attended) == 14
    assert attended[:2] == ["stage2.block2", "stage3.block1"]


@pytest.mark.parametrize("name", ["ghostnet_050", "ghostnet_100:width=0.06", "ghostnetv2_100"])
def test_the_code_traced_on_free_sizes_is_the_closed_form(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof.mismatches == ()
    assert proof
    assert proof.domain == ("B ≥ 1; H, W ≥ 33" if "v2" in name else "B, H, W ≥ 1")


# --- free widths ----------------------------------------------------------------------------------


@each_version
@settings(PROFILE, max_examples=10)
@given(WIDTHS, st.integers(33, 300), st.integers(33, 300))
def test_the_formula_in_the_width_equals_the_count(
    version: str, width: float, height: int, wide: int
) -> None:
    name = {"v1": "ghostnet_130", "v2": "ghostnetv2_130"}[version]
    ledger = parse(f"{name}:width={width}").ledger((height, wide))
    free = symbolic_ledger(name, ("width",))
    assert free.macs().formula.at(B=1, H=height, W=wide, width=width) == ledger.macs().value
    assert free.params().formula.at(width=width) == ledger.params().value


@each_version
def test_a_column_of_widths_is_counted_at_once(version: str) -> None:
    network, _ = PAIRS[version]
    widths = np.array([0.06, 0.5, 1.3])
    column = record(partial(network, width=widths), (1, 3, 65, 40)).macs().value
    single = [
        record(partial(network, width=w), (1, 3, 65, 40)).macs().value for w in widths.tolist()
    ]
    assert column.tolist() == single


def test_every_width_rounds_to_a_multiple_of_4_so_no_ghost_module_is_cut() -> None:
    formula_of_v1 = formula("ghostnet_100", "params", ("width",))
    assert formula_of_v1.domain == "α > 0"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3, 32, 40), (1, 3, 40, 32)])
def test_v2_refuses_inputs_whose_last_map_cannot_be_halved(shape: tuple[int, ...]) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed_v2.ghostnetv2, shape)
    assert str(error.value) == (
        "size of an input whose 1/32 attention halves is 32, but must be at least 33"
    )
    with pytest.raises(RuntimeError):
        ghostnetv2(0.1).eval()(torch.zeros(shape))


def test_a_formula_of_v2_is_refused_below_33() -> None:
    exact = formula("ghostnetv2_100")
    assert exact.at(B=1, H=33, W=33) > 0
    with pytest.raises(OutsideDomain):
        exact.at(B=1, H=33, W=32)


def test_a_symbolic_ratio_has_to_divide() -> None:
    with pytest.raises(OutsideDomain) as error:
        formula("ghost_module").at(B=1, C_in=8, C_out=9, H=4, W=4, K=1, d=3, s=2)
    given = "B=1, C_in=8, C_out=9, H=4, W=4, K=1, d=3, s=2"
    assert str(error.value) == f"outside the domain (C_out a multiple of s); given: {given}"


@each_version
@pytest.mark.parametrize("width", [0, -1.0, float("nan"), "1.0", True])
def test_a_width_must_be_positive_and_finite(version: str, width: Any) -> None:
    with pytest.raises(ValueError) as error:
        BUILDS[version](width)
    assert str(error.value) == (
        f"width must be a positive finite number such as 0.75, but {width!r} was given"
    )
