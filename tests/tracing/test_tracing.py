"""The traced formula and the closed form are one expression; the trace leaves no trace."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from flopscope.agreement.proof import prove
from flopscope.analytic import blocks
from flopscope.analytic import operators as ops
from flopscope.analytic.tape import record
from flopscope.catalog.variant import FREE, parse
from flopscope.conventions import CONVENTIONS
from flopscope.domain import Relation
from flopscope.errors import BadInput
from flopscope.facts import Function, Kind, Movement
from flopscope.symbolic import symbol
from flopscope.tracing import trace

B, H, W = FREE["B"], FREE["H"], FREE["W"]

VARIANTS = [
    "mobilenetv1",
    "mobilenetv1:width=0.35",
    "mobilenetv1:width=0.35,recipe=timm",
    "mobilenetv2",
    "mobilenetv2:width=0.1",
    "mobilenetv2:width=1.4,classes=7",
    *(f"mobilenetv3_{size}:width={width},recipe={recipe}"
      for size in ("large", "small")
      for width in (0.35, 1, 1.25)
      for recipe in ("paper", "torchvision", "timm")),
]  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_closed_form_and_code_are_identical(name):
    variant = parse(name)
    with torch.device("meta"):
        module = variant.build().eval()
    traced = trace(module, (B, 3, H, W))
    proof = prove(variant.ledger((H, W), B), traced.ledger)
    assert not proof.mismatches
    assert all(identity.proved for identity in proof.totals)
    assert proof


@pytest.mark.parametrize("shape", [(1, 3, 224, 224), (2, 3, 97, 65), (1, 3, 1, 1), (1, 3, 33, 7)])
def test_trace_at_numbers_is_the_closed_form_at_those_numbers(shape):
    variant = parse("mobilenetv3_small:width=0.5")
    with torch.device("meta"):
        module = variant.build().eval()
    traced = trace(module, shape)
    assert prove(variant.ledger((shape[2], shape[3]), shape[0]), traced.ledger)


def test_a_wrong_closed_form_is_not_proved():
    variant = parse("mobilenetv2")
    with torch.device("meta"):
        module = variant.build().eval()
    traced = trace(module, (B, 3, H, W)).ledger
    wrong = parse("mobilenetv2:width=1.4").ledger((H, W), B)
    proof = prove(wrong, traced)
    assert not proof
    assert "stem.conv (features.0.0)" in str(proof.mismatches[0])
    shorter = prove(variant.ledger((H, W), B), traced.filter(lambda row: row.kind is not Kind.ADD))
    assert not shorter


def test_an_assumption_is_no_proof():
    ledger = parse("mobilenetv2").ledger((H, W), B)
    assert prove(ledger, ledger)
    narrower = replace(ledger, conditions=(Relation(H - 33, equality=False),))
    proof = prove(ledger, narrower)
    assert not proof
    assert proof.assumptions == ("H ≥ 33",)
    assert prove(narrower, narrower)


class Mixed(nn.Module):
    """Layers, functions and a shared module."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.norm = nn.GroupNorm(2, 8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool2d(self.conv(self.conv(x)), 3, 2, 1)
        x = self.up(torch.cat([x, torch.sigmoid(x)], 1))
        x = F.avg_pool2d(F.gelu(self.norm(x)), 2)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def mixed(x):
    once = ops.conv2d(x, 8, 3, groups=2, bias=True, name="conv")
    x = ops.max_pool2d(
        ops.conv2d(once, 8, 3, groups=2, bias=True, name="conv"), 3, stride=2, padding=1
    )
    x = ops.concatenate([x, ops.activation(x, Function.SIGMOID)])
    x = ops.group_norm(ops.conv_transpose2d(x, 8, 2, stride=2, bias=True, name="up"), 2)
    x = ops.avg_pool2d(ops.activation(x, Function.GELU), 2, stride=2)
    return ops.linear(ops.flatten(ops.global_pool(x)), 5)


def test_functions_and_shared_modules():
    with torch.device("meta"):
        module = Mixed().eval()
    traced = trace(module, (B, 8, H, W))
    closed = record(mixed, (B, 8, H, W))
    proof = prove(closed, traced.ledger)
    assert not proof.mismatches
    calls = [row for row in traced.ledger if row.path == "conv"]
    assert len(calls) == 2
    assert traced.ledger.params().value == sum(p.numel() for p in module.parameters())


