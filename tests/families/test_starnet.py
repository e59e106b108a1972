"""StarNet: the reference networks against timm, the closed forms against them."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, deviation, layers, meta, settle, state_shapes, timm
from torch import nn
from torch.nn import functional
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import starnet as closed
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain, UnknownName
from reference_models import starnet

SIZES = ("s1", "s2", "s3", "s4", "s050", "s100", "s150")
IDS = tuple(f"starnet_{size}" for size in SIZES)
sides = st.integers(1, 70)
shapes = st.tuples(st.integers(1, 2), st.just(3), sides, sides)
rows = st.tuples(st.integers(1, 6), st.tuples(*[st.integers(1, 2)] * 4), st.integers(1, 4))


def ours(id: str, classes: int = 1000) -> nn.Module:
    return getattr(starnet, id)(classes)


def public(id: str, classes: int = 1000, **options: float) -> nn.Module:
    return timm().create_model(id, num_classes=classes, **options)


# --- the reference networks -----------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_names_shapes_and_counts_are_timms(id: str) -> None:
    mine, theirs = meta(ours, id), meta(public, id)
    assert state_shapes(mine) == state_shapes(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    norms = [{(n.eps, n.momentum) for n in layers(m, nn.BatchNorm2d)} for m in (mine, theirs)]
    assert norms == [{(1e-5, 0.1)}, {(1e-5, 0.1)}]
    ledger = parse(id).ledger((224, 224))
    assert (ledger.params().value, ledger.macs().value) == count(theirs)


@pytest.mark.parametrize(
    ("size", "drop"), [("s1", 0), ("s2", 0.01), ("s3", 0.01), ("s4", 0.02), ("s050", 0)]
)
def test_rates_are_those_of_the_authors_readme_in_timms_progression(size: str, drop: float) -> None:
    """Blocks that are never dropped have no module for it there."""
    theirs = meta(partial(public, f"starnet_{size}", drop_path_rate=drop))
    paths = [m.drop_path for m in theirs.modules() if type(m).__name__ == "Block"]
    rates = [getattr(path, "drop_prob", 0.0) for path in paths]
    found = [block.drop for block in layers(meta(ours, f"starnet_{size}"), starnet.Block)]
    assert found == pytest.approx(rates, rel=1e-6)


@torch.no_grad()
def test_logits_are_timms() -> None:
    """In training too, where the same examples are left out."""
    torch.manual_seed(5)
    theirs = public("starnet_s050", 7, drop_path_rate=0.3)
    mine = starnet.StarNet(starnet.S050._replace(drop=0.3), 7)
    settle(theirs)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 64), (33, 70)):
        x = torch.randn(2, 3, *size)
        logits = theirs.eval()(x)
        spread = (logits[0] - logits[1]).abs().max()
        assert spread > 0.01
        torch.testing.assert_close(mine.eval()(x) / spread, logits / spread, rtol=0, atol=1e-4)
    outputs = []
    for network in (mine.train(), theirs.train()):
        torch.manual_seed(2)
        outputs.append(network(x))
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    mine, theirs = ours("starnet_s050", 300), public("starnet_s050", 300)
    for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
        if "bn" in name or name.startswith(("norm", "head.bias")):
            assert torch.equal(a, b), name
        elif a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(b), rel=0.05), name


@torch.no_grad()
def test_a_block_is_its_equation() -> None:
    """x + dw(norm(g(min(max(f1, 0), 6) · f2))), of what the first depthwise convolution gives."""
    torch.manual_seed(3)
    block = starnet.Block(4, 3, 0.0)
    block(torch.randn(2, 4, 9, 8))  # which moves the statistics of its norms
    block.eval()
    x = torch.randn(2, 4, 9, 8) * 3
    mixed = block.dwconv(x)
    one, other = (
        functional.conv2d(mixed, layer.conv.weight, layer.conv.bias)
        for layer in (block.f1, block.f2)
    )
    expected = x + block.dwconv2(block.g(one.clamp(0, 6) * other))
    torch.testing.assert_close(block(x), expected)


def test_it_trains() -> None:
    torch.manual_seed(0)
    assert_it_trains(starnet.StarNet(starnet.Size(8, (1, 1, 2, 1), drop=0.1), 4), side=64, steps=12)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=4)
@given(rows, shapes, st.integers(1, 1200))
def test_every_witness_agrees(row: tuple, shape: tuple[int, ...], classes: int) -> None:
    check(
        partial(closed.starnet, row=closed.Row(*row), classes=classes),
        lambda: starnet.StarNet(starnet.Size(*row), classes),
        shape,
    )


@pytest.mark.parametrize("id", ["starnet_s1", "starnet_s050", "starnet_s100"])
def test_every_witness_agrees_on_published_ones(id: str) -> None:
    check(partial(getattr(closed, id), classes=9), partial(ours, id, 9), (2, 3, 57, 40))


# fvcore's total and outputs of products, which timm's benchmark files state in 10⁹ and 10⁶.
@pytest.mark.parametrize(
    ("id", "fvcore", "activations"),
    [
        ("starnet_s1", "0.42", "4.99"),
        ("starnet_s2", "0.55", "4.73"),
        ("starnet_s3", "0.76", "6.66"),
        ("starnet_s4", "1.05", "9.56"),
        ("starnet_s050", "0.09", "1.57"),
        ("starnet_s100", "0.19", "2.68"),
        ("starnet_s150", "0.23", "2.75"),  # 2,745,000
    ],
)
def test_totals_are_timms(id: str, fvcore: str, activations: str) -> None:
    ledger = parse(id).ledger((224, 224))
    assert f"{ledger.flops('fvcore').value / 1e9:.2f}" == fvcore
    assert float(activations) == pytest.approx(ledger.activations().value / 1e6, abs=0.005)


@pytest.mark.parametrize("text", ["starnet_s050:classes=3", "starnet_s1:width=0.5,depth=1.2"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(text: str) -> None:
    proof = prove_variant(parse(text))
    assert proof
    assert proof.domain == "B, H, W ≥ 1"


def test_its_formula_is_free_in_width_classes_and_sizes() -> None:
    exact = formula("starnet_s4", "macs", ["width", "classes"])
    assert exact.at(B=1, H=224, W=224, width=1, classes=1000) == 1_049_561_600
    assert exact.domain == "B, H, W, classes ≥ 1; α > 0"
    ledger = parse("starnet_s4:width=0.7,classes=5").ledger((65, 40))
    assert exact.at(B=1, H=65, W=40, width=0.7, classes=5) == ledger.macs().value
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=0, W=224, width=1, classes=1000)
    assert str(error.value) == "H=0 is outside the domain: H must be at least 1"


@pytest.mark.parametrize(
    ("text", "widths"),
    [
        ("starnet_s100:width=1", [20, 40, 80, 160]),
        ("starnet_s100:width=0.9", [20, 40, 80, 160]),  # 18 would be nearest to 16 and 20
        ("starnet_s1:width=0.5", [12, 24, 48, 96]),
        ("starnet_s4:width=0.05", [4, 8, 16, 32]),
    ],
)
def test_the_first_width_is_a_multiple_of_4_and_the_others_double(
    text: str, widths: list[int]
) -> None:
    ledger = parse(text).ledger((32, 32))
    found = [row.output[1] for row in ledger if row.path.endswith("downsample.conv")]
    assert found == widths
    assert ledger.rows[0].output[1] == 32


# --- bad input ------------------------------------------------------------------------------------


def test_a_map_without_pixels_is_refused_in_one_sentence() -> None:
    with pytest.raises(OutsideDomain) as error:
        record(closed.starnet_s1, (1, 3, 0, 32))
    assert str(error.value) == (
        "input 0 padded by 1 less the span of kernel 3, plus 1, is 0, but must be at least 1"
    )


def test_what_does_not_exist_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownName) as error:
        parse("starnet_s1:form=deploy")
    assert (
        str(error.value) == "unknown option of starnet_s1 'form'; known are width, depth, classes"
    )
    with pytest.raises(ValueError) as refused:
        starnet.starnet_s1(0)
    assert str(refused.value) == "classes must be a positive integer such as 1000, but 0 was given"
    with pytest.raises(ValueError) as refused:
        starnet.starnet_s1(width=-1)
    assert (
        str(refused.value)
        == "width must be a positive finite number such as 0.75, but -1 was given"
    )
