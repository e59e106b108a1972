"""Width and depth coefficients of every family: closed forms against reference networks, and both
against the public code that has a rule; a user's own φ, α, β, γ on top of them."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import meta, state_shapes, timm, torchvision
from torch import nn
from witnesses import PROFILE, assert_all_agree

import flopscope as fs
from flopscope.agreement import check_variant
from flopscope.agreement.proof import prove_variant
from flopscope.analytic.regnet import Stage, regnet_stages, scaled
from flopscope.analytic.shufflenetv1 import STAGE_2
from flopscope.analytic.stages import scaled_rows
from flopscope.answers import formula as formulas
from flopscope.catalog.models import MODELS, Model
from flopscope.catalog.options import CLASSES, WIDTH
from flopscope.catalog.scaling import Scaling, parse_scaling
from flopscope.catalog.scaling import scaled as scaled_variant
from flopscope.catalog.variant import Variant, parse
from flopscope.cli.commands import cli
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from flopscope.facts import Kind
from flopscope.laws import law
from flopscope.symbolic import symbol

# One network of each family, and those whose rules differ from its.
NETWORKS = (
    "mobilenetv1",
    "mobilenetv2",
    "mobilenetv3_large:recipe=timm",
    "mobilenetv3_small:recipe=torchvision",
    "mobilenetv3_small",
    "mobilenetv4_conv_small",
    "efficientnetv2_s",
    "shufflenetv1_g3_x1.0",
    "shufflenetv1_g2_x0.25",
    "shufflenetv2_x1.0",
    "shufflenetv2_x1.5:recipe=torchvision",
    "ghostnet_100",
    "ghostnetv2_100",
    "ghostnetv3_100",
    "resnet18",
    "resnet50:groups=32,width_per_group=4",
    "regnetx_400mf:recipe=torchvision",
    "regnety_800mf",
    "convnext_tiny",
    "wtconvnext_tiny",
    "poolformer_s12:recipe=timm",
    "mobilevit_s",
    "mobilevitv2_100",
    "efficientformer_l1",
    "efficientformer_l7",
    "efficientformerv2_s0",
    "mobileone_s0:form=train",
    "mobileone_s4",
    "repvit_m0.9:form=train",
    "repvit_m3:form=train",
    "starnet_s050",
)
each_network = pytest.mark.parametrize("name", NETWORKS)

FIXED = {"efficientvit", "efficientvit_msra", "fastvit"}

coefficients = st.integers(5, 140).map(lambda percent: percent / 100)
# On either side of 1; deeper ones take longer to run. Formulas are tried at deeper ones too.
depths = st.integers(5, 105).map(lambda percent: percent / 100)
sides = st.integers(33, 90)


def taken(name: str, side: int) -> int:
    """The side; EfficientFormers, which take few, have another one for it."""
    if name.startswith("efficientformerv2"):
        return 209 + side % 16
    return 193 + side % 32 if name.startswith("efficientformer") else side


def at(name: str, **options: float) -> Variant:
    given = ",".join(f"{key}={value}" for key, value in options.items())
    return parse(f"{name}{',' if ':' in name else ':'}{given}")


# --- closed forms against the reference networks --------------------------------------------------


def test_every_network_has_width_and_depth() -> None:
    """Every classifier of images, except those that their authors give no rule to widen."""
    classifiers = [
        model for model in MODELS.values() if CLASSES in model.options and model.family not in FIXED
    ]
    families = {parse(name).model.family for name in NETWORKS} | {"efficientnet"}
    assert {model.family for model in classifiers} == families
    for model in classifiers:
        assert {"width", "depth"} <= {option.name for option in model.options}


@each_network
@settings(PROFILE, max_examples=3)
@given(coefficients, depths, sides, sides, st.integers(1, 2))
def test_every_witness_agrees(
    name: str, width: float, depth: float, height: int, wide: int, batch: int
) -> None:
    variant = at(name, width=width, depth=depth, classes=7)
    size = (taken(name, height), taken(name, wide))
    ledger = variant.ledger(size, batch)
    assert_all_agree(check_variant(variant, size, batch), ledger)


@pytest.mark.parametrize("width", [0.5, 1.4, 1.6, 2.0])
def test_the_last_convolution_of_mobilevit_has_960_channels_at_most(width: float) -> None:
    """As cvnets/models/classification/mobilevit.py in apple/ml-cvnets makes it."""
    variant = at("mobilevit_s", width=width, classes=7)
    ledger = variant.ledger((33, 64))
    assert_all_agree(check_variant(variant, (33, 64), 1), ledger)
    last = next(row for row in ledger if row.path == "head.conv")
    assert last.output[1] == min(4 * last.inputs[0][1], 960)
    assert (last.output[1] == 960) == (width > 1.5)
    exact = fs.formula("mobilevit_s", "macs", free=["width", "classes"])
    assert exact.at(B=1, H=33, W=64, width=width, classes=7) == ledger.macs().value


@each_network
def test_the_closed_form_is_the_traced_one_for_all_sizes(name: str) -> None:
    proof = prove_variant(at(name, width=1.1, depth=0.7, classes=7))
    assert proof.mismatches == ()
    assert proof


@cache
def free(name: str, quantity: str) -> fs.Formula:
    return formulas.formula(name, quantity, ("width", "depth"))


designs = st.fixed_dictionaries(
    {"width": coefficients, "depth": coefficients, "H": sides, "W": sides, "B": st.integers(1, 3)}
)


@pytest.mark.parametrize("name", [*NETWORKS, "mobilenetv4_hybrid_medium"])
@settings(PROFILE, max_examples=6)
@given(designs, st.sampled_from(["params", "macs", "activations"]))
def test_a_formula_in_width_and_depth_is_the_count(
    name: str, design: dict[str, Any], quantity: str
) -> None:
    design = design | {side: taken(name, design[side]) for side in "HW"}
    size, batch = (design["H"], design["W"]), design["B"]
    coefficients = {key: design[key] for key in ("width", "depth")}
    ledger = parse(name).ledger(size, batch, **coefficients)
    counted = formulas.QUANTITIES[quantity](ledger).expression
    assert free(name, quantity).at(**design) == counted
    column = {key: np.array([value, 1.0, 0.07]) for key, value in coefficients.items()}
    counts = formulas.QUANTITIES[quantity](parse(name).ledger(size, batch, **column)).expression
    assert counts[0] == counted
    assert free(name, quantity).at(**design | column).tolist() == counts.tolist()


@pytest.mark.parametrize(
    ("name", "depth", "blocks"),
    [
        # Of three blocks the second row has two, of 136 and then of 88 channels.
        ("mobilenetv4_conv_small", 1.1, [(48, 136), (136, 88), (88, 88)]),
        ("mobilenetv4_conv_small", 0.5, [(48, 136), (136, 88)]),
    ],
)
def test_a_repeated_row_begins_on_what_another_one_left(
    name: str, depth: float, blocks: list[tuple[int, int]]
) -> None:
    ledger = parse(f"{name}:width=1.4,depth={depth}").ledger((64, 64))
    stage = [
        row for row in ledger if row.path.startswith("stage2.") and row.kind is Kind.CONVOLUTION
    ]
    assert [(row.inputs[0][1], row.output[1]) for row in stage] == blocks
    design = {"B": 1, "H": 64, "W": 64, "width": 1.4, "depth": depth}
    assert free(name, "params").at(**design) == ledger.params().value


def test_no_coefficient_is_outside_the_domain_of_a_formula() -> None:
    """Every rule leaves a channel and a block, however small the coefficient."""
    for name in NETWORKS:
        assert free(name, "params").domain.startswith("d > 0; α > 0")
        assert "α" not in free(name, "params").domain.removeprefix("d > 0; α > 0")
        ledger = at(name, width=1e-6, depth=1e-6).ledger((taken(name, 64),) * 2)
        assert all(size >= 1 for row in ledger for size in row.output)


NETWORKS_OF_UNEQUAL_ROWS = (
    "mobilenetv3_large",
    "ghostnet_100",
    "regnety_800mf",
    "mobilevit_xxs",
    "efficientformer_l3",
)


@pytest.mark.parametrize("depth", [0.2, 1.0, 1.3, 2.2])
def test_the_peak_is_that_of_the_blocks_one_by_one(depth: float) -> None:
    """Unequal rows of a stage, some of them absent at the depth, among them."""
    for name in NETWORKS_OF_UNEQUAL_ROWS:
        res = taken(name, 65)
        listed = fs.analyze(f"{name}:depth={depth}", res=res).peak_activation_bytes().value
        ledger = fs.analyze(name, res=res, depth=symbol("depth", lower=0, integer=False))
        assert ledger.at(depth=depth).peak_activation_bytes().value == listed


# --- against public code --------------------------------------------------------------------------


def from_timm(file: str, make: str, variant: str, width: float, depth: float) -> nn.Module:
    timm()
    build = getattr(importlib.import_module(f"timm.models.{file}"), make)
    return build(variant, channel_multiplier=width, depth_multiplier=depth)


def shapes(model: nn.Module) -> list[tuple[int, ...]]:
    return list(state_shapes(model).values())


@settings(PROFILE, max_examples=6)
@given(coefficients, coefficients)
def test_mobilenetv1_is_scaled_as_in_timm(width: float, depth: float) -> None:
    theirs = meta(from_timm, "efficientnet", "_gen_mobilenet_v1", "mobilenetv1_100", width, depth)
    mine = at("mobilenetv1:recipe=timm", width=width, depth=depth)
    assert shapes(meta(mine.build)) == shapes(theirs)


@settings(PROFILE, max_examples=4)
@given(coefficients, coefficients)
@pytest.mark.parametrize("size", ["s", "m", "l"])
def test_efficientnetv2_has_timms_layers_in_the_authors_rounding(
    size: str, width: float, depth: float
) -> None:
    """timm has the rule without the 0.9, but asks for it in the networks B0 to B3 alone."""
    timm()
    module = importlib.import_module("timm.models.efficientnet")
    name, make = f"efficientnetv2_{size}", f"_gen_efficientnetv2_{size}"
    rule = partial(module.round_channels, round_limit=0.0)
    with patch.object(module, "round_channels", rule):
        theirs = meta(from_timm, "efficientnet", make, name, width, depth)
    mine = meta(at(name, width=width, depth=depth).build)
    blocks = [*mine.features][1:-1]
    assert [s for b in blocks for s in shapes(b)] == shapes(theirs.blocks)


@pytest.mark.parametrize(("width", "depth"), [(1.1, 1.2), (1.2, 1.4), (0.5, 0.5)])
def test_mobilenetv2_is_scaled_as_in_timm_but_for_the_last_convolution(
    width: float, depth: float
) -> None:
    """timm narrows the last convolution below width 1 too."""
    theirs = meta(from_timm, "efficientnet", "_gen_mobilenet_v2", "mobilenetv2_100", width, depth)
    mine = meta(at("mobilenetv2", width=width, depth=depth).build)
    blocks = [*mine.features][1:-1]
    assert [s for b in blocks for s in shapes(b)] == shapes(theirs.blocks)


@settings(PROFILE, max_examples=6)
@given(coefficients, coefficients)
@pytest.mark.parametrize("size", ["large", "small"])
def test_mobilenetv3_is_scaled_as_in_timm_but_for_the_last_convolution(
    size: str, width: float, depth: float
) -> None:
    """timm repeats it with the blocks; its mobilenetv3_large_150d has it twice."""
    variant = f"mobilenetv3_{size}_100"
    theirs = meta(from_timm, "mobilenetv3", "_gen_mobilenet_v3", variant, width, depth)
    mine = meta(at(f"mobilenetv3_{size}:recipe=timm", width=width, depth=depth).build)
    blocks = [*mine.features][1:-1]
    assert [s for b in blocks for s in shapes(b)] == shapes(theirs.blocks[:-1])


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), coefficients | st.floats(0.1, 4))
def test_unequal_rows_share_a_stage_as_in_timm(runs: list[int], depth: float) -> None:
    timm()
    builder = importlib.import_module("timm.models._efficientnet_builder")
    theirs = builder._scale_stage_depth(list(range(len(runs))), runs, depth)
    rows = [kind for kind, length in enumerate(runs) for _ in range(length)]
    shared = [
        kind for kind, times in scaled_rows(rows, lambda row: row, depth) for _ in range(times)
    ]
    assert shared == theirs
    waiting = symbol("depth", lower=0, integer=False)
    waiting_times = [times for _, times in scaled_rows(rows, lambda row: row, waiting)]
    times = [f if isinstance(f, int) else f.evaluate({"depth": depth}) for f in waiting_times]
    assert times == [times for _, times in scaled_rows(rows, lambda row: row, depth)]


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([m for m in MODELS if m.startswith("regnet")]), coefficients, coefficients)
def test_regnets_are_fitted_to_their_groups_as_in_timm(
    name: str, width: float, depth: float
) -> None:
    """Of the stages that pycls' scaler starts from, the rounding of which is its line for line."""
    timm()
    fit = importlib.import_module("timm.models.regnet").adjust_widths_groups_comp
    module = importlib.import_module("flopscope.analytic.regnet")
    given_by = getattr(module, name.replace(".", "_")).keywords
    stages = regnet_stages(*(given_by[key] for key in ("w0", "wa", "wm", "d", "g")))
    widths = [max(1, round(stage.w * width / 8)) * 8 for stage in stages]
    fitted, groups = fit(widths, [1.0] * len(stages), [stage.g for stage in stages])
    depths = [max(1, round(stage.d * depth)) for stage in stages]
    expected = [Stage(*row) for row in zip(depths, fitted, groups, strict=True)]
    assert list(scaled(stages, width, depth)) == expected