def test_attention_is_counted_however_it_is_written():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

        def forward(self, x):
            return self.attention(x, x, x, need_weights=False)[0]

    class Fused(nn.Module):
        def forward(self, x):
            return F.scaled_dot_product_attention(x, x, x)

    tokens = symbol("tokens")
    with torch.device("meta"):
        module = Attention().eval()
    macs = trace(module, (1, tokens, 32), example={"tokens": 17}).ledger.macs().formula
    assert macs.at(tokens=16) == 65_536 + 16_384
    assert trace(Fused(), (1, 4, 16, 8)).ledger.macs().value == 16_384


def test_unknown_operators_make_a_lower_bound():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.linalg.pinv(x)

    ledger = trace(Odd(), (2, 8)).ledger
    assert not ledger.complete
    assert ledger.macs().missing == (":linalg_pinv",)
    assert str(ledger.macs()).startswith("≥ 0")


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        raise RuntimeError("no")


def test_a_failure_leaves_nothing_behind():
    from torch.nn.modules import module as machinery

    with torch.device("meta"):
        module = Raises()
    with pytest.raises(RuntimeError, match="no"):
        trace(module, (1, 3))
    assert not machinery._global_forward_hooks
    assert not machinery._global_forward_pre_hooks
    assert torch.is_grad_enabled()
    assert torch.empty(1).device.type == "cpu"


def test_block_in_its_channel_symbols_is_proved_at_the_module_s_channels():
    class Inverted(nn.Module):
        def __init__(self, channels, out, t):
            super().__init__()
            hidden = channels * t

            def unit(i, o, k, groups=1, act=True):
                parts = [
                    nn.Conv2d(i, o, k, padding=k // 2, groups=groups, bias=False),
                    nn.BatchNorm2d(o),
                ]
                return nn.Sequential(*parts, *([nn.ReLU6()] if act else []))

            self.body = nn.Sequential(
                unit(channels, hidden, 1),
                unit(hidden, hidden, 5, hidden),
                unit(hidden, out, 1, act=False),
            )

        def forward(self, x):
            return x + self.body(x)

    with torch.device("meta"):
        module = Inverted(16, 16, 3).eval()
    traced = trace(module, (B, 16, H, W))
    closed = record(lambda x: blocks.inverted_residual(x, 16, expansion=3, kernel=5), (B, 16, H, W))
    assert prove(closed, traced.ledger)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(2, 5), (B, symbol("T")), (B, H, W)])
def test_a_linear_layer_keeps_the_axes_that_it_is_called_on(bias, sizes):
    (row,) = trace(nn.Linear(8, 4, bias=bias), (*sizes, 8)).ledger
    assert (row.inputs, row.output) == (((*sizes, 8),), (*sizes, 4))


@pytest.mark.parametrize("size", [1, (1, 1)])
def test_pooling_to_one_position_asks_nothing_about_channels(size):
    channels = symbol("C")
    traced = trace(nn.AdaptiveAvgPool2d(size), (B, channels, H, W))
    closed = record(ops.global_pool, (B, channels, H, W))
    assert traced.ledger.conditions == ()
    assert prove(closed, traced.ledger)


class Product(nn.Module):
    def __init__(self, equation):
        super().__init__()
        self.equation = equation

    def forward(self, a, b):
        return torch.einsum(self.equation, a, b)


def test_a_sum_over_one_element_is_no_matrix_product():
    """torch multiplies element by element then; so the formula leaves that size out."""
    symbolic = trace(Product("bqk,bkd->bqd"), ("B", "T", "T"), ("B", "T", 8)).ledger
    assert [str(condition) for condition in symbolic.conditions] == ["T ≠ 1"]
    assert symbolic.at(B=1, T=5).macs().value == 5 * 5 * 8
    assert trace(Product("bqk,bkd->bqd"), (2, 1, 1), (2, 1, 8)).ledger.macs().value == 0
    assert trace(Product("i,j->ij"), ("T",), ("U",)).ledger.macs().value == 0


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_a_window_may_reach_beyond_the_input_where_the_last_one_is_kept(size):
    pool = nn.AvgPool1d(2, 2, ceil_mode=True)
    (row,) = trace(pool, (1, 4, "L"), example={"L": size}).ledger
    assert pool(torch.zeros(1, 4, size)).shape[-1] == row.output[-1].evaluate({"L": size})


