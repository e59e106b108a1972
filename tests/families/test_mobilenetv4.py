"""MobileNetV4: the reference networks against timm, the closed forms against them."""

import importlib
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import deviation, layers, meta, settle, state_shapes, timm
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import mobilenetv4 as closed
from flopscope.analytic import mobilenetv4tables as tables
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.models import MODELS
from flopscope.catalog.names import TIMM
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Function, Kind
from reference_models import mobilenetv4
from reference_models.mobilenetv4blocks import Attention, Blur, LayerScale, Mean

IDS = tuple(id for id, model in MODELS.items() if model.family == "mobilenetv4")
NAMES = {name: text for name, text in TIMM.items() if name.startswith("mobilenetv4")}


def ours(id: str, classes: int = 1000, **options: Any) -> nn.Module:
    return getattr(mobilenetv4, id)(classes, **options)


def named(name: str, classes: int = 1000) -> nn.Module:
    """Ours by timm's name."""
    variant = parse(NAMES[name])
    given = {key: getattr(value, "value", value) for key, value in variant.options}
    return ours(variant.model.id, classes, **given)


def public(name: str, classes: int = 1000) -> nn.Module:
    """timm's, with attention in its products."""
    timm().layers.set_fused_attn(False)
    return timm().create_model(name, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_timms(name: str) -> None:
    mine, theirs = meta(named, name), meta(public, name)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert {norm.eps for m in (mine, theirs) for norm in layers(m, nn.BatchNorm2d)} == {1e-5}


@pytest.mark.parametrize(
    "id", ["conv_small", "hybrid_medium", "conv_aa_medium", "conv_blur_medium"]
)
@torch.no_grad()
def test_logits_are_timms(id: str) -> None:
    torch.manual_seed(5)
    name = f"mobilenetv4_{id}"
    theirs, mine = public(name, 7), ours(name, 7)
    for layer in (part for part in theirs.modules() if hasattr(part, "gamma")):
        layer.gamma.uniform_(0.5, 1.5)  # so that every block changes its input visibly
    settle(theirs)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 45, 70)
    logits = theirs.eval()(x)
    spread = (logits[0] - logits[1]).abs().max()
    assert spread > 0.01
    torch.testing.assert_close(mine.eval()(x) / spread, logits / spread, rtol=0, atol=1e-4)


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    mine, theirs = (build("mobilenetv4_hybrid_medium", 300) for build in (ours, public))
    for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        if a.dim() == 1:
            assert torch.equal(a, b), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(b), rel=0.05), name


def test_a_blur_is_the_mean_of_neighbours_by_their_nearness() -> None:
    x = torch.zeros(1, 2, 5, 6)
    x[0, 1, 2, 2] = 16
    expected = torch.zeros(1, 2, 3, 3)
    expected[0, 1, 1, 1] = 4
    assert torch.equal(Blur(2).of(x), expected)
    assert torch.equal(Blur(2).of(x.roll((1, 1), (2, 3)))[0, 1, 1:, 1:], torch.ones(2, 2))
    assert not Blur(2).state_dict()


@torch.no_grad()
def test_heads_share_keys_and_values() -> None:
    """The module against queries, keys and values summed position by position."""
    torch.manual_seed(1)
    layer, x = Attention(6, 2, 4, 2).eval(), torch.randn(1, 6, 3, 3)
    q, k, v = layer.query(x)[0].flatten(1), layer.key(x)[0].flatten(1), layer.value(x)[0].flatten(1)
    assert (q.shape, k.shape, v.shape) == ((8, 9), (4, 4), (4, 4))
    heads = torch.zeros(8, 9)
    for head in range(2):
        for position in range(9):
            query = q[4 * head : 4 * head + 4, position]
            weights = torch.softmax((query @ k) / 2, dim=0)
            heads[4 * head : 4 * head + 4, position] = v @ weights
    torch.testing.assert_close(layer(x), layer.output(heads.reshape(1, 8, 3, 3)))


