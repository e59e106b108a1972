"""Branches, loops and scans, flex attention, and functions that run a part apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from flop_counter import counted, macs
from torch import nn
from torch._higher_order_ops.map import map as mapped
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.nn import functional as F
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask, flex_attention
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.tracing import trace

HERE = "tests/tracing/test_higher_order.py"


def layer(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


class Two(nn.Module):
    """Two layers, and a forward pass of the test's own."""

    def __init__(self, forward: Callable[[Any, torch.Tensor], Any], width: int = 4) -> None:
        super().__init__()
        self.a, self.b = layer(8, width), nn.Sequential(layer(8, 2), layer(2, width))
        self.c = layer(8, width)
        self._run = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self._run(self, x)


# --- branches -----------------------------------------------------------------------------------


def test_two_ways_of_equal_cost_are_exact() -> None:
    net = Two(lambda n, x: torch.cond(x.sum() > 0, n.a, n.c, (x,)))
    ledger = trace(net, (2, 8)).ledger
    assert ledger.macs().value == 2 * 8 * 4
    assert ledger.complete
    assert ledger.params().value == 8 * 4 + (8 * 2 + 2 * 4) + 8 * 4
    assert str(trace(net, ("B", 8)).ledger.macs().value) == "32·B"


@pytest.mark.parametrize("first", ["a", "b"])
def test_of_unequal_ways_the_cheaper_is_a_lower_bound_and_both_are_named(first: str) -> None:
    other = "b" if first == "a" else "a"
    net = Two(
        lambda n, x: torch.cond(x.sum() > 0, getattr(n, first), getattr(n, other), (x,)) + n.c(x)
    )
    reading = trace(net, (2, 8)).ledger.macs()
    cheap, dear = 2 * (8 * 2 + 2 * 4), 2 * 8 * 4
    assert reading.value == cheap + 2 * 8 * 4
    costs = f"{dear} or {cheap}" if first == "a" else f"{cheap} or {dear}"
    assert reading.missing == (f":cond ({costs} MACs)",)
    free = trace(net, ("B", 8)).ledger.macs()
    assert str(free.value) == "56·B"
    assert not free.complete


def test_ways_that_differ_beside_products_leave_multiply_accumulates_exact() -> None:
    net = Two(
        lambda n, x: torch.cond(
            x.sum() > 0, lambda t: n.a(t).relu(), lambda t: nn.functional.gelu(n.c(t)), (x,)
        )
    )
    ledger = trace(net, (2, 8)).ledger
    assert str(ledger.macs()) == "64 MACs (macs)"
    acts = ledger.flops("all")
    # the sum before, the product and ReLU's comparisons: the way that costs no more
    assert (acts.value, acts.complete) == (15 + 1 + (64 + 56) + 8, False)


def test_a_branch_on_sizes_takes_one_way() -> None:
    net = Two(lambda n, x: torch.cond(x.shape[0] > 4, n.a, n.b, (x,)))
    few, many = trace(net, ("B", 8), example={"B": 3}), trace(net, ("B", 8), example={"B": 9})
    assert str(few.ledger.macs().value) == "24·B"
    assert str(many.ledger.macs().value) == "32·B"
    assert [str(c) for c in few.ledger.conditions] == ["B one of 1…4"]
    assert [str(c) for c in many.ledger.conditions] == ["B ≥ 5"]


def test_branches_inside_branches() -> None:
    def run(n: Any, x: torch.Tensor) -> Any:
        inner = lambda t: torch.cond(t.max() > 1, n.a, n.c, (t,))  # noqa: E731
        return torch.cond(x.sum() > 0, inner, n.a, (x,))

    assert trace(Two(run), (2, 8)).ledger.macs().value == 64


def test_ways_that_nobody_can_compare_count_nothing() -> None:
    """One multiplies, the other computes many functions: neither costs less in every convention."""

    def busy(t: torch.Tensor) -> torch.Tensor:
        for _ in range(200):
            t = t.exp()
        return t[:, :4]

    net = Two(lambda n, x: torch.cond(x.sum() > 0, n.a, busy, (x,)))
    reading = trace(net, (2, 8)).ledger.macs()
    assert (reading.value, reading.complete) == (0, False)


def test_a_branch_has_no_backward_pass() -> None:
    net = Two(lambda n, x: torch.cond(x.sum() > 0, n.a, n.c, (n.a(x) @ n.a.weight,)))
    with pytest.raises(BadInput) as caught:
        trace(net, (2, 8), backward=True)
    line = test_a_branch_has_no_backward_pass.__code__.co_firstlineno + 1
    assert str(caught.value) == (
        f"the backward pass of cond at {HERE}:{line} is not known; "
        "trace the network without backward"
    )


# --- loops --------------------------------------------------------------------------------------


def test_a_loop_with_a_counter_runs_as_often() -> None:
    def run(n: Any, x: torch.Tensor) -> Any:
        step = lambda i, t: (i + 1, torch.cat([n.a(t)] * 2, 1))  # noqa: E731
        return while_loop(lambda i, t: i < 5, step, (torch.tensor(0), x))[1]

    assert trace(Two(run), (2, 8)).ledger.macs().value == 5 * 64