def test_resnet_convnext_and_shufflenetv2_are_torchvisions_of_these_rows() -> None:
    """Rows rounded by hand: at depth 1.2 three blocks are four, at width 1.5 96 channels 144."""
    models = torchvision().models
    theirs = meta(models.resnet.ResNet, models.resnet.Bottleneck, (4, 5, 8, 4))
    assert state_shapes(meta(parse("resnet50:depth=1.2").build)) == state_shapes(theirs)
    rows = [(144, 288, 2), (288, 576, 2), (576, 1152, 5), (1152, None, 2)]
    setting = [models.convnext.CNBlockConfig(*row) for row in rows]
    theirs = meta(models.convnext.ConvNeXt, setting)
    mine = meta(parse("convnext_tiny:width=1.5,depth=0.5").build)
    assert state_shapes(mine) == state_shapes(theirs)
    theirs = meta(models.ShuffleNetV2, [6, 12, 6], [48, 232, 464, 928, 2048])
    mine = meta(parse("shufflenetv2_x1.0:width=2,depth=1.5,recipe=torchvision").build)
    assert state_shapes(mine) == state_shapes(theirs)


def test_the_hybrids_are_timms_of_these_rows() -> None:
    """Rounded by hand; timm's own functions take no rows, but its classes do."""
    timm()
    metaformer, former, byob, vit = (
        importlib.import_module(f"timm.models.{file}")
        for file in ("metaformer", "efficientformer", "byobnet", "mobilevit")
    )
    poolformer = partial(
        metaformer.MetaFormer,
        depths=(3, 3, 8, 3),
        dims=(96, 192, 480, 768),
        downsample_norm=None,
        mlp_act=nn.GELU,
        mlp_bias=True,
        norm_layers=metaformer.GroupNorm1,
        layer_scale_init_values=1e-5,
        res_scale_init_values=None,
        use_mlp_head=False,
    )
    mine = meta(parse("poolformer_s12:width=1.5,depth=1.2,recipe=timm").build)
    assert state_shapes(mine) == state_shapes(meta(poolformer))
    # 2 pooling blocks of stage 4 are 3, 4 attending ones are 5.
    theirs = meta(partial(former.EfficientFormer, (5, 5, 15, 8), (32, 64, 160, 256), num_vit=5))
    mine = meta(parse("efficientformer_l3:width=0.5,depth=1.25").build)
    assert state_shapes(mine) == state_shapes(theirs)
    blocks = (
        vit._inverted_residual_block(d=2, c=32, s=1, br=2.0),
        vit._inverted_residual_block(d=5, c=48, s=2, br=2.0),
        vit._mobilevit_block(1, 96, 2, transformer_dim=128, transformer_depth=3, br=2.0),
        vit._mobilevit_block(1, 128, 2, transformer_dim=160, transformer_depth=6, br=2.0),
        vit._mobilevit_block(1, 160, 2, transformer_dim=192, transformer_depth=5, br=2.0),
    )
    own = vit.model_cfgs["mobilevit_xxs"]
    theirs = meta(byob.ByobNet, replace(own, blocks=blocks, stem_chs=32, num_features=640))
    mine = meta(parse("mobilevit_xxs:width=2,depth=1.5").build)
    assert state_shapes(mine) == state_shapes(theirs)


