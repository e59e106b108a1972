"""RepViT: the reference networks against timm, deployed forms against training forms, closed forms
against both."""

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
from flopscope.analytic import repvit as closed
from flopscope.analytic.stages import Stages as ClosedStages
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from reference_models import repvit
from reference_models.folding import fold
from reference_models.layers import Stages

NAMES = ("m0_9", "m1_0", "m1_1", "m1_5", "m2_3", "m1", "m2", "m3")
SMALL = Stages((8, 16, 24, 40), (1, 2, 3, 2))
MIXERS = {False: repvit.TokenMixer, True: repvit.FirstTokenMixer}
FORMS = ("train", "deploy", "deploy")
each_version = pytest.mark.parametrize("first_version", [False, True])
# A stem of half as many channels needs two.
widths = st.tuples(*[st.integers(2, 40)] * 4).map(lambda drawn: tuple(sorted(drawn)))
sides = st.integers(1, 70)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)


def ours(name: str, classes: int = 1000, form: str = "train") -> nn.Module:
    return getattr(repvit, f"repvit_{name}")(classes, form)


def public(name: str, classes: int = 1000) -> nn.Module:
    return timm().create_model(f"repvit_{name}", num_classes=classes)


def small(form: str, first_version: bool, classes: int = 7) -> nn.Module:
    return repvit.RepViT(SMALL, classes, form, MIXERS[first_version])


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_timms(name: str) -> None:
    mine, theirs = meta(ours, name), meta(public, name)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for kind in (nn.BatchNorm2d, nn.BatchNorm1d):
        norms = [{(n.eps, n.momentum) for n in layers(m, kind)} for m in (mine, theirs)]
        assert norms == [{(1e-5, 0.1)}] * 2


def test_counts_are_timms_in_training_form() -> None:
    ledger = parse("repvit_m1_0").ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(meta(public, "m1_0"))


@torch.no_grad()
@each_version
def test_logits_are_timms_in_both_forms(first_version: bool) -> None:
    """In training form, folded here, and with the weights that timm folds."""
    torch.manual_seed(3)
    theirs = timm().models.repvit.RepVit(
        embed_dim=SMALL.channels, depth=SMALL.blocks, num_classes=7, legacy=first_version
    )
    settle(theirs)
    for norm in layers(theirs, nn.BatchNorm1d):
        norm.weight.uniform_(0.5, 1.5)
        norm.running_mean.normal_(0, 0.3)
    mine, folded, loaded = (small(form, first_version) for form in FORMS)
    mine.load_state_dict(theirs.eval().state_dict(), strict=True)
    fold(mine, folded)
    loaded.load_state_dict(timm().utils.reparameterize_model(theirs).state_dict(), strict=True)
    assert not [*layers(folded, nn.BatchNorm2d), *layers(folded, nn.BatchNorm1d)]
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
    """Scales, shifts and statistics are equal; convolutions begin as torch begins them."""
    mine, theirs = (build("m0_9", 7).state_dict() for build in (ours, public))
    for name, a in mine.items():
        if "bn" in name.split(".") or name.endswith("l.bias"):
            assert torch.equal(a, theirs[name]), name
        elif a.dim() > 1 and a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(theirs[name]), rel=0.05), name


def test_it_trains() -> None:
    """From scales that are not 0, which would keep what is before them still for a step."""
    torch.manual_seed(0)
    model = small("train", first_version=False, classes=4)
    for mixer in layers(model, repvit.ChannelMixer):
        nn.init.ones_(mixer.conv2.bn.weight)
    assert_it_trains(model, side=64)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=2)
@given(widths, shapes, st.integers(1, 1200))
@pytest.mark.parametrize(
    ("form", "first_version"),
    [(NetworkForm.TRAIN, False), (NetworkForm.TRAIN, True), (NetworkForm.DEPLOY, False)],
)
def test_every_witness_agrees(
    form: NetworkForm,
    first_version: bool,
    channels: tuple[int, ...],
    shape: tuple[int, ...],
    classes: int,
) -> None:
    blocks = (1, 2, 1, 1)
    network = partial(
        closed.repvit,
        stages=ClosedStages(channels, blocks), classes=classes, form=form,
        first_version=first_version,
    )  # fmt: skip
    sizes = Stages(channels, blocks), classes, form.value, MIXERS[first_version]
    check(network, lambda: repvit.RepViT(*sizes), shape)


