"""Solved budgets, and crossings of two costs, as documents."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.target import Target, of_variant
from flopscope.answers.timed import TimeQuantity, warnings_of_designs
from flopscope.choosing.axes import Axis
from flopscope.choosing.budgets import Budget
from flopscope.choosing.crossing import Crossing
from flopscope.choosing.designs import Design
from flopscope.choosing.solution import Solution, Tried
from flopscope.present.numbers import integer, percent
from flopscope.present.quantities import cautions, cautions_data, is_count, number, raw_number
from flopscope.present.table import Column, Document, Table
from flopscope.present.times import time_data
from flopscope.present.words import size_name, size_value
from flopscope.quantities import MACS

SHOWN = 16
"""The most designs of a frontier in the table; the JSON has all."""


def solution_document(solution: Solution) -> Document:
    """The designs that keep the budgets, or the smallest design if none does."""
    return Document([_table(solution)], partial(_data, solution))


def _table(solution: Solution) -> Table:
    inner = solution.axes[-1]
    columns = [
        *(Column(axis.name, size_name(axis.name), size_value) for axis in solution.axes),
        *(
            Column(row.column, row.title, number(row), counted=is_count(row), raw=raw_number(row))
            for row in solution.quantities
        ),
        Column("share", "Used\n%", raw=float),
        *([] if solution.tried else [_law_column(inner)]),
    ]
    shown = solution.nearest(SHOWN) if solution.least is None else (solution.least,)
    rows = [_row(solution, design) for design in shown]
    return Table(columns, rows, _title(solution), _notes(solution, len(shown)))


def _row(solution: Solution, design: Design) -> list[Any]:
    share = solution.share(design)
    return [
        *(design.sizes[axis.name] for axis in solution.axes),
        *(design.counts[row.name] for row in solution.quantities),
        percent(share.numerator, share.denominator),
        *([] if solution.tried else [design.ideal]),
    ]


def _law_column(axis: Axis) -> Column:
    return Column("ideal", f"{size_name(axis.name)} by\nthe law", lambda value: f"{value:.4g}")


def _title(solution: Solution) -> str:
    budgets = " and ".join(f"at most {budget}" for budget in solution.budgets)
    free = ", ".join(axis.name for axis in solution.axes)
    words = f", {solution.words}" if solution.words else ""
    return f"{solution.target.name}{words}: {budgets}; free: {free}."


def _notes(solution: Solution, shown: int) -> list[str]:
    inner = solution.axes[-1]
    said = [*warned(solution), *cautions(solution.quantities)]
    if solution.tried is not None:
        return [*_tried_notes(solution, solution.tried, shown), *said]
    if not solution.designs:
        return [infeasible(solution), *said]
    notes = []
    if solution.beyond is not None:
        (value,) = solution.beyond.sizes.values()
        first, _ = solution.designs[0].span
        notes.append(
            f"It is the same network from {inner.name} {size_value(first)} on; the next one, from "
            f"{size_value(value)} on, has {_counts(solution, solution.beyond)}."
        )
    notes += _left_out(solution, shown, "published network")
    if any(design.ideal is not None for design in solution.designs):
        notes.append(
            f"{size_name(inner.name)} by the law: where the formula with no width, layer or grid "
            "rounded meets the budget."
        )
    return [*notes, *said]


def warned(solution: Solution) -> list[str]:
    """Where times are predicted of designs that are unlike the networks of the calibration."""
    designs = solution.designs or ((solution.least,) if solution.least else ())
    macs = [design.counts[MACS.name] for design in designs]
    return [
        said
        for each in solution.quantities
        if isinstance(each, TimeQuantity)
        for said in warnings_of_designs(each.device, macs, solution.batch or 1)
    ]


def _left_out(solution: Solution, shown: int, usual: str) -> list[str]:
    if shown >= len(solution.designs):
        return []
    return [
        f"The {shown} nearest to the {usual} of {len(solution.designs):,} designs; --format json "
        "lists all."
    ]


def _tried_notes(solution: Solution, tried: Tried, shown: int) -> list[str]:
    """What was counted, and what is known of designs beside those that are shown."""
    inner = solution.axes[-1].name
    found = f"the largest {inner} that keeps the budget{'s' * (len(solution.budgets) > 1)} is shown"
    notes = [
        f"{tried.designs:,} designs were counted {tried.means}; "
        f"{found if solution.designs else infeasible(solution)}."
    ]
    if solution.beyond is not None:
        (value,) = solution.beyond.sizes.values()
        notes.append(
            f"The next one, {inner} {size_value(value)}, has {_counts(solution, solution.beyond)}."
        )
    if tried.ends:
        those = "It is" if len(solution.designs) == 1 else f"{tried.ends:,} of them are"
        notes.append(f"{those} at the end of the range; a larger {inner} may keep it too.")
    if tried.broken:
        notes.append(
            f"{tried.broken:,} designs of a smaller {inner} break a budget, for the cost does not "
            "only grow."
        )
    if tried.missing:
        notes.append(f"{tried.missing:,} of the range do not exist; one of them {tried.refused}.")
    return [*notes, *_left_out(solution, shown, "network's own sizes"), *tried.expected]


def infeasible(solution: Solution) -> str:
    """The sentence that no design keeps the budgets, with the nearest budget that can be kept."""
    least = solution.least
    assert least is not None
    free = " and ".join(axis.name for axis in solution.axes)
    at = ", ".join(f"{name} {size_value(value)}" for name, value in least.sizes.items())
    nearest = " ".join(
        f"--{budget.quantity} {_least_budget(budget, least)}"
        for budget in solution.budgets
        if least.counts[budget.quantity] > budget.limit
    )
    which, end = ("nearest one", "") if solution.tried else ("smallest network", ".")
    none = "none of them" if solution.tried else f"No {free}"
    return (
        f"{none} keeps this. The {which}, at {at}, has {_counts(solution, least)}; the "
        f"nearest budget that can be kept is {nearest}{end}"
    )


def _least_budget(budget: Budget, design: Design) -> str:
    """The smallest budget that a design keeps, as an option takes it: a time in whole
    microseconds."""
    amount = design.counts[budget.quantity]
    if not isinstance(budget.of, TimeQuantity):
        return str(amount)
    return f"{-(-amount // 10**12) / 1000:g}ms"


def _counts(solution: Solution, design: Design) -> str:
    return " and ".join(b.of.amount(design.counts[b.quantity]) for b in solution.budgets)


def _data(solution: Solution) -> dict[str, Any]:
    return {
        "schema": "flopscope.solve/1",
        **_subject(solution.target, solution.resolution),
        "free": [axis.name for axis in solution.axes],
        "budgets": {budget.quantity: budget.limit for budget in solution.budgets},
        **_warned_data(solution),
        **cautions_data(solution.quantities),
        "feasible": bool(solution.designs),
        "designs": [_design_data(solution, design) for design in solution.designs],
        "next": solution.beyond and _design_data(solution, solution.beyond),
        "least": solution.least and _design_data(solution, solution.least),
        **({} if solution.tried is None else {"counted": _tried_data(solution.tried)}),
    }


def _warned_data(solution: Solution) -> dict[str, Any]:
    said = warned(solution)
    return {"warnings": said} if said else {}


def _tried_data(tried: Tried) -> dict[str, Any]:
    return {
        "designs": tried.designs,
        "missing": tried.missing,
        "ledgers": tried.parts,
        "breaking_below": tried.broken,
        "expected": list(tried.expected),
    }


def _times_data(solution: Solution, design: Design) -> dict[str, Any]:
    return {
        each.name: time_data(each, design.counts[each.name])
        for each in solution.quantities
        if isinstance(each, TimeQuantity)
    }


def _design_data(solution: Solution, design: Design) -> dict[str, Any]:
    return {
        **design.sizes,
        **design.counts,
        **_times_data(solution, design),
        "same": list(design.span),
        "without_rounding": design.ideal,
    }


def _subject(target: Target, resolution: Any) -> dict[str, Any]:
    variant = target.variant
    return {
        "model": target.name if variant is None else variant.model.id,
        "variant": "" if variant is None else variant.options_text,
        "source": target.source.value,
        "resolution": resolution and list(resolution),
    }


def crossing_document(found: Crossing) -> Document:
    """Where one cost overtakes another, as a line and its numbers."""
    name = found.axis.name
    count = partial(Column, text=integer, counted=True)
    columns = [
        Column("value", size_name(found.axis.name), size_value),
        count("left", f"{found.left.term}\nMACs (macs)"),
        count("right", f"{found.right.term}\nMACs (macs)"),
        Column("ratio", "Quotient", lambda value: f"{value:.4f}"),
    ]
    left, right = found.counts
    rows = [[found.at, left, right, left / right if right else None]]
    title = f"{found.variant}: where {found.left} = {found.right}, along {name}."
    return Document([Table(columns, rows, title, _crossing_notes(found))], _crossing_data(found))


def _crossing_notes(found: Crossing) -> list[str]:
    name = found.axis.name
    if found.settled is None:
        return [f"{found.left} stays below {found.right} up to {name} {found.at:,}."]
    notes = [f"From {name} {found.settled:,} on, {found.left} is not below {found.right}."]
    if found.first != found.settled:
        notes.append(
            f"It is first so at {found.first:,}; in between, rounded grids put now one and now "
            "the other ahead."
        )
    if found.ideal is not None:
        notes.append(f"Without rounding the two meet at {name} {found.ideal:.4f}.")
    return notes


def _crossing_data(found: Crossing) -> dict[str, Any]:
    return {
        "schema": "flopscope.crossing/1",
        **_subject(of_variant(found.variant), found.resolution),
        "free": found.axis.name,
        "left": str(found.left),
        "right": str(found.right),
        "first": found.first,
        "settled": found.settled,
        "without_rounding": found.ideal,
        "left_macs": found.counts[0],
        "right_macs": found.counts[1],
    }
