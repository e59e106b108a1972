"""GhostNetV3: the reference network against timm, deployed forms against training forms, closed
forms against both."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, from_timm, layers, meta, settle, state_shapes, timm
from torch import Tensor, nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import ghostnetv3 as closed
from flopscope.analytic.ghostnetv2 import ghostnetv2 as closed_v2
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula, symbolic_ledger
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models.ghostnetv3 import GhostModule, fold, ghostnetv3

WIDTHS = st.integers(5, 160).map(lambda percent: percent / 100)
SIZES = st.integers(33, 50)
SHAPES = st.tuples(st.integers(1, 2), st.just(3), SIZES, SIZES)
FORMS = st.sampled_from(list(NetworkForm))
each_form = pytest.mark.parametrize("form", list(NetworkForm))


def public(width: float, classes: int = 1000) -> nn.Module:
    """timm's network of this width, which need not be one of its names."""
    make = "_create_ghostnet"
    return from_timm("ghostnet", make, "ghostnetv3_100", width, classes, version="v3")


def deployed(model: nn.Module) -> nn.Module:
    """timm's network, folded by timm."""
    return timm().utils.reparameterize_model(model)


def assert_near(ours: Tensor, theirs: Tensor) -> None:
    """Within rounding of values that do depend on the input."""
    spread = (theirs[0] - theirs[1]).abs().max()
    assert spread > 0.01
    torch.testing.assert_close(ours / spread, theirs / spread, rtol=0, atol=1e-9)


# --- the reference network against timm's ---------------------------------------------------------


# At 0.05 a primary convolution keeps its width, and has no norm alone beside it.
@pytest.mark.parametrize("width", [0.05, 0.5, 1.0, 1.3, 1.6])
def test_names_and_shapes_are_timms(width: float) -> None:
    ours, theirs = meta(partial(ghostnetv3, width, 9, "train")), meta(public, width, 9)
    assert state_shapes(ours) == state_shapes(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    norms = [{(n.eps, n.momentum) for n in layers(m, nn.BatchNorm2d)} for m in (ours, theirs)]
    assert norms == [{(1e-5, 0.1)}, {(1e-5, 0.1)}]


@torch.no_grad()
def test_the_logits_are_timms_in_both_forms() -> None:
    """And what timm deploys has the names, shapes and numbers of what is folded here. In double
    precision, because the many sums of branches would differ by more than a fold may."""
    torch.manual_seed(5)
    theirs, trained, folded = (
        build(0.05, 7)
        for build in (public, partial(ghostnetv3, form="train"), partial(ghostnetv3, form="deploy"))
    )
    settle(theirs)
    for network in (theirs, trained, folded):
        network.double()
    trained.load_state_dict(theirs.state_dict(), strict=True)
    fold(trained, folded)
    images = [torch.randn(2, 3, *size).double() for size in ((96, 64), (65, 97))]
    expected = [theirs.eval()(x) for x in images]
    timms = deployed(theirs)
    assert state_shapes(folded) == state_shapes(timms)
    for name, value in timms.state_dict().items():
        torch.testing.assert_close(folded.state_dict()[name], value)
    for x, logits in zip(images, expected, strict=True):
        assert_near(trained.eval()(x), logits)
        assert_near(folded.eval()(x), logits)
        assert_near(timms(x), logits)


@torch.no_grad()
def test_a_module_is_its_equation() -> None:
    """The sum of its branches, activated, beside the cheap one of it; times its attention."""
    torch.manual_seed(4)
    module = GhostModule(3, 8, nn.ReLU, attends=True, form="train")
    for _ in range(3):
        module(torch.randn(8, 3, 7, 6))  # which moves the statistics of the norms
    module.eval()
    x = torch.randn(2, 3, 7, 6)
    first = sum(branch(x) for branch in module.primary_rpr_conv).relu()
    beside = [module.cheap_rpr_skip, module.cheap_rpr_scale, *module.cheap_rpr_conv]
    both = torch.cat([first, sum(branch(first) for branch in beside).relu()], 1)
    small = module.short_conv(nn.functional.avg_pool2d(x, 2)).sigmoid()
    gate = nn.functional.interpolate(small, size=(7, 6), mode="nearest")
    torch.testing.assert_close(module(x), both * gate)


# Parameters and MACs at 224 of timm 1.0.31, products of convolutions and linear layers only.
@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("ghostnetv3_050", 2_853_176, 49_640_656),
        ("ghostnetv3_100", 6_147_588, 167_048_288),
        ("ghostnetv3_130", 8_948_296, 269_322_976),
        ("ghostnetv3_160", 12_377_778, 398_607_224),
        ("ghostnetv3_050:form=train", 3_395_384, 117_528_000),
        ("ghostnetv3_100:form=train", 8_129_028, 404_128_320),
    ],
)
def test_parameters_and_macs(name: str, params: int, macs: int) -> None:
    variant = parse(name)
    ledger = variant.ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == (params, macs)
    assert count(meta(variant.build)) == (params, macs)


