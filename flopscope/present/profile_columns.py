"""The columns of a profile: what each part is, and its numbers or, at free sizes, its formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from flopscope.answers.operators import shape_text, unknown_operators
from flopscope.answers.parts import Part, reads
from flopscope.closedform.text import expression_lines, one_line
from flopscope.ledger import Level
from flopscope.present.columns import FACTS, PERCENT, share_of
from flopscope.present.numbers import percent
from flopscope.present.operators import sizes_data
from flopscope.present.part_facts import PART_FACTS
from flopscope.present.part_labels import label_column
from flopscope.present.profile_data import reading_data
from flopscope.present.quantities import is_count, number, number_briefly
from flopscope.present.table import Cell, Column, Table
from flopscope.present.view import View
from flopscope.quantities import Quantity
from flopscope.readings import Reading
from flopscope.sizes import Shape

LINES = 6
"""A part's formula with more lines than this is cut on the terminal; other formats have all of
it."""


class Filled(NamedTuple):
    """A column, and the value of each part in it."""

    column: Column
    cell: Callable[[Part], Cell]


def number_columns(view: View, total: Part, batch: int) -> list[Filled]:
    """Columns of exact integers, of shares in the whole network's amounts, and of facts."""
    if view.columns:
        return _asked_columns(view, total, partial(_without_batch, batch))
    columns = _naming(view, partial(_without_batch, batch), total)
    for row in view.quantities:
        columns.append(_amounts(row, total))
        if row == view.work:
            columns.append(_shares(PERCENT, row, total))
    return [*columns, *_bounds(view)]


def formula_columns(view: View, total: Part) -> list[Filled]:
    """Columns of formulas in the free sizes. Those of params and work are shown, or those that are
    asked for; the data have the others and the output shapes too."""
    if view.columns:
        return _asked_columns(view, total, shape_text, free=True)
    columns = _naming(view, shape_text)
    columns += [_formulas(row, row.stored or row == view.work) for row in view.quantities]
    return [*columns, *_bounds(view)]


def _asked_columns(
    view: View, total: Part, shape: Callable[[Shape], str], *, free: bool = False
) -> list[Filled]:
    """The columns that are asked for, behind the label of each part."""
    columns = [Filled(label_column(view), lambda part: part)]
    named = ("path", columns[0].column.key)
    for name in view.columns:
        if name in FACTS:
            columns += [_fact(name, view, total, shape)] if name not in named else []
        elif (base := share_of(name)) is not None:
            columns.append(_shares(name, view.asked[base], total))
        else:
            row = view.asked[name]
            columns.append(_formulas(row) if free else _amounts(row, total))
    complete = all(total.read(row).complete for row in view.asked.values())
    return [*columns, *([] if complete else _bounds(view))]


def _fact(name: str, view: View, total: Part, shape: Callable[[Shape], str]) -> Filled:
    """A column of facts. Neither a kind of operator nor the total has an input and an output."""
    column, cell = PART_FACTS[name](shape)
    scattered = view.level is Level.KIND and name in ("input", "output")
    return Filled(column, lambda part: None if part is total or scattered else cell(part))


def _amounts(row: Quantity, total: Part) -> Filled:
    fold = None if row.stored else partial(_narrow, row)
    text = partial(number_text, row)
    column = Column(row.column, row.heading, text, raw=int, fold=fold, counted=is_count(row))
    return Filled(column, reads(row, total.rows))


def _formulas(row: Quantity, shown: bool = True) -> Filled:
    fold = None if row.stored else partial(_formula_lines, most=LINES)
    heading = row.title if row.per == 1 else f"{row.name.capitalize()}\n{row.unit}"
    formula = partial(Column, text=formula_text, raw=_plain, latex=_latex)
    column = formula(row.column, heading, numeric=row.stored, fold=fold, shown=shown)
    return Filled(column, lambda part: part.read(row))


def _shares(name: str, row: Quantity, total: Part) -> Filled:
    everything = int(total.read(row))
    column = Column(PERCENT, "%")
    if name != PERCENT:
        column = Column(f"{row.column}_{PERCENT}", f"{_briefly(row)}\n%")
    return Filled(column, lambda part: percent(int(part.read(row)), everything))


def _briefly(row: Quantity) -> str:
    """One word for the quantity."""
    first = row.heading.partition("\n")[0]
    return row.convention or (row.name.capitalize() if first.endswith("-") else first)


