"""A traced network as text: a table at numbers, formulas at free sizes."""

from __future__ import annotations

from typing import Any

from flopscope.conventions import Convention
from flopscope.ledger import Level
from flopscope.present.catalog import ledger_table, row_data
from flopscope.present.formula import FormulaPage, render_formulas
from flopscope.present.render import render
from flopscope.present.table import Document
from flopscope.profiling import Profile


def profile_text(
    profile: Profile, convention: Convention, level: Level, format_name: str | None
) -> str:
    """The profile in a named format: those of tables at numbers, those of formulas at free
    sizes."""
    if profile.ledger.symbols():
        return render_formulas(_page(profile, convention), format_name or "text")
    return render(_document(profile, convention, level), format_name or "table")


def warnings_of(profile: Profile) -> list[str]:
    """What keeps the numbers from being the whole truth, one sentence each."""
    notes = [f"unknown operator at {path}: totals are lower bounds" for path in profile.unknown]
    return notes + [f"fixed by the trace: {fixed}" for fixed in profile.fixed]


def _page(profile: Profile, convention: Convention) -> FormulaPage:
    macs = profile.ledger.flops(convention.name).formula
    shapes = " and ".join(_shape(shape) for shape in profile.shapes)
    notes = warnings_of(profile)
    source = "\n".join([f"traced on {shapes}", *notes])
    return FormulaPage(profile.target, source, [macs, profile.ledger.params().formula])


def _document(profile: Profile, convention: Convention, level: Level) -> Document:
    shapes = " and ".join(_shape(shape) for shape in profile.shapes)
    title = f"{profile.target} on {shapes}. {convention.unit}, "
    title += f"convention {convention.name}: {convention.counts}."
    table = ledger_table(profile.ledger, convention, level, title, warnings_of(profile))
    return Document([table], _data(profile, convention))


def _data(profile: Profile, convention: Convention) -> dict[str, Any]:
    ledger = profile.ledger
    return {
        "schema": "flopscope.profile/1",
        "target": profile.target,
        "inputs": [list(shape) for shape in profile.shapes],
        "convention": convention.name,
        "unit": convention.unit,
        "params": int(ledger.params()),
        "macs": int(ledger.macs()),
        "count": int(ledger.flops(convention.name)),
        "activations": int(ledger.activations()),
        "complete": not profile.unknown,
        "unknown": list(profile.unknown),
        "fixed": list(profile.fixed),
        "operators": [row_data(row, convention) for row in ledger.rows],
    }


def _shape(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
