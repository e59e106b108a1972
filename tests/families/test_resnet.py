"""ResNet, ResNeXt, Wide ResNet: the reference networks against torchvision, closed forms against
them."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, layers, meta, settle, state_shapes, torchvision, transplant
from torch import nn
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import resnet as closed
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from reference_models import resnet


class Case(NamedTuple):
    """A catalogue id with options, and the public network that it is."""

    name: str
    options: dict[str, int]
    public: str

    @property
    def text(self) -> str:
        values = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}:{values}" if values else self.name


CASES = (
    *(Case(f"resnet{n}", {}, f"resnet{n}") for n in (18, 34, 50, 101, 152)),
    Case("resnet50", {"groups": 32, "width_per_group": 4}, "resnext50_32x4d"),
    Case("resnet101", {"groups": 64, "width_per_group": 4}, "resnext101_64x4d"),
    Case("resnet50", {"width_per_group": 128}, "wide_resnet50_2"),
)
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.public)
SHAPES = st.tuples(st.integers(1, 2), st.just(3), st.integers(1, 70), st.integers(1, 70))


@pytest.fixture(autouse=True)
def one_thread():
    """The tensors are small: more threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ours(case: Case, classes: int = 1000) -> nn.Module:
    return getattr(resnet, case.name)(classes, **case.options)


def public(case: Case, classes: int = 1000) -> nn.Module:
    return getattr(torchvision().models, case.public)(num_classes=classes)


# --- the reference networks -----------------------------------------------------------------------


@each_case
def test_names_shapes_and_counts_are_torchvisions(case: Case) -> None:
    a, b = meta(ours, case), meta(public, case)
    assert state_shapes(a) == state_shapes(b)
    assert list(a.state_dict()) == list(b.state_dict())
    ledger = parse(case.text).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(a) == count(b)


@torch.no_grad()
@pytest.mark.parametrize("case", [CASES[0], CASES[2]], ids=lambda case: case.public)
def test_logits_and_initial_weights_are_torchvisions(case: Case) -> None:
    models = []
    for build in (ours, public):
        torch.manual_seed(5)
        models.append(build(case, 7))
    a, b = models
    values = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    assert all(torch.equal(x, y) for x, y in values)
    settle(b)
    transplant(b.eval(), a.eval())
    for size in ((64, 64), (33, 49)):
        x = torch.randn(2, 3, *size)
        assert torch.equal(a(x), b(x))


@pytest.mark.parametrize(
    "model", [resnet.resnet18, partial(resnet.resnet50, groups=4, width_per_group=2)]
)
def test_it_trains(model: Callable[..., nn.Module]) -> None:
    torch.manual_seed(0)
    assert_it_trains(model(classes=4), side=64, steps=6)


def test_groups_are_those_of_the_3x3_convolutions_alone() -> None:
    model = meta(resnet.resnet50, 10, 32, 4)
    assert {c.groups for c in layers(model, nn.Conv2d) if c.kernel_size == (3, 3)} == {32}
    assert {c.groups for c in layers(model, nn.Conv2d) if c.kernel_size != (3, 3)} == {1}


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=6)
@given(SHAPES, st.integers(1, 1200), st.integers(1, 9), st.integers(1, 33))
def test_witnesses_agree_on_bottlenecks(
    shape: tuple[int, ...], classes: int, groups: int, width: int
) -> None:
    options = {"classes": classes, "groups": groups, "width_per_group": width}
    check(partial(closed.resnet50, **options), partial(resnet.resnet50, **options), shape)


@settings(PROFILE, max_examples=6)
@given(SHAPES, st.integers(1, 1200))
def test_witnesses_agree_on_basic_blocks(shape: tuple[int, ...], classes: int) -> None:
    check(
        partial(closed.resnet18, classes=classes), partial(resnet.resnet18, classes=classes), shape
    )


@pytest.mark.parametrize("name", ["resnet34", "resnet101", "resnet152"])
def test_witnesses_agree_on_the_deeper_ones(name: str) -> None:
    check(getattr(closed, name), getattr(resnet, name), (2, 3, 57, 40))


@pytest.mark.parametrize("name", ["resnet18", "resnet50:groups=2,width_per_group=8,classes=3"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(name: str) -> None:
    assert prove_variant(parse(name))


def test_its_formula_is_free_in_classes_and_sizes() -> None:
    exact = formula("resnet50", "macs", ["classes"])
    assert exact.at(B=1, H=224, W=224, classes=1000) == 4_089_184_256
    assert exact.domain == "B, H, W, classes ≥ 1"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 0}, "classes must be a positive integer such as 1000, but 0 was given"),
        ({"groups": 0}, "groups must be a positive integer such as 32, but 0 was given"),
        (
            {"width_per_group": 1.5},
            "width_per_group must be a positive integer such as 64, but 1.5 was given",
        ),
    ],
)
def test_the_module_refuses_in_one_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        resnet.resnet50(**arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "resnet18:groups=2",
            UnknownName,
            "unknown option of resnet18 'groups'; known are width, depth, classes",
        ),
        (
            "resnet50:groups=0",
            BadInput,
            "groups=0 is not a positive integer; give one such as 1",
        ),
        ("resnet51", UnknownName, "unknown model 'resnet51'; did you mean resnet50, "),
    ],
)
def test_the_catalogue_refuses_in_one_sentence(text: str, kind: type, message: str) -> None:
    with pytest.raises(kind) as error:
        parse(text)
    assert str(error.value).startswith(message)
