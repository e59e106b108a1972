"""Formulas and laws as text, LaTeX, Python and JSON; each states unit, convention and domain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill, wrap
from typing import Any

from flopscope.alphabet import ALPHABET
from flopscope.analytic.laws import Law, Step
from flopscope.closedform import Formula
from flopscope.conventions import CONVENTIONS
from flopscope.errors import UnknownName


@dataclass(frozen=True)
class FormulaPage:
    """Formulas of one network or block, where the thing was published, and notes. `explained` are
    the symbols that mean what the alphabet says; in a reader's own module, only those of inputs."""

    title: str
    source: str
    formulas: Sequence[Formula]
    notes: Sequence[str] = ()
    explained: frozenset[str] = frozenset(ALPHABET)


def render_formulas(page: FormulaPage, format_name: str) -> str:
    """The page in a named format. Raises UnknownName."""
    return _renderer(_FORMULA_FORMATS, format_name)(page) + "\n"


def render_law(law: Law, format_name: str) -> str:
    """The law with its derivation in a named format. Raises UnknownName."""
    return _renderer(_LAW_FORMATS, format_name)(law) + "\n"


def check_format(format_name: str) -> None:
    """Raises UnknownName for a format that formulas do not have."""
    _renderer(_FORMULA_FORMATS, format_name)


def _renderer(formats: Mapping[str, Callable[[Any], str]], name: str) -> Callable[[Any], str]:
    if name not in formats:
        raise UnknownName("format", name, formats)
    return formats[name]


# --- formulas ---------------------------------------------------------------------------------


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


def _json(page: FormulaPage) -> str:
    return _dumped(
        {
            "schema": "flopscope.formula/1",
            "title": page.title,
            "source": page.source,
            "notes": list(page.notes),
            "formulas": [_formula_data(formula, page.explained) for formula in page.formulas],
        }
    )


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


# --- laws -------------------------------------------------------------------------------------


def _law_text(law: Law) -> str:
    lines = [law.title, law.source, "", f"  {_equation(law.statement)}", ""]
    lines += ["derived from"]
    width = max(len(step.left) for step in law.steps)
    for step in law.steps:
        text = f"{step.left.ljust(width)} = {_expression(step.right)}"
        lines += wrap(text, 78, initial_indent="  ", subsequent_indent=" " * (width + 5))
    lines += ["", f"  domain: {law.domain}", "", *law.cases]
    return "\n".join(lines)


def _equation(step: Step) -> str:
    return f"{step.left} = {_expression(step.right)}"


def _expression(expression: Any) -> str:
    """SymPy's text in the project's alphabet: α for width, · for a product, superscripts."""
    import sympy

    text = sympy.sstr(expression, order="grevlex")
    for name, dimension in ALPHABET.items():
        text = re.sub(rf"\b{name}\b", dimension.text, text)
    text = re.sub(r"(\w+)\*\*\(-(\d+)\)", r"1/\1**\2", text)
    text = re.sub(r"\*\*(\d+)", lambda m: m[1].translate(_SUPERSCRIPT), text)
    text = re.sub(r"\(-(\w+) \+ (\d+)\)", r"(\2 - \1)", text)
    text = re.sub(r"\d{4,}", lambda m: f"{int(m[0]):,}", text)
    return text.replace("*", "·")


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _law_latex(law: Law) -> str:
    import sympy

    names = {
        s: ALPHABET[s.name].latex for s in law.statement.right.free_symbols if s.name in ALPHABET
    }
    lines = [f"% {law.title}; {law.source}; domain: {law.domain}"]
    for step in (law.statement, *law.steps):
        names |= {s: ALPHABET[s.name].latex for s in step.right.free_symbols if s.name in ALPHABET}
        lines.append(rf"\text{{{step.left}}} = {sympy.latex(step.right, symbol_names=names)}")
    return "\n".join(lines)


def _law_python(law: Law) -> str:
    import sympy

    lines = [f"# {law.title}; {law.source}; domain: {law.domain}"]
    for step in (law.statement, *law.steps):
        lines.append(f"# {step.left} =")
        lines.append(sympy.pycode(step.right, fully_qualified_modules=False))
    return "\n".join(lines)


def _law_json(law: Law) -> str:
    def data(step: Step) -> dict[str, str]:
        return {
            "words": step.words,
            "left": step.left,
            "right": _expression(step.right),
            "sympy": str(step.right),
        }

    return _dumped(
        {
            "schema": "flopscope.law/1",
            "title": law.title,
            "statement": data(law.statement),
            "steps": [data(step) for step in law.steps],
            "cases": list(law.cases),
            "domain": law.domain,
            "source": law.source,
        }
    )


def _dumped(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


_FORMULA_FORMATS: Mapping[str, Callable[[FormulaPage], str]] = {
    "text": _text,
    "latex": _latex,
    "python": _python,
    "json": _json,
}
_LAW_FORMATS: Mapping[str, Callable[[Law], str]] = {
    "text": _law_text,
    "latex": _law_latex,
    "python": _law_python,
    "json": _law_json,
}
