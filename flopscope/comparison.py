"""Several networks side by side: the readings that a choice needs, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from flopscope.catalog.figures import Figure
from flopscope.catalog.variant import Variant, check_size, parse
from flopscope.conventions import Convention, convention
from flopscope.errors import BadInput
from flopscope.ledger import Ledger, Level
from flopscope.witnesses import require_witnesses

if TYPE_CHECKING:
    from flopscope.agreement import Agreement
    from flopscope.agreement.proof import Proof


@dataclass(frozen=True)
class Entry:
    """One network at one input: its ledger, what is published of it, and the witnesses if asked."""

    variant: Variant
    resolution: tuple[int, int]
    batch: int
    ledger: Ledger
    published: tuple[Figure, ...]
    agreement: Agreement | None = None

    def count(self, name: str) -> int:
        """The work under a named convention."""
        return int(self.ledger.flops(name))


@dataclass(frozen=True)
class Comparison:
    """Entries under one convention. Ratios are to the first entry."""

    entries: tuple[Entry, ...]
    convention: Convention
    by: Level | None = None

    @property
    def agrees(self) -> bool:
        """Do the witnesses agree for every entry that was checked?"""
        return all(entry.agreement is None or bool(entry.agreement) for entry in self.entries)

    def ratio(self, entry: Entry, convention_name: str) -> Fraction:
        """The entry's count over the first entry's."""
        return Fraction(entry.count(convention_name), self.entries[0].count(convention_name))


def compare(
    models: Sequence[str],
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    convention_name: str = "macs",
    by: Level | None = None,
    check: bool = False,
) -> Comparison:
    """Count each model from its closed form; with `check`, against fvcore and torch as well.

    Without `res` each model is taken at its native resolution. Raises BadInput or UnknownName for a
    model, option, size or convention that does not exist.

    >>> [e.count("macs") for e in compare(["mobilenetv1", "mobilenetv2"], res=224).entries]
    [568740352, 300774272]
    """
    if not models:
        raise BadInput("no model to compare; name at least one, such as mobilenetv2")
    check_size("batch", batch, "such as 1")
    counting = convention(convention_name)
    variants = [parse(model) for model in models]
    entries = tuple(entry(variant, res, batch, check) for variant in variants)
    return Comparison(entries, counting, by)


def entry(variant: Variant, res: int | tuple[int, int] | None, batch: int, check: bool) -> Entry:
    """One network counted at one input."""
    resolution = variant.resolution(res)
    ledger = variant.ledger(resolution, batch)
    agreement = None
    if check:
        agreement = _checked(variant, resolution, batch)
    return Entry(variant, resolution, batch, ledger, variant.published(resolution), agreement)


def proofs(models: Sequence[str]) -> tuple[tuple[Variant, Proof], ...]:
    """For each model, closed form against traced formula, in symbols. Raises BadInput without
    torch."""
    variants = [parse(model) for model in models]
    require_witnesses()
    from flopscope.agreement.proof import prove_variant

    return tuple((variant, prove_variant(variant)) for variant in variants)


def _checked(variant: Variant, resolution: tuple[int, int], batch: int) -> Agreement:
    """The witnesses' agreement. Raises BadInput where torch or fvcore is not installed."""
    require_witnesses()
    from flopscope.agreement import check_variant

    return check_variant(variant, resolution, batch)