def test_an_interpolation_that_leaves_nothing_is_outside_the_domain():
    class Halved(nn.Module):
        def forward(self, x):
            return F.interpolate(x, scale_factor=0.5)

    ledger = trace(Halved(), (1, 4, "L")).ledger
    assert [str(condition) for condition in ledger.conditions] == ["L ≠ 1"]
    with pytest.raises(RuntimeError):
        Halved()(torch.zeros(1, 4, 1))


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("pool", [nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool2d, nn.MaxPool3d])
def test_a_pool_takes_the_inputs_that_torch_takes(pool, size, kernel):
    module = pool(kernel, 2, ceil_mode=True)
    rank = int(pool.__name__[-2])
    names = ("D", "H", "W")[3 - rank :]
    try:
        expected = module(torch.zeros(1, 4, *[size] * rank)).shape[2:]
    except RuntimeError:
        with pytest.raises(RuntimeError):
            trace(module, (1, 4, *names), example=dict.fromkeys(names, size))
    else:
        (row,) = trace(module, (1, 4, *names), example=dict.fromkeys(names, size)).ledger
        assert tuple(n.evaluate(dict.fromkeys(names, size)) for n in row.output[2:]) == expected


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_an_antialiased_interpolation_takes_free_sizes(mode):
    class Smooth(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Conv2d(3, 5, 1)

        def forward(self, x):
            return self.last(F.interpolate(x, scale_factor=0.5, mode=mode, antialias=True))

    macs = trace(Smooth(), (1, 3, H, W)).ledger.macs().value
    assert macs.evaluate({"H": 9, "W": 14}) == 3 * 5 * 4 * 7


def test_an_interpolation_that_takes_no_free_sizes_is_named_with_its_line():
    class Wrong(nn.Module):
        def forward(self, x):
            return F.interpolate(x, scale_factor=0.5, mode="trilinear")

    with pytest.raises(
        BadInput,
        match=r"^the interpolation at \S*test_tracing\.py:\d+ \(trilinear, of 4 dimensions\) "
        r"takes no free sizes; give numbers for them$",
    ):
        trace(Wrong(), (1, 3, H, W))


class Biased(nn.Module):
    """Adds entries of a table at stored positions, and at positions that are its input."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(8, 49))
        self.register_buffer("index", torch.zeros(7, 7, dtype=torch.long))

    def forward(self, x):
        return x + self.table[:, self.index]


def test_an_index_of_a_parameter_is_a_look_up_with_its_table_and_positions():
    """The table counts once, the positions are buffers, and no arithmetic is done."""
    lookup, addition = trace(Biased(), ("B", 8, 7, 7)).ledger.rows
    assert (lookup.kind, lookup.inputs, lookup.output) == (Kind.EMBEDDING, (), (8, 7, 7))
    assert [weight.shape for weight in lookup.weights] == [(8, 49)]
    assert [buffer.shape for buffer in lookup.buffers] == [(7, 7)]
    assert addition.reads == (-1, lookup.id)
    ledger = trace(Biased(), (2, 8, 7, 7)).ledger
    measured = Biased()
    assert ledger.params().value == sum(p.numel() for p in measured.parameters())
    assert ledger.buffers().value == measured.index.numel()
    assert all(int(ledger.filter(lambda row: row is ledger.rows[0]).flops(name)) == 0
               for name in CONVENTIONS)  # fmt: skip


def test_an_index_of_what_was_computed_moves_it():
    class Reordered(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("order", torch.arange(4).flip(0))

        def forward(self, x):
            return (2 * x)[:, self.order]

    rows = trace(Reordered(), (3, 4)).ledger
    assert [row.kind for row in rows] == [Kind.MULTIPLY, Kind.MOVE]
    assert [row.function for row in rows][1] is Movement.GATHER


TRUTHS = {
    "equal": (lambda b, t: (t > 6) == (b > 1), "B ≥ 2; T ≥ 7"),
    "different": (lambda b, t: (t > 6) != (t <= 6), "B ≥ 1; T ≥ 7"),
    "equal to a truth": (lambda b, t: (t > 6) == True, "B ≥ 1; T ≥ 7"),  # noqa: E712
    "equal to a number": (lambda b, t: (t > 6) == 1, "B ≥ 1; T ≥ 7"),
    "different from a number": (lambda b, t: (t > 6) != 2, "B ≥ 1; T ≥ 7"),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_answers_on_sizes_may_be_compared(name):
    ask, domain = TRUTHS[name]

    class Asks(nn.Module):
        def forward(self, x):
            x = x.mT if ask(*x.shape[:2]) else x
            return x @ torch.ones(x.shape[2], 3)

    formula = trace(Asks(), ("B", "T", 8)).ledger.macs().formula
    assert formula.domain == domain
    assert str(formula.expression) == "24·B·T"
