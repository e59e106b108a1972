"""The explanation of a reported number: the terms of one reading, and every reading that gives the
number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flopscope.answers.operators import shape_text
from flopscope.present.numbers import chance_text, integer, percent
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import wrapped
from flopscope.reconciling.accounts import Account
from flopscope.reconciling.answered import OWN
from flopscope.reconciling.chance import LIKELY
from flopscope.reconciling.search import Explanation, FittingAccount
from flopscope.reconciling.subjects import Subject
from flopscope.reconciling.tools import MODELS, Unmodelled

SCHEMA = "flopscope.reconcile/1"

SHOWN = 12
"""The most readings that a table lists; the JSON has all."""


def explanation_document(explanations: Sequence[Explanation]) -> Document:
    """For each reported number, the terms of its simplest reading and all readings that give it. If
    none does, the nearest ones."""
    tables = [table for one in explanations for table in _tables(one)]
    subject = explanations[0].subject
    return Document(tables, _head(subject) | {"reported": [_data(one) for one in explanations]})


def tool_document(subject: Subject, tool: str, answers: Sequence[Account] | Unmodelled) -> Document:
    """What a tool answers for a network as it is written, term by term, or that this is not
    modelled. A closed form has no modules; for it, the document has the answer for layers that are
    modules, and then the answers for other ways to write them."""
    if isinstance(answers, Unmodelled):
        return _unmodelled(subject, answers)
    first, *others = answers
    written = subject.answer is not None and tool in MODELS
    of = "" if written or tool in OWN else " of layers that are modules"
    title = f"{_what(subject)}. {tool} answers {_number(first.count)} {first.unit}{of}."
    notes = [MODELS[tool].setting] if written else _unknown(subject)
    tables = [_terms(first, title, notes)]
    if others:
        tables.append(_readings(others, "Layers that are written otherwise:", None))
    data = {"tool": tool, "modelled": True, "answers": [_account(answer) for answer in answers]}
    return Document(tables, _head(subject) | data)


def _unmodelled(subject: Subject, unknown: Unmodelled) -> Document:
    """The page for an answer that is not modelled, which says why."""
    columns = [
        Column("tool", "Tool", numeric=False),
        Column("operator", "Not modelled", numeric=False, fold=wrapped),
        Column("path", "At", numeric=False, fold=wrapped),
        Column("why", "Why", numeric=False, fold=wrapped),
    ]
    rows: list[list[Any]] = [[unknown.tool, unknown.operator, unknown.path, unknown.why]]
    title = f"{_what(subject)}. What {unknown.tool} answers is not modelled."
    data = {
        "tool": unknown.tool,
        "modelled": False,
        "answers": [],
        "not_modelled": {
            "operator": unknown.operator,
            "path": unknown.path,
            "why": unknown.why,
        },
    }
    return Document([Table(columns, rows, title)], _head(subject) | data)


def _tables(found: Explanation) -> list[Table]:
    accounts = [fit.account for fit in found.fits] or list(found.nearest)
    of = "parameters" if found.quantity == "parameters" else "work"
    title = f"{_what(found.subject)}. Reported {of} {found.reported.text}: {_range(found)}."
    first = accounts[0]
    kind = f", {_digits(found.fits[0])}" if found.fits else ""
    rest = found.fits[0].remainder if found.fits else found.remainder(first)
    remainder = f"{found.reported.text} less this is {_number(rest)}"
    notes = [f"{'Simplest' if found else 'Nearest'} reading: {first.name}{kind}; {remainder}."]
    notes += _doubt(found)
    notes += [] if first.factor == 1 else [f"The total is the sum × {_number(first.factor)}."]
    table = _terms(first, title, [*notes, *_unknown(found.subject)])
    if found:
        give = "gives" if len(accounts) == 1 else "give"
        said = f"{len(accounts)} of {found.tried:,} readings {give} {found.reported.text}:"
        return [table, _fits(found, found.fits, said)]
    here = " at this input" if found.elsewhere else ""
    said = f"None of {found.tried:,} readings gives {found.reported.text}{here}; the nearest are:"
    tables = [table, _readings(accounts, said, found)]
    if found.elsewhere:
        tables.append(
            _fits(found, found.elsewhere, "At another input, which any number fits more easily:")
        )
    return tables


def _doubt(found: Explanation) -> list[str]:
    """How likely it is that a reading as simple gives the number by chance."""
    if not found.fits:
        return []
    chance = found.chance(found.fits[0])
    share = f"readings as simple give {chance_text(chance)} % of the numbers within a tenth of it"
    return [f"This could be a coincidence: {share}." if chance > LIKELY else f"Chance: {share}."]


def _terms(account: Account, title: str, notes: Sequence[str]) -> Table:
    columns = [
        Column("term", "Term", numeric=False),
        Column("counted", "Counted", numeric=False),
        Column("count", account.unit[:1].upper() + account.unit[1:], _number, raw=_plain),
        Column("percent", "%"),
    ]
    whole = sum(term.count for term in account.terms)
    rows: list[list[Any]] = [
        [term.name, term.counted, term.count, percent(term.count, whole)] for term in account.terms
    ]
    if account.factor != 1:
        rows.append(["sum", None, whole, "100.0"])
    rows.append(["total", None, account.count, "100.0" if account.factor == 1 else None])
    return Table(columns, rows, title, notes, total=True)


def _readings(accounts: Sequence[Account], title: str, found: Explanation | None) -> Table:
    columns = list(_COLUMNS)
    rows: list[list[Any]] = [[a.name, a.unit, a.count] for a in accounts[:SHOWN]]
    if found is not None:
        columns.append(_REMAINDER)
        for row, account in zip(rows, accounts, strict=False):
            row.append(found.remainder(account))
    return Table(columns, rows, title, _more(accounts))


def _fits(found: Explanation, fits: Sequence[FittingAccount], title: str) -> Table:
    digits = Column("digits", "Digits", numeric=False, fold=wrapped)
    columns = [*_COLUMNS, _REMAINDER, digits, _CHANCE]
    rows = [
        [
            fit.account.name,
            fit.account.unit,
            fit.account.count,
            fit.remainder,
            _digits(fit),
            found.chance(fit),
        ]
        for fit in fits[:SHOWN]
    ]
    return Table(columns, rows, title, _more(fits))


def _more(listed: Sequence[Any]) -> list[str]:
    more = len(listed) - SHOWN
    return [f"and {more:,} more, in --format json"] if more > 0 else []


def _digits(fit: FittingAccount) -> str:
    return "exact" if fit.remainder == 0 and fit.reported.unit == 1 else fit.said


def _what(subject: Subject) -> str:
    """The network and its input."""
    return f"{subject.name}, input {' and '.join(shape_text(shape) for shape in subject.shapes)}"


def _range(found: Explanation) -> str:
    """The range of integers for which the text can stand."""
    value, unit = found.reported.value, found.reported.unit
    if unit == 1:
        return "exactly"
    low, high = value - unit / 2, value + unit / 2
    return (
        f"{_number(low)} to below {_number(high)} if rounded, "
        f"{_number(value)} to below {_number(value + unit)} if truncated"
    )


def _unknown(subject: Subject) -> list[str]:
    ledger = subject.asked.ledger
    if ledger.complete:
        return []
    paths = ", ".join(dict.fromkeys(ledger.macs().missing))
    return [f"Counts are lower bounds: the cost of {paths} is unknown."]


def _number(value: Fraction | int) -> str:
    """A number with every digit, and with its fraction as a decimal."""
    whole, rest = divmod(value, 1)
    if value < 0:
        return f"−{_number(-value)}"
    return integer(int(whole)) + (f"{float(rest):.4g}"[1:] if rest else "")


def _plain(value: Fraction | int) -> int | float:
    return int(value) if value == int(value) else float(value)


_COLUMNS = (
    Column("reading", "Reading", numeric=False, fold=wrapped),
    Column("unit", "Unit", numeric=False),
    Column("count", "Count", _number, raw=_plain),
)
_CHANCE = Column("chance", "Chance\n%", chance_text, raw=float)
_REMAINDER = Column("remainder", "Remainder", _number, raw=_plain)


def _head(subject: Subject) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "target": subject.name,
        "inputs": [list(shape) for shape in subject.shapes],
        "complete": subject.asked.ledger.complete,
    }


def _data(found: Explanation) -> dict[str, Any]:
    nearest = [
        _account(account) | {"remainder": _plain(found.remainder(account))}
        for account in found.nearest
    ]
    return {
        "text": found.reported.text,
        "quantity": found.quantity,
        "value": _plain(found.reported.value),
        "last_digit": _plain(found.reported.unit),
        "tried": found.tried,
        "explained": bool(found),
        "readings": [_fit(found, fit) for fit in found.fits],
        "nearest": [] if found else nearest,
        "elsewhere": [_fit(found, fit) for fit in found.elsewhere],
    }


def _fit(found: Explanation, fit: FittingAccount) -> dict[str, Any]:
    return _account(fit.account) | {
        "digits": fit.said,
        "remainder": _plain(fit.remainder),
        "chance": float(found.chance(fit)),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "reading": account.name,
        "unit": account.unit,
        "count": _plain(account.count),
        "factor": _plain(account.factor),
        "steps": account.steps,
        "terms": [
            {"term": term.name, "counted": term.counted, "count": term.count}
            for term in account.terms
        ],
    }
