"""How the first column of a table of parts names them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from flopscope.answers.parts import Part
from flopscope.ledger import Level
from flopscope.present.operators import GAP, filled_lines
from flopscope.present.table import INDENT, Column
from flopscope.present.view import View


def label_column(view: View) -> Column:
    """The column that names the parts: as a tree with their operators, unless columns say these, or
    by their paths."""
    key = "path" if view.level in (None, Level.LAYER) else view.by
    written = label
    if {"operator", "kind"} & {*view.columns}:
        written = _bare_label
    if "path" in view.columns:
        written = _path_or_name
    fold = partial(_label_lines, written)
    return Column(key, view.by.capitalize(), written, numeric=False, raw=_path, fold=fold)


def _bare_label(part: Part) -> str:
    """The indented name alone, where it has one."""
    return INDENT * part.depth + part.name if part.name or not part.depth else label(part)


def label(part: Part) -> str:
    """The indented name, and the operator if no lines below tell it."""
    if not part.name:
        return f"{INDENT * part.depth}({part.operator})"
    return INDENT * part.depth + part.name + (GAP + part.operator if part.leaf else "")


def _path(part: Part) -> str:
    return part.path


def _path_or_name(part: Part) -> str:
    """The path, or the name of the total, which has none."""
    return part.path or part.name


def _label_lines(written: Callable[[Part], str], part: Part, room: int) -> str:
    """The label in lines, broken at the dots of its path and before its operator."""
    parts = re.split(rf"(?<=\.)(?=\w)|(?={GAP})", written(part))
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