@given(st.sampled_from([m for m in MODELS if m.startswith("shufflenetv1")]), coefficients)
def test_groups_divide_every_width_of_a_shufflenet(name: str, width: float) -> None:
    groups = int(name.removeprefix("shufflenetv1_g").partition("_")[0])
    ledger = at(name, width=width).ledger((64, 64))
    outputs = [row.output[1] for row in ledger if row.path.endswith("expand_conv")]
    assert all(channels % groups == 0 for channels in outputs)
    asked = STAGE_2[groups] * float(name.rpartition("_x")[2]) * width
    stage_2 = next(row for row in ledger if row.path == "stage2.block2.expand_conv").output[1]
    assert abs(stage_2 - asked) <= max(8 * groups, 0.15 * asked)


# --- φ, α, β, γ -----------------------------------------------------------------------------------

letters = st.integers(50, 200).map(lambda percent: percent / 100)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(NETWORKS), letters, letters, letters, letters)
def test_a_scaled_network_is_the_one_that_its_name_gives(
    name: str, alpha: float, beta: float, gamma: float, phi: float
) -> None:
    scaling = Scaling(alpha, beta, gamma, phi)
    variant, size = scaled_variant(parse(name), scaling, (64, 96))
    again, taken_by_it = parse(str(variant)), (taken(name, 224), taken(name, 193))
    assert again.ledger(taken_by_it).macs().value == variant.ledger(taken_by_it).macs().value
    assert size == tuple(round(side * float(f"{gamma**phi:g}")) for side in (64, 96))
    options = dict(variant.options)
    assert (options.pop("width"), options.pop("depth")) == pytest.approx(
        (beta**phi, alpha**phi), rel=1e-5
    )
    assert options == dict(parse(name).options)


