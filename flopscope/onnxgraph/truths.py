"""Conditions on sizes in a graph, which are known or stay open until an answer is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flopscope.domain import Relation
from flopscope.onnxgraph.tensors import NodeCall, Undecided
from flopscope.sizes import is_symbolic


@dataclass(frozen=True)
class Open:
    """A condition on free sizes, which is neither true nor false until it is decided."""

    relation: Relation

    def __bool__(self) -> bool:
        raise Undecided


def equal(a: Any, b: Any) -> Any:
    if not is_symbolic(difference := a - b):
        return bool(difference == 0)
    return _truth(Relation(difference, equality=True))


def less(a: Any, b: Any) -> Any:
    if not is_symbolic(difference := b - a):
        return bool(difference > 0)
    return _truth(Relation(-difference, equality=False, negated=True))


def _truth(relation: Relation) -> Any:
    holds = relation.holds()
    return Open(relation) if holds is None else bool(holds)


def negation(value: Any) -> Any:
    return Open(value.relation.negation()) if isinstance(value, Open) else not value


def both(a: Any, b: Any) -> Any:
    """The conjunction of both: false if one of them is, and the other one if one is true."""
    a, b = (b, a) if isinstance(a, Open) else (a, b)
    return b if a else False


def either(a: Any, b: Any) -> Any:
    a, b = (b, a) if isinstance(a, Open) else (a, b)
    return True if a else b


def decided(call: NodeCall, truth: Any) -> bool:
    """The truth of the condition. If free sizes decide it, the answer is the one at large sizes,
    and becomes a premise."""
    return call.premises.settle(truth.relation) if isinstance(truth, Open) else bool(truth)
