"""Proofs way by way: every way through code that branches on its sizes is found and compared."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flopscope.agreement.proof import Proof, prove_everywhere
from flopscope.analytic.operators import activation, linear
from flopscope.analytic.tape import Feature, record
from flopscope.facts import Function
from flopscope.sizes import equal
from flopscope.symbolic import symbol
from flopscope.tracing import Trace, pieces, trace

B, H = symbol("B"), symbol("H")


class Branching(nn.Module):
    """A linear layer; before it a ReLU where `asks` says so of the height."""

    def __init__(self, *asks: Callable[[int], bool]) -> None:
        super().__init__()
        self.asks = asks
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        for ask in self.asks:
            x = torch.relu(x) if ask(x.shape[1]) else x
        return self.layer(x)


def odd(size: int) -> bool:
    return size % 2 == 1


def form(*happens: Any) -> Callable[[Feature], Feature]:
    def network(x: Feature) -> Feature:
        for times in happens:
            with x.tape.scope("where", repeat=times):
                x = activation(x, Function.RELU)
        return linear(x, 4)

    return network


def proved(network: Callable[[Feature], Feature], module: nn.Module) -> Proof:
    def run(example: Mapping[str, Any]) -> Trace:
        return trace(module, (B, H, 4), example=example)

    return prove_everywhere(record(network, (B, H, 4)), run)


EVEN = equal(H, 2 * ((H + 1) // 2))


def test_each_way_is_compared_with_the_rows_that_happen_there() -> None:
    proof = proved(form(1 - EVEN), Branching(odd))
    assert proof
    assert (proof.pieces, proof.rows, proof.domain) == (2, 2, "B, H ≥ 1")


def test_a_row_on_the_wrong_side_is_found() -> None:
    proof = proved(form(EVEN), Branching(odd))
    assert not proof
    assert proof.mismatches


def test_a_difference_in_the_last_way_alone_is_found() -> None:
    """At a height of exactly 5 the code does more than the closed form says."""
    proof = proved(form(), Branching(lambda size: size == 5))
    assert not proof
    assert proof.pieces == 2
    (total,) = [t for t in proof.totals if t.name == "FLOPs (all)"]
    assert not total.proved


def test_code_without_branches_is_one_way() -> None:
    proof = proved(form(), Branching())
    assert proof
    assert proof.pieces == 1


def test_what_lies_beyond_the_most_ways_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MOST_PIECES", 1)
    proof = proved(form(1 - EVEN), Branching(odd))
    assert not proof
    assert len(proof.assumptions) == 1


def test_three_questions_have_their_six_ways() -> None:
    """Of H > 2, H > 4 and H odd: below 3 the second is answered; so 3 · 2."""
    asks = (lambda size: size > 2, lambda size: size > 4, odd)
    proof = proved(form(), Branching(*asks))
    assert proof.pieces == 6
