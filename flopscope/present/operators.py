"""Operators as text and as data: paths on several lines, and facts for JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from flopscope.facts import Operator
from flopscope.ledger import kind_name
from flopscope.present.table import INDENT
from flopscope.sizes import Size, is_symbolic

GAP = "\u00a0 "
"""Between a module's name and what its operator is, where they stand on one line."""


def path_lines(path: str, room: int) -> str:
    """A layer's path on several lines, broken behind its dots.

    >>> path_lines("text.mixer1.ffn.conv", 12).split("\\n")
    ['text.mixer1.', '\\xa0\\xa0ffn.conv']
    """
    return "\n".join(filled_lines(re.split(r"(?<=\.)", path), room, INDENT))


def filled_lines(parts: Sequence[str], room: int, indent: str) -> list[str]:
    """The parts on lines that hold as many as have room; each line but the first is indented."""
    first, *rest = parts
    lines = [first]
    for part in rest:
        if len(lines[-1] + part) <= room:
            lines[-1] += part
        else:
            lines.append(indent + part.removeprefix(GAP))
    return lines


def size_data(size: Size) -> int | str:
    """A size for JSON: an integer, or a Python expression for a free size."""
    if not is_symbolic(size):
        return int(size)
    from flopscope.closedform import expression

    return expression(size)


def facts_data(row: Operator) -> dict[str, Any]:
    """The facts of an operator, for JSON."""
    facts: dict[str, Any] = {
        "path": row.path,
        "kind": row.kind.value,
        "operator": kind_name(row),
        "inputs": [sizes_data(shape) for shape in row.inputs],
        "output": sizes_data(row.output),
        "weights": {weight.key: sizes_data(weight.shape) for weight in row.weights},
        "groups": size_data(row.groups),
    }
    if row.types:
        facts["types"] = list(row.types)
    if row.backward:
        facts["backward"] = True
    if row.window is not None:
        facts |= {field: sizes_data(sizes) for field, sizes in row.window._asdict().items()}
    return facts


def sizes_data(sizes: Iterable[Size]) -> list[int | str]:
    """Several sizes for JSON."""
    return [size_data(size) for size in sizes]
