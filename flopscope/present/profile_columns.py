"""The columns of a profile: what each part is, and its numbers or, at free sizes, its formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from flopscope.answers.operators import shape_text, unknown_operators
from flopscope.answers.parts import Part
from flopscope.closedform.text import expression_lines, one_line
from flopscope.ledger import Level
from flopscope.present.numbers import percent
from flopscope.present.operators import GAP, filled_lines, sizes_data
from flopscope.present.profile_data import reading_data
from flopscope.present.quantities import is_count, number, number_briefly
from flopscope.present.table import INDENT, Cell, Column, Table
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
    """Columns of exact integers, and of shares in the whole network's count."""
    columns = _naming(view, partial(_output_text, batch), total)
    for row in view.quantities:
        fold = None if row.stored else partial(_narrow, row)
        text = partial(number_text, row)
        column = Column(row.column, row.heading, text, raw=int, fold=fold, counted=is_count(row))
        columns.append(_filled(row, column))
        if row == view.work:
            columns.append(_shares(row, int(total.read(row))))
    return [*columns, *_bounds(view)]


def formula_columns(view: View) -> list[Filled]:
    """Columns of formulas in the free sizes. Those of params and work are shown; the data have the
    others and the output shapes too."""
    formula = partial(Column, text=formula_text, raw=_plain, latex=_latex)
    lines = partial(_formula_lines, most=LINES)
    columns = _naming(view, shape_text)
    for row in view.quantities:
        shown = row.stored or row == view.work
        fold = None if row.stored else lines
        heading = row.title if row.per == 1 else f"{row.name.capitalize()}\n{row.unit}"
        column = formula(row.column, heading, numeric=row.stored, fold=fold, shown=shown)
        columns.append(_filled(row, column))
    return [*columns, *_bounds(view)]


def _filled(row: Quantity, column: Column) -> Filled:
    return Filled(column, lambda part: part.read(row))


def _shares(row: Quantity, everything: int) -> Filled:
    return Filled(Column("percent", "%"), lambda part: percent(int(part.read(row)), everything))


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
    key = "path" if view.level in (None, Level.LAYER) else view.by
    first = Column(key, view.by.capitalize(), label, numeric=False, raw=_path, fold=_label_lines)
    named = [Filled(first, lambda part: part)]
    if view.level is Level.KIND:
        return named
    shape = Column("output", "Output", output, raw=sizes_data, shown=total is not None)
    return [
        *named,
        Filled(Column("depth", "Depth", shown=False), lambda part: part.depth),
        Filled(Column("operator", "Operator", shown=False), lambda part: part.operator),
        Filled(shape, lambda part: None if part is total else part.output),
    ]


def label(part: Part) -> str:
    """The indented name, and the operator if no lines below tell it."""
    if not part.name:
        return f"{INDENT * part.depth}({part.operator})"
    return INDENT * part.depth + part.name + (GAP + part.operator if part.leaf else "")


def _path(part: Part) -> str:
    return part.path


def _label_lines(part: Part, room: int) -> str:
    """The label in lines, broken at the dots of its path and before its operator."""
    parts = re.split(rf"(?<=\.)(?=\w)|(?={GAP})", label(part))
    lines = filled_lines(parts, room, INDENT * (part.depth + 1))
    return "\n".join(_shortened(line, room) for line in lines)


def _shortened(line: str, room: int) -> str:
    """The line without its middle if it is too long for the room. The indent takes at most half of
    the room."""
    if len(line) <= room:
        return line
    name = line.lstrip(INDENT)
    name = INDENT * (min(len(line) - len(name), room // 2) // len(INDENT)) + name
    if len(name) <= room:
        return name
    end = (room - (len(name) - len(name.lstrip(INDENT)))) // 2
    return f"{name[: room - end - 1]}…{name[-end:]}"


def _output_text(batch: int, shape: Shape) -> str:
    """The shape without its batch dimension, if that is the first one."""
    return shape_text(shape[1:] if len(shape) > 1 and shape[0] == batch else shape)


# --- what is counted --------------------------------------------------------------------------


def _bounds(view: View) -> list[Filled]:
    """Columns for CSV: whether the count is exact or a lower bound, and which operators it
    lacks."""
    return [
        Filled(
            Column("bound", "Bound", shown=False),
            lambda part: "=" if part.read(view.work).complete else "≥",
        ),
        Filled(
            Column("not_counted", "Not counted", shown=False),
            lambda part: "; ".join(unknown_operators(part.rows, view.convention)),
        ),
    ]


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
