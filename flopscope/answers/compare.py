"""Several networks side by side, with the readings that a choice needs, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.catalog.figures import Figure
from flopscope.catalog.scaling import Scaling, scaled
from flopscope.catalog.variant import Resolution, Variant, check_size, parse
from flopscope.conventions import Convention, convention
from flopscope.errors import BadInput
from flopscope.extras import require_witnesses
from flopscope.ledger import Ledger, Level
from flopscope.quantities import Quantity

if TYPE_CHECKING:
    from flopscope.agreement import Agreement


@dataclass(frozen=True)
class Entry:
    """One network at one size of its inputs: its ledger, its published figures, and what the
    witnesses say if they are asked. `resolution` is None for a network that takes no image."""

    variant: Variant
    resolution: Resolution | None
    batch: int
    ledger: Ledger
    published: tuple[Figure, ...]
    agreement: Agreement | None = None

    def count(self, name: str) -> int:
        """The work under a named convention."""
        return int(self.ledger.flops(name))


@dataclass(frozen=True)
class Comparison:
    """Entries under one convention, either all scaled in the same way or none. Ratios are to the
    first entry."""

    entries: tuple[Entry, ...]
    convention: Convention
    by: Level | None = None
    scaling: Scaling | None = None

    @property
    def agrees(self) -> bool:
        """Do the witnesses agree for every entry that was checked?"""
        return all(entry.agreement is None or bool(entry.agreement) for entry in self.entries)

    def ratio(self, quantity: Quantity, entry: Entry) -> Fraction:
        """The entry's amount of a quantity, divided by the first entry's."""
        first = self.entries[0].ledger
        return Fraction(int(quantity.read(entry.ledger)), int(quantity.read(first)))


def compare(
    models: Sequence[str],
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    convention_name: str = "macs",
    by: Level | None = None,
    check: bool = False,
    scaling: Scaling | None = None,
) -> Comparison:
    """Count each model from its closed form; with `check`, against fvcore and torch as well.

    Without `res` each model is taken at its native resolution; `scaling` multiplies that, or `res`,
    and the models' coefficients. Raises BadInput or UnknownName for a model, option, size or
    convention that does not exist.

    >>> [e.count("macs") for e in compare(["mobilenetv1", "mobilenetv2"], res=224).entries]
    [568740352, 300774272]
    """
    if not models:
        raise BadInput("no model to compare; name at least one, such as mobilenetv2")
    if check and (blocks := [name for name in models if name in NAMED_BLOCKS]):
        raise BadInput(
            f"{', '.join(blocks)}: a block has no sizes at which it could be checked; "
            "flopscope check --prove proves it for all sizes"
        )
    check_size("batch", batch, "such as 1")
    counting = convention(convention_name)
    variants = [parse(model) for model in models]
    given = [
        scaled(variant, scaling, res) if scaling else (variant, variant.resolution(res))
        for variant in variants
    ]
    entries = tuple(entry(variant, resolution, batch, check) for variant, resolution in given)
    return Comparison(entries, counting, by, scaling)


def entry(variant: Variant, resolution: Resolution | None, batch: int, check: bool) -> Entry:
    """One network counted at one input."""
    ledger = variant.ledger(resolution, batch)
    agreement = _checked(variant, resolution, batch) if check else None
    return Entry(variant, resolution, batch, ledger, variant.published(resolution), agreement)


def _checked(variant: Variant, resolution: Resolution | None, batch: int) -> Agreement:
    """The agreement with the witnesses. Raises BadInput where torch or fvcore is not installed."""
    require_witnesses()
    from flopscope.agreement import check_variant

    return check_variant(variant, resolution, batch)
