"""Short names of operators, for the lines of a table of a network's parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flopscope.conventions import Convention
from flopscope.facts import Kind, Operator
from flopscope.ledger import kind_name
from flopscope.sizes import Shape

SHORT = {"depthwise": "dw", "grouped": "group", "standard": "conv", "pointwise": "conv"}
"""Short names for kinds of convolution, for narrow columns."""


def operator_text(row: Operator) -> str:
    """A short text for the operator: 'depthwise 3×3 /2', 'pointwise', 'batch norm'."""
    kind = kind_name(row).removesuffix(" convolution")
    geometry = _geometry(row)
    if kind == "pointwise":
        geometry = [part for part in geometry if part.startswith("/")]
    return " ".join([kind, *geometry])


def short_text(row: Operator) -> str:
    """A still shorter text: 'dw 3×3 /2', 'conv 1×1', 'batch norm', 'other topk'."""
    if row.kind in (Kind.UNKNOWN, Kind.OTHER):
        return f"{row.kind.value} {name_of(row)}"
    if row.backward:
        return "backward"
    kind = kind_name(row).removesuffix(" convolution")
    return " ".join([SHORT.get(kind, kind), *_geometry(row)])


def operators_text(rows: Sequence[Operator]) -> str:
    """A short text for several operators: 'relu', 'relu ×2', '5 operators', 'backward'."""
    texts = {short_text(row) for row in rows}
    if len(texts) > 1:
        return f"{len(rows)} operators"
    if not texts:
        return ""
    (text,) = texts
    return text if len(rows) == 1 or text == "backward" else f"{text} ×{len(rows)}"


def module_of(row: Operator) -> str:
    """The path of the module that runs the operator; '' for the network itself."""
    return row.path.partition(":")[0]


def name_of(row: Operator) -> str:
    """torch's name for an unknown operator."""
    return row.path.partition(":")[2]


def unknown_operators(
    rows: Iterable[Operator], conventions: Iterable[Convention]
) -> dict[str, list[str]]:
    """The operators whose count under one of the conventions is unknown, by torch's name, each with
    the paths of the modules that run it; '' is the network itself."""
    places: dict[str, list[str]] = {}
    conventions = tuple(conventions)
    for row in rows:
        if not all(counting.knows(row) for counting in conventions):
            places.setdefault(name_of(row), []).append(module_of(row))
    return places


def shape_text(shape: Shape) -> str:
    """A shape as text: '64×112×112'; '1' for a tensor without dimensions."""
    return "×".join(map(str, shape)) or "1"


def _geometry(row: Operator) -> list[str]:
    """The kernel and, if it is not 1, the stride: ['3×3', '/2']."""
    if row.window is None or row.kind is Kind.GLOBAL_POOL:
        return []
    kernel, stride = row.window.kernel, row.window.stride
    parts = [shape_text(kernel)]
    if any(step != 1 for step in stride):
        equal = all(step == stride[0] for step in stride)
        parts.append(f"/{stride[0]}" if equal else f"/{shape_text(stride)}")
    return parts
