"""PoolFormer: the reference networks against timm, the closed forms against them."""

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
from flopscope.analytic import poolformer as closed
from flopscope.analytic.stages import Stages as ClosedStages
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from flopscope.facts import Kind
from reference_models import poolformer
from reference_models.layers import Stages

IDS = tuple(f"poolformer_{size}" for size in ("s12", "s24", "s36", "m36", "m48"))
BLOCKS = (1, 2, 1, 1)
RECIPES = ("paper", "timm")
each_recipe = pytest.mark.parametrize("recipe", RECIPES)
sides = st.integers(3, 70)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
# Torch refuses to normalise a single element.
widths = st.lists(st.integers(2, 24), min_size=4, max_size=4, unique=True).map(tuple)


def ours(id: str, classes: int = 1000, recipe: str = "timm") -> nn.Module:
    return getattr(poolformer, id)(classes, recipe)


def public(id: str, classes: int = 1000, **options: float) -> nn.Module:
    return timm().create_model(id, num_classes=classes, **options)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_shapes_counts_and_rates_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert state_shapes(mine) == state_shapes(meta(ours, id, 1000, "paper"))
    for norm in (nn.GroupNorm, nn.LayerNorm):
        settings = [[(n.eps, getattr(n, "num_groups", 0)) for n in layers(m, norm)]
                    for m in (mine, theirs)]  # fmt: skip
        assert settings[0] == settings[1] != []
    ledger = parse(id).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(theirs)


@pytest.mark.parametrize("id", IDS)
def test_later_blocks_are_dropped_more_often_as_timm_does_it(id: str) -> None:
    drops = [block.drop for block in layers(meta(ours, id), poolformer.Block)]
    theirs = meta(partial(public, drop_path_rate=drops[-1]), id)
    rates = [m.drop_prob for m in theirs.modules() if type(m).__name__ == "DropPath"]
    assert rates == pytest.approx([rate for rate in drops[1:] for _ in range(2)], abs=1e-7)


@torch.no_grad()
@pytest.mark.parametrize("id", ["poolformer_s12", "poolformer_s36"])
def test_initial_weights_are_distributed_as_timms(id: str) -> None:
    """Biases, norms and layer scales are the same; torch draws other normal numbers than timm."""
    for a, b in zip(ours(id).parameters(), public(id).parameters(), strict=True):
        if a.dim() == 1:
            assert torch.equal(a, b)
        else:
            assert deviation(a) == pytest.approx(deviation(b), rel=0.05)
            assert abs(float(a.mean())) < 1e-3


@torch.no_grad()
def test_logits_are_timms() -> None:
    torch.manual_seed(5)
    mine, theirs = ours("poolformer_s12", 7).eval(), public("poolformer_s12", 7).eval()
    paper = ours("poolformer_s12", 7, "paper").eval()
    for value in theirs.parameters():
        value.normal_(0, 0.05)
    for network in (mine, paper):
        network.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70)):
        x = torch.randn(2, 3, *size)
        logits = theirs(x)
        assert logits.std() > 0.01
        assert torch.allclose(mine(x), logits, atol=1e-6)
        assert not torch.allclose(paper(x), logits, atol=1e-3)


@torch.no_grad()
def test_the_papers_recipe_normalises_the_map_before_its_mean() -> None:
    """One mean and one deviation for all channels and positions, written out."""
    network = ours("poolformer_s12", 5, "paper").eval()
    x = torch.randn(2, 3, 40, 70)
    last = network.stages(network.stem(x))
    mean = last.flatten(1).mean(1).view(-1, 1, 1, 1)
    deviation = (last.flatten(1).var(1, correction=0) + 1e-5).sqrt().view(-1, 1, 1, 1)
    expected = network.head["fc"](((last - mean) / deviation).mean((2, 3)))
    assert torch.allclose(network(x), expected, atol=1e-6)


@each_recipe
def test_it_trains(recipe: str) -> None:
    torch.manual_seed(0)
    stages = Stages((8, 16, 24, 32), BLOCKS, drop=0.1)
    assert_it_trains(poolformer.PoolFormer(stages, 0.1, 4, recipe), side=64)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=10)