@pytest.mark.parametrize(
    ("name", "res", "became", "size"),
    [
        ("efficientnet_b0", None, "efficientnet_b0:width=1.1,depth=1.2", (258, 258)),
        ("efficientnet_b3", None, "efficientnet_b3:width=1.32,depth=1.68", (345, 345)),
        ("shufflenetv2_x0.5", 192, "shufflenetv2_x0.5:width=1.1,depth=1.2", (221, 221)),
        ("mobilenetv1:rho=0.5", None, "mobilenetv1:width=1.1,depth=1.2", (129, 129)),
        ("resnet50:width=2", None, "resnet50:width=2.2,depth=1.2", (258, 258)),
    ],
)
def test_it_is_relative_to_the_network_s_own(
    name: str, res: int | None, became: str, size: tuple[int, int]
) -> None:
    variant, resolution = scaled_variant(parse(name), Scaling(), res)
    assert (str(variant), resolution) == (became, size)


def test_fractions_are_letters_too() -> None:
    third = Scaling(Fraction(4, 3), Fraction(1), Fraction(1), 2)
    assert third.product == Fraction(4, 3)
    assert third.factors == (1.77778, 1.0, 1.0)


def test_compare_in_python() -> None:
    report = fs.compare("resnet50", scale=Scaling(phi=1))
    plain = fs.compare("resnet50:width=1.1,depth=1.2", res=258)
    assert report.to_dict()["models"] == plain.to_dict()["models"]
    assert report.to_dict()["scale"] == {"alpha": 1.2, "beta": 1.1, "gamma": 1.15, "phi": 1.0}
    assert "scale" not in plain.to_dict()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_compare_says_what_each_network_became() -> None:
    written = run("compare", "resnet50", "mobilenetv2", "--res", "192x256", "--scale", "phi=2")
    assert written.endswith(
        "scaled with φ = 2, α = 1.2, β = 1.1, γ = 1.15 (depth × 1.44, width × 1.21,\n"
        "    resolution × 1.3225):\n"
        "resnet50:width=1.21,depth=1.44 --res 254x339\n"
        "mobilenetv2:width=1.21,depth=1.44 --res 254x339\n"
    )
    again = run("compare", "resnet50:width=1.21,depth=1.44", "--res", "254x339")
    count = f"{fs.analyze('resnet50:width=1.21,depth=1.44', res=(254, 339)).macs().value:,}"
    assert count in written
    assert count in again


