"""FastViT: the reference networks against timm's, deployed forms against training forms, closed
forms against both."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import assert_near, layers, meta, state_shapes, stirred, timm
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import fastvit as closed
from flopscope.analytic.switches import NetworkForm
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from reference_models import fastvit
from reference_models.layers import Stages
from reference_models.mobileone import fold

IDS = tuple(f"fastvit_{size}" for size in ("t8", "t12", "s12", "sa12", "sa24", "sa36", "ma36"))
FORMS = tuple(form.value for form in NetworkForm)
each_id = pytest.mark.parametrize("id", IDS)
each_form = pytest.mark.parametrize("form", FORMS)
sides = st.integers(1, 70)


def ours(id: str, form: str = "train", classes: int = 1000) -> nn.Module:
    return getattr(fastvit, id)(form, classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    timm().layers.set_fused_attn(False)
    return timm().create_model(id, num_classes=classes)


def deployed(model: nn.Module) -> nn.Module:
    """timm's own folding."""
    return timm().utils.reparameterize_model(model)


# --- the reference networks -----------------------------------------------------------------------


@each_id
def test_names_shapes_and_counts_are_timms(id: str) -> None:
    """Both ways: timm's state dict loads here, and timm's conversion of the authors' names makes
    ours its own."""
    mine, theirs = meta(ours, id), meta(public, id)
    state = theirs.state_dict()
    mine.load_state_dict(state, strict=True, assign=True)
    assert list(state) == list(theirs.state_dict())
    renamed = timm().models.fastvit.checkpoint_filter_fn(mine.state_dict(), theirs)
    assert {k: tuple(v.shape) for k, v in renamed.items()} == state_shapes(theirs)
    ledger = parse(f"{id}:form=train").ledger((64, 64))
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())


@torch.no_grad()
@pytest.mark.parametrize("id", ["fastvit_t8", "fastvit_sa12"])
def test_logits_are_timms_in_both_forms(id: str) -> None:
    theirs = stirred(public(id, 7))
    mine = ours(id, "train", 7).eval()
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70)):
        x = torch.randn(2, 3, *size)
        assert_near(mine(x), theirs(x))
    folded = deployed(theirs)
    here, there = (ours(id, "deploy", 7).eval() for _ in range(2))
    there.load_state_dict(folded.state_dict(), strict=True)
    fold(mine, here)
    for name, value in here.state_dict().items():
        torch.testing.assert_close(value, there.state_dict()[name], rtol=1e-4, atol=1e-5)
    expected = folded(x)
    assert_near(here(x), expected)
    assert_near(there(x), expected)
    ledger = parse(f"{id}:classes=7").ledger((64, 64))
    assert ledger.params().value == sum(p.numel() for p in folded.parameters())


def test_timms_names_load_inside_another_module() -> None:
    """As those of a backbone, beside names of others."""
    hybrid = fastvit.Hybrid(Stages((8, 16), (1, 1)), attending=0)
    outer = nn.ModuleDict({"backbone": fastvit.FastViT(hybrid, "train", 3), "mlp": nn.Linear(2, 2)})
    state = outer.state_dict()
    state["backbone.head.fc.weight"] = state.pop("backbone.head.weight")
    outer.load_state_dict(state, strict=True)
    assert "backbone.head.fc.weight" in state


DROPS = dict(zip(IDS, (0, 0, 0, 0.1, 0.1, 0.2, 0.35), strict=True))


@pytest.mark.parametrize(("id", "last"), [*DROPS.items()])
def test_paths_are_dropped_as_the_authors_train(id: str, last: float) -> None:
    """README of apple/ml-fastvit: --drop-path; it rises from 0 over all blocks."""
    blocks = layers(meta(ours, id), (fastvit.RepMixerBlock, fastvit.AttentionBlock))
    rates = [last * number / (len(blocks) - 1) for number in range(len(blocks))]
    assert [block.drop for block in blocks] == rates


@torch.no_grad()
def test_dropped_paths_leave_examples_as_they_are() -> None:
    block = stirred(fastvit.AttentionBlock(32, 64, drop=0.5)).train()
    block.norm.eval()
    block.convffn.eval()
    torch.manual_seed(3)
    x = torch.randn(16, 32, 4, 4)
    kept = [torch.equal(a, b) for a, b in zip(block(x), x, strict=True)]
    assert 0 < sum(kept) < 16


