"""Mixtures of experts, in the forms that real code has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from flop_counter import counted
from torch import nn
from torch.nn import functional as F

from flopscope.answers.profile import Profile
from flopscope.cli import main
from flopscope.conventions import convention
from flopscope.errors import BadInput
from flopscope.present.profile import notes_of
from flopscope.present.view import View
from flopscope.tracing import trace

HERE = "tests/tracing/test_experts.py"

EXPERTS, CHOSEN, WIDTH = 4, 2, 8
HIDDEN = 6
A_ROW = 3 * WIDTH * HIDDEN
"""Multiply-accumulates of an expert a row."""


class Expert(nn.Module):
    def __init__(self, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.up, self.gate = (nn.Linear(WIDTH, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Mixture(nn.Module):
    """A gate and experts, and a way to send tokens to them."""

    def __init__(self, way: Callable[..., Any], hidden: tuple[int, ...] = (HIDDEN,) * 4) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.experts = nn.ModuleList(Expert(width) for width in hidden)
        self.way = way

    def forward(self, x: torch.Tensor) -> Any:
        x = x.flatten(0, 1)
        return self.way(self, x, self.gate(x))


# --- the ways of real code ----------------------------------------------------------------------


def by_hit_experts(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    weights, chosen = torch.topk(F.softmax(scores, 1), CHOSEN, dim=-1)
    final = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    mask = F.one_hot(chosen, num_classes=EXPERTS).permute(2, 1, 0)
    hit = torch.greater(mask.sum(dim=(-1, -2)), 0).nonzero()
    for number in hit:
        place, token = torch.where(mask[number].squeeze(0))
        rows = net.experts[number](x[None, token].reshape(-1, WIDTH))
        final.index_add_(0, token, rows * weights[token, place, None])
    return final


def by_one_hot(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    weights, chosen = torch.topk(F.softmax(scores, 1), CHOSEN, dim=-1)
    final = torch.zeros_like(x)
    mask = F.one_hot(chosen, num_classes=EXPERTS).permute(2, 1, 0)
    for number, expert in enumerate(net.experts):
        place, token = torch.where(mask[number])
        if token.shape[0] == 0:
            continue
        final.index_add_(0, token, expert(x[token]) * weights[token, place, None])
    return final


def by_comparison(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    weights, chosen = torch.topk(scores, CHOSEN)
    final = torch.zeros_like(x)
    for number, expert in enumerate(net.experts):
        token, place = torch.where(chosen == number)
        final[token] += weights[token, place, None] * expert(x[token])
    return final


def by_mask(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, chosen = scores.topk(CHOSEN, -1)
    final = torch.zeros_like(x)
    for number, expert in enumerate(net.experts):
        mask = (chosen == number).any(-1)
        if mask.any():
            final[mask] += expert(x[mask])
    return final


def by_column(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, chosen = torch.topk(scores, CHOSEN)
    final = torch.zeros_like(x)
    for place in range(CHOSEN):
        for number, expert in enumerate(net.experts):
            mask = chosen[:, place] == number
            final[mask] = expert(x[mask])
    return final


def by_sorting(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, chosen = torch.topk(scores, CHOSEN)
    counts = torch.bincount(chosen.flatten(), minlength=EXPERTS).tolist()
    rows = x[chosen.flatten().argsort() // CHOSEN]
    start, parts = 0, []
    for expert, count in zip(net.experts, counts, strict=True):
        if count == 0:
            continue
        parts.append(expert(rows[start : start + count]))
        start = start + count
    return torch.cat(parts)


def one_each(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    chosen = scores.softmax(-1).argmax(-1)
    final = torch.zeros_like(x)
    for number, expert in enumerate(net.experts):
        token = (chosen == number).nonzero().squeeze(-1)
        final = final.index_add(0, token, expert(x.index_select(0, token)))
    return final


def one_each_by_mask(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, chosen = scores.max(dim=-1)
    mask = F.one_hot(chosen, EXPERTS).bool()
    final = torch.zeros_like(x)
    for number, expert in enumerate(net.experts):
        if mask[:, number].sum() > 0:
            final[mask[:, number]] = expert(x[mask[:, number]])
    return final


def with_a_class_for_none(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, chosen = torch.topk(scores, CHOSEN)
    final = torch.zeros_like(x)
    mask = F.one_hot(chosen, num_classes=EXPERTS + 1).permute(2, 1, 0)
    for hit in torch.greater(mask.sum(dim=(-1, -2)), 0).nonzero():
        number = hit[0]
        if number == EXPERTS:
            continue
        _, token = torch.where(mask[number])
        final.index_add_(0, token, net.experts[number](x[token]))
    return final


def one_after_the_other(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, first = scores.max(dim=-1, keepdim=True)
    _, second = scores.scatter(-1, first, float("-inf")).max(dim=-1, keepdim=True)
    chosen = torch.cat((first, second), dim=-1)
    final = torch.zeros_like(x)
    for number, expert in enumerate(net.experts):
        token, _ = torch.where(chosen == number)
        final.index_add_(0, token, expert(x[token]))
    return final


def by_scattered_gates(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    _, chosen = scores.topk(CHOSEN, dim=1)
    counts = torch.zeros_like(scores).scatter(1, chosen, 1).long().sum(0).tolist()
    rows = x[chosen.flatten().sort(0)[1].div(CHOSEN, rounding_mode="trunc")]
    parts = rows.split(counts, dim=0)
    return torch.cat([e(part) for e, part in zip(net.experts, parts, strict=True)])


WAYS: dict[str, tuple[Callable[..., Any], int]] = {
    "by hit experts": (by_hit_experts, CHOSEN),
    "by one-hot": (by_one_hot, CHOSEN),
    "by comparison": (by_comparison, CHOSEN),
    "by mask": (by_mask, CHOSEN),
    "by column": (by_column, CHOSEN),
    "by sorting": (by_sorting, CHOSEN),
    "with a class for none": (with_a_class_for_none, CHOSEN),
    "one after the other": (one_after_the_other, CHOSEN),
    "by scattered gates": (by_scattered_gates, CHOSEN),
    "one each": (one_each, 1),
    "one each by mask": (one_each_by_mask, 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_total_is_that_of_every_routing(way: str) -> None:
    forward, each = WAYS[way]
    net = Mixture(forward)
    # also fewer than experts, and no multiple of them; slices want a row for each
    for tokens in (3, 10) if "tolist" in forward.__code__.co_names else (1, 3, 10):
        traced = trace(net, (1, tokens, WIDTH))
        ledger = traced.ledger
        expected = tokens * (WIDTH * EXPERTS + each * A_ROW)
        for seed in range(3):
            torch.manual_seed(seed)
            assert counted(Mixture(forward), torch.randn(1, tokens, WIDTH)) == expected
        assert (ledger.macs().value, ledger.complete) == (expected, True)
        assert traced.expected == ()
    assert ledger.params().value == sum(p.numel() for p in net.parameters())
    assert ledger.active_params().value == WIDTH * EXPERTS + each * A_ROW


@pytest.mark.parametrize("way", WAYS)
def test_free_sizes_stay_free(way: str) -> None:
    forward, each = WAYS[way]
    traced = trace(Mixture(forward), ("B", "T", WIDTH))
    assert str(traced.ledger.macs().value) == f"{WIDTH * EXPERTS + each * A_ROW}·B·T"
    assert (traced.expected, traced.fixed) == ((), ())
    assert {s.name for s in traced.ledger.symbols()} == {"B", "T"}
    assert not any(s.name.startswith("rows") for c in traced.ledger.conditions for s in c.symbols())


def test_experts_of_different_cost_are_expected_evenly() -> None:
    net = Mixture(by_one_hot, (6, 6, 6, 12))
    traced = trace(net, (2, 5, WIDTH))
    line = by_one_hot.__code__.co_firstlineno + 1
    said = (
        f"the 20 rows that tokens send to 4 experts at {HERE}:{line} are spread "
        "evenly; experts cost different amounts, so another routing costs another amount"
    )
    assert traced.expected == (said,)
    a_row = [3 * WIDTH * hidden for hidden in (6, 6, 6, 12)]
    assert traced.ledger.macs().value == 10 * WIDTH * EXPERTS + 5 * sum(a_row)
    assert traced.ledger.active_params().value == WIDTH * EXPERTS + sum(a_row) // 2
    free = trace(net, ("B", "T", WIDTH))
    assert free.ledger.macs().formula.at(B=2, T=5) == traced.ledger.macs().value
    assert free.expected == (said.replace("20", "2·B·T"),)


def test_an_expert_that_nobody_runs_makes_the_total_an_expected_one() -> None:
    def two(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        chosen = scores.argmax(-1)
        return torch.cat([net.experts[e](x[chosen == e]) for e in range(2)])

    traced = trace(Mixture(two), (1, 8, WIDTH))
    assert traced.ledger.macs().value == 8 * WIDTH * EXPERTS + 2 * 2 * A_ROW
    assert len(traced.expected) == 1


# --- gathered and dense -------------------------------------------------------------------------


class Stacked(nn.Module):
    """Experts' weights in one tensor."""

    def __init__(self, way: Callable[..., Any]) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.weight = nn.Parameter(torch.zeros(EXPERTS, WIDTH, HIDDEN))
        self.way = way

    def forward(self, x: torch.Tensor) -> Any:
        x = x.flatten(0, 1)
        return self.way(self.weight, x, self.gate(x))