# Parameters and MACs at 224 of timm 1.0.31, as it is built and with its weights folded.
@pytest.mark.parametrize(
    ("name", "params", "macs", "folded", "fewer"),
    [
        ("m0_9", 5_489_328, 817_280_832, 5_067_056, 815_617_344),
        ("m1_0", 7_302_796, 1_108_077_600, 6_810_312, 1_106_136_864),
        ("m1_1", 8_802_912, 1_339_242_240, 8_244_312, 1_337_124_608),
        ("m1_5", 14_644_432, 2_276_968_192, 14_049_992, 2_273_596_160),
        ("m2_3", 23_688_792, 4_521_490_880, 22_926_792, 4_515_958_720),
        ("m1", 5_485_248, 817_280_832, 5_067_056, 815_617_344),
        ("m2", 8_797_984, 1_339_242_240, 8_244_312, 1_337_124_608),
        ("m3", 10_682_832, 1_862_184_704, 10_115_720, 1_859_163_904),
    ],
)
def test_parameters_and_macs(name: str, params: int, macs: int, folded: int, fewer: int) -> None:
    id = f"repvit_{name.replace('_', '.')}"
    train, deploy = (parse(f"{id}:form={f.value}").ledger((224, 224)) for f in NetworkForm)
    assert (train.params().value, train.macs().value) == (params, macs)
    assert (deploy.params().value, deploy.macs().value) == (folded, fewer)


def test_every_second_block_of_a_stage_has_a_gate_beginning_with_the_first() -> None:
    rows = parse("repvit_m2.3:depth=0.5").ledger((224, 224))
    gates = [row.path.removesuffix(".se.gate") for row in rows if row.path.endswith("se.gate")]
    blocks = {1: (1, 3), 2: (1, 3), 3: range(1, 18, 2), 4: (1,)}
    assert gates == [f"stage{stage}.block{n}" for stage, odd in blocks.items() for n in odd]


@pytest.mark.parametrize("name", ["repvit_m0.6", "repvit_m0.6:form=train", "repvit_m2:form=train"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof
    assert proof.domain == "B, H, W ≥ 1"


def test_its_formula_is_free_in_classes_depth_and_sizes() -> None:
    exact = formula("repvit_m1.0", "macs", ["classes", "depth"])
    assert exact.at(B=1, H=224, W=224, classes=1000, depth=1) == 1_106_136_864
    deeper = parse("repvit_m1.0:depth=1.4").ledger((224, 224)).macs().value
    assert exact.at(B=1, H=224, W=224, classes=1000, depth=1.4) == deeper


def test_deployed_both_versions_are_the_same_network() -> None:
    rows = [
        record(network, (1, 3, 64, 64)).rows for network in (closed.repvit_m1_1, closed.repvit_m2)
    ]
    assert rows[0] == rows[1]


# --- names and bad input --------------------------------------------------------------------------


def test_a_name_of_timms_is_the_training_form() -> None:
    assert str(parse("repvit_m0_9.dist_450e_in1k")) == "repvit_m0.9:form=train"
    assert str(parse("repvit_m0_9")) == "repvit_m0.9:form=train"
    assert [str(parse(name)) for name in ("repvit_m0.9", "repvit_m1")] == [
        "repvit_m0.9",
        "repvit_m1",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("repvit_m0.9:form=fused", "unknown form 'fused'; known are train, deploy"),
        (
            "repvit_m3:legacy=1",
            "unknown option of repvit_m3 'legacy'; known are width, depth, classes, form",
        ),
        ("repvit_m1.5:depth=-1", "depth=-1 is not a positive number; give a decimal such as 0.75"),
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
        repvit.repvit_m0_9(*arguments)
    assert str(error.value) == message