def totals_table(total: Part, view: View, notes: Sequence[str]) -> Table:
    """The table with the formulas of the whole network, each as a sum over the stages' grids."""
    columns = [
        Column("total", "Total", numeric=False),
        formula_column(),
        *(f.column for f in _bounds(view)),
    ]
    bounds = [filled.cell(total) for filled in _bounds(view)]
    rows = [
        [_total_name(row), total.read(row), *_bounds_of(row, bounds)] for row in view.quantities
    ]
    return Table(columns, rows, notes=notes)


def _total_name(row: Quantity) -> str:
    """The name of a total in the quantity's own unit, which differs from that in tables of
    numbers."""
    if row.convention:
        return row.line
    return row.name if row.per == 1 else f"{row.name}, {row.unit}"


def _bounds_of(row: Quantity, bounds: Sequence[Cell]) -> Sequence[Cell]:
    """The mark of a lower bound. Stored tensors are known whatever the operators are."""
    return ["=", ""] if row.stored else bounds


def formula_column() -> Column:
    """A column with the formula of each part on one line, in full."""
    return Column(
        "formula", "", formula_text, numeric=False, raw=_plain, latex=_latex, fold=_formula_lines
    )


def number_text(row: Quantity, reading: Reading) -> str:
    """The exact integer or the number in the quantity's unit, with a mark if it is a lower
    bound."""
    return _bound(reading) + number(row)(int(reading))


def formula_text(reading: Reading) -> str:
    """The formula on one line, with a mark if it is a lower bound."""
    return _bound(reading) + one_line(reading.value)


# --- what a part is ---------------------------------------------------------------------------


def _naming(view: View, output: Callable[[Shape], str], total: Part | None = None) -> list[Filled]:
    """The column of labels, and columns for CSV with their parts. Neither a kind of operator nor
    the total has an output."""
    named = [Filled(label_column(view), lambda part: part)]
    if view.level is Level.KIND:
        return named
    shape = Column("output", "Output", output, raw=sizes_data, shown=total is not None)
    return [
        *named,
        Filled(Column("depth", "Depth", shown=False), lambda part: part.depth),
        Filled(Column("operator", "Operator", shown=False), lambda part: part.operator),
        Filled(shape, lambda part: None if part is total else part.output),
    ]


def _without_batch(batch: int, shape: Shape) -> str:
    """The shape without its batch dimension, if that is the first one."""
    return shape_text(shape[1:] if len(shape) > 1 and shape[0] == batch else shape)


# --- what is counted --------------------------------------------------------------------------


def _bounds(view: View) -> list[Filled]:
    """Columns for CSV: whether the count is exact or a lower bound, and which operators it
    lacks."""
    return [
        Filled(
            Column("bound", "Bound", shown=False),
            lambda part: "=" if _complete(part, view) else "≥",
        ),
        Filled(
            Column("not_counted", "Not counted", shown=False),
            lambda part: "; ".join(unknown_operators(part.rows, view.conventions)),
        ),
    ]


def _complete(part: Part, view: View) -> bool:
    """Is every amount beside the part exact?"""
    asked = view.asked.values() if view.columns else [view.work]
    return all(part.read(row).complete for row in asked)


def _bound(reading: Reading) -> str:
    return "" if reading.complete else "≥ "


def _narrow(row: Quantity, reading: Reading, room: int) -> str:
    """A function that writes a number in three digits if all its digits need more room than
    that."""
    return _bound(reading) + number_briefly(row)(int(reading))


def _formula_lines(reading: Reading, room: int, most: int | None = None) -> str:
    """The formula on one line if it fits, else the sum with one grid a line, in at most `most`
    lines."""
    text = formula_text(reading)
    if len(text) <= room:
        return text
    bound = _bound(reading)
    lines = [line[2:] for line in expression_lines(reading.value, room + 2 - len(bound))]
    if most is not None and len(lines) > most:
        lines = _first(lines, most - 1)
    return bound + ("\n" + " " * len(bound)).join(lines)


def _first(lines: list[str], most: int) -> list[str]:
    """The terms that fit into so many lines, at least one, and the number of the others."""
    starts = [n for n, line in enumerate(lines) if n and line.lstrip().startswith(("+ ", "- "))]
    if not starts:
        return lines
    cut = max((n for n in starts if n <= most), default=starts[0])
    indent = len(lines[cut]) - len(lines[cut].lstrip())
    more = len(starts) - starts.index(cut)
    return [*lines[:cut], f"{' ' * indent}+ … {more} term{'s' if more > 1 else ''} more"]


def _latex(reading: Reading) -> str:
    bound = "" if reading.complete else r"\geq "
    return f"${bound}{reading.formula.latex()}$"


def _plain(reading: Reading) -> Any:
    """A value for CSV: an integer or a Python expression."""
    data = reading_data(reading)
    return data["python"] if isinstance(data, dict) else data