def gathered(weight: torch.Tensor, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    return torch.einsum("td,tkdf->tkf", x, weight[scores.topk(CHOSEN)[1]])


def gathered_by_index(weight: torch.Tensor, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    chosen = scores.topk(CHOSEN)[1]
    own = weight.index_select(0, chosen.flatten())
    return torch.bmm(x.repeat_interleave(CHOSEN, 0)[:, None], own)


def dispatched(weight: torch.Tensor, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    mask = F.one_hot(scores.argmax(-1), EXPERTS).to(x.dtype)
    sent = torch.einsum("te,td->etd", mask, x)
    return torch.einsum("etd,edf->etf", sent, weight)


def test_gathered_weights_are_used_in_part() -> None:
    for way in (gathered, gathered_by_index):
        net = Stacked(way)
        ledger = trace(net, (2, 5, WIDTH)).ledger
        expected = 10 * (WIDTH * EXPERTS + CHOSEN * WIDTH * HIDDEN)
        assert ledger.macs().value == expected == counted(net, torch.zeros(2, 5, WIDTH))
        assert ledger.params().value == WIDTH * EXPERTS + EXPERTS * WIDTH * HIDDEN
        assert ledger.active_params().value == WIDTH * EXPERTS + CHOSEN * WIDTH * HIDDEN


def sorted_by_expert(weight: torch.Tensor, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    numbers, order = scores.topk(CHOSEN)[1].flatten().sort()
    counts = torch.histc(numbers.float(), bins=EXPERTS, min=0, max=EXPERTS - 1)
    ends = counts.cumsum(0, dtype=torch.int32)
    return F.grouped_mm(x[order // CHOSEN], weight, offs=ends)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_that_are_sorted_meet_one_matrix_each(dtype: torch.dtype) -> None:
    net = Stacked(sorted_by_expert).to(dtype)
    x = torch.zeros(2, 5, WIDTH, dtype=dtype)
    a_token = WIDTH * EXPERTS + CHOSEN * WIDTH * HIDDEN
    ledger = trace(net, x).ledger
    assert (ledger.macs().value, ledger.complete) == (10 * a_token, True)
    assert ledger.active_params().value == a_token
    assert ledger.rows[-1].output == (20, HIDDEN)
    assert str(trace(Stacked(sorted_by_expert), ("B", 5, WIDTH)).ledger.macs().value) == "640·B"
    wide = Stacked(lambda weight, x, scores: sorted_by_expert(weight.mT, x, scores))
    with pytest.raises(RuntimeError) as caught:
        trace(wide, (2, 5, WIDTH))
    assert str(caught.value) == (
        f"contraction dimension of mat_a and mat_b must match: {WIDTH} and {HIDDEN}"
    )


def test_dense_experts_run_all() -> None:
    net = Stacked(dispatched)
    ledger = trace(net, (2, 5, WIDTH)).ledger
    assert ledger.macs().value == counted(net, torch.zeros(2, 5, WIDTH))
    assert ledger.active_params().value == ledger.params().value


# --- what stays refused -------------------------------------------------------------------------


def refusal(forward: Callable[..., Any]) -> str:
    with pytest.raises(BadInput) as caught:
        trace(Mixture(forward), (1, 5, WIDTH))
    return str(caught.value)


def test_a_mask_that_is_no_choice_is_data() -> None:
    def threshold(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return net.experts[0](x[scores[:, 0] > 0])

    assert refusal(threshold) == (
        "the network reads the values of a tensor (a boolean mask) at "
        f"{HERE}:{threshold.__code__.co_firstlineno + 1}; a trace has shapes only, "
        "so give it a form that depends on shapes alone"
    )


def test_work_that_is_not_in_proportion_is_refused() -> None:
    def attending(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        chosen = scores.argmax(-1)
        return torch.cat([x[chosen == e] @ x[chosen == e].t() @ x[chosen == e] for e in range(4)])

    assert refusal(attending) == (
        "the work of the network itself is not in proportion to the rows that tokens send to an "
        "expert, so it depends on their values; experts that work on each row apart are counted"
    )


def test_a_number_made_of_an_experts_rows_is_refused() -> None:
    def padded(net: Any, x: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        rows = x[scores.argmax(-1) == 1]
        return torch.stack([rows[i] for i in range(rows.shape[0])])

    assert refusal(padded) == (
        "the number of rows that tokens send to an expert is asked for at "
        f"{HERE}:{padded.__code__.co_firstlineno + 2}; it depends on their values, "
        "which a trace does not have"
    )


def test_a_profile_says_what_is_active_and_what_expected() -> None:
    traced = trace(Mixture(by_one_hot, (6, 6, 6, 12)), (2, 5, WIDTH))
    profile = Profile("net", ((2, 5, WIDTH),), traced.ledger, (), None, traced.expected)
    assert notes_of(profile, View(convention("macs"))) == [
        f"expected: {traced.expected[0]}",
        "392 of the parameters are active: those that one token uses",
    ]


def unequal() -> nn.Module:
    """A target for the command line."""
    return Mixture(by_one_hot, (6, 6, 6, 12))


def test_a_formula_says_what_is_expected(capsys: Any) -> None:
    assert main(["formula", f"{__file__}:unequal", "--input", f"B,T,{WIDTH}"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "392 · B·T" in shown
    assert "expected: the 2·B·T rows that tokens send to 4 experts at" in shown
    assert "B, T ≥ 1" in shown
