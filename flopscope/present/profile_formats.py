"""A profile in a named format: those of tables and, at free sizes, Python functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from flopscope.answers.parts import Part, whole
from flopscope.closedform import Formula
from flopscope.errors import BadInput, listed
from flopscope.ledger import Ledger
from flopscope.present import render
from flopscope.present.profile import ProfileReport
from flopscope.present.table import Document
from flopscope.present.view import View
from flopscope.readings import Reading

PYTHON = "python"


def check_profile_format(format_name: str, *, free: bool) -> None:
    """Raises UnknownName for an unknown format, BadInput for Python functions without free
    sizes."""
    if format_name == PYTHON and not free:
        raise BadInput(
            "format python is for free sizes, such as --input B,3,H,W, and these are numbers; "
            f"give {listed(render.FORMATS)}"
        )
    render.check_format(format_name, FORMATS)


def python_source(ledger: Ledger, view: View) -> str:
    """A function for each part, named after it, and one for each quantity of the whole network."""
    return "\n\n\n".join(formula.python() for formula in _formulas(ledger, view))


def _laid_out(write: Callable[[Document], str]) -> Callable[[ProfileReport], str]:
    return lambda report: write(report.document())


FORMATS: Mapping[str, Callable[[ProfileReport], str]] = {
    **{name: _laid_out(write) for name, write in render.FORMATS.items()},
    PYTHON: lambda report: python_source(report.profile.ledger, report.view),
}
"""The formats of a profile: those of documents, and Python functions of its free sizes."""


def _formulas(ledger: Ledger, view: View) -> Iterator[Formula]:
    unit = view.convention.unit.lower()
    used: dict[str, int] = {}
    for part in view.parts(ledger):
        title = f"{unit} of {_name(part)}"
        used[title] = used.get(title, 0) + 1
        title += f" {used[title]}" if used[title] > 1 else ""
        yield _formula(part, part.read(view.work), title, ledger)
    total = whole(ledger)
    for row in view.quantities:
        yield _formula(total, total.read(row), unit if row.convention else row.name, ledger)


def _name(part: Part) -> str:
    return part.path if part.name else f"{part.path} {part.operator}".strip()


def _missing(reading: Reading) -> dict[str, None]:
    """torch's names of the operators that the reading does not count."""
    return dict.fromkeys(path.partition(":")[2] for path in reading.missing)


def _formula(part: Part, reading: Reading, name: str, ledger: Ledger) -> Formula:
    formula = replace(reading, conditions=ledger.conditions).formula
    bound = ""
    if not reading.complete:
        bound = f", a lower bound without {', '.join(_missing(reading))}"
    return replace(formula, name=name, unit=reading.unit + bound)