def test_a_scaled_network_must_take_the_scaled_size() -> None:
    """Of a sweep's sizes too it is the first wrong one that is named."""
    for refused in (
        lambda: fs.compare("efficientformer_l1", scale=Scaling(phi=1)),
        lambda: law("compound-scaling:efficientformer_l1"),
    ):
        with pytest.raises(OutsideDomain) as error:
            refused()
        assert str(error.value) == (
            "height of the input is 258, but the attention biases are those of a 7×7 grid, a 32nd "
            "of the input; give 193 to 224"
        )
    report = fs.compare("efficientformer_l1", scale=Scaling(phi=1, gamma=1.0)).to_dict()
    wider = fs.compare("efficientformer_l1:width=1.1,depth=1.2").to_dict()
    assert report["models"] == wider["models"]


def test_show_is_of_the_scaled_network() -> None:
    data = json.loads(run("show", "resnet18", "--scale", "alpha=1.5,phi=1", "--format", "json"))
    assert (data["variant"], data["resolution"]) == ("width=1.1,depth=1.5", [258, 258])


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", BadInput, "--scale is empty; write --scale phi=1"),
        (
            "phi",
            BadInput,
            "'phi' in '--scale phi' is not key=value; write --scale phi=…",
        ),
        ("phi=0", BadInput, "phi=0 is not a positive number; give a decimal such as 0.75"),
        ("beta=-1", BadInput, "beta=-1 is not a positive number; give a decimal such as 0.75"),
        ("gamma=x", BadInput, "gamma=x is not a positive number; give a decimal such as 0.75"),
        ("phi=1,phi=2", BadInput, "phi is given twice in '--scale phi=1,phi=2'; give it once"),
        (
            "rho=2",
            UnknownName,
            "unknown letter of --scale 'rho'; known are phi, alpha, beta, gamma",
        ),
    ],
)
def test_what_is_no_scaling_is_refused(text: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as error:
        parse_scaling(text)
    assert str(error.value) == message


@pytest.mark.parametrize("value", [0, -1.5, float("inf"), float("nan"), True, "1"])
def test_a_letter_must_be_a_positive_number(value: Any) -> None:
    with pytest.raises(BadInput) as error:
        Scaling(alpha=value)
    assert str(error.value) == f"alpha={value!r} is not a positive number; give one such as 1.2"


@pytest.mark.parametrize(("alpha", "phi"), [(1.2, 1e9), (0.5, 1e9)])
def test_a_power_beyond_a_float_is_refused(alpha: float, phi: float) -> None:
    with pytest.raises(BadInput) as error:
        Scaling(alpha=alpha, phi=phi).factors  # noqa: B018
    assert str(error.value) == (
        f"alpha={alpha} to the power phi={phi} is beyond a floating-point number; "
        "give a smaller phi"
    )


def test_a_model_without_a_depth_cannot_be_scaled() -> None:
    model = Model("flat", "mobilenetv2", MODELS["mobilenetv2"].paper, (WIDTH, CLASSES))
    with pytest.raises(BadInput) as error:
        scaled_variant(Variant(model), Scaling())
    assert str(error.value) == (
        "flat has no depth and cannot be scaled; `flopscope list` says which models have width "
        "and depth"
    )


REFUSING: list[tuple[str, Callable[..., nn.Module]]] = [
    (family, getattr(importlib.import_module(f"reference_models.{family}"), function))
    for family, function in (
        ("mobilenetv1", "mobilenetv1"),
        ("mobilenetv2", "mobilenetv2"),
        ("mobilenetv3", "mobilenetv3_small"),
        ("efficientnetv2", "efficientnetv2_s"),
        ("ghostnet", "ghostnet"),
        ("ghostnetv2", "ghostnetv2"),
        ("ghostnetv3", "ghostnetv3"),
        ("shufflenetv1", "shufflenetv1"),
        ("shufflenetv2", "shufflenetv2"),
        ("resnet", "resnet18"),
        ("resnet", "resnet50"),
        ("regnet", "regnetx_200mf"),
        ("convnext", "convnext_tiny"),
        ("wtconvnext", "wtconvnext_tiny"),
        ("poolformer", "poolformer_s12"),
        ("mobilevit", "mobilevit_xxs"),
        ("efficientformer", "efficientformer_l1"),
        ("starnet", "starnet_s1"),
    )
]


@pytest.mark.parametrize(("family", "build"), REFUSING)
@pytest.mark.parametrize("name", ["width", "depth"])
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), True, "1.0"])
def test_a_module_refuses_what_is_no_coefficient(
    family: str, build: Callable[..., nn.Module], name: str, value: object
) -> None:
    with pytest.raises(ValueError) as error:
        meta(partial(build, **{name: value}))
    assert str(error.value) == (
        f"{name} must be a positive finite number such as 0.75, but {value!r} was given"
    )
