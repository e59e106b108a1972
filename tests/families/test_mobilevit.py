"""MobileViT: the reference networks against timm, the closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import deviation, layers, meta, settle, state_shapes, timm
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.blocks import prove_block
from flopscope.agreement.proof import prove_variant
from flopscope.analytic import mobilevit as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula, symbolic_ledger
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import mobilevit

IDS = ("mobilevit_xxs", "mobilevit_xs", "mobilevit_s")
SMALL = (2, (4, 6, 8, 10, 12), (8, 12, 16), (1, 2, 1), 20)
sides = st.integers(1, 130)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
heads = st.integers(1, 4).map(lambda n: 4 * n)
rows = st.tuples(
    st.integers(2, 3),
    st.tuples(*[st.integers(2, 12)] * 5),
    st.tuples(heads, heads, heads),
    st.tuples(*[st.integers(1, 2)] * 3),
    st.integers(1, 20),
)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(mobilevit, id)(classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    """timm's, with attention in its products."""
    timm().layers.set_fused_attn(False)
    return timm().create_model(id, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_and_shapes_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for norm in (nn.BatchNorm2d, nn.LayerNorm):
        epsilons = [{n.eps for n in layers(m, norm)} for m in (mine, theirs)]
        assert epsilons == [{1e-5}, {1e-5}]


@pytest.mark.parametrize("size", [(256, 256), (225, 225), (224, 224), (200, 131)])
@pytest.mark.parametrize("id", IDS)
def test_counts_are_timms(id: str, size: tuple[int, int]) -> None:
    theirs = meta(public, id).eval()
    with FlopCounterMode(display=False) as counter:
        theirs(torch.empty(1, 3, *size, device="meta"))
    ledger = parse(id).ledger(size)
    assert ledger.macs().value == counter.get_total_flops() // 2
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    mine, theirs = ours("mobilevit_xxs", 300), public("mobilevit_xxs", 300)
    for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        if name.endswith("conv3_1x1.bn.weight"):  # timm's begin at 0 where there is a shortcut
            assert torch.equal(a, torch.ones_like(b)), name
        elif a.dim() == 1:
            assert torch.equal(a, b), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(b), rel=0.05), name


@torch.no_grad()
def test_logits_are_timms() -> None:
    """On maps that patches divide and on maps that they do not, which are resized both ways."""
    torch.manual_seed(5)
    theirs, mine = public("mobilevit_xxs", 7), ours("mobilevit_xxs", 7)
    settle(theirs)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70), (57, 64)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        spread = (logits[0] - logits[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(mine.eval()(x) / spread, logits / spread, rtol=0, atol=2e-4)


def test_a_sequence_holds_one_pixel_of_every_patch() -> None:
    """Pixel by pixel: sequence 2·i + j of an image is row i and column j of each patch."""
    x = torch.arange(2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
    unfolded = mobilevit._unfolded(x, 2, 3)
    for image, i, j, row, column in torch.cartesian_prod(
        *(torch.arange(n) for n in (2, 2, 2, 2, 3))
    ).tolist():
        tokens = unfolded[4 * image + 2 * i + j]
        assert torch.equal(tokens[3 * row + column], x[image, :, 2 * row + i, 2 * column + j])
    assert torch.equal(mobilevit._folded(unfolded, 2, 2, 3), x)


def test_it_trains() -> None:
    torch.manual_seed(0)
    stages = mobilevit.HybridStages(*SMALL)
    assert_it_trains(mobilevit.MobileViT(stages, 4), side=72, steps=30)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=10)
@given(rows, shapes, st.integers(1, 1200))
def test_every_witness_agrees(row: tuple, shape: tuple[int, ...], classes: int) -> None:
    check(
        partial(closed.mobilevit, stages=closed.HybridStages(*row), classes=classes),
        lambda: mobilevit.MobileViT(mobilevit.HybridStages(*row), classes),
        shape,
    )


@pytest.mark.parametrize("id", IDS)
def test_every_witness_agrees_on_the_published_ones(id: str) -> None:
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9), (2, 3, 57, 40))