@each_form
def test_counts_are_timms(form: NetworkForm) -> None:
    theirs = public(0.5)
    counted = theirs if form is NetworkForm.TRAIN else deployed(theirs)
    ledger = parse(f"ghostnetv3_050:form={form.value}").ledger((224, 224))
    assert count(counted.to("meta")) == (ledger.params().value, ledger.macs().value)


# fvcore's total and outputs of products, which timm's benchmark files state in 10⁹ and 10⁶.
@pytest.mark.parametrize(
    ("name", "fvcore", "activations"),
    [
        ("ghostnetv3_050", "0.05", "2.28"),
        ("ghostnetv3_100", "0.17", "4.55"),
        ("ghostnetv3_130", "0.28", "5.90"),
        ("ghostnetv3_160", "0.41", "7.23"),
    ],
)
def test_totals_are_timms(name: str, fvcore: str, activations: str) -> None:
    ledger = parse(name).ledger((224, 224))
    assert f"{ledger.flops('fvcore').value / 1e9:.2f}" == fvcore
    assert f"{ledger.activations().value / 1e6:.2f}" == activations


def test_it_trains() -> None:
    torch.manual_seed(0)
    assert_it_trains(ghostnetv3(0.1, 4, "train"), side=64, steps=12)


# --- the closed forms -----------------------------------------------------------------------------


@each_form
@settings(PROFILE, max_examples=1)
@given(WIDTHS, SHAPES, st.integers(1, 1200))
def test_network_agrees(
    form: NetworkForm, width: float, shape: tuple[int, ...], classes: int
) -> None:
    check(
        partial(closed.ghostnetv3, width=width, classes=classes, form=form),
        partial(ghostnetv3, width, classes, form.value),
        shape,
    )


@settings(PROFILE, max_examples=8)
@given(FORMS, st.integers(1, 8), st.integers(1, 8), st.integers(2, 9), st.booleans())
def test_module_agrees(
    form: NetworkForm, channels: int, half: int, side: int, attends: bool
) -> None:
    check(
        partial(_module, channels=2 * half, form=form, attends=attends),
        partial(GhostModule, channels, 2 * half, nn.Identity, attends=attends, form=form.value),
        (1, channels, side, 7),
    )


def _module(x, channels, form, attends):
    y = closed.branched_module(x, channels, form=form)
    return closed.gated(y, closed.dfc_attention(x, channels)) if attends else y


@pytest.mark.parametrize("name", ["ghostnetv3_050", "ghostnetv3_100:width=0.06,form=train"])
def test_the_code_traced_on_free_sizes_is_the_closed_form(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof.mismatches == ()
    assert proof
    assert proof.domain == "B ≥ 1; H, W ≥ 33"


def test_deployed_it_has_the_products_of_ghostnetv2() -> None:
    """With a bias where V2 has a norm, which has twice as many parameters."""
    v2, v3 = (record(network, (1, 3, 90, 65)) for network in (closed_v2, closed.ghostnetv3))
    kinds = (Kind.CONVOLUTION, Kind.LINEAR)
    first, second = (
        [(row.inputs, row.output) for row in ledger if row.kind in kinds] for ledger in (v2, v3)
    )
    assert sorted(first) == sorted(second)
    norms = [sum(row.kind is Kind.BATCH_NORM for row in ledger) for ledger in (v2, v3)]
    assert norms == [122, 54]


@each_form
def test_the_formula_in_the_width_equals_the_count(form: NetworkForm) -> None:
    name = f"ghostnetv3_130:form={form.value}"
    free = symbolic_ledger(name, ("width",))
    for width in (0.07, 1.0, 1.7):
        ledger = parse(f"{name},width={width}").ledger((70, 41))
        assert free.macs().formula.at(B=1, H=70, W=41, width=width) == ledger.macs().value
        assert free.params().formula.at(width=width) == ledger.params().value
    assert formula(name, "params", ("width",)).domain == "α > 0; H, W ≥ 33"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3, 32, 40), (1, 3, 40, 32)])
def test_inputs_whose_last_map_cannot_be_halved_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.ghostnetv3, shape)
    assert str(error.value) == (
        "size of an input whose 1/32 attention halves is 32, but must be at least 33"
    )
    with pytest.raises(RuntimeError):
        ghostnetv3(0.1).eval()(torch.zeros(shape))


def test_a_module_of_odd_channels_is_refused() -> None:
    with pytest.raises(OutsideDomain) as error:
        record(lambda x: closed.branched_module(x, 5, form=NetworkForm.DEPLOY), (1, 3, 8, 8))
    assert str(error.value) == "number of channels is 5, which 2 does not divide"


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("ghostnetv3_100:form=folded")
    assert str(error.value) == "unknown form 'folded'; known are train, deploy"
    with pytest.raises(UnknownName) as error:
        parse("ghostnetv3_100:recipe=timm")
    assert str(error.value) == (
        "unknown option of ghostnetv3_100 'recipe'; known are width, depth, classes, form"
    )
    with pytest.raises(ValueError) as refused:
        ghostnetv3(form="folded")
    assert str(refused.value) == "form must be 'train' or 'deploy', but 'folded' was given"
    with pytest.raises(ValueError) as refused:
        ghostnetv3(0)
    assert str(refused.value) == (
        "width must be a positive finite number such as 0.75, but 0 was given"
    )
