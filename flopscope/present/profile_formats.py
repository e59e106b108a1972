"""A profile in a named format: those of tables, and at free sizes Python functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flopscope.answers.parts import Part, whole
from flopscope.closedform import Formula
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger
from flopscope.present.profile import ProfileReport, is_free
from flopscope.present.render import FORMATS, render
from flopscope.present.view import View
from flopscope.readings import Reading

PYTHON = "python"


def profile_text(report: ProfileReport, format_name: str) -> str:
    """The report in a format. Raises as `check_format` does."""
    check_format(format_name, free=is_free(report.profile))
    if format_name == PYTHON:
        return python_source(report.profile.ledger, report.view) + "\n"
    return render(report.document(), format_name)


def check_format(format_name: str, *, free: bool) -> None:
    """Raises UnknownName for no format, BadInput for Python functions of no free size."""
    if format_name == PYTHON and not free:
        raise BadInput(
            "format python is for free sizes, such as --input B,3,H,W, and these are numbers; "
            f"give {', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}"
        )
    if format_name not in (*FORMATS, PYTHON):
        raise UnknownName("format", format_name, (*FORMATS, PYTHON))


def python_source(ledger: Ledger, view: View) -> str:
    """One function a part, named after it, and one a quantity of the whole."""
    return "\n\n\n".join(formula.python() for formula in _formulas(ledger, view))


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
    """Torch's names of the operators that it does not count."""
    return dict.fromkeys(path.partition(":")[2] for path in reading.missing)


def _formula(part: Part, reading: Reading, name: str, ledger: Ledger) -> Formula:
    formula = replace(reading, conditions=ledger.conditions).formula
    bound = ""
    if not reading.complete:
        bound = f", a lower bound without {', '.join(_missing(reading))}"
    return replace(formula, name=name, unit=reading.unit + bound)
