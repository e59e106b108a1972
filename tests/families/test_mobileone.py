"""MobileOne: the reference networks against timm, deployed forms against training forms, closed
forms against both."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, deviation, layers, meta, settle, state_shapes, timm
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import mobileone as closed
from flopscope.analytic.stages import Stages as ClosedStages
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Kind
from reference_models import mobileone
from reference_models.folding import fold
from reference_models.layers import Stages

FORMS = ("train", "deploy", "deploy")
IDS = tuple(f"mobileone_s{size}" for size in range(5))
each_id = pytest.mark.parametrize("id", IDS)
each_form = pytest.mark.parametrize("form", list(NetworkForm))
widths = st.tuples(*[st.integers(1, 40)] * 4)
sides = st.integers(1, 70)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)


def ours(id: str, classes: int = 1000, form: str = "train") -> nn.Module:
    return getattr(mobileone, id)(classes, form)


def public(id: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(id, num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@each_id
def test_names_and_shapes_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    norms = [{(n.eps, n.momentum) for n in layers(m, nn.BatchNorm2d)} for m in (mine, theirs)]
    assert norms == [{(1e-5, 0.1)}] * 2


def test_counts_are_timms_in_training_form() -> None:
    ledger = parse("mobileone_s4:form=train").ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(meta(public, "mobileone_s4"))


SMALL = Stages((16, 24, 40, 64), (1, 2, 3, 2))


def small_public(classes: int) -> nn.Module:
    """timm's network of the small stages, with two branches and gates."""
    file = timm().models.byobnet
    factors = [c / base for c, base in zip(SMALL.channels, (64, 128, 256, 512), strict=True)]
    rows = file._mobileone_bcfg(SMALL.blocks, factors, (0, 0, 1, 2), num_conv_branches=2)
    return file.ByobNet(file.ByoModelCfg(rows, stem_type="one", stem_chs=16), classes)


def small(classes: int, form: str = "train") -> nn.Module:
    return mobileone.MobileOne(SMALL, classes, form, 2, gated=True)


@torch.no_grad()
def test_logits_are_timms_in_both_forms() -> None:
    """In training form, folded here, and with the weights that timm folds."""
    torch.manual_seed(3)
    theirs, mine, folded, loaded = small_public(7), *(small(7, f) for f in FORMS)
    settle(theirs)
    mine.load_state_dict(theirs.eval().state_dict(), strict=True)
    fold(mine, folded)
    loaded.load_state_dict(timm().utils.reparameterize_model(theirs).state_dict(), strict=True)
    assert not layers(folded, nn.BatchNorm2d)
    for size in ((64, 64), (33, 70)):
        x = torch.randn(2, 3, *size)
        expected = theirs(x)
        spread = (expected[0] - expected[1]).abs().max()
        assert spread > 0.01
        for network in (mine, folded, loaded):
            found = network.eval()(x)
            torch.testing.assert_close(found / spread, expected / spread, rtol=0, atol=1e-4)


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    mine, theirs = (build("mobileone_s0", 7).state_dict() for build in (ours, public))
    for name, a in mine.items():
        if a.dim() < 2:
            assert torch.equal(a, theirs[name]), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(theirs[name]), rel=0.05), name


def test_it_trains() -> None:
    torch.manual_seed(0)
    assert_it_trains(small(4), side=32, steps=16)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=3)
@given(widths, st.integers(1, 2), st.booleans(), shapes, st.integers(1, 1200))
@each_form
def test_every_witness_agrees(
    form: NetworkForm,
    channels: tuple[int, ...],
    branches: int,
    gated: bool,
    shape: tuple[int, ...],
    classes: int,
) -> None:
    blocks = (1, 1, 3, 1)
    network = partial(
        closed.mobileone_network,
        stages=ClosedStages(channels, blocks), classes=classes, form=form, branches=branches,
        gated=gated,
    )  # fmt: skip
    sizes = Stages(channels, blocks), classes, form.value, branches
    check(network, lambda: mobileone.MobileOne(*sizes, gated=gated), shape)


