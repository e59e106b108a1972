"""What the columns of a table of parts say that is no quantity: where a part is, what it does, and
on which sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from flopscope.answers.operators import module_of, operator_text, shape_text
from flopscope.answers.parts import Part
from flopscope.facts import Kind, Operator, Window
from flopscope.ledger import Level, kind_name
from flopscope.present.operators import size_data, sizes_data
from flopscope.present.table import Cell, Column
from flopscope.readings.counts import CONVOLUTIONS
from flopscope.sizes import Shape, Size

Write: TypeAlias = Callable[[Shape], str]
"""How a table writes the shape of a tensor."""

Fact: TypeAlias = tuple[Column, Callable[[Part], Cell]]
"""A column, and what it says of a part; None where it does not apply, or differs inside."""


def _text(name: str, cell: Callable[[Part], str | None]) -> Callable[[Write], Fact]:
    return lambda write: (Column(name, name.capitalize(), numeric=False), cell)


def _shape(name: str, cell: Callable[[Part], Shape | None]) -> Callable[[Write], Fact]:
    return lambda write: (Column(name, name.capitalize(), write, raw=sizes_data), cell)


def _window(name: str, write: Callable[[Shape], str]) -> Callable[[Write], Fact]:
    """A field of the windows that slide in the part."""
    column = Column(name, name.capitalize(), write, raw=sizes_data)
    return lambda _: (column, lambda part: _only(getattr(w, name) for w in _windows(part)))


def _windows(part: Part) -> list[Window]:
    """The windows of its operators. That of a global pool is its whole input."""
    found = (row.window for row in part.ran if row.kind is not Kind.GLOBAL_POOL)
    return [window for window in found if window is not None]


def _groups(part: Part) -> Size | None:
    return _only(row.groups for row in part.ran if row.kind in CONVOLUTIONS)


def _only(values: Iterable[Any]) -> Any:
    """The value, if there is one and no other."""
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return distinct[0] if len(distinct) == 1 else None


def _briefly(sizes: Shape) -> str:
    """One number where all sizes are equal: '2', '2×1'."""
    first = sizes[:1]
    return shape_text(first if sizes == first * len(sizes) else sizes)


def _level(level: Level, part: Part) -> str | None:
    """The stage or block that holds the part."""
    modules = (row._replace(path=module_of(row)) for row in part.rows)
    found: str | None = _only(map(level.key, modules))
    return found


def _kind(part: Part) -> str | None:
    found: str | None = _only(map(kind_name, part.ran))
    return found


def operator_of(part: Part) -> str:
    """The operator with its kernel and stride, or how many there are."""
    rows: list[Operator] = list(part.rows)
    return operator_text(rows[0]) if len(rows) == 1 else f"{len(rows)} operators"


def _input(part: Part) -> Shape | None:
    """The first input of the operator that runs first."""
    taken = (row.inputs[0] for row in part.ran if row.inputs)
    return next(taken, None)


PART_FACTS: Mapping[str, Callable[[Write], Fact]] = {
    "input": _shape("input", _input),
    "path": _text("path", lambda part: part.path),
    "stage": _text("stage", partial(_level, Level.STAGE)),
    "block": _text("block", partial(_level, Level.BLOCK)),
    "kind": _text("kind", _kind),
    "operator": _text("operator", operator_of),
    "output": _shape("output", lambda part: part.output),
    "kernel": _window("kernel", shape_text),
    "stride": _window("stride", _briefly),
    "padding": _window("padding", _briefly),
    "dilation": _window("dilation", _briefly),
    "groups": lambda _: (Column("groups", "Groups", raw=size_data), _groups),
}
"""The columns of facts, each with how it says its fact of a part."""
