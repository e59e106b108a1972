"""WTConvNeXt: the reference layer against Haar's sums and differences, the networks against timm's
ConvNeXt with that layer in it, the closed forms against them."""

from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import layers, meta, state_shapes, timm
from torch import Tensor, nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement import FVCORE, agree
from flopscope.agreement.proof import prove, prove_variant
from flopscope.analytic import wtconvnext as closed
from flopscope.analytic.stages import Stages as ClosedStages
from flopscope.analytic.tape import record
from flopscope.analytic.wtconv import wtconv
from flopscope.answers.formula import formula
from flopscope.catalog.figures import published
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from flopscope.measured import measure
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from reference_models import wtconvnext
from reference_models.layers import Stages
from reference_models.wtconv import WTConv2d

IDS = ("wtconvnext_tiny", "wtconvnext_small", "wtconvnext_base")
SHALLOW = (1, 2, 1, 1)
sides = st.integers(32, 80)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
widths = st.tuples(*[st.integers(1, 16)] * 4)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(wtconvnext, id)(classes)


# --- the layer ------------------------------------------------------------------------------------


def split(x: Tensor) -> Tensor:
    """(B, C, H, W), even → (B, C, 4, H/2, W/2): sums and differences of each 2×2 patch, halved."""
    a, b = x[..., ::2, ::2], x[..., ::2, 1::2]
    c, d = x[..., 1::2, ::2], x[..., 1::2, 1::2]
    return torch.stack((a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d), 2) / 2


def joined(bands: Tensor) -> Tensor:
    """Its inverse, which is the same sums and differences."""
    means, vertical, across, diagonal = bands.unbind(2)
    patch = torch.stack(
        (
            means + vertical + across + diagonal,
            means + vertical - across - diagonal,
            means - vertical + across - diagonal,
            means - vertical - across + diagonal,
        ),
        dim=-1,
    )
    rows = patch.unflatten(-1, (2, 2)).div(2)  # (B, C, H, W, 2, 2)
    return rows.permute(0, 1, 2, 4, 3, 5).flatten(4, 5).flatten(2, 3)


class Plain(nn.Module):
    """The layer of BGU-CS-VIL/WTConv wtconv/wtconv2d.py, from level to level, without filters."""

    def __init__(self, layer: WTConv2d) -> None:
        super().__init__()
        self.layer = layer

    def level(self, x: Tensor, number: int) -> Tensor:
        """What the levels from `number` on give on the grid of x."""
        layer, (height, width) = self.layer, x.shape[2:]
        bands = split(nn.functional.pad(x, (0, width % 2, 0, height % 2)))
        mixed = layer.wavelet_convs[number](bands.flatten(1, 2))
        mixed = (mixed * layer.wavelet_scale[number].weight).view_as(bands).clone()
        if number + 1 < len(layer.wavelet_convs):
            mixed[:, :, 0] += self.level(bands[:, :, 0], number + 1)
        return joined(mixed)[:, :, :height, :width]

    def forward(self, x: Tensor) -> Tensor:
        base = self.layer.base_scale.weight * self.layer.base_conv(x)
        return base + self.level(x, 0)


def test_bands_are_put_together_again() -> None:
    x = torch.randn(2, 3, 6, 10)
    torch.testing.assert_close(joined(split(x)), x)


