"""MobileViTv2: the reference networks against timm, the closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import deviation, flops, layers, meta, settle, state_shapes, timm
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import mobilevitv2 as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula, symbolic_ledger
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import mobilevitv2

IDS = tuple(id for id, model in MODELS.items() if model.family == "mobilevitv2")
sides = st.integers(1, 100)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
coefficients = st.integers(5, 105).map(lambda percent: percent / 100)
each_id = pytest.mark.parametrize("id", IDS)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(mobilevitv2, id)(classes=classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(id, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


def test_there_is_a_model_for_each_width_that_has_weights() -> None:
    assert list(IDS) == timm().list_models("mobilevitv2_*")
    assert len(IDS) == 7


@each_id
def test_names_shapes_and_counts_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for norm in (nn.BatchNorm2d, nn.GroupNorm):
        epsilons = [{n.eps for n in layers(m, norm)} for m in (mine, theirs)]
        assert epsilons == [{1e-5}, {1e-5}]
    ledger = parse(id).ledger((256, 256))
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())
    assert ledger.macs().value == flops(theirs, 256, 256) // 2


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    mine, theirs = ours("mobilevitv2_050", 300), public("mobilevitv2_050", 300)
    for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        if name.endswith("conv3_1x1.bn.weight"):  # timm's begin at 0 where there is a shortcut
            assert torch.equal(a, torch.ones_like(b)), name
        elif a.dim() == 1:
            assert torch.equal(a, b), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(b), rel=0.05), name


@torch.no_grad()
def test_logits_are_timms() -> None:
    """On maps that patches divide and on maps that they do not, which are enlarged."""
    torch.manual_seed(5)
    theirs, mine = public("mobilevitv2_050", 7), ours("mobilevitv2_050", 7)
    settle(theirs)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70), (57, 64)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        spread = (logits[0] - logits[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(mine.eval()(x) / spread, logits / spread, rtol=0, atol=1e-4)


@torch.no_grad()
def test_separable_attention_is_its_equation() -> None:
    """y = W_O (relu(v_j) · Σ_i softmax(q)_i k_i), token by token: section 3.2."""
    torch.manual_seed(2)
    attention = mobilevitv2.SeparableAttention(3)
    x = torch.randn(2, 3, 4, 5)
    q, k, v = attention.qkv_proj(x).split((1, 3, 3), dim=1)
    expected = torch.zeros(2, 3, 4, 5)
    for image, pixel in torch.cartesian_prod(torch.arange(2), torch.arange(4)).tolist():
        weights = q[image, 0, pixel].exp() / q[image, 0, pixel].exp().sum()
        context = sum(weights[i] * k[image, :, pixel, i] for i in range(5))
        for j in range(5):
            mixed = v[image, :, pixel, j].clamp(min=0) * context
            projection = attention.out_proj.weight[:, :, 0, 0] @ mixed
            expected[image, :, pixel, j] = projection + attention.out_proj.bias
    torch.testing.assert_close(attention(x), expected, rtol=1e-4, atol=1e-5)


def test_a_row_of_tokens_holds_one_pixel_of_every_patch() -> None:
    """Row 2·i + j of a channel is row i and column j of each patch."""
    x = torch.arange(2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
    unfolded = mobilevitv2._unfolded(x, 2, 3)
    for i, j, row, column in torch.cartesian_prod(
        *(torch.arange(n) for n in (2, 2, 2, 3))
    ).tolist():
        tokens = unfolded[:, :, 2 * i + j, 3 * row + column]
        assert torch.equal(tokens, x[:, :, 2 * row + i, 2 * column + j])
    assert torch.equal(mobilevitv2._folded(unfolded, 2, 3), x)


def test_it_trains() -> None:
    torch.manual_seed(0)
    stages = mobilevitv2.SeparableStages(4, (4, 6, 8, 10, 12), (1, 1), (8, 12, 16), (1, 1, 1))
    assert_it_trains(mobilevitv2.MobileViTv2(stages, 4), side=72, steps=20)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=2)
@given(coefficients, coefficients, shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    width: float, depth: float, shape: tuple[int, ...], classes: int
) -> None:
    options = {"width": width, "depth": depth, "classes": classes}
    check(
        partial(closed.mobilevitv2, **options),
        partial(mobilevitv2.mobilevitv2, **options),
        shape,
    )


def test_every_witness_agrees_on_a_published_one() -> None:
    check(closed.mobilevitv2_050, mobilevitv2.mobilevitv2_050, (2, 3, 57, 40))


# Computed from timm 1.0.31: MACs and fvcore's total.
@pytest.mark.parametrize(
    ("id", "side", "params", "macs", "fvcore"),
    [
        ("mobilevitv2_050", 256, 1_370_593, 464_594_944, 480_471_040),
        ("mobilevitv2_100", 256, 4_901_841, 1_812_090_880, 1_843_843_072),
        ("mobilevitv2_200", 384, 18_449_329, 16_099_237_888, 16_242_122_752),
    ],
)
def test_parameters_and_macs(id: str, side: int, params: int, macs: int, fvcore: int) -> None:
    ledger = parse(id).ledger((side, side))
    found = (ledger.params(), ledger.macs(), ledger.flops("fvcore"))
    assert [reading.value for reading in found] == [params, macs, fvcore]


@pytest.mark.parametrize(
    ("width", "stem"), [(0.05, 16), (0.5, 16), (0.6, 24), (1.99, 64), (2, 64), (3, 64)]
)
def test_the_stem_has_16_to_64_channels(width: float, stem: int) -> None:
    """As config/mobilevit_v2.py in apple/ml-cvnets bounds it."""
    assert mobilevitv2.mobilevitv2(width, 1).stem.conv.out_channels == stem
    ledger = record(partial(closed.mobilevitv2, width=width), (1, 3, 32, 32))
    assert ledger.rows[0].output[1] == stem
    exact = formula("mobilevitv2_100", "params", ["width"])
    assert exact.at(width=width) == ledger.params().value


def test_the_closed_form_is_the_traced_one_in_each_of_27_ways() -> None:
    """Each of three maps is odd in height, or else odd in width, or even."""
    proof = prove_variant(parse("mobilevitv2_050:depth=0.2,classes=3"))
    assert proof
    assert (proof.pieces, proof.domain) == (27, "B, H, W ≥ 1")


@settings(PROFILE, max_examples=20)
@given(sides, sides)
def test_the_formula_of_odd_and_even_maps_is_the_count(height: int, width: int) -> None:
    """In fvcore's convention too, to which the enlarging of odd maps belongs."""
    free = symbolic_ledger("mobilevitv2_050")
    ledger = parse("mobilevitv2_050").ledger((height, width))
    at = {"B": 1, "H": height, "W": width}
    for convention in ("macs", "fvcore", "all"):
        assert free.flops(convention).formula.at(**at) == ledger.flops(convention).value
    resized = [row.path for row in ledger if row.kind is Kind.RESIZE]
    odd = [any(-(-n // stride) % 2 for n in (height, width)) for stride in (8, 16, 32)]
    assert len(resized) == sum(odd)


def test_attention_is_linear_in_the_patches() -> None:
    """d·(2·d + 1) + d² a token, of which an odd map has as many as the next even one; no product of
    tokens with each other."""
    block = partial(closed.mobilevitv2_block, width=16, layers=3)
    for grid, tokens in (((8, 8), 64), ((7, 8), 64), ((7, 7), 64), ((5, 2), 12)):
        ledger = record(block, (2, 6, *grid))
        assert not any(row.kind is Kind.MATMUL for row in ledger)
        attention = ledger.filter(lambda row: ".attention." in row.path)
        assert attention.macs().value == 2 * 3 * tokens * (16 * 33 + 16 * 16)


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("mobilevitv2_100", "macs", ["classes"])
    assert exact.at(B=1, H=256, W=256, classes=1000) == 1_812_090_880
    assert exact.domain == "B, H, W, classes ≥ 1"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=0, W=256, classes=1000)
    assert str(error.value) == "H=0 is outside the domain: H must be at least 1"


# --- bad input ------------------------------------------------------------------------------------


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("mobilevitv2_075:rho=0.5")
    assert str(error.value) == (
        "unknown option of mobilevitv2_075 'rho'; known are width, depth, classes"
    )
    with pytest.raises(ValueError) as refused:
        mobilevitv2.mobilevitv2_075(classes=0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
    with pytest.raises(ValueError) as narrow:
        mobilevitv2.mobilevitv2(-1)
    assert str(narrow.value) == (
        "width must be a positive finite number such as 0.75, but -1 was given"
    )
