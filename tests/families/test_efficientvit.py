"""EfficientViT of MIT: the reference networks against timm, the closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import layers, meta, settle, state_shapes, timm
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import efficientvit as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import efficientvit

IDS = tuple(f"efficientvit_{size}" for size in ("b0", "b1", "b2", "b3", "l1", "l2", "l3"))
SMALL = ((4, 4, 8, 8, 16), (1, 2, 1, 1, 1), 4, (8, 12))
sides = st.integers(1, 70)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
depths = st.integers(1, 2)
rows = st.builds(
    lambda heads, c, depths, head, last: (
        (c[0], c[1], c[2], head * heads[0], head * heads[1]),
        depths,
        head,
        last,
    ),
    heads=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    c=st.tuples(*[st.integers(1, 6)] * 3),
    depths=st.tuples(*[depths] * 5),
    head=st.integers(1, 5),
    last=st.tuples(st.integers(1, 9), st.integers(2, 9)),
)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(efficientvit, id)(classes=classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(id, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_and_shapes_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for norm in (nn.BatchNorm2d, nn.LayerNorm):
        epsilons = [{n.eps for n in layers(m, norm)} for m in (mine, theirs)]
        assert epsilons[0] == epsilons[1]


@pytest.mark.parametrize("id", IDS)
def test_counts_are_timms(id: str) -> None:
    theirs = meta(public, id).eval()
    with FlopCounterMode(display=False) as counter:
        theirs(torch.empty(1, 3, 200, 131, device="meta"))
    ledger = parse(id).ledger((200, 131))
    assert ledger.macs().value == counter.get_total_flops() // 2
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("id", ["efficientvit_b0", "efficientvit_l1"])
@torch.no_grad()
def test_logits_are_timms(id: str) -> None:
    torch.manual_seed(5)
    theirs, mine = public(id, 7), ours(id, 7)
    settle(theirs)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        spread = (logits[0] - logits[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(mine.eval()(x) / spread, logits / spread, rtol=0, atol=2e-4)


def test_it_trains() -> None:
    torch.manual_seed(0)
    row = efficientvit.Row(*SMALL)
    assert_it_trains(efficientvit.efficientvit_b(row, 4), side=64, steps=30)


@torch.no_grad()
def test_the_attention_is_the_quotient_of_two_sums() -> None:
    """Σ_j (q·k_j)·v_j over Σ_j q·k_j, pixel by pixel, in each head of each scale."""
    torch.manual_seed(1)
    layer = efficientvit.LinearAttention(efficientvit.SMALL, 6, 3).eval()
    layer.proj = nn.Identity()
    x = torch.randn(1, 6, 4, 5)
    parts = layer.qkv(x)
    scales = torch.cat([parts, layer.aggreg[0](parts)], dim=1).reshape(4, 9, 20)
    found = layer(x).reshape(4, 3, 20)
    for head in range(4):
        q, k, v = scales[head].relu()[:3], scales[head].relu()[3:6], scales[head][6:]
        weights = q.T @ k
        expected = (weights @ v.T) / (weights.sum(1, keepdim=True) + 1e-5)
        torch.testing.assert_close(found[head], expected.T)


# --- the closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["b", "l"])
@settings(PROFILE, max_examples=6)
@given(rows, shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    letter: str, row: tuple, shape: tuple[int, ...], classes: int
) -> None:
    name = f"efficientvit_{letter}"
    check(
        partial(getattr(closed, name), row=closed.Row(*row), classes=classes),
        lambda: getattr(efficientvit, name)(efficientvit.Row(*row), classes),
        shape,
    )


@pytest.mark.parametrize("id", ["efficientvit_b1", "efficientvit_l1"])
def test_every_witness_agrees_on_published_ones(id: str) -> None:
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9), (2, 3, 57, 40))


# Computed from timm 1.0.31: parameters, MACs, outputs of products.
@pytest.mark.parametrize(
    ("id", "params", "macs", "activations"),
    [
        ("efficientvit_b0", 3_410_008, 100_233_216, 2_873_800),
        ("efficientvit_b3", 48_646_056, 3_953_822_208, 26_897_288),
        ("efficientvit_l1", 52_654_088, 5_258_479_616, 15_846_184),
        ("efficientvit_l3", 246_037_288, 27_586_525_184, 39_158_504),
    ],
)
def test_parameters_and_macs(id: str, params: int, macs: int, activations: int) -> None:
    ledger = parse(id).ledger((224, 224))
    found = (ledger.params(), ledger.macs(), ledger.activations())
    assert [reading.value for reading in found] == [params, macs, activations]


@pytest.mark.parametrize("id", ["efficientvit_b0", "efficientvit_l1"])
def test_the_closed_form_is_the_traced_one(id: str) -> None:
    proof = prove_variant(parse(f"{id}:classes=3"))
    assert proof
    assert (proof.pieces, proof.domain) == (1, "B, H, W ≥ 1")


def test_products_of_attention_grow_with_the_pixels() -> None:
    """2·N·2·C·(d + 1) for N pixels and heads of d."""
    for grid, pixels in (((8, 8), 64), ((7, 5), 35)):
        ledger = record(lambda x: closed.linear_attention(x, 4), (2, 12, *grid))
        products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
        assert products.macs().value == 2 * 2 * pixels * 2 * 12 * 5


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("efficientvit_b1", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 519_214_592
    assert exact.domain == "B, H, W, classes ≥ 1"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=0, W=256, classes=1000)
    assert str(error.value) == "H=0 is outside the domain: H must be at least 1"


# --- bad input ------------------------------------------------------------------------------------


def test_a_width_that_heads_do_not_divide_is_refused_in_one_sentence() -> None:
    with pytest.raises(OutsideDomain) as error:
        record(lambda x: closed.linear_attention(x, 4), (1, 10, 8, 8))
    assert str(error.value) == "channels, in heads of this width, is 10, which 4 does not divide"


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("efficientvit_b1:width=0.5")
    assert str(error.value) == (
        "unknown option of efficientvit_b1 'width'; the only one is classes"
    )
    with pytest.raises(ValueError) as refused:
        efficientvit.efficientvit_b0(classes=0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