@given(widths, shapes, st.integers(1, 1200), st.sampled_from(RECIPES))
def test_every_witness_agrees(
    channels: tuple[int, ...], shape: tuple[int, ...], classes: int, recipe: str
) -> None:
    first = ClosedStages(channels, BLOCKS)
    second = Stages(channels, BLOCKS)
    check(
        partial(closed.poolformer, stages=first, classes=classes, recipe=Recipe(recipe)),
        lambda: poolformer.PoolFormer(second, 1e-5, classes, recipe),
        shape,
    )


@pytest.mark.parametrize("id", IDS)
def test_every_witness_agrees_on_the_published_ones(id: str) -> None:
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9, "paper"), (2, 3, 57, 40))


# Parameters and MACs of timm 1.0.31 at 224; fvcore's total where it was computed.
@pytest.mark.parametrize(
    ("id", "params", "macs", "fvcore"),
    [
        ("poolformer_s12", 11_915_176, 1_812_267_008, None),
        ("poolformer_s36", 30_862_760, 4_972_150_784, 5_003_036_672),
        ("poolformer_m36", 56_172_520, 8_758_788_096, 8_801_730_048),
    ],
)
def test_parameters_and_macs(id: str, params: int, macs: int, fvcore: int | None) -> None:
    ledger = parse(f"{id}:recipe=timm").ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == (params, macs)
    assert fvcore is None or ledger.flops("fvcore").value == fvcore


@each_recipe
def test_the_closed_form_is_the_traced_one_for_all_sizes(recipe: str) -> None:
    proof = prove_variant(parse(f"poolformer_s12:classes=3,recipe={recipe}"))
    assert proof
    assert proof.domain == "B ≥ 1; H, W ≥ 3"


def test_its_block_is_the_module_for_all_sizes() -> None:
    assert [(str(case), bool(proof)) for case, proof in prove_block("poolformer_block")] == [
        ("poolformer_block where C_in ≠ 1", True)
    ]


def test_pooling_is_free_and_its_acts_are_those_inside_the_map() -> None:
    """Along a side of n, the n windows of 3 hold 3·n − 2 elements; the identity is taken off."""
    ledger = record(closed.poolformer_block, (2, 5, 7, 4))
    pool = ledger.filter(lambda row: row.kind is Kind.AVERAGE_POOL_INSIDE)
    assert (pool.macs().value, pool.flops("all").value) == (0, 2 * 5 * 19 * 10)
    assert formula("poolformer_block").at(B=2, C_in=5, H=7, W=4) == 2 * 7 * 4 * 8 * 5**2
    assert formula("poolformer_block", "params").at(C_in=5) == 8 * 5**2 + 11 * 5


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("poolformer_m48", "macs", ["classes"])
    at_225 = exact.at(B=1, H=225, W=225, classes=1000)
    assert at_225 == exact.at(B=1, H=224, W=226, classes=1000)
    assert exact.domain == "B, classes ≥ 1; H, W ≥ 3"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=2, W=224, classes=1000)
    given = "given: B=1, H=2, W=224, classes=1000"
    assert str(error.value) == f"outside the domain (H ≥ 3); {given}"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((2, 64), "height of the input is 2, but must be at least 3"),
        ((64, 1), "width of the input is 1, but must be at least 3"),
    ],
)
def test_a_map_too_small_is_refused_in_one_sentence(size: tuple[int, int], message: str) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.poolformer_s12, (1, 3, *size))
    assert str(error.value) == message
    with pytest.raises(RuntimeError):
        meta(ours, "poolformer_s12").eval()(torch.zeros(1, 3, *size, device="meta"))


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("poolformer_s12:recipe=torchvision")
    assert str(error.value) == "unknown recipe 'torchvision'; known are paper, timm"
    for options, message in (
        ((0, "paper"), "classes must be a positive integer such as 1000, but 0 was given"),
        ((9, "mean"), "recipe must be 'paper' or 'timm', but 'mean' was given"),
    ):
        with pytest.raises(ValueError) as refused:
            poolformer.poolformer_s12(*options)
        assert str(refused.value) == message