# Parameters and MACs at 224 of timm 1.0.31 with its weights folded, and the exact figures of
# mmpretrain 1.2 configs/mobileone/metafile.yml: fvcore's total without the classifier.
@pytest.mark.parametrize(
    ("id", "params", "macs", "features"),
    [
        ("mobileone_s0", 2_078_504, 275_110_400, 274_136_576),
        ("mobileone_s1", 4_764_840, 825_057_024, 823_839_744),
        ("mobileone_s2", 7_808_168, 1_298_426_496, 1_296_478_848),
        ("mobileone_s3", 10_078_312, 1_895_790_592, 1_893_842_944),
        ("mobileone_s4", 14_838_352, 2_979_269_760, 2_979_222_528),
    ],
)
def test_deployed_it_counts_as_published(id: str, params: int, macs: int, features: int) -> None:
    ledger = parse(id).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == (params, macs)
    assert params == sum(p.numel() for p in meta(ours, id, 1000, "deploy").parameters())
    body = ledger.filter(lambda row: row.kind is not Kind.LINEAR)
    assert body.flops("fvcore").value == features


def test_only_s4_has_gates_in_the_last_half_of_stage_3_and_in_stage_4() -> None:
    rows = parse("mobileone_s4").ledger((224, 224))
    gates = [row.path.rpartition(".se.")[0] for row in rows if row.path.endswith("se.gate")]
    blocks = [*(f"stage3.block{n}" for n in range(6, 11)), "stage4.block1"]
    assert gates == [f"{block}.{part}" for block in blocks for part in ("dw", "pw")]
    assert not [row for row in parse("mobileone_s3").ledger((224, 224)) if ".se." in row.path]


@each_form
def test_the_closed_form_is_the_traced_one_for_all_sizes(form: NetworkForm) -> None:
    proof = prove_variant(parse(f"mobileone_s4:form={form.value},classes=3"))
    assert proof
    assert proof.domain == "B, H, W ≥ 1"


def test_a_width_that_makes_neighbours_equal_adds_a_norm() -> None:
    """At 0.05 the stem and the first two stages have 8 channels; at 1 the stem has those of the
    first."""

    def norms_alone(width: float) -> int:
        rows = record(
            partial(closed.mobileone_s0, width=width, form=NetworkForm.TRAIN), (1, 3, 64, 64)
        )
        return sum(row.path.endswith(".pw.identity") for row in rows)

    assert (norms_alone(1), norms_alone(0.05)) == (2 + 7 + 9, 2 + 8 + 9)


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("mobileone_s2", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 1_298_426_496
    assert exact.domain == "B, H, W, classes ≥ 1"
    params = [formula(f"mobileone_s0:form={form.value}", "params").at() for form in NetworkForm]
    assert params == [5_293_272, 2_078_504]


# --- names and bad input --------------------------------------------------------------------------


def test_a_name_of_timms_weights_is_the_training_form() -> None:
    assert str(parse("mobileone_s3.apple_in1k")) == "mobileone_s3:form=train"
    assert str(parse("mobileone_s3")) == "mobileone_s3"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobileone_s0:form=fused", "unknown form 'fused'; known are train, deploy"),
        (
            "mobileone_s0:branches=2",
            "unknown option of mobileone_s0 'branches'; known are width, depth, classes, form",
        ),
        ("mobileone_s1:width=0", "width=0 is not a positive number; give a decimal such as 0.75"),
    ],
)
def test_options_are_refused_in_one_sentence(name: str, message: str) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        parse(name)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "classes must be a positive integer such as 1000, but 0 was given"),
        ((9, "fused"), "form must be 'train' or 'deploy', but 'fused' was given"),
    ],
)
def test_a_module_refuses_in_one_sentence(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError) as error:
        mobileone.mobileone_s1(*arguments)
    assert str(error.value) == message