def test_a_loop_that_data_end_says_what_a_pass_costs() -> None:
    def run(n: Any, x: torch.Tensor) -> Any:
        return while_loop(lambda t: t.sum() > 0, lambda t: (torch.cat([n.a(t)] * 2, 1),), (x,))[0]

    reading = trace(Two(run), (2, 8)).ledger.macs()
    assert (reading.value, reading.missing) == (0, (":while_loop (each pass 64 MACs)",))


def test_map_and_scan_run_once_a_step() -> None:
    over = Two(lambda n, x: mapped(lambda t: n.a(t), x), width=8)
    assert trace(over, (3, 2, 8)).ledger.macs().value == 3 * 2 * 64
    assert str(trace(over, ("T", 2, 8)).ledger.macs().value) == "128·T"

    def run(n: Any, x: torch.Tensor) -> Any:
        return scan(lambda c, t: (n.a(c + t), c.clone()), x.new_zeros(2, 8), x)[0]

    assert trace(Two(run, width=8), (3, 2, 8)).ledger.macs().value == 3 * 2 * 64
    traced = trace(Two(run, width=8), ("T", 2, 8), example={"T": 4})
    assert traced.ledger.macs().value == 4 * 2 * 64
    assert [text.partition(" at ")[0] for text in traced.fixed] == ["T = 4"]


# --- a part apart -------------------------------------------------------------------------------


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x @ weight

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return gradient, None


@torch.compile
def compiled(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x @ weight.t()


PARTS: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    "checkpoint": lambda n, x: checkpoint(n.a, x, use_reentrant=False),
    "checkpoints": lambda n, x: checkpoint_sequential(
        nn.Sequential(n.a), 1, x, use_reentrant=False
    ),
    "vmap": lambda n, x: torch.vmap(n.a)(x),
    "functional_call": lambda n, x: torch.func.functional_call(n.a, {"weight": n.a.weight}, (x,)),
    "autograd.Function": lambda n, x: Square.apply(x, n.a.weight.t()),
    "compiled function": lambda n, x: compiled(x, n.a.weight),
}


@pytest.mark.parametrize("how", PARTS)
def test_a_part_that_is_run_apart_counts_as_itself(how: str) -> None:
    net = Two(PARTS[how])
    assert trace(net, (2, 8)).ledger.macs().value == 64
    assert str(trace(net, ("B", 8)).ledger.macs().value) == "32·B"