@pytest.mark.parametrize("halve", [None, Mean, Blur])
def test_it_trains(halve: type[nn.Module] | None) -> None:
    torch.manual_seed(0)
    rows = (
        (mobilenetv4.Conv(8, 3, 2),),
        (mobilenetv4.Fused(8, 2),),
        (mobilenetv4.Uib(16, 3, 5, 2, 2), mobilenetv4.Mqa(16, 2, 4, 2), mobilenetv4.Uib(16, 0, 3)),
    )
    network = mobilenetv4.Network(8, rows, scaled=halve is None)
    model = mobilenetv4.MobileNetV4(network, 16, 24, 4, halve)
    for layer in layers(model, LayerScale):
        nn.init.ones_(layer.gamma)
    assert_it_trains(model, side=48)


# --- the closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["conv_small", "conv_blur_medium", "hybrid_medium"])
def test_every_witness_agrees_on_the_published_ones(id: str) -> None:
    """The last of them narrower and less deep."""
    name, scaled = f"mobilenetv4_{id}", {"width": 0.6, "depth": 0.5} if "hybrid" in id else {}
    form = partial(getattr(closed, name), classes=9, **scaled)
    check(form, partial(ours, name, 9, **scaled), (2, 3, 57, 40))


HALVED = {tables.Halving.STRIDE: None, tables.Halving.MEAN: Mean, tables.Halving.BLUR: Blur}
ACTIVATIONS = {Function.RELU: nn.ReLU, Function.GELU: nn.GELU}
kernels = st.sampled_from((0, 3, 5))
attentions = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 2))
blocks = st.tuples(kernels, kernels, st.integers(1, 4), st.none() | attentions)
styles = st.tuples(
    st.sampled_from(tuple(ACTIVATIONS)), st.booleans(), st.sampled_from(list(HALVED))
)
sides = st.integers(31, 80)


def drawn_rows(drawn: list[Any]) -> tuple[list[Any], list[Any]]:
    """Rows of both witnesses: a strided bottleneck, any bottleneck, attention if any, a stage."""
    first: list[Any] = [(tables.Conv(3, 8, s=2), tables.Conv(1, 16)), (tables.Fused(3, 4, 8, s=2),)]
    second: list[Any] = [(mobilenetv4.Conv(8, 3, 2), mobilenetv4.Conv(16, 1))]
    second.append((mobilenetv4.Fused(8, 2),))
    for number, (k1, k2, e, attention) in enumerate(drawn, start=1):
        c = 16 * number
        first.append((tables.Uib(k1, 3, e, c, s=2), tables.Uib(k1, k2, e, c)))
        second.append((mobilenetv4.Uib(c, k1, 3, e, 2), mobilenetv4.Uib(c, k1, k2, e)))
        if attention is not None:
            first[-1] += (tables.Mqa(*attention, c),)
            second[-1] += (mobilenetv4.Mqa(c, *attention),)
    return first, second


@settings(PROFILE, max_examples=8)
@given(
    st.lists(blocks, min_size=1, max_size=2),
    styles,
    st.tuples(st.integers(1, 2), st.just(3), sides, sides),
    st.integers(1, 1200),
)
def test_every_witness_agrees(
    drawn: list[Any], style: Any, shape: tuple[int, ...], classes: int
) -> None:
    function, scaled, halving = style
    first, second = map(tuple, drawn_rows(drawn))
    net = tables.Network(16, first, tables.Style(*style))
    other = mobilenetv4.Network(16, second, ACTIVATIONS[function], scaled)
    check(
        partial(closed.mobilenetv4, network=net, classes=classes),
        lambda: mobilenetv4.mobilenetv4(other, classes, halve=HALVED[halving]),
        shape,
    )


# Computed from timm 1.0.31 at the published size: parameters, MACs.
COUNTS = {
    "conv_small": (3_774_024, 186_005_568),
    "conv_medium": (9_715_512, 1_080_244_224),
    "conv_large": (32_590_864, 6_376_220_672),
    "hybrid_medium": (11_074_648, 1_271_183_360),
    "hybrid_large": (37_764_624, 7_711_877_120),
    "conv_aa_medium": (9_715_512, 1_561_798_656),
    "conv_aa_large": (32_590_864, 7_007_590_400),
    "conv_blur_medium": (9_715_512, 1_202_577_600),
}


@pytest.mark.parametrize("id", IDS)
def test_parameters_and_macs(id: str) -> None:
    variant = parse(id)
    ledger = variant.ledger(variant.resolution())
    found = (ledger.params().value, ledger.macs().value)
    assert found == COUNTS[id.removeprefix("mobilenetv4_")]


