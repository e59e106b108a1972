"""A check of a reader's rule for their own operator against a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from flopscope.errors import BadInput
from flopscope.ledger import Ledger
from flopscope.sizes import Size
from flopscope.tracing.calls import Rule


class RuleCheck(NamedTuple):
    """The MACs and elementary acts, which are equal for the rule and the reference."""

    macs: Size
    acts: Size


def check_rule(
    name: str,
    rule: Rule,
    operator: Callable[..., Any],
    reference: Callable[..., Any],
    *inputs: torch.Tensor,
) -> RuleCheck:
    """Run an operator and a reference of the same work in plain PyTorch on real tensors.

    The values must be close, and the rule must count for the operator what is counted for the
    reference. That shows it for these inputs only, so check several. `name` is the operator's full
    name, such as mylib::scan. Raises BadInput if values or counts differ, if the operator is not
    called, or if the reference itself has operators of unknown cost.
    """
    values, expected = operator(*inputs), reference(*inputs)
    if values.shape != expected.shape or not torch.allclose(values, expected, atol=1e-4):
        raise BadInput(
            f"{name} and its reference give other values on inputs of "
            f"{_shapes(inputs)}; the reference must do the same work"
        )
    ours, theirs = (_ledger(f, inputs, {name: rule}) for f in (operator, reference))
    if not any(_is_called(operator, inputs, name)):
        raise BadInput(f"the operator that was given does not call {name}")
    for whose, ledger in (("the rule", ours), ("the reference", theirs)):
        if missing := ledger.flops("all").missing:
            unknown = ", ".join(missing)
            raise BadInput(f"{whose} leaves operators of unknown cost: {unknown}")
    found, wanted = _counts(ours), _counts(theirs)
    if found != wanted:
        raise BadInput(
            f"the rule of {name} counts {found.macs:,} MACs and {found.acts:,} acts on inputs of "
            f"{_shapes(inputs)}, the reference {wanted.macs:,} and {wanted.acts:,}"
        )
    return found


class _Calls(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


def _ledger(function: Callable[..., Any], inputs: Any, rules: dict[str, Rule]) -> Ledger:
    from flopscope.tracing.engine import trace

    return trace(_Calls(function), *inputs, rules=rules).ledger


def _is_called(operator: Callable[..., Any], inputs: Any, name: str) -> list[bool]:
    """Is the operator called? Without a rule it is a row of unknown kind that has its name."""
    rows = _ledger(operator, inputs, {name: lambda call: None}).rows
    return [row.path.endswith(f":{name}") for row in rows]


def _counts(ledger: Ledger) -> RuleCheck:
    return RuleCheck(ledger.macs().value, ledger.flops("all").value)


def _shapes(inputs: tuple[torch.Tensor, ...]) -> str:
    return " and ".join("×".join(map(str, x.shape)) for x in inputs)
