"""The verdicts on budgets as a document, and as the sentences of a failed test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from flopscope.answers.timed import TimeQuantity
from flopscope.choosing.assertion import BudgetVerdict
from flopscope.present.numbers import integer, percent
from flopscope.present.quantities import cautions, cautions_data, raw_number
from flopscope.present.table import Column, Document, Table
from flopscope.present.times import milliseconds, spread, time_data
from flopscope.quantities import Quantity

Amount: TypeAlias = tuple[Quantity, int]

SHOWN = 12
"""The most offending layers in a table; the JSON has all."""


def verdict_document(
    name: str, verdicts: Sequence[BudgetVerdict], warnings: Sequence[str] = ()
) -> Document:
    """Every budget with its verdict and the warnings, then the layers that hold each excess."""
    broken = [verdict for verdict in verdicts if verdict.offenders]
    return Document(
        [_verdicts(name, verdicts, warnings), *(_offenders(verdict) for verdict in broken)],
        {
            "schema": "flopscope.assert/1",
            "target": name,
            "kept": all(verdicts),
            **cautions_data(verdict.budget.of for verdict in verdicts),
            "budgets": [_data(verdict) for verdict in verdicts],
            **({"warnings": list(warnings)} if warnings else {}),
        },
    )


def _verdicts(name: str, verdicts: Sequence[BudgetVerdict], warnings: Sequence[str]) -> Table:
    columns = [
        Column("quantity", "Reading", numeric=False),
        Column("limit", "At most", _limit, raw=_number),
        Column("value", "Counted", _value, raw=_number),
        Column("share", "Used\n%"),
        Column("verdict", "Verdict", numeric=False),
    ]
    rows = [
        [
            v.budget.of.noun,
            (v.budget.of, v.budget.limit),
            (v.budget.of, v.value),
            percent(v.value, v.budget.limit),
            _word(v),
        ]
        for v in verdicts
    ]
    unknown = sorted({path for verdict in verdicts for path in verdict.unknown})
    notes = [*warnings, *_uncertain(verdicts), *cautions(v.budget.of for v in verdicts)]
    if unknown:
        notes.append(
            f"The cost of {', '.join(unknown)} is not known: what is counted is a lower bound, "
            "and no budget is kept for certain."
        )
    return Table(columns, rows, f"{name} against its budgets.", notes)


def _limit(amount: Amount) -> str:
    quantity, number = amount
    timed = isinstance(quantity, TimeQuantity)
    return milliseconds(number).removesuffix(" ms") if timed else integer(number)


def _value(amount: Amount) -> str:
    quantity, number = amount
    return spread(quantity, number) if isinstance(quantity, TimeQuantity) else integer(number)


def _number(amount: Amount) -> int | float:
    quantity, number = amount
    found: int | float = raw_number(quantity)(number)
    return found


def _uncertain(verdicts: Sequence[BudgetVerdict]) -> list[str]:
    """Which budgets of time lie within the interval of the predicted time."""
    found = []
    for each in verdicts:
        quantity = each.budget.of
        if not isinstance(quantity, TimeQuantity):
            continue
        low, high = quantity.interval(each.value)
        if low <= quantity.seconds(each.budget.limit) < high:
            found.append(
                f"Whether at most {each.budget} is kept is not certain: the limit lies within the "
                "interval of the prediction. The verdict is that of the predicted time."
            )
    return found


def _word(verdict: BudgetVerdict) -> str:
    if verdict.excess:
        quantity = verdict.budget.of
        timed = isinstance(quantity, TimeQuantity)
        return f"broken by {milliseconds(verdict.excess) if timed else f'{verdict.excess:,}'}"
    return "not certain" if verdict.unknown else "kept"


def _offenders(verdict: BudgetVerdict) -> Table:
    quantity = verdict.budget.of
    columns = [
        Column("layer", "Layer", numeric=False),
        Column(
            quantity.name,
            quantity.noun,
            milliseconds if isinstance(quantity, TimeQuantity) else integer,
        ),
        Column("percent", "%"),
    ]
    rows = [
        [path, value, percent(value, verdict.value)] for path, value in verdict.offenders[:SHOWN]
    ]
    more = len(verdict.offenders) - len(rows)
    notes = [f"and {more} more, smaller ones; --format json lists all."] if more else []
    excess = quantity.amount(verdict.excess)
    title = f"The largest layers, which together have the {excess} too many:"
    return Table(columns, rows, title, notes)


def _data(verdict: BudgetVerdict) -> dict[str, Any]:
    return {
        "quantity": verdict.budget.quantity,
        "limit": verdict.budget.limit,
        "value": verdict.value,
        **time_data(verdict.budget.of, verdict.value),
        "kept": bool(verdict),
        "unknown": list(verdict.unknown),
        "offenders": [{"layer": path, "value": value} for path, value in verdict.offenders],
    }