@torch.library.custom_op("flopscope_tests::prod", mutates_args=())
def product(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Its name is that of one of torch's operators, whose rule says nothing of it."""
    return x @ weight


@product.register_fake
def _(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x.new_empty(x.shape[0], weight.shape[1])


@torch.library.custom_op("flopscope_tests::silent", mutates_args=())
def silent(x: torch.Tensor) -> torch.Tensor:
    """It tells no shapes."""
    return x.clone()


def test_an_operator_of_ones_own_is_unknown_whatever_its_name() -> None:
    net = Two(lambda n, x: n.a(product(x, torch.zeros(8, 8))))
    for shape, value in (((2, 8), "64"), (("B", 8), "32·B")):
        reading = trace(net, shape).ledger.macs()
        assert (str(reading.value), reading.missing) == (value, (":flopscope_tests::prod",))


@pytest.mark.parametrize("shape", [(2, 8), ("B", 8)])
def test_an_operator_that_tells_no_shapes_is_refused_with_the_cure(shape: Any) -> None:
    line = test_an_operator_that_tells_no_shapes_is_refused_with_the_cure.__code__.co_firstlineno
    with pytest.raises(BadInput) as caught:
        trace(Two(lambda n, x: silent(x)), shape)
    assert str(caught.value) == (
        f"the operator flopscope_tests::silent at {HERE}:{line + 4} does not "
        "say which shapes it returns; register them with "
        'torch.library.register_fake("flopscope_tests::silent")'
    )


@torch.library.custom_op("flopscope_tests::chosen", mutates_args=())
def chosen(x: torch.Tensor) -> torch.Tensor:
    """It returns as many rows as are positive."""
    return x[x[:, 0] > 0]


@chosen.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return x.new_empty(torch.library.get_ctx().new_dynamic_size(), x.shape[1])


@pytest.mark.parametrize("shape", [(2, 8), ("B", 8)])
def test_an_operator_whose_shapes_depend_on_values_is_refused_with_its_line(shape: Any) -> None:
    line = test_an_operator_whose_shapes_depend_on_values_is_refused_with_its_line
    number = line.__code__.co_firstlineno + 5
    with pytest.raises(BadInput) as caught:
        trace(Two(lambda n, x: chosen(x)), shape)
    assert str(caught.value) == (
        f"the network reads the values of a tensor (flopscope_tests::chosen) at {HERE}:{number}; "
        "a trace has shapes only, so give it a form that depends on shapes alone"
    )


# --- flex attention -----------------------------------------------------------------------------


class Flex(nn.Module):
    def __init__(self, groups: int = 2, **how: Any) -> None:
        super().__init__()
        self.q, self.kv, self.how = layer(16, 16), layer(16, 16 * groups), how
        self.bias = nn.Parameter(torch.zeros(2))
        self.groups = groups

    def forward(self, x: torch.Tensor) -> Any:
        batch, tokens, _ = x.shape
        q = self.q(x).view(batch, tokens, 2, 8).transpose(1, 2)
        k, v = self.kv(x).view(batch, tokens, 2, self.groups, 8).permute(2, 0, 3, 1, 4)
        how = dict(self.how)
        if how.pop("causal", False):
            how["block_mask"] = create_block_mask(
                lambda b, h, i, j: i >= j, None, None, tokens, tokens, device=x.device
            )
        if how.pop("biased", False):
            how["score_mod"] = lambda s, b, h, i, j: s + self.bias[h] * (i - j)
        out = flex_attention(q, k, v, **how)
        return out if isinstance(out, torch.Tensor) else out[0]


DENSE = 2 * 5 * 16 * 48 + 2 * 2 * 2 * 5 * 5 * 8
"""Batch 2, 5 tokens: three projections, and two products of 2 heads of 8."""

FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "biased": {"biased": True},
    "causal": {"causal": True},
    "with its sums": {"return_lse": True},
    "with what was asked": {"return_aux": AuxRequest(lse=True, max_scores=True)},
}


@pytest.mark.parametrize("form", FORMS)
def test_flex_attention_counts_as_dense_attention(form: str) -> None:
    net = Flex(**FORMS[form])
    assert macs(net, (2, 5, 16)) == DENSE
    assert macs(net, ("B", "T", 16), B=2, T=5) == DENSE


def test_flex_attention_of_shared_heads_and_compiled() -> None:
    shared = Flex(groups=1, enable_gqa=True)
    assert macs(shared, (2, 5, 16)) == DENSE - 2 * 5 * 16 * 16

    class Written(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x @ x.transpose(-2, -1)).softmax(-1) @ x

    whole = torch.compile(flex_attention)

    class Compiled(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return whole(x, x, x)

    x = torch.zeros(2, 2, 5, 8)
    assert macs(Compiled(), x) == 2 * 2 * 2 * 5 * 5 * 8 == counted(Written(), x)


def test_a_score_is_changed_once() -> None:
    """The bias is multiplied by each distance and added to each score."""
    plain, biased = (trace(Flex(**f), (1, 5, 16)).ledger for f in ({}, {"biased": True}))
    more = biased.flops("all").value - plain.flops("all").value
    assert more == 25 + 2 * 25 + 2 * 25  # distances, times the heads' biases, added to scores


def test_flex_attention_refuses_what_torch_refuses() -> None:
    with pytest.raises(ValueError) as caught:
        trace(Flex(groups=1), (2, 5, 16))
    assert str(caught.value) == (
        "Expect query and key/value to have the same number of heads but got Hq=2 and Hkv=1. "
        "Try setting enable_gqa=True for GQA."
    )


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_torchs_functions_are_as_they_were() -> None:
    before = flex_attention.__code__, torch._C._InferenceMode, nn.DataParallel.forward
    trace(Flex(), (2, 5, 16))
    with pytest.raises(ValueError):
        trace(Flex(groups=1), (2, 5, 16))
    assert before == (flex_attention.__code__, torch._C._InferenceMode, nn.DataParallel.forward)
    with torch.no_grad():
        assert Flex(causal=True)(torch.zeros(1, 5, 16)).shape == (1, 2, 5, 8)


def test_other_kinds_are_unknown_rows_of_their_own() -> None:
    rows = trace(Two(lambda n, x: torch.cond(x.sum() > 0, n.a, n.b, (x,))), (2, 8)).ledger.rows
    assert [r.kind for r in rows if ":" in r.path] == [Kind.UNKNOWN]


INSIDE = {
    "linear": (lambda s, x: s.linear(x), "64·B·T"),
    "a product": (lambda _, x: x @ x.mT, "8·B·T²"),
    "attention": (lambda _, x: F.scaled_dot_product_attention(x, x, x), "16·B·T²"),
    "recurrent": (lambda s, x: s.recurrent(x)[0], "512·B·T"),
    "resized": (lambda s, x: s.linear(F.interpolate(x.mT, scale_factor=2.0).mT), "128·B·T"),
}


@pytest.mark.parametrize("name", INSIDE)
def test_inside_a_branch_free_sizes_are_as_free_as_outside(name):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.recurrent = nn.Linear(8, 8), nn.LSTM(8, 8, batch_first=True)

        def forward(self, x):
            run = partial(INSIDE[name][0], self)
            return torch.cond(x.sum() > 0, run, run, (x,))

    formula = trace(Net(), ("B", "T", 8)).ledger.macs().formula
    assert (str(formula.expression), formula.domain) == (INSIDE[name][1], "B, T ≥ 1")
