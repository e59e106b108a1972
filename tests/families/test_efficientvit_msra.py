"""EfficientViT of Microsoft: the reference networks against timm, the closed forms against them."""

from functools import partial
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import assert_near, deviation, flops, layers, meta, settle, state_shapes, timm
from torch import Tensor, nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import efficientvit_msra as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula, known_model
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import efficientvit_msra

IDS = tuple(f"efficientvit_m{size}" for size in range(6))
KERNELS = (5, 3, 1, 3)
sides = st.integers(1, 130)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)


def widths(least: int) -> st.SearchStrategy[tuple[int, int]]:
    """Heads, and channels that they divide."""
    width = st.integers(least, 9)
    return st.integers(1, 3).flatmap(lambda h: width.map(lambda each: (h, h * each)))


# The stem's first convolution has an eighth of the channels.
rows = st.tuples(
    st.tuples(widths(8), widths(1), widths(1)), st.tuples(*[st.integers(1, 2)] * 3)
).map(lambda drawn: (tuple(c for _, c in drawn[0]), drawn[1], tuple(h for h, _ in drawn[0])))


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(efficientvit_msra, id)(classes=classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(id, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_shapes_and_counts_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for norm in (nn.BatchNorm2d, nn.BatchNorm1d):
        assert {n.eps for m in (mine, theirs) for n in layers(m, norm)} == {1e-5}
    ledger = parse(id).ledger((224, 224))
    assert ledger.macs().value == flops(theirs, 224, 224) // 2
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("size", [(131, 200), (384, 384)])
def test_counts_at_other_sizes_are_timms(size: tuple[int, int]) -> None:
    """Its network for 224, which fills maps up to whole windows."""
    theirs = meta(public, "efficientvit_m1")
    assert parse("efficientvit_m1").ledger(size).macs().value == flops(theirs, *size) // 2


@pytest.mark.parametrize("id", IDS)
@torch.no_grad()
def test_logits_are_timms(id: str) -> None:
    torch.manual_seed(5)
    theirs, mine = public(id, 7), ours(id, 7)
    for name, value in theirs.named_parameters():
        if name.endswith("attention_biases"):
            value.normal_()
    for norm in layers(theirs, nn.BatchNorm2d):
        nn.init.ones_(norm.weight)  # so that a branch which begins as 0 counts in the statistics
    settle(theirs)
    (last,) = layers(theirs, nn.BatchNorm1d)
    last.weight.uniform_(0.5, 1.5)
    last.running_mean.normal_(0, 0.3)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((224, 224), (120, 250), (64, 90)):  # the last is less than one window of 7×7
        x = torch.randn(2, 3, *size)
        assert_near(mine.eval()(x), theirs.eval()(x))


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    mine, theirs = (build(IDS[0]).state_dict() for build in (ours, public))
    for name, a in mine.items():
        gate = name.endswith(("fc1.bias", "fc2.bias"))
        if (a.dim() < 2 and not gate) or name.endswith("attention_biases"):
            assert torch.equal(a, theirs[name]), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(theirs[name]), rel=0.05), name


@torch.no_grad()
def test_a_head_attends_to_its_part_and_the_output_before_it() -> None:
    """Head by head and position by position, with a bias for each |Δrow|, |Δcolumn|."""
    torch.manual_seed(1)
    layer = efficientvit_msra.CascadedAttention(6, 2, 3, KERNELS).eval()
    layer.attention_biases.normal_()
    layer.proj = nn.Identity()
    x = torch.randn(1, 6, 3, 3)
    found, before = layer(x).reshape(2, 3, 9), torch.zeros(1, 3, 3, 3)
    for head in range(2):
        parts = layer.qkvs[head](x[:, 3 * head : 3 * head + 3] + before)
        queries = layer.dws[head](parts[:, :16]).reshape(16, 9)
        keys, values = parts[0, 16:32].reshape(16, 9), parts[0, 32:].reshape(3, 9)
        expected = torch.stack([attended(layer, head, n, queries, keys, values) for n in range(9)])
        torch.testing.assert_close(found[head], expected.T)
        before = expected.T.reshape(1, 3, 3, 3)


def attended(layer: nn.Module, head: int, n: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The weighted mean of the values for the query at position n of 3×3."""
    apart = [3 * abs(n // 3 - m // 3) + abs(n % 3 - m % 3) for m in range(9)]
    scores = k.T @ q[:, n] / 4 + layer.attention_biases[head, apart]
    return v @ scores.softmax(dim=0)


@torch.no_grad()
def test_windows_are_cut_from_a_map_filled_up_with_zeros() -> None:
    torch.manual_seed(2)
    layer = efficientvit_msra.WindowAttention(4, 2, 3, KERNELS).eval()
    x = torch.randn(1, 4, 5, 4)
    filled = torch.zeros(1, 4, 6, 6)
    filled[:, :, :5, :4] = x
    expected = torch.zeros_like(filled)
    for row in (0, 3):
        for column in (0, 3):
            window = (..., slice(row, row + 3), slice(column, column + 3))
            expected[window] = layer.attn(filled[window])
    torch.testing.assert_close(layer(x), expected[:, :, :5, :4])


def test_it_trains() -> None:
    torch.manual_seed(0)
    row = efficientvit_msra.Row((16, 16, 24), (1, 1, 1), (2, 2, 2), KERNELS)
    model = efficientvit_msra.efficientvit_m(row, 4)
    for norm in layers(model, nn.BatchNorm2d):
        nn.init.ones_(norm.weight)  # a branch that begins as 0 would not move at first
    assert_it_trains(model, side=64, steps=20)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=6)
@given(rows, shapes, st.integers(1, 1200))
def test_every_witness_agrees(row: tuple, shape: tuple[int, ...], classes: int) -> None:
    check(
        partial(closed.efficientvit_m, row=closed.Row(*row, KERNELS), classes=classes),
        lambda: efficientvit_msra.efficientvit_m(efficientvit_msra.Row(*row, KERNELS), classes),
        shape,
    )


def test_every_witness_agrees_on_a_published_one() -> None:
    check(partial(closed.efficientvit_m1, classes=9), partial(ours, "efficientvit_m1", 9),
          (2, 3, 57, 340))  # fmt: skip


# Computed from timm 1.0.31 at 224: parameters, MACs, outputs of products.
@pytest.mark.parametrize(
    ("id", "params", "macs", "activations"),
    [
        ("efficientvit_m0", 2_349_436, 79_193_600, 911_808),
        ("efficientvit_m3", 6_900_722, 262_662_208, 1_619_294),
        ("efficientvit_m5", 12_473_772, 521_583_104, 2_405_357),
    ],
)
def test_parameters_and_macs(id: str, params: int, macs: int, activations: int) -> None:
    ledger = parse(id).ledger((224, 224))
    found = (ledger.params(), ledger.macs(), ledger.activations())
    assert [reading.value for reading in found] == [params, macs, activations]


@pytest.mark.parametrize("id", IDS)
def test_the_closed_form_is_the_traced_one(id: str) -> None:
    proof = prove_variant(parse(f"{id}:classes=3"))
    assert proof
    assert (proof.pieces, proof.domain) == (1, "B, H, W ≥ 1")


def test_products_are_those_of_whole_windows() -> None:
    """H·n²·(16 + C/H) for each window of n positions: 2·3 windows of 7×7 for a map of 14×15."""
    for grid, side, count in (((14, 14), 7, 4), ((14, 15), 7, 6), ((3, 9), 4, 3)):
        ledger = record(partial(closed.window_attention, heads=3, side=side), (2, 15, *grid))
        products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
        assert products.macs().value == 2 * count * 3 * side**4 * (16 + 5)
        (table,) = ledger.filter(lambda row: row.kind is Kind.EMBEDDING)
        assert table.weights[0].shape == (3, side**2)


def test_windows_that_grow_with_the_maps_give_the_published_count_at_384() -> None:
    """1486M of arXiv 2401.16456, Table 2: windows of half the first stage's map and of the whole
    maps of the others, as at 224×224."""
    with patch.object(closed, "WINDOWS", (12, 12, 6)):
        assert record(closed.efficientvit_m5, (1, 3, 384, 384)).macs().value == 1_485_544_704


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("efficientvit_m5", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 521_583_104
    assert exact.at(B=1, H=512, W=512, classes=1000) == 2_679_881_888
    assert exact.domain == "B, H, W, classes ≥ 1"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=0, W=256, classes=1000)
    assert str(error.value) == "H=0 is outside the domain: H must be at least 1"


# --- bad input ------------------------------------------------------------------------------------


def test_channels_that_heads_do_not_divide_are_refused_in_one_sentence() -> None:
    with pytest.raises(OutsideDomain) as error:
        record(lambda x: closed.window_attention(x, 3, 7), (1, 64, 8, 8))
    assert str(error.value) == (
        "number of channels, to be divided among heads, is 64, which 3 does not divide"
    )


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("efficientvit_m1:width=0.5")
    assert str(error.value) == (
        "unknown option of efficientvit_m1 'width'; the only one is classes"
    )
    with pytest.raises(ValueError) as refused:
        efficientvit_msra.efficientvit_m0(classes=0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"


@pytest.mark.parametrize("read", [parse, known_model])
def test_a_name_of_two_families_says_what_tells_them_apart(read) -> None:
    with pytest.raises(UnknownName) as error:
        read("efficientvit")
    assert str(error.value).endswith(
        "efficientvit_m4 or efficientvit_m5? Those with b or l are MIT's (arXiv 2205.14756), those "
        "with m are Microsoft's (arXiv 2305.07027)"
    )