def test_it_trains() -> None:
    torch.manual_seed(0)
    stages = Stages((8, 16, 32), (1, 1, 1), drop=0.05)
    network = fastvit.FastViT(fastvit.Hybrid(stages, attending=1), "train", 4)
    assert_it_trains(network, side=48, steps=12)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=3)
@given(
    st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), sides, sides, st.integers(1, 2),
    st.integers(1, 1200),
)  # fmt: skip
@each_form
def test_every_witness_agrees(
    form: str, first: int, ratio: int, attending: int, height: int, width: int,
    batch: int, classes: int,
) -> None:  # fmt: skip
    channels = (8 * first, 16 * first, 32 * first, 64 * first)
    blocks, kinds = (1, 1, 1, 2), {"ratio": ratio, "attending": min(attending, 1)}
    check(
        lambda x: closed.fastvit(
            x, closed.Hybrid(channels, blocks, **kinds), form=NetworkForm(form), classes=classes
        ),
        lambda: fastvit.FastViT(fastvit.Hybrid(Stages(channels, blocks), **kinds), form, classes),
        (batch, 3, height, width),
    )


@pytest.mark.parametrize(("id", "form"), [("fastvit_t8", "train"), ("fastvit_ma36", "deploy")])
def test_every_witness_agrees_at_coefficients(id: str, form: str) -> None:
    scaled = {"width": 0.3, "depth": 0.4}
    check(
        partial(getattr(closed, id), form=NetworkForm(form), classes=9, **scaled),
        lambda: getattr(fastvit, id)(form, 9, **scaled),
        (2, 3, 57, 40),
    )


@pytest.mark.parametrize("name", ["fastvit_t8:form=train", "fastvit_sa12:classes=3"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof.mismatches == ()
    assert proof


# timm 1.0.31 at 256×256: parameters in training form; MACs of convolutions, linear layers and
# matmuls, deployed.
@pytest.mark.parametrize(
    ("id", "params", "macs"),
    [
        ("fastvit_t8", 4_026_232, 685_160_448),
        ("fastvit_t12", 7_553_704, 1_390_944_256),
        ("fastvit_s12", 9_473_576, 1_793_597_440),
        ("fastvit_sa12", 11_580_968, 1_937_219_584),
        ("fastvit_sa24", 21_554_216, 3_762_069_504),
        ("fastvit_sa36", 31_527_464, 5_586_919_424),
        ("fastvit_ma36", 44_068_004, 7_814_930_432),
    ],
)
def test_counts_are_timms(id: str, params: int, macs: int) -> None:
    variant = parse(id)
    assert variant.resolution() == (256, 256)
    assert variant.ledger((256, 256)).macs().value == macs
    assert parse(f"{id}:form=train").ledger((256, 256)).params().value == params


def test_its_formula_is_free_in_coefficients_classes_and_sizes() -> None:
    exact = formula("fastvit_ma36", "macs", ["width", "depth", "classes"])
    assert exact.at(B=1, H=256, W=256, width=1, depth=1, classes=1000) == 7_814_930_432
    scaled = parse("fastvit_ma36:width=0.5,depth=0.3,classes=9").ledger((100, 60), 2)
    assert exact.at(B=2, H=100, W=60, width=0.5, depth=0.3, classes=9) == scaled.macs().value
    assert exact.domain == "B, H, W, classes ≥ 1; d > 0; α > 0"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=0, W=224, width=1, depth=1, classes=1000)
    assert str(error.value) == "H=0 is outside the domain: H must be at least 1"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fastvit_t8:form=fast", "unknown form 'fast'; known are train, deploy"),
        (
            "fastvit_t8:groups=2",
            "unknown option of fastvit_t8 'groups'; known are width, depth, classes, form",
        ),
        ("fastvit_t8:width=0", "width=0 is not a positive number; give a decimal such as 0.75"),
    ],
)
def test_options_are_refused_in_one_sentence(name: str, message: str) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        parse(name)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"form": "fast"}, "form must be 'train' or 'deploy', but 'fast' was given"),
        ({"classes": 0}, "classes must be a positive integer such as 1000, but 0 was given"),
        ({"depth": -1}, "depth must be a positive finite number such as 0.75, but -1 was given"),
    ],
)
def test_the_reference_network_refuses_in_one_sentence(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        fastvit.fastvit_t8(**given)
    assert str(error.value) == message
