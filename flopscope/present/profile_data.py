"""A profile as JSON, with integers, or at free sizes with expressions and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flopscope.answers.operators import shape_text
from flopscope.answers.parts import Part, operators, reads, whole
from flopscope.answers.profile import Profile
from flopscope.closedform import expression
from flopscope.closedform.text import domain_text
from flopscope.ledger import Ledger
from flopscope.present.operators import facts_data, sizes_data
from flopscope.present.part_facts import PART_FACTS
from flopscope.present.table import Cell, Column
from flopscope.present.view import View
from flopscope.quantities import QUANTITIES
from flopscope.readings import Reading
from flopscope.sizes import is_symbolic
from flopscope.symbolic import Symbol

SCHEMA = "flopscope.profile/1"


def profile_data(profile: Profile, view: View, notes: Sequence[str]) -> dict[str, Any]:
    """The whole profile: totals, the parts in the view, every operator, and what is unknown."""
    total = whole(profile.ledger)
    amounts = amounts_of(view, profile.ledger)
    return {
        "schema": SCHEMA,
        "target": profile.target,
        "inputs": [sizes_data(shape) for shape in profile.shapes],
        "convention": view.convention.name,
        "unit": view.convention.unit,
        **amounts(total),
        "complete": total.read(view.work).complete,
        "unknown": list(profile.unknown(view.convention.name)),
        "fixed": list(profile.fixed),
        "expected": list(profile.expected),
        "active_params": reading_data(QUANTITIES["active_params"].read(profile.ledger)),
        "notes": list(notes),
        "domain": domain_of(profile),
        "by": view.by,
        "parts": parts_data(profile, view),
        "operators": [
            facts_data(part.rows[0]) | amounts(part) for part in operators(profile.ledger)
        ],
    }


def parts_data(profile: Profile, view: View) -> list[dict[str, Any]]:
    """Every part in the view: what it is, what it has, and the facts that columns are asked for."""
    amounts = amounts_of(view, profile.ledger)
    facts = {name: PART_FACTS[name](shape_text) for name in view.columns if name in PART_FACTS}
    parts = []
    for part in view.parts(profile.ledger):
        said = {name: _raw(column, cell(part)) for name, (column, cell) in facts.items()}
        parts.append(said | _part_data(part, view) | amounts(part))
    return parts


def _raw(column: Column, cell: Cell) -> Any:
    return None if cell is None else column.raw(cell)


def amounts_of(view: View, ledger: Ledger) -> Callable[[Part], dict[str, Any]]:
    """What a part of the ledger has of each quantity, under its key."""
    found = [(row.key, reads(row, ledger.rows)) for row in view.keys]
    return lambda part: {key: reading_data(read(part)) for key, read in found}


def free_symbols(profile: Profile) -> frozenset[Symbol]:
    """The free sizes of its inputs and of what it runs."""
    free = (n.symbols() for shape in profile.shapes for n in shape if is_symbolic(n))
    return profile.ledger.symbols().union(*free)


def domain_of(profile: Profile) -> str:
    """Where the trace holds, in words."""
    return domain_text(free_symbols(profile), profile.ledger.conditions)


def reading_data(reading: Reading) -> int | dict[str, str]:
    """An integer, or a formula as text that Python evaluates and as LaTeX."""
    if not is_symbolic(reading.value):
        return int(reading)
    return {"python": expression(reading.value), "latex": reading.formula.latex()}


def _part_data(part: Part, view: View) -> dict[str, Any]:
    place = {"path": part.path} if view.flat else {"path": part.path, "depth": part.depth}
    output = None if part.output is None else sizes_data(part.output)
    complete = part.read(view.work).complete
    return place | {"operator": part.operator, "output": output, "complete": complete}
