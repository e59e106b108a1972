"""Formulas as text, LaTeX, Python and JSON. Each states its unit, convention and domain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from flopscope.alphabet import ALPHABET
from flopscope.closedform import Formula
from flopscope.closedform.scripts import runtime
from flopscope.conventions import CONVENTIONS


@dataclass(frozen=True)
class FormulaPage:
    """The formulas of one network or block, its source, and notes.

    `explained` are the symbols that have the alphabet's meaning. For a reader's own module these
    are only the symbols of its inputs."""

    title: str
    source: str
    formulas: Sequence[Formula]
    notes: Sequence[str] = ()
    explained: frozenset[str] = frozenset(ALPHABET)


def _text(page: FormulaPage) -> str:
    parts = [f"{page.title}\n{page.source}"]
    for formula in page.formulas:
        convention = CONVENTIONS.get(formula.convention or "")
        piece = formula.name.partition(", piece ")[2]
        unit = f"piece {piece}: {_unit(formula)}" if piece else _unit(formula)
        heading = _wrapped(unit + (f": {convention.counts}" if convention else ""))
        domain = fill(
            f"domain: {formula.domain}", 80, initial_indent="  ", subsequent_indent="    "
        )
        parts.append(f"{heading}\n\n{formula.text()}\n\n{domain}")
    notes = "\n".join(_wrapped(f"note: {note}") for note in page.notes)
    return "\n\n".join(part for part in (*parts, notes, _legend(page)) if part)


def _legend(page: FormulaPage) -> str:
    names = dict.fromkeys(s.name for formula in page.formulas for s in formula.symbols)
    meanings = [f"{ALPHABET[n].text}: {ALPHABET[n].meaning}" for n in names if n in page.explained]
    return _wrapped("; ".join(meanings)) if meanings else ""


def _wrapped(text: str) -> str:
    return fill(text, 80)


def _unit(formula: Formula) -> str:
    return (
        f"{formula.unit}, convention {formula.convention}" if formula.convention else formula.unit
    )


def _latex(page: FormulaPage) -> str:
    lines = [f"% {note}" for note in page.notes]
    for formula in page.formulas:
        lines.append(f"% {page.title}: {_unit(formula)}; domain: {formula.domain}")
        lines.append(formula.latex())
    return "\n".join(lines)


def _python(page: FormulaPage) -> str:
    return "\n\n\n".join(formula.python() for formula in page.formulas)


def _javascript(page: FormulaPage) -> str:
    """A script that declares a function a formula, and in node exports them all."""
    functions = [formula.javascript() for formula in page.formulas]
    names = ", ".join(re.findall(r"^const (\w+) = \(sizes\)", "\n".join(functions), re.MULTILINE))
    exported = f'if (typeof module !== "undefined") module.exports = {{ {names} }};'
    return "\n".join([runtime(), *functions, exported])


def _json(page: FormulaPage) -> str:
    data = {
        "schema": "flopscope.formula/1",
        "title": page.title,
        "source": page.source,
        "notes": list(page.notes),
        "formulas": [_formula_data(formula, page.explained) for formula in page.formulas],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _formula_data(formula: Formula, explained: Collection[str]) -> dict[str, Any]:
    return {
        "name": formula.name,
        "unit": formula.unit,
        "convention": formula.convention,
        "domain": formula.domain,
        "symbols": {
            s.name: ALPHABET[s.name].meaning if s.name in explained else "" for s in formula.symbols
        },
        "text": formula.text(),
        "latex": formula.latex(),
        "python": formula.python(),
    }


FORMATS: Mapping[str, Callable[[FormulaPage], str]] = {
    "text": _text,
    "latex": _latex,
    "python": _python,
    "javascript": _javascript,
    "json": _json,
}
