"""The answers of tools for a network of the reader's own, among the readings of a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from flopscope.conventions import CONVENTIONS
from flopscope.reconciling.accounts import FACTORS, HALF, ONCE, TWICE, Account
from flopscope.reconciling.amounts import Amounts, CountedTerm
from flopscope.reconciling.countings import SCRIPTS, Counting
from flopscope.reconciling.subjects import Subject
from flopscope.reconciling.tools import MODELS, Unmodelled

OWN = ("macs", "all")
"""Conventions of no tool, which count the same however a network is written."""

A_SCRIPT = "it is a script of a repository, which no test runs"


class Answered(NamedTuple):
    """Accounts of what tools answer, and the other countings, under names that tell them apart."""

    accounts: tuple[Account, ...]
    countings: Sequence[Counting]


def answer_of(subject: Subject, tool: str) -> Account | Unmodelled:
    """What a tool answers for the network as it is written."""
    assert subject.answer is not None
    if tool not in MODELS:
        return Unmodelled(tool, "", "", A_SCRIPT)
    found = subject.answer(tool)
    if isinstance(found, Unmodelled):
        return found
    return Account(tool, "", CONVENTIONS[tool].unit, found, ONCE, 1)


def answered(subject: Subject, chosen: Sequence[Counting]) -> Answered:
    """What tools answer for the network as it is written, and the other countings.

    If a tool's convention gives another number than the tool itself, the convention gets a name
    that says so, and the tool's own answer is a separate account.
    """
    if subject.answer is None:
        return Answered((), chosen)
    amounts = Amounts(subject.asked.ledger)
    accounts: list[Account] = []
    renamed: dict[str, str] = {script.name: _elsewise(script.name) for script in SCRIPTS}
    for counting in chosen:
        if counting.name in MODELS:
            found = answer_of(subject, counting.name)
            if isinstance(found, Unmodelled):
                renamed[counting.name] = _elsewise(counting.name)
            elif found.count != _sum(amounts.terms(counting.convention)):
                renamed[counting.name] = _elsewise(counting.name)
                accounts += _with_factors(found)
    return Answered(tuple(accounts), [_renamed(c, renamed.get(c.tool)) for c in chosen])


def _elsewise(tool: str) -> str:
    return f"{tool} if layers were modules"


def _renamed(counting: Counting, name: str | None) -> Counting:
    """The same account under another name of the tool, one step further."""
    if name is None:
        return counting
    called = counting.name.replace(counting.tool, name, 1)
    return Counting(replace(counting.convention, name=called), counting.steps + 1)


def _with_factors(account: Account) -> Iterator[Account]:
    yield account
    factor = TWICE if account.unit == "MACs" else HALF
    name = f"{FACTORS[factor]} × {account.counted}"
    yield replace(account, counted=name, factor=factor, steps=account.steps + 1)


def _sum(terms: Sequence[CountedTerm]) -> int:
    return sum(term.count for term in terms)
