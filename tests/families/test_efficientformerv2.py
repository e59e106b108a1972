"""EfficientFormerV2: the reference networks against timm, the closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import deviation, flops, layers, meta, state_shapes, timm
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import efficientformerv2 as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import distanceattention, efficientformerv2

IDS = tuple(f"efficientformerv2_{size}" for size in ("s0", "s1", "s2", "l"))
sides = st.integers(209, 224)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
coefficients = st.integers(5, 105).map(lambda percent: percent / 100)
each_id = pytest.mark.parametrize("id", IDS)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(efficientformerv2, id)(classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(id, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@each_id
def test_names_shapes_and_counts_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    epsilons = [{n.eps for n in layers(m, nn.BatchNorm2d)} for m in (mine, theirs)]
    assert epsilons == [{1e-5}, {1e-5}]
    ledger = parse(id).ledger((224, 224))
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())
    assert ledger.macs().value == flops(theirs, 224, 224) // 2


@each_id
def test_blocks_are_dropped_as_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    paths = [
        getattr(b.drop_path2, "drop_prob", 0.0) for stage in theirs.stages for b in stage.blocks
    ]
    drops = [block.drop for block in layers(mine, efficientformerv2.Block)]
    assert drops == pytest.approx(paths)


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    """Biases of linear layers, norms and factors are the same; the others are drawn anew."""
    mine, theirs = (build(IDS[0], 7).state_dict() for build in (ours, public))
    for name, a in mine.items():
        drawn = "conv" in name or "local" in name or "talking" in name
        if (a.dim() < 2 and not drawn) or name.endswith("attention_biases"):
            assert torch.equal(a, theirs[name]), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(theirs[name]), rel=0.05), name


@torch.no_grad()
def test_logits_are_timms() -> None:
    torch.manual_seed(5)
    mine, theirs = ours(IDS[0], 7), public(IDS[0], 7)
    for value in theirs.parameters():
        value.normal_(0, 0.1)
    for norm in layers(theirs, nn.BatchNorm2d):
        norm.running_mean.normal_(0, 0.2)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 1.5)
    for name, value in theirs.named_parameters():
        if name.endswith("gamma"):
            value.uniform_(0.5, 1)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((224, 224), (209, 215)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        spread = (logits[0] - logits[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(mine.eval()(x) / spread, logits / spread, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("side", "step"), [(7, 1), (14, 2), (5, 2)])
def test_positions_are_the_distances_on_the_grid(side: int, step: int) -> None:
    """Of each query and key |Δrow|·side + |Δcolumn|, pair by pair."""
    index = distanceattention._distances(side, step)
    queries = range(0, side, step)
    assert index.shape == (len(queries) ** 2, side**2)
    for number, (row, column) in enumerate((r, c) for r in queries for c in queries):
        for key in range(side**2):
            rows, columns = abs(row - key // side), abs(column - key % side)
            assert index[number, key] == side * rows + columns


def test_it_trains() -> None:
    torch.manual_seed(0)
    row, attends = efficientformerv2.Row(2, False), efficientformerv2.Row(2, True)
    sizes = efficientformerv2.Sizes((8, 8, 8, 16), ((row,), (row,), (attends,), (row, attends)))
    assert_it_trains(efficientformerv2.EfficientFormerV2(sizes, 4), side=209, steps=16)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=2)
@given(st.sampled_from(IDS), coefficients, coefficients, shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    id: str, width: float, depth: float, shape: tuple[int, ...], classes: int
) -> None:
    options = {"width": width, "depth": depth, "classes": classes}
    first, second = (partial(getattr(file, id), **options) for file in (closed, efficientformerv2))
    check(first, second, shape)


def test_every_witness_agrees_on_a_published_one() -> None:
    check(closed.efficientformerv2_s0, efficientformerv2.efficientformerv2_s0, (1, 3, 210, 224))


# Computed from timm 1.0.31 at 224: parameters, MACs, outputs of products, fvcore's total.
@pytest.mark.parametrize(
    ("id", "params", "macs", "activations", "fvcore"),
    [
        ("efficientformerv2_s0", 3_600_256, 395_892_544, 5_300_272, 407_036_320),
        ("efficientformerv2_s1", 6_185_560, 651_969_640, 7_655_800, 667_826_824),
        ("efficientformerv2_s2", 12_710_112, 1_246_863_952, 11_770_624, 1_271_697_936),
        ("efficientformerv2_l", 26_322_288, 2_552_546_880, 18_542_032, 2_591_671_616),
    ],
)
def test_parameters_and_macs(
    id: str, params: int, macs: int, activations: int, fvcore: int
) -> None:
    ledger = parse(id).ledger((224, 224))
    found = (ledger.params(), ledger.macs(), ledger.activations(), ledger.flops("fvcore"))
    assert [reading.value for reading in found] == [params, macs, activations, fvcore]


def test_the_closed_form_is_the_traced_one_for_all_sizes() -> None:
    proof = prove_variant(parse("efficientformerv2_s2:depth=0.5,classes=3"))
    assert proof
    assert proof.domain == "B ≥ 1; H, W one of 209…224"


def test_depth_shares_the_blocks_of_a_stage_among_its_runs() -> None:
    """At 1.5 the third stage of S0 has 9 blocks: 4 4, 3 3 3 3, and 4 4 4, which attend."""
    ledger = parse("efficientformerv2_s0:depth=1.5").ledger((224, 224))
    hidden = [
        (row.path.split(".")[1], row.output[1] // 96)
        for row in ledger
        if row.path.startswith("stage3.block") and row.path.endswith(".expand")
    ]
    assert [ratio for _, ratio in hidden] == [4, 4, 3, 3, 3, 3, 4, 4, 4]
    scores = [row.path for row in ledger if row.path.endswith(".attention.scores")]
    attending = [path for path in scores if path.startswith("stage3.block")]
    assert attending == [f"stage3.block{number}.attention.scores" for number in (7, 8, 9)]


def test_attention_is_of_49_positions_and_of_49_to_196() -> None:
    """Products n·m·(d + 4·d) a head, n queries and m keys of d channels; a table of m distances."""
    blocks = (((14, 14), True), ((7, 7), False))
    for grid, strided in blocks:
        ledger = record(partial(closed.attention, strided=strided), (2, 16, *grid))
        products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
        assert products.macs().value == 2 * 8 * 49 * 49 * (32 + 128)
        (table,) = ledger.filter(lambda row: row.kind is Kind.EMBEDDING)
        assert table.weights[0].shape == (8, 49)
        assert ledger.rows[-1].output == (2, 16, *grid)
    ledger = record(partial(closed.halved, channels=24, attends=True), (2, 16, 14, 14))
    products = ledger.filter(lambda row: row.kind is Kind.MATMUL)
    assert products.macs().value == 2 * 8 * 49 * 196 * (16 + 64)
    (table,) = ledger.filter(lambda row: row.kind is Kind.EMBEDDING)
    assert table.weights[0].shape == (8, 196)


def test_its_formula_is_free_in_classes_and_in_the_sizes_of_a_14x14_map() -> None:
    exact = formula("efficientformerv2_s0", "macs", ["classes"])
    assert exact.domain == "B, classes ≥ 1; H, W one of 209…224"
    assert exact.at(B=1, H=224, W=224, classes=1000) == 395_892_544
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=208, W=224, classes=1000)
    given = "given: B=1, H=208, W=224, classes=1000"
    assert str(error.value) == f"outside the domain (H one of 209…224); {given}"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "side", "number"),
    [((208, 224), "height", 208), ((225, 225), "height", 225), ((224, 256), "width", 256)],
)
def test_another_map_is_refused_in_one_sentence(
    size: tuple[int, int], side: str, number: int
) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.efficientformerv2_s0, (1, 3, *size))
    assert str(error.value) == (
        f"{side} of the input is {number}, but the attention biases are those of a 14×14 grid, a "
        "16th of the input; give 209 to 224"
    )


@pytest.mark.parametrize(
    ("size", "grid"), [((208, 224), "13×14"), ((225, 225), "15×15"), ((112, 448), "7×28")]
)
def test_the_module_refuses_it_too(size: tuple[int, int], grid: str) -> None:
    """Also as many positions on another grid."""
    with pytest.raises(ValueError) as error:
        meta(ours, IDS[0]).eval()(torch.zeros(1, 3, *size, device="meta"))
    assert str(error.value) == (
        f"the third map is {grid}, but the attention biases are those of a 14×14 grid; give an "
        "input of 209 to 224 a side"
    )


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("efficientformerv2_l:rho=0.5")
    assert str(error.value) == (
        "unknown option of efficientformerv2_l 'rho'; known are width, depth, classes"
    )
    with pytest.raises(ValueError) as refused:
        efficientformerv2.efficientformerv2_l(0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
    with pytest.raises(ValueError) as shallow:
        efficientformerv2.efficientformerv2_l(depth=0)
    assert str(shallow.value) == (
        "depth must be a positive finite number such as 0.75, but 0 was given"
    )
