"""A profile as JSON, with integers, or at free sizes with expressions and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.answers.parts import Part, operators, whole
from flopscope.answers.profile import Profile
from flopscope.closedform import expression
from flopscope.closedform.text import domain_text
from flopscope.present.operators import facts_data, sizes_data
from flopscope.present.quantities import readings_data
from flopscope.present.view import View
from flopscope.quantities import QUANTITIES
from flopscope.readings import Reading
from flopscope.sizes import is_symbolic
from flopscope.symbolic import Symbol

SCHEMA = "flopscope.profile/1"


def profile_data(profile: Profile, view: View, notes: Sequence[str]) -> dict[str, Any]:
    """The whole profile: totals, the parts in the view, every operator, and what is unknown."""
    total = whole(profile.ledger)
    facts = [facts_data(part.rows[0]) | _readings(part, view) for part in operators(profile.ledger)]
    return {
        "schema": SCHEMA,
        "target": profile.target,
        "inputs": [sizes_data(shape) for shape in profile.shapes],
        "convention": view.convention.name,
        "unit": view.convention.unit,
        **_readings(total, view),
        "complete": total.read(view.work).complete,
        "unknown": list(profile.unknown(view.convention.name)),
        "fixed": list(profile.fixed),
        "expected": list(profile.expected),
        "active_params": reading_data(QUANTITIES["active_params"].read(profile.ledger)),
        "notes": list(notes),
        "domain": domain_of(profile),
        "by": view.by,
        "parts": [_part_data(part, view) for part in view.parts(profile.ledger)],
        "operators": facts,
    }


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
    facts = {"operator": part.operator, "output": output, "complete": complete}
    return place | facts | _readings(part, view)


def _readings(part: Part, view: View) -> dict[str, Any]:
    return readings_data(view.keys, part.read, reading_data)
