"""Accounts: every way of counting that the tables allow, with its terms and its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flopscope.brief import short
from flopscope.facts import Kind
from flopscope.reconciling.amounts import Amounts, CountedTerm
from flopscope.reconciling.changes import SINGLE, Change
from flopscope.reconciling.countings import ATTENTION_UNSEEN, Counting
from flopscope.reconciling.parameters import PARAMETER_COUNTINGS, parts
from flopscope.reconciling.subjects import Version

ONCE, TWICE, HALF = Fraction(1), Fraction(2), Fraction(1, 2)
NO_CHANGE = Change("", 0, lambda rows: rows)

FACTORS = {TWICE: "2", HALF: "½"}


@dataclass(frozen=True)
class Account:
    """One way of counting: how it counts in words, the version of the network, its terms, the
    factor of their sum, and `steps`, its distance from the plain count of the network as asked."""

    counted: str
    version: str
    unit: str
    terms: tuple[CountedTerm, ...]
    factor: Fraction
    steps: int

    def __repr__(self) -> str:
        return short(self, f"{self.name}: {float(self.count):,.0f} {self.unit}")

    @property
    def name(self) -> str:
        """What is counted, and for which version."""
        return f"{self.counted}; {self.version}" if self.version else self.counted

    @property
    def count(self) -> Fraction:
        return self.factor * sum(term.count for term in self.terms)


def work_accounts(
    version: Version, chosen: Sequence[Counting], changes: Sequence[Change] = (NO_CHANGE, *SINGLE)
) -> Iterator[Account]:
    """Accounts of the work of one version by the chosen countings, with each of the changes, the
    simplest first. An account that only repeats the terms of a simpler one is left out."""
    seen: set[tuple[tuple[CountedTerm, ...], Fraction]] = set()
    counted = list(_counted(version, chosen, changes))
    ways = [
        (_steps(version, counting, change, factor), counting, terms, change, factor)
        for factor in (ONCE, TWICE, HALF)
        for counting, terms, change in counted
        if factor in (ONCE, TWICE if counting.convention.unit == "MACs" else HALF)
    ]
    for _, counting, terms, change, factor in sorted(ways, key=lambda way: way[0]):
        own = counting.own and change is NO_CHANGE and factor == ONCE
        if own or (terms, factor) not in seen:
            seen.add((terms, factor))
            yield _account(version, counting, terms, change, factor)


def _counted(
    version: Version, chosen: Sequence[Counting], changes: Sequence[Change]
) -> Iterator[tuple[Counting, tuple[CountedTerm, ...], Change]]:
    """Each counting with each change of the rows; without any, also without the products of
    attention."""
    for change in changes:
        amounts = Amounts(change.apply(version.ledger.rows))
        unseen = change is NO_CHANGE and amounts.has(Kind.MATMUL)
        for counting in chosen:
            yield counting, amounts.terms(counting.convention), change
            if unseen:
                other = counting.with_weights(ATTENTION_UNSEEN)
                yield other, amounts.terms(other.convention), change


def parameter_accounts(
    version: Version, changes: Sequence[Change] = (NO_CHANGE, *SINGLE)
) -> Iterator[Account]:
    """Accounts of the parameters of one version, with each of the changes."""
    plain = parts(version.ledger.rows)
    for change in changes:
        found = parts(change.apply(version.ledger.rows))
        if change is not NO_CHANGE and found == plain:
            continue
        counts = set()
        for counting in PARAMETER_COUNTINGS:
            terms = counting.terms(found)
            if (count := sum(term.count for term in terms)) not in counts:
                counts.add(count)
                steps = counting.steps + change.steps + version.steps
                name = _joined(counting.name, change.name)
                yield Account(name, version.said, "parameters", terms, ONCE, steps)


def _account(
    version: Version,
    counting: Counting,
    terms: tuple[CountedTerm, ...],
    change: Change,
    factor: Fraction,
) -> Account:
    steps = _steps(version, counting, change, factor)
    counted = counting.name
    if factor != ONCE:
        counted = f"{FACTORS[factor]} × {_bracketed(counted)}"
    name = _joined(counted, change.name)
    return Account(name, version.said, counting.convention.unit, terms, factor, steps)


def _steps(version: Version, counting: Counting, change: Change, factor: Fraction) -> int:
    return version.steps + counting.steps + change.steps + (factor != ONCE)


def _bracketed(name: str) -> str:
    return f"({name})" if " " in name else name


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
