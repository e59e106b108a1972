"""ConvNeXt: the reference networks against torchvision, closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, layers, meta, state_shapes, torchvision
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import convnext as closed
from flopscope.analytic.stages import Stages as ClosedStages
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from reference_models import convnext
from reference_models.layers import Stages

IDS = ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large")
SHALLOW = (1, 2, 1, 1)
sides = st.integers(32, 80)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
widths = st.tuples(*[st.integers(1, 24)] * 4)


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(convnext, id)(classes)


def public(id: str, classes: int = 1000) -> nn.Module:
    return getattr(torchvision().models, id)(num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_shapes_counts_and_rates_are_torchvisions(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    drops = [block.drop for block in layers(mine, convnext.Block)]
    depths = [m for m in theirs.modules() if type(m).__name__ == "StochasticDepth"]
    assert drops == [depth.p for depth in depths]
    epsilons = [{norm.eps for norm in layers(m, nn.LayerNorm)} for m in (mine, theirs)]
    assert epsilons == [{1e-6}, {1e-6}]
    ledger = parse(id).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(theirs)


@torch.no_grad()
def test_logits_and_initial_weights_are_torchvisions() -> None:
    """Bit for bit, in training too, where the same examples are left out."""
    models = []
    for build in (ours, public):
        torch.manual_seed(5)
        models.append(build("convnext_tiny", 7))
    mine, theirs = models
    values = zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in values)
    for value in theirs.parameters():
        value.normal_(0, 0.05)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        assert logits.std() > 0.01
        assert torch.equal(mine.eval()(x), logits)
        outputs = []
        for network in (mine.train(), theirs.train()):
            torch.manual_seed(2)
            outputs.append(network(x))
        assert torch.equal(*outputs)


def test_it_trains() -> None:
    torch.manual_seed(0)
    stages = Stages((8, 16, 24, 32), SHALLOW, 0.1)
    assert_it_trains(convnext.ConvNeXt(stages, 4), side=64)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=10)
@given(widths, shapes, st.integers(1, 1200))
def test_every_witness_agrees(
    channels: tuple[int, ...], shape: tuple[int, ...], classes: int
) -> None:
    first, second = ClosedStages(channels, SHALLOW), Stages(channels, SHALLOW)
    check(
        lambda x: closed.convnext(x, first, classes=classes),
        lambda: convnext.ConvNeXt(second, classes),
        shape,
    )


@pytest.mark.parametrize("id", IDS)
def test_every_witness_agrees_on_the_published_ones(id: str) -> None:
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9), (2, 3, 57, 40))


def test_the_closed_form_is_the_traced_one_for_all_sizes() -> None:
    assert prove_variant(parse("convnext_tiny:classes=3"))


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("convnext_base", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 15_354_729_472
    assert exact.domain == "B, classes ≥ 1; H, W ≥ 32"
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=31, W=224, classes=1000)
    given = "given: B=1, H=31, W=224, classes=1000"
    assert str(error.value) == f"outside the domain (H ≥ 32); {given}"


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
        record(closed.convnext_tiny, (1, 3, *size))
    assert str(error.value) == message


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("convnext_tiny:groups=2")
    assert (
        str(error.value)
        == "unknown option of convnext_tiny 'groups'; known are width, depth, classes"
    )
    with pytest.raises(ValueError) as refused:
        convnext.convnext_tiny(0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
