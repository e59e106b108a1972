"""Laws as text, Markdown, LaTeX, Python and JSON: the statement, its derivation, worked numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from textwrap import fill, wrap
from typing import Any

from flopscope.alphabet import ALPHABET
from flopscope.laws import LAWS, Topic
from flopscope.laws.parts import Law, Step, Worked, WorkedValue
from flopscope.present.equation import latex, text
from flopscope.present.formats import markdown, terminal
from flopscope.present.table import Column, Document, Table


@dataclass(frozen=True)
class LawPage:
    """A law under its name, which is `width-law:mobilenetv2` for the law of one network."""

    name: str
    law: Law

    @property
    def entry(self) -> Topic:
        return LAWS[self.name.partition(":")[0]]


def _text(page: LawPage) -> str:
    law = page.law
    title = fill(f"{page.name}: {page.entry.title}", 80, subsequent_indent="  ")
    parts = [f"{title}\n{page.entry.source}", _step_text(law.statement)]
    parts += ["Derived from", *map(_step_text, law.steps)]
    parts.append(fill(f"Domain: {law.domain}", 80, subsequent_indent="  "))
    parts.append(fill(_legend(law), 80))
    parts += [terminal.text(Document([_table(worked)])) for worked in law.worked]
    return "\n\n".join(parts)


def _step_text(step: Step) -> str:
    words = fill(f"{_sentence(step.words)}:", 80)
    equation = f"{text(step.left)} {step.sign} {text(step.right)}"
    indent = " " * (len(text(step.left)) + 5)
    return "\n".join([words, *wrap(equation, 80, initial_indent="  ", subsequent_indent=indent)])


def _legend(law: Law) -> str:
    return "; ".join(f"{written}: {meaning}" for written, meaning in _letters(law).items())


def _letters(law: Law) -> Mapping[str, str]:
    """How each letter is written, and what it means."""
    names = sorted({s.name for step in (law.statement, *law.steps) for s in _symbols(step)})
    meanings = {}
    for name in names:
        if name in law.letters:
            meanings[name] = law.letters[name]
        elif name in ALPHABET:
            meanings[ALPHABET[name].text] = ALPHABET[name].meaning
    return meanings


def _symbols(step: Step) -> Iterable[Any]:
    found: set[Any] = step.left.atoms() | step.right.atoms()
    return (atom for atom in found if atom.is_Symbol)


def _table(worked: Worked) -> Table:
    columns = [
        Column(heading, heading, _cell, not isinstance(worked.rows[0][index], str))
        for index, heading in enumerate(worked.columns)
    ]
    return Table(columns, worked.rows, worked.words, [worked.note] if worked.note else [])


def _cell(value: WorkedValue) -> str:
    """The text of a cell: integers in full, other numbers to four significant digits."""
    if isinstance(value, str):
        return value
    whole = isinstance(value, int) or value >= 1000
    return f"{value:,.0f}" if whole else f"{float(value):#.4g}"


def _markdown(page: LawPage) -> str:
    law = page.law
    parts = [f"## `{page.name}`", f"{_sentence(page.entry.title)}. Source: {page.entry.source}."]
    parts += [_step_markdown(law.statement), "Derivation:"]
    parts += [_step_markdown(step, f"{number}. ") for number, step in enumerate(law.steps, start=1)]
    parts.append(f"Domain: {law.domain}.")
    parts.append("; ".join(f"`{name}`: {means}" for name, means in _letters(law).items()) + ".")
    parts += [markdown.text(Document([_table(worked)])) for worked in law.worked]
    return "\n\n".join(parts)


def _step_markdown(step: Step, number: str = "") -> str:
    indent = " " * len(number)
    equation = f"{latex(step.left)} {_SIGNS[step.sign]} {latex(step.right)}"
    lines = ["```math", equation, "```"]
    return "\n".join(
        [f"{number}{_sentence(step.words)}:", "", *(f"{indent}{line}" for line in lines)]
    )


_SIGNS = {"=": "=", "<": "<", ">": ">", "≥": r"\geq", "≈": r"\approx"}


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _latex(page: LawPage) -> str:
    lines = [f"% {page.name}: {page.entry.title}; {page.entry.source}; domain: {page.law.domain}"]
    for step in (page.law.statement, *page.law.steps):
        lines.append(f"% {step.words}")
        lines.append(f"{latex(step.left)} {_SIGNS[step.sign]} {latex(step.right)}")
    return "\n".join(lines)


def _python(page: LawPage) -> str:
    import sympy

    lines = [f"# {page.name}: {page.entry.title}; {page.entry.source}; domain: {page.law.domain}"]
    for step in (page.law.statement, *page.law.steps):
        lines.append(f"# {step.words}: {text(step.left)} {step.sign}")
        lines.append(sympy.pycode(step.right, fully_qualified_modules=False))
    return "\n".join(lines)


def _json(page: LawPage) -> str:
    law = page.law
    data = {
        "schema": "flopscope.law/1",
        "name": page.name,
        "title": page.entry.title,
        "source": page.entry.source,
        "statement": _step_data(law.statement),
        "steps": [_step_data(step) for step in law.steps],
        "domain": law.domain,
        "letters": dict(_letters(law)),
        "worked": [_worked_data(worked) for worked in law.worked],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _step_data(step: Step) -> dict[str, str]:
    return {
        "words": step.words,
        "left": text(step.left),
        "sign": step.sign,
        "right": text(step.right),
        "latex": f"{latex(step.left)} {_SIGNS[step.sign]} {latex(step.right)}",
        "sympy": str(step.right),
    }


def _worked_data(worked: Worked) -> dict[str, Any]:
    rows = [
        [float(cell) if isinstance(cell, Fraction) else cell for cell in row] for row in worked.rows
    ]
    return {
        "words": worked.words,
        "columns": list(worked.columns),
        "rows": rows,
        "note": worked.note,
    }


FORMATS: Mapping[str, Callable[[LawPage], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": _latex,
    "python": _python,
    "json": _json,
}
"""The formats of one law."""


def _text_of_all(pages: Sequence[LawPage]) -> str:
    rule = "\n\n" + "─" * 80 + "\n\n"
    return rule.join([terminal.text(_contents(pages, "{}")), *map(_text, pages)])


def _markdown_of_all(pages: Sequence[LawPage]) -> str:
    """The page docs/laws.md."""
    contents = markdown.text(_contents(pages, "[{0}](#{0})"))
    return "\n\n".join([_INTRODUCTION, contents, *map(_markdown, pages)])


def _contents(pages: Sequence[LawPage], name: str) -> Document:
    headings = ("Law", "About", "Source")
    columns = [Column(heading.lower(), heading, numeric=False) for heading in headings]
    rows = [[name.format(page.name), page.entry.title, page.entry.source] for page in pages]
    return Document([Table(columns, rows)])


_INTRODUCTION = """\
# Laws

<!-- written by `make laws`, which is `flopscope laws --format markdown`; a test compares -->

Each right side is derived by SymPy from the ledgers' closed forms of blocks and networks, and each
table is counted on the networks of the catalogue; nothing is typed in. MACs are those of the
convention `macs`. `flopscope formula NAME` derives one law, in the terminal, as LaTeX, Python or
JSON."""


FORMATS_OF_ALL: Mapping[str, Callable[[Sequence[LawPage]], str]] = {
    "text": _text_of_all,
    "markdown": _markdown_of_all,
}
"""The formats in which all laws are written at once, under a table of contents."""