@torch.no_grad()
@settings(PROFILE, max_examples=15)
@given(
    st.integers(1, 5),
    st.sampled_from([1, 3, 5]),
    st.integers(1, 5),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_the_layer_is_haars(
    channels: int, kernel: int, levels: int, height: int, width: int
) -> None:
    torch.manual_seed(levels)
    layer = WTConv2d(channels, kernel, levels)
    for scale in (layer.base_scale, *layer.wavelet_scale):
        scale.weight.uniform_(0.5, 2)
    x = torch.randn(2, channels, height, width)
    torch.testing.assert_close(layer(x), Plain(layer)(x), rtol=1e-4, atol=1e-5)


def test_a_layer_that_passes_everything_on_gives_its_input_back() -> None:
    """Each level alone reconstructs: kernels 1 of weight 0 but at the first level, which copies."""
    layer = WTConv2d(2, 1, 3)
    with torch.no_grad():
        for convolution in (layer.base_conv, *layer.wavelet_convs):
            convolution.weight.zero_()
        layer.base_conv.bias.zero_()
        layer.wavelet_convs[0].weight.fill_(10)  # times the initial scale of 0.1
        x = torch.randn(1, 2, 9, 7)
        torch.testing.assert_close(layer(x), x)


def test_names_and_shapes_of_the_layer_are_the_authors() -> None:
    assert state_shapes(WTConv2d(6, 5, 2)) == {
        "wt_filter": (24, 1, 2, 2),
        "iwt_filter": (24, 1, 2, 2),
        "base_conv.weight": (6, 1, 5, 5),
        "base_conv.bias": (6,),
        "base_scale.weight": (1, 6, 1, 1),
        "wavelet_convs.0.weight": (24, 1, 5, 5),
        "wavelet_convs.1.weight": (24, 1, 5, 5),
        "wavelet_scale.0.weight": (1, 24, 1, 1),
        "wavelet_scale.1.weight": (1, 24, 1, 1),
    }
    layer = WTConv2d(6, 5, 2)
    assert [n for n, p in layer.named_parameters() if not p.requires_grad] == [
        "wt_filter",
        "iwt_filter",
    ]


@pytest.mark.parametrize("levels", [1, 2, 4, 6])
def test_the_layer_is_proved_for_every_number_of_levels(levels: int) -> None:
    batch, height, width = (symbol(name) for name in "BHW")
    ledger = record(lambda x: wtconv(x, 3, levels), (batch, 7, height, width))
    proof = prove(ledger, trace(WTConv2d(7, 3, levels), ("B", 7, "H", "W")).ledger)
    assert proof
    assert proof.domain == "B, H, W ≥ 1"
    assert "trainable parameters" in [total.name for total in proof.totals]


@settings(PROFILE, max_examples=10)
@given(
    st.integers(1, 6), st.sampled_from([1, 3, 5, 7]), st.integers(1, 5), st.integers(1, 30),
    st.integers(1, 30),
)  # fmt: skip
def test_every_witness_agrees_on_the_layer(
    channels: int, kernel: int, levels: int, height: int, width: int
) -> None:
    ledger = check(
        lambda x: wtconv(x, kernel, levels),
        lambda: WTConv2d(channels, kernel, levels),
        (2, channels, height, width),
    )
    assert ledger.params().value - ledger.trainable().value == 2 * 16 * channels


# --- the reference networks -----------------------------------------------------------------------


def public(id: str, classes: int = 1000, **changed: Any) -> nn.Module:
    """timm's ConvNeXt, as the authors change it: a wavelet convolution for each depthwise one."""
    stages = getattr(wtconvnext, id.removeprefix("wtconvnext_").upper())
    options = {"depths": stages.blocks, "dims": stages.channels, "drop_path_rate": stages.drop}
    from_timm = timm().models.convnext.ConvNeXt
    model = from_timm(num_classes=classes, kernel_sizes=5, **(options | changed))
    for stage, levels in zip(model.stages, wtconvnext.LEVELS, strict=True):
        for block in stage.blocks:
            block.conv_dw = WTConv2d(block.conv_dw.in_channels, 5, levels)
    return model


@pytest.mark.parametrize("id", IDS)
def test_names_shapes_and_rates_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    drops = [block.drop for block in layers(mine, wtconvnext.Block)]
    paths = [getattr(b.drop_path, "drop_prob", 0) for s in theirs.stages for b in s.blocks]
    assert drops == pytest.approx(paths, abs=1e-7)


@torch.no_grad()
def test_the_logits_are_timms() -> None:
    theirs = public("wtconvnext_tiny", 7, depths=SHALLOW)
    mine = wtconvnext.WTConvNeXt(wtconvnext.TINY._replace(blocks=SHALLOW), 7)
    for name, value in theirs.named_parameters():
        if value.requires_grad:
            value.normal_(1 if name.endswith("norm.weight") else 0, 0.05)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70), (97, 225)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        assert logits.std() > 0.01
        torch.testing.assert_close(mine.eval()(x), logits, rtol=1e-4, atol=1e-5)


def test_it_starts_as_the_authors_and_trains() -> None:
    torch.manual_seed(0)
    stages = Stages((8, 16, 24, 32), SHALLOW, 0.1)
    model = wtconvnext.WTConvNeXt(stages, 4)
    layer = model.stages[1].blocks[0].conv_dw
    scales = (layer.base_scale, *layer.wavelet_scale)
    starts = [1.0] + [0.1] * wtconvnext.LEVELS[1]
    assert [s.weight.unique().tolist() for s in scales] == [[pytest.approx(v)] for v in starts]
    assert 0.015 < layer.wavelet_convs[0].weight.std() < 0.025
    filters = layer.wt_filter.clone()
    assert_it_trains(model, side=64)
    assert torch.equal(layer.wt_filter, filters)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=8)
