"""What a row of a results file states of its network."""

from __future__ import annotations

from flopscope.catalog.results import Result
from flopscope.choosing.costs import Amount, Found
from flopscope.choosing.question import Question
from flopscope.quantities import Named, Quantity


def all_stated(question: Question, row: Result) -> Found | None:
    """Every measure as the row states it; None where it states fewer."""
    amounts = {measure: stated_of(row, measure) for measure in question.measures}
    known = {measure: amount for measure, amount in amounts.items() if amount is not None}
    return known if len(known) == len(amounts) else None


def stated_of(row: Result, measure: Named) -> Amount | None:
    """The measures that the row states. It states work in MACs, as papers do, and under no other
    convention."""
    if isinstance(measure, Quantity) and measure.convention not in ("", "macs"):
        return None
    found: Amount | None = getattr(row, measure.stated) if measure.stated else None
    return found
