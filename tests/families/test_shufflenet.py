"""ShuffleNet and its V2: the reference networks against torchvision and the authors' code, the
closed forms against them.

The authors' code is no package. Its state dict's names and its counts are typed here as seen there.
"""

from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, meta, settle, state_shapes, torchvision, transplant
from torch import nn
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import shufflenetv1 as closed_v1
from flopscope.analytic import shufflenetv2 as closed_v2
from flopscope.analytic.switches import Recipe
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.figures import figures, stated
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from reference_models.shufflenetv1 import STAGES, STEM, Unit, shufflenetv1
from reference_models.shufflenetv2 import COLUMNS, shufflenetv2

GROUPS, WIDTHS = st.sampled_from(sorted(STAGES)), st.sampled_from(sorted(STEM))
SHAPES = st.tuples(st.integers(1, 2), st.just(3), st.integers(1, 70), st.integers(1, 70))


as_torchvision = partial(shufflenetv2, recipe="torchvision")


def public_v2(width: float, classes: int) -> nn.Module:
    name = f"shufflenet_v2_x{width}".replace(".", "_")
    return getattr(torchvision().models, name)(num_classes=classes)


# --- the reference networks against the public ones -----------------------------------------------


@pytest.mark.parametrize("width", COLUMNS)
def test_v2_has_the_names_shapes_and_initial_weights_of_torchvision(width: float) -> None:
    models = []
    for build in (as_torchvision, public_v2):
        torch.manual_seed(3)
        models.append(build(width, 11))
    ours, public = models
    assert state_shapes(ours) == state_shapes(public)
    assert list(ours.state_dict()) == list(public.state_dict())
    values = zip(ours.state_dict().values(), public.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in values)


