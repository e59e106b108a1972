"""EfficientFormer: the reference networks against timm, the closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, deviation, layers, meta, state_shapes, timm
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.blocks import prove_block
from flopscope.agreement.proof import prove_variant
from flopscope.analytic import efficientformer as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import efficientformer

IDS = ("efficientformer_l1", "efficientformer_l3", "efficientformer_l7")
sides = st.integers(193, 224)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
widths = st.lists(st.integers(2, 16), min_size=4, max_size=4, unique=True).map(tuple)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(efficientformer, id)(classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(id, num_classes=classes)


def both_stages(
    channels: tuple[int, ...], attending: int
) -> tuple[closed.MixedStages, efficientformer.MixedStages]:
    blocks = (1, 2, 1, 3)
    return (
        closed.MixedStages(channels, (*blocks[:3], blocks[3] - attending), attending),
        efficientformer.MixedStages(channels, blocks, attending),
    )


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_shapes_and_counts_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for norm in (nn.BatchNorm2d, nn.LayerNorm):
        epsilons = [{n.eps for n in layers(m, norm)} for m in (mine, theirs)]
        assert epsilons == [{1e-5}, {1e-5}]
    ledger = parse(id).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(theirs)


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    """Biases, norms and layer scales are the same; torch draws other normal numbers than timm."""
    mine, theirs = (build("efficientformer_l1", 7).state_dict() for build in (ours, public))
    for name, a in mine.items():
        if a.dim() < 2 and "stem" not in name and "conv" not in name and "fc" not in name:
            assert torch.equal(a, theirs[name]), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(theirs[name]), rel=0.05), name


@torch.no_grad()
def test_logits_are_timms() -> None:
    torch.manual_seed(5)
    mine, theirs = ours("efficientformer_l3", 7), public("efficientformer_l3", 7)
    for value in theirs.parameters():
        value.normal_(0, 0.05)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((224, 224), (193, 210)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        assert logits.std() > 0.01
        assert torch.allclose(mine.eval()(x), logits, atol=1e-5)


def test_positions_are_the_distances_on_the_grid() -> None:
    """Of each pair of positions |Δrow|·7 + |Δcolumn|, pair by pair."""
    index = efficientformer.Attention(8).attention_bias_idxs
    for a in range(49):
        for b in range(49):
            rows, columns = abs(a // 7 - b // 7), abs(a % 7 - b % 7)
            assert index[a, b] == 7 * rows + columns


def test_it_trains() -> None:
    torch.manual_seed(0)
    _, stages = both_stages((8, 12, 16, 24), 2)
    assert_it_trains(efficientformer.EfficientFormer(stages, 4), side=193, steps=16)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=5)
@given(widths, st.integers(1, 3), shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    channels: tuple[int, ...], attending: int, shape: tuple[int, ...], classes: int
) -> None:
    first, second = both_stages(channels, attending)
    check(
        partial(closed.efficientformer, stages=first, classes=classes),
        lambda: efficientformer.EfficientFormer(second, classes),
        shape,
    )


@pytest.mark.parametrize("id", IDS)
def test_every_witness_agrees_on_the_published_ones(id: str) -> None:
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9), (1, 3, 210, 193))


# Computed from timm 1.0.31 at 224: parameters, MACs, outputs of products, fvcore's total.
@pytest.mark.parametrize(
    ("id", "params", "macs", "activations", "fvcore"),
    [
        ("efficientformer_l1", 12_289_928, 1_291_284_736, None, None),
        ("efficientformer_l3", 31_406_000, 3_906_573_312, 12_008_176, 3_929_353_216),
    ],
)
def test_parameters_and_macs(
    id: str, params: int, macs: int, activations: int | None, fvcore: int | None
) -> None:
    ledger = parse(id).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == (params, macs)
    assert activations is None or ledger.activations().value == activations
    assert fvcore is None or ledger.flops("fvcore").value == fvcore


def test_one_classifier_less_is_the_network_without_distillation() -> None:
    """Another known count: 11,840,928 parameters with one head."""
    ledger = parse("efficientformer_l1").ledger((224, 224))
    head = ledger.filter(lambda row: row.path == "head.distilled")
    assert ledger.params().value - head.params().value == 11_840_928


@pytest.mark.parametrize("id", ["efficientformer_l1", "efficientformer_l7"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(id: str) -> None:
    proof = prove_variant(parse(f"{id}:classes=3"))
    assert proof
    assert proof.domain == "B ≥ 1; H, W one of 193…224"


@pytest.mark.parametrize(
    ("block", "case"),
    [
        ("efficientformer_pooling", "efficientformer_pooling"),
        ("efficientformer_attention", "efficientformer_attention where H = 7, W = 7"),
    ],
)
def test_its_blocks_are_the_modules_for_all_sizes(block: str, case: str) -> None:
    assert [(str(case), bool(proof)) for case, proof in prove_block(block)] == [(case, True)]


def test_attention_is_8_heads_of_32_and_128_channels() -> None:
    """Products N²·(32 + 128) a head; the biases add 8·N² numbers and the table 8·49 parameters."""
    ledger = record(closed.attention_on_map, (2, 16, 7, 7))
    products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
    assert products.macs().value == 2 * 8 * 49**2 * (32 + 128)
    (bias,) = ledger.filter(lambda row: row.path.endswith(".mask"))
    assert bias.output == (2, 8, 49, 49)
    (table,) = ledger.filter(lambda row: row.kind is Kind.EMBEDDING)
    assert [weight.shape for weight in table.weights] == [(8, 49)]


def test_its_formula_is_free_in_classes_and_in_the_sizes_of_a_7x7_map() -> None:
    exact = formula("efficientformer_l1", "macs", ["classes"])
    assert exact.domain == "B, classes ≥ 1; H, W one of 193…224"
    assert exact.at(B=1, H=224, W=224, classes=1000) == 1_291_284_736
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=192, W=224, classes=1000)
    given = "given: B=1, H=192, W=224, classes=1000"
    assert str(error.value) == f"outside the domain (H one of 193…224); {given}"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "side", "number"),
    [((192, 224), "height", 192), ((225, 225), "height", 225), ((224, 256), "width", 256)],
)
def test_another_map_is_refused_in_one_sentence(
    size: tuple[int, int], side: str, number: int
) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.efficientformer_l1, (1, 3, *size))
    assert str(error.value) == (
        f"{side} of the input is {number}, but the attention biases are those of a 7×7 grid, a "
        "32nd of the input; give 193 to 224"
    )


@pytest.mark.parametrize(
    ("size", "grid"), [((192, 224), "6×7"), ((225, 225), "8×8"), ((32, 1568), "1×49")]
)
def test_the_module_refuses_it_too(size: tuple[int, int], grid: str) -> None:
    """Also 49 positions on another grid, which timm's takes for those of 7×7."""
    with pytest.raises(ValueError) as error:
        meta(ours, "efficientformer_l1").eval()(torch.zeros(1, 3, *size, device="meta"))
    assert str(error.value) == (
        f"the last map is {grid}, but the attention biases are those of a 7×7 grid; give an input "
        "of 193 to 224 a side"
    )


def test_a_block_on_another_map_is_refused_in_one_sentence() -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.attention_on_map, (1, 8, 7, 8))
    assert str(error.value) == (
        "a side of the map is 8, but the attention biases are those of a 7×7 grid"
    )


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("efficientformer_l1:rho=0.5")
    assert str(error.value) == (
        "unknown option of efficientformer_l1 'rho'; known are width, depth, classes"
    )
    with pytest.raises(ValueError) as refused:
        efficientformer.efficientformer_l1(0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
