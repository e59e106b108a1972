"""What an agreement consists of: checks, each with its values by witness and its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from flopscope.brief import number_of, short

LEDGER, MODULE, FVCORE, TORCH = "ledger", "module", "fvcore", "torch"
"""The witnesses: the ledger; the module's own layers and tensors; the two counters."""

FVCORE_TOTAL = "fvcore's own total"
TORCH_TOTAL = "torch's own total"


class Verdict(Enum):
    """What comes of a check."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_COUNTED = "not counted"


@dataclass(frozen=True)
class Check:
    """One quantity: its value by witness and, for witnesses that have none, why.

    >>> str(Check("MACs", {"ledger": 8, "torch": 8}, {"fvcore": "skipped einsum"}))
    'MACs: ledger 8, torch 8, fvcore not counted (skipped einsum)'
    """

    name: str
    values: Mapping[str, Any]
    not_counted: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """DIFFERS where two values differ, AGREES where another's equals the ledger's."""
        first, *others = self.values.values() or (None,)
        if any(value != first for value in others):
            return Verdict.DIFFERS
        return Verdict.AGREES if LEDGER in self.values and others else Verdict.NOT_COUNTED

    def __str__(self) -> str:
        said = [f"{witness} {value}" for witness, value in self.values.items()]
        unsaid = [f"{witness} not counted ({why})" for witness, why in self.not_counted.items()]
        return f"{self.name}: {', '.join(said + unsaid)}"


@dataclass(frozen=True)
class RowAgreement:
    """A row of the ledger and the layer in its place: both paths, "" on the side that has none."""

    path: str
    module: str
    checks: tuple[Check, ...]

    def __repr__(self) -> str:
        return short(self, f"{self.path or self.module}: {self.verdict.value}")

    @property
    def verdict(self) -> Verdict:
        """DIFFERS if any check does, else NOT_COUNTED if any is, else AGREES."""
        verdicts = {check.verdict for check in self.checks}
        for verdict in (Verdict.DIFFERS, Verdict.NOT_COUNTED):
            if verdict in verdicts:
                return verdict
        return Verdict.AGREES


class Uncounted(NamedTuple):
    """What a witness met and did not count, in which module, how often."""

    witness: str
    path: str
    what: str
    times: int = 1


@dataclass(frozen=True)
class Agreement:
    """All checks: `rows` in execution order, `classes` of operators, `totals`.

    True where nothing differs and every quantity of the network was confirmed by a witness beside
    the ledger. A total in fvcore's or torch's own convention can be confirmed by that tool alone;
    where it skipped something this total stays NOT_COUNTED and decides nothing.
    """

    rows: tuple[RowAgreement, ...]
    classes: tuple[Check, ...]
    totals: tuple[Check, ...]
    skipped: tuple[Uncounted, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{'agrees' if self else 'differs'}, {number_of(self.rows, 'row')}")

    def __bool__(self) -> bool:
        undecided = {check.name for check in self.unconfirmed}
        return not self.differences and undecided <= {FVCORE_TOTAL, TORCH_TOTAL}

    def __iter__(self) -> Iterator[Check]:
        for row in self.rows:
            yield from row.checks
        yield from self.classes
        yield from self.totals

    @property
    def differences(self) -> tuple[Check, ...]:
        """Checks in which two witnesses differ; rows first, in execution order."""
        return tuple(c for c in self if c.verdict is Verdict.DIFFERS)

    @property
    def unconfirmed(self) -> tuple[Check, ...]:
        """Checks in which no witness stands beside the ledger."""
        return tuple(c for c in self if c.verdict is Verdict.NOT_COUNTED)