@torch.no_grad()
@pytest.mark.parametrize("width", COLUMNS)
def test_v2_gives_the_logits_of_torchvision(width: float) -> None:
    torch.manual_seed(0)
    public, ours = public_v2(width, 7), as_torchvision(width, 7)
    settle(public)
    transplant(public.eval(), ours.eval())
    for size in ((96, 64), (65, 97)):
        x = torch.randn(2, 3, *size)
        expected = public(x)
        spread = (expected[0] - expected[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(ours(x) / spread, expected / spread, rtol=0, atol=2e-5)


# Parameters and MACs at 224 of megvii-model/ShuffleNet-Series, with 3 groups and with 8.
V1_COUNTS = {
    (3, 0.5): (717_324, 37_589_856),
    (3, 1.0): (1_864_728, 137_460_672),
    (3, 1.5): (3_441_168, 292_443_552),
    (3, 2.0): (5_449_776, 524_045_184),
    (8, 0.5): (1_010_448, 40_469_760),
    (8, 1.0): (2_433_768, 138_365_952),
    (8, 1.5): (4_268_952, 290_188_800),
    (8, 2.0): (6_521_232, 521_942_016),
}
V2_COUNTS = {
    0.5: (1_365_792, 40_476_448),
    1.0: (2_278_760, 145_814_296),
    1.5: (3_506_720, 298_970_656),
    2.0: (7_402_600, 590_783_000),
}


@pytest.mark.parametrize(("groups", "width"), V1_COUNTS)
def test_v1_counts_what_the_authors_code_counts(groups: int, width: float) -> None:
    assert count(meta(shufflenetv1, groups, width)) == V1_COUNTS[groups, width]


@pytest.mark.parametrize("width", V2_COUNTS)
def test_v2_of_the_paper_counts_what_the_authors_code_counts(width: float) -> None:
    assert count(meta(shufflenetv2, width)) == V2_COUNTS[width]


def test_v1_has_the_parameters_of_imgclsmob_but_for_its_bias() -> None:
    found = [f for f in figures("shufflenetv1") if f.source.startswith("osmr/imgclsmob")]
    assert len(found) == 11
    for figure in found:
        params = parse(figure.model).ledger((224, 224)).params().value
        assert stated(figure.params or "")[0] == params + 1000


@pytest.mark.parametrize("name", [m for m in MODELS if m.startswith("shufflenet")])
def test_a_name_says_groups_and_width(name: str) -> None:
    network, _, width = name.rpartition("_x")
    if network == "shufflenetv2":
        expected = meta(shufflenetv2, float(width))
    else:
        expected = meta(shufflenetv1, int(network.removeprefix("shufflenetv1_g")), float(width))
    variant = parse(name)
    assert state_shapes(meta(variant.build)) == state_shapes(expected)
    params = sum(p.numel() for p in expected.parameters())
    assert variant.ledger((224, 224)).params().value == params


NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def names(prefix: str, *layers: int) -> list[str]:
    """A convolution and its norm at each of these places, as a state dict names them."""
    return [
        f"{prefix}.{place}"
        for at in layers
        for place in (f"{at}.weight", *(f"{at + 1}.{name}" for name in NORM))
    ]


def test_v1_has_the_names_of_the_authors_code() -> None:
    expected = names("first_conv", 0)
    for unit in range(16):
        expected += names(f"features.{unit}.branch_main_1", 0, 3)
        expected += names(f"features.{unit}.branch_main_2", 0)
    assert list(meta(shufflenetv1).state_dict()) == [*expected, "classifier.0.weight"]


def test_v2_of_the_paper_has_the_names_of_the_authors_code() -> None:
    expected = names("first_conv", 0)
    for unit in range(16):
        expected += names(f"features.{unit}.branch_main", 0, 3, 5)
        if unit in (0, 4, 12):
            expected += names(f"features.{unit}.branch_proj", 0, 2)
    expected += names("conv_last", 0)
    model = meta(shufflenetv2)
    assert list(model.state_dict()) == [*expected, "classifier.0.weight"]


def test_the_shuffle_deals_channels_to_the_groups() -> None:
    """Six channels in three groups: 0, 3 to the first, 1, 4 to the second, 2, 5 to the third."""
    x = torch.arange(6.0).view(1, 6, 1, 1)
    assert Unit(240, 60, 240, 1, 3, 3).shuffle(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]


@torch.no_grad()
def test_the_recipes_of_v2_are_one_function_of_reordered_channels() -> None:
    """At width 0.5 they have the same layers; each channel is followed through both shuffles."""
    torch.manual_seed(1)
    ours, paper = shufflenetv2(0.5, 5, "torchvision").eval(), shufflenetv2(0.5, 5).eval()
    x = torch.randn(1, 3, 64, 64)
    stem = ours.maxpool(ours.conv1(x))
    unit, other = ours.stage2[0], paper.features[0]
    other.branch_proj.load_state_dict(unit.branch1.state_dict())
    other.branch_main.load_state_dict(unit.branch2.state_dict())
    y, z = unit(stem), other(stem)
    torch.testing.assert_close(y[:, 0::2], z[:, :24])
    torch.testing.assert_close(y[:, 1::2], z[:, 24:])


@pytest.mark.parametrize(
    "build",
    [
        partial(shufflenetv1, 4, 0.25),
        partial(shufflenetv2, 0.5),
        partial(shufflenetv2, 0.5, recipe="torchvision"),
    ],
)
def test_a_few_steps_of_training_lower_the_loss(build: Any) -> None:
    torch.manual_seed(0)
    model = build(classes=4)
    x, y = torch.randn(8, 3, 64, 64), torch.arange(8) % 4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


# --- the closed forms against the reference networks ----------------------------------------------


@settings(PROFILE, max_examples=4)
@given(GROUPS, WIDTHS, SHAPES, st.integers(1, 1200))
def test_v1_agrees(groups: int, width: float, shape: tuple[int, ...], classes: int) -> None:
    options = {"groups": groups, "s": width, "classes": classes}
    check(partial(closed_v1.shufflenetv1, **options), partial(shufflenetv1, **options), shape)


@settings(PROFILE, max_examples=4)
@given(st.sampled_from(sorted(COLUMNS)), st.booleans(), SHAPES, st.integers(1, 1200))
def test_v2_agrees(width: float, paper: bool, shape: tuple[int, ...], classes: int) -> None:
    recipe = Recipe.PAPER if paper else Recipe.TORCHVISION
    options = {"s": width, "classes": classes}
    check(
        partial(closed_v2.shufflenetv2, recipe=recipe, **options),
        partial(shufflenetv2, recipe=recipe.value, **options),
        shape,
    )


@settings(PROFILE, max_examples=15)
@given(GROUPS, st.integers(1, 4), SHAPES)
def test_the_unit_of_v1_agrees_and_costs_what_the_paper_says(
    groups: int, times: int, shape: tuple[int, ...]
) -> None:
    channels, hidden = 4 * groups * times, groups * times
    batch, _, height, width = shape
    closed = partial(closed_v1.shufflenet_unit, hidden=hidden, groups=groups)
    build = partial(Unit, channels, hidden, channels, 1, groups, groups, shuffled=True)
    check(closed, build, (batch, channels, height, width))
    # Section 3.2: hw(2cm/g + 9m).
    macs = batch * height * width * (2 * channels * hidden // groups + 9 * hidden)
    sizes = {"B": batch, "H": height, "W": width, "C_in": channels, "C_hid": hidden, "G": groups}
    assert formula("shufflenet_unit").at(**sizes) == macs


@pytest.mark.parametrize("channels", [2, 6, 116])
def test_the_unit_of_v2_works_on_half_of_the_channels(channels: int) -> None:
    half = channels // 2
    ledger = record(closed_v2.shufflenetv2_unit, (2, channels, 5, 7))
    assert ledger.macs().value == 2 * 35 * (2 * half**2 + 9 * half)
    assert formula("shufflenetv2_unit").at(B=2, C_in=channels, H=5, W=7) == ledger.macs().value
    assert ledger.rows[-1].inputs == ((2, half, 5, 7), (2, half, 5, 7))


@pytest.mark.parametrize(
    "name", ["shufflenetv1_g2_x0.25", "shufflenetv2_x0.5", "shufflenetv2_x0.5:recipe=torchvision"]
)
def test_the_code_traced_on_free_sizes_is_the_closed_form(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof.mismatches == ()
    assert proof


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [5, 0, "3", None])
def test_unknown_groups(value: Any) -> None:
    with pytest.raises(ValueError) as error:
        shufflenetv1(value)
    assert str(error.value) == f"groups must be 1, 2, 3, 4 or 8, but {value!r} was given"
    with pytest.raises(BadInput) as refused:
        record(partial(closed_v1.shufflenetv1, groups=value), (1, 3, 64, 64))
    assert str(refused.value) == (
        f"ShuffleNet is defined for groups 1, 2, 3, 4, 8, but {value} was given"
    )


@pytest.mark.parametrize("value", [0.3, -1, "1.0", None])
def test_unknown_widths(value: Any) -> None:
    for build, known in (
        (shufflenetv1, "0.25, 0.5, 0.75, 1, 1.5 or 2"),
        (shufflenetv2, "0.5, 1, 1.5 or 2"),
    ):
        with pytest.raises(ValueError) as error:
            build(s=value)
        assert str(error.value) == f"s must be {known}, but {value!r} was given"
    for closed, words in (
        (closed_v1.shufflenetv1, "ShuffleNet is defined for width 0.25, 0.5, 0.75, 1, 1.5, 2"),
        (closed_v2.shufflenetv2, "ShuffleNetV2 is defined for width 0.5, 1, 1.5, 2"),
    ):
        with pytest.raises(BadInput) as refused:
            record(partial(closed, s=value), (1, 3, 64, 64))
        assert str(refused.value) == f"{words}, but {value} was given"


def test_groups_that_do_not_divide_and_an_odd_number_of_channels() -> None:
    unit = partial(closed_v1.shufflenet_unit, hidden=6, groups=4)
    with pytest.raises(OutsideDomain) as error:
        record(unit, (1, 24, 8, 8))
    assert str(error.value) == "number of channels is 6, which 4 does not divide"
    with pytest.raises(OutsideDomain) as error:
        record(closed_v2.shufflenetv2_unit, (1, 7, 8, 8))
    assert str(error.value) == (
        "number of channels, to be split in two, is 7, which 2 does not divide"
    )


def test_other_refusals() -> None:
    with pytest.raises(ValueError) as error:
        shufflenetv2(1.0, 1000, "timm")
    assert str(error.value) == "recipe must be 'paper' or 'torchvision', but 'timm' was given"
    with pytest.raises(ValueError) as error:
        shufflenetv1(3, 1.0, 0)
    assert str(error.value) == "classes must be a positive integer such as 1000, but 0 was given"
    with pytest.raises(UnknownName) as unknown:
        parse("shufflenetv1_g3_x1.0:groups=2")
    assert str(unknown.value) == (
        "unknown option of shufflenetv1_g3_x1.0 'groups'; known are width, depth, classes"
    )