# Computed from timm 1.0.31: parameters, MACs, outputs of products, fvcore's total.
@pytest.mark.parametrize(
    ("id", "side", "params", "macs", "activations", "fvcore"),
    [
        ("mobilevit_xs", 256, 2_317_848, 1_025_911_808, 16_334_824, 1_052_192_768),
        ("mobilevit_xs", 224, 2_317_848, 772_340_288, 12_137_944, 792_602_336),
        ("mobilevit_s", 256, 5_578_632, 2_000_831_488, 19_943_400, 2_033_424_384),
        ("mobilevit_s", 224, 5_578_632, 1_521_507_328, 14_935_320, 1_546_695_744),
    ],
)
def test_parameters_and_macs(
    id: str, side: int, params: int, macs: int, activations: int, fvcore: int
) -> None:
    ledger = parse(id).ledger((side, side))
    found = (ledger.params(), ledger.macs(), ledger.activations(), ledger.flops("fvcore"))
    assert [reading.value for reading in found] == [params, macs, activations, fvcore]


def test_the_closed_form_is_the_traced_one_in_each_of_27_ways() -> None:
    """Each of three maps is odd in height, or else odd in width, or even."""
    proof = prove_variant(parse("mobilevit_xxs:classes=3"))
    assert proof
    assert (proof.pieces, proof.domain) == (27, "B, H, W ≥ 1")


def test_its_block_is_the_module_in_every_parity() -> None:
    found = {str(case): bool(proof) for case, proof in prove_block("mobilevit_block")}
    assert found == {
        f"mobilevit_block where C_hid = 4·m, H = {height}, W = {width}": True
        for height in ("2·j", "2·k + 1")
        for width in ("2·n", "2·i + 1")
    }


@settings(PROFILE, max_examples=30)
@given(sides, sides)
def test_the_formula_of_odd_and_even_maps_is_the_count(height: int, width: int) -> None:
    """In fvcore's convention too, to which the resizings of odd maps belong."""
    free, ledger = symbolic_ledger("mobilevit_xxs"), parse("mobilevit_xxs").ledger((height, width))
    at = {"B": 1, "H": height, "W": width}
    for convention in ("macs", "fvcore", "all"):
        assert free.flops(convention).formula.at(**at) == ledger.flops(convention).value
    resized = [row.path for row in ledger if row.kind is Kind.RESIZE]
    odd = [any(-(-n // stride) % 2 for n in (height, width)) for stride in (8, 16, 32)]
    assert len(resized) == 2 * sum(odd)


def test_attention_products_grow_with_the_square_of_the_patches() -> None:
    """2·P·N²·d a layer, P = 4 pixels and N patches; an odd map has the patches of the next even."""
    block = partial(closed.mobilevit_block, width=16, layers=3)
    for grid, patches in (((8, 8), 16), ((7, 8), 16), ((7, 7), 16), ((5, 2), 3)):
        ledger = record(block, (2, 6, *grid))
        products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
        assert products.macs().value == 2 * 3 * 2 * 4 * patches**2 * 16


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("mobilevit_s", "macs", ["classes"])
    assert exact.at(B=1, H=256, W=256, classes=1000) == 2_000_831_488
    assert exact.domain == "B, H, W, classes ≥ 1"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=0, W=256, classes=1000)
    assert str(error.value) == "H=0 is outside the domain: H must be at least 1"


# --- bad input ------------------------------------------------------------------------------------


def test_a_width_that_heads_do_not_divide_is_refused_in_one_sentence() -> None:
    with pytest.raises(OutsideDomain) as error:
        record(partial(closed.mobilevit_block, width=10, layers=1), (1, 4, 8, 8))
    assert str(error.value) == (
        "width of the transformer, shared by its heads, is 10, which 4 does not divide"
    )


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("mobilevit_xs:rho=0.5")
    assert str(error.value) == (
        "unknown option of mobilevit_xs 'rho'; known are width, depth, classes"
    )
    with pytest.raises(ValueError) as refused:
        mobilevit.mobilevit_xs(0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