@given(widths, shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    channels: tuple[int, ...], shape: tuple[int, ...], classes: int
) -> None:
    first = ClosedStages(channels, SHALLOW)
    second = Stages(channels, SHALLOW)
    check(
        lambda x: closed.wtconvnext(x, first, classes=classes),
        lambda: wtconvnext.WTConvNeXt(second, classes),
        shape,
    )


@pytest.mark.parametrize("id", IDS)
def test_every_witness_agrees_on_the_published_ones(id: str) -> None:
    """At a size whose maps are odd in every stage, so that each level of each layer pads."""
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9), (1, 3, 61, 45))


@pytest.mark.parametrize("id", IDS)
def test_the_closed_form_is_the_traced_one_for_all_sizes(id: str) -> None:
    proof = prove_variant(parse(f"{id}:classes=3"))
    assert proof
    assert proof.domain == "B ≥ 1; H, W ≥ 32"


# All parameters are those of the authors' logs; their README has those with gradient alone.
@pytest.mark.parametrize(
    ("id", "stored", "trained", "gmacs"),
    [
        ("wtconvnext_tiny", 30_595_624, 30_383_656, 4.502),
        ("wtconvnext_small", 54_448_936, 54_015_784, 8.760),
        ("wtconvnext_base", 94_225_128, 93_647_592, 15.457),
    ],
)
def test_counts_are_the_published_ones(id: str, stored: int, trained: int, gmacs: float) -> None:
    ledger, module = parse(id).ledger((224, 224)), meta(ours, id)
    assert ledger.params().value == sum(p.numel() for p in module.parameters()) == stored
    assert ledger.trainable().value == trained
    assert trained == sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert round(ledger.macs().value / 1e9, 3) == gmacs
    figures = published(id, "wtconvnext", "", (224, 224))
    assert [f.params for f in figures if f.compute is None] == [str(stored)]


def test_fvcore_passes_over_the_authors_padding() -> None:
    """With padding="same", as they write it, the result is the same and fvcore counts nothing."""
    module = meta(ours, "wtconvnext_tiny")
    for layer in layers(module, WTConv2d):
        for convolution in (layer.base_conv, *layer.wavelet_convs):
            convolution.padding = "same"
    measured = measure(module, (1, 3, 224, 224))
    ledger = parse("wtconvnext_tiny").ledger((224, 224))
    assert ledger.macs().value - measured.fvcore.macs == 127_555_200
    assert {skip.operator for skip in measured.fvcore.skipped} == {"_convolution_mode"}
    agreement = agree(ledger, measured)
    assert agreement
    (total,) = [t for t in agreement.totals if t.name == "MACs"]
    assert total.not_counted == {FVCORE: "skipped _convolution_mode"}


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("wtconvnext_base", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 15_456_792_064
    assert exact.domain == "B, classes ≥ 1; H, W ≥ 32"
    assert formula("wtconvnext_tiny", "trainable").at() == 30_383_656


def test_odd_maps_are_filled_up_before_they_are_split() -> None:
    rows = record(lambda x: wtconv(x, 3, 2), (1, 4, 7, 6)).rows
    splits = [row.inputs[0] for row in rows if row.path.endswith("analysis")]
    assert splits == [(1, 4, 8, 6), (1, 4, 4, 4)]
    again = [row.output for row in rows if row.kind is Kind.TRANSPOSED_CONVOLUTION]
    assert again == [(1, 4, 4, 4), (1, 4, 8, 6)]


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((31, 64), "height of the input is 31, but must be at least 32"),
        ((64, 3), "width of the input is 3, but must be at least 32"),
    ],
)
def test_a_map_too_small_is_refused_in_one_sentence(size: tuple[int, int], message: str) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.wtconvnext_tiny, (1, 3, *size))
    assert str(error.value) == message


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("wtconvnext_tiny:rho=0.5")
    assert str(error.value) == (
        "unknown option of wtconvnext_tiny 'rho'; known are width, depth, classes"
    )
    with pytest.raises(OutsideDomain) as outside:
        record(lambda x: wtconv(x, 5, 0), (1, 4, 8, 8))
    assert str(outside.value) == "number of wavelet levels is 0, but must be at least 1"
    with pytest.raises(ValueError) as refused:
        WTConv2d(4, 5, 0)
    assert str(refused.value) == "levels must be a positive integer such as 5, but 0 was given"
    with pytest.raises(ValueError) as even:
        WTConv2d(4, 4, 1)
    assert str(even.value) == "kernel must be odd, such as 5, but 4 was given"