@pytest.mark.parametrize("id", ["conv_small", "hybrid_medium", "conv_aa_medium"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(id: str) -> None:
    assert prove_variant(parse(f"mobilenetv4_{id}:classes=3"))


@pytest.mark.parametrize(("width", "depth"), [(0.6, 1.3), (1.3, 0.4), (1.0, 2.1)])
@pytest.mark.parametrize("id", ["conv_medium", "hybrid_large"])
def test_widths_and_depths_are_timms(id: str, width: float, depth: float) -> None:
    """timm's builder with a depth multiplier, as for other families, but not of the last stage."""
    timm()
    source = importlib.import_module("timm.models.mobilenetv3")
    decode = source.decode_arch_def

    def deeper(rows: list[list[str]], **options: Any) -> list[Any]:
        return [*decode(rows[:-1], depth, **options), *decode(rows[-1:], **options)]

    name = f"mobilenetv4_{id}"
    with patch.object(source, "decode_arch_def", deeper):
        theirs = meta(lambda: source._gen_mobilenet_v4(name, width, num_classes=7))
    mine = meta(lambda: ours(name, 7, width=width, depth=depth, recipe="timm"))
    assert state_shapes(mine) == state_shapes(theirs)


@pytest.mark.parametrize(
    ("width", "stem", "last", "head"),
    [(0.5, 16, 480, 1280), (1, 32, 960, 1280), (2, 64, 1920, 2560)],
)
def test_the_paper_scales_the_stem_always_and_the_head_above_1(
    width: float, stem: int, last: int, head: int
) -> None:
    """As filter_size_scale in the authors' mobilenet.py."""
    network: Any = meta(lambda: ours("mobilenetv4_conv_small", 9, width=width))
    found = network.conv_stem.out_channels, network.conv_head.in_channels
    assert (*found, network.conv_head.out_channels) == (stem, last, head)


def test_products_grow_with_positions_and_smaller_positions() -> None:
    """2·B·N·M·h·d: N positions, M of the map of keys, which is as large without a stride."""
    for grid, stride, n, m in (((8, 8), 2, 64, 16), ((7, 5), 2, 35, 12), ((7, 5), 1, 35, 35)):
        ledger = record(partial(closed.mobile_mqa, heads=3, d=5, stride=stride), (2, 6, *grid))
        products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
        assert products.macs().value == 2 * 2 * n * m * 3 * 5


def test_its_formula_is_free_in_width_classes_and_sizes() -> None:
    exact = formula("mobilenetv4_conv_small", "params", ["width", "classes"])
    assert exact.at(width=1, classes=1000) == 3_774_024
    macs = formula("mobilenetv4_conv_aa_large", "macs", ["classes"])
    assert macs.at(B=1, H=384, W=384, classes=1000) == 7_007_590_400
    assert macs.domain == "B, classes ≥ 1; H, W ≥ 31"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((30, 64), "height of the input is 30, but must be at least 31"),
        ((64, 3), "width of the input is 3, but must be at least 31"),
    ],
)
def test_a_map_that_means_would_empty_is_refused_in_one_sentence(
    size: tuple[int, int], message: str
) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.mobilenetv4_conv_aa_medium, (1, 3, *size))
    assert str(error.value) == message
    network = ours("mobilenetv4_conv_aa_medium", 3).eval()
    with pytest.raises(RuntimeError, match="Output size is too small"), torch.no_grad():
        network(torch.zeros(1, 3, *size))
    assert record(closed.mobilenetv4_conv_aa_medium, (1, 3, 31, 31)).macs().value > 0


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("mobilenetv4_conv_small:rho=0.5")
    assert str(error.value) == (
        "unknown option of mobilenetv4_conv_small 'rho'; known are width, depth, classes, recipe"
    )
    with pytest.raises(UnknownName) as error:
        parse("mobilenetv4_conv_small:recipe=torchvision")
    assert str(error.value) == "unknown recipe 'torchvision'; known are paper, timm"
    with pytest.raises(ValueError) as refused:
        mobilenetv4.mobilenetv4_conv_small(0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
    with pytest.raises(ValueError) as refused:
        mobilenetv4.mobilenetv4_conv_small(recipe="keras")
    assert str(refused.value) == "recipe must be 'paper' or 'timm', but 'keras' was given"
