"""A front as a document: first the frontier, then the dominated points and which points dominate
them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from flopscope.errors import SHOWN
from flopscope.present.numbers import integer
from flopscope.present.quantities import cautions, cautions_data, is_count, number
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import size
from flopscope.quantities import Named, Quantity
from flopscope.search.front import Front
from flopscope.search.points import Amount, Left, Point

ACCURACY = (
    "Top-1 of the catalogue is the accuracy on ImageNet-1k as stated, one for each network and "
    "input size, from ImageNet-1k alone: a paper's where there is one, else the authors' "
    "repository's, a library's, anyone's."
)
KNEE = "\u00a0knee"


def front_document(front: Front) -> Document:
    """The points in one table, with notes on accuracies, knee, hypervolume and what is left out."""
    return Document([_table(front)], _data(front))


def amount(value: Amount) -> str:
    """Whole numbers with every digit, other numbers with six digits.

    >>> amount(3504872), amount(Fraction(5, 4))
    ('3,504,872', '1.25')
    """
    return integer(int(value)) if value == int(value) else f"{float(value):.6g}"


def _table(front: Front) -> Table:
    asked = front.question
    order = [*front.on, *(i for i in range(len(front.points)) if front.by[i] >= 0)]
    number = {index: n for n, index in enumerate(front.on, start=1)}
    sources = {s: n for n, s in enumerate(dict.fromkeys(front.points[i].source for i in order), 1)}
    digits = 1 if all((10 * point.top1).denominator == 1 for point in front.points) else 2
    columns = [
        Column("model", "Model", _name, numeric=False, raw=_name, fold=_folded),
        Column("resolution", "Input", size, raw=lambda shape: f"{shape[0]}x{shape[1]}"),
        *map(_cost_column, asked.costs),
        Column("stated", "Stated", shown=False),
        Column(
            "top1", "Top-1\n%", lambda top1: f"{float(top1[0]):.{digits}f} [{sources[top1[1]]}]",
            raw=lambda top1: float(top1[0]),
        ),
        Column("source", "Source", shown=False),
        Column("front", "Front", _place, numeric=False, raw=lambda place: place[0]),
        Column("dominated_by", "Dominated by", shown=False),
        Column("dominated_by_resolution", "Its input", shown=False),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for index in order:
        point, by = front.points[index], front.by[index]
        rival = front.points[by] if by >= 0 else None
        rows.append(
            [
                point,
                point.resolution,
                *((cost, point.stated) for cost in point.costs),
                point.stated,
                (point.top1, point.source),
                point.source,
                (number.get(index), index == front.knee, number.get(by)),
                rival and rival.name,
                rival and rival.resolution and size(rival.resolution).replace("×", "x"),
            ]
        )
    cited = [f"[{n}] {source}" for source, n in sources.items()]
    return Table(columns, rows, _title(front), [*_notes(front), *cited])


def _cost_column(cost: Named) -> Column:
    written = number(cost) if isinstance(cost, Quantity) and cost.per > 1 else amount
    return Column(
        cost.column if isinstance(cost, Quantity) else cost.name,
        cost.heading,
        lambda cell: f"{written(cell[0])}{'*' if cell[1] else ''}",
        raw=lambda cell: _number(cell[0]),
        counted=isinstance(cost, Quantity) and is_count(cost),
    )


def _name(point: Point) -> str:
    return point.name


def _folded(point: Point, room: int) -> str:
    """The name in lines of this width, broken after a sign or blank where possible."""
    lines = [""]
    for part in re.findall(r"[^:,. ]*[:,. ]?", point.name):
        if lines[-1] and len(lines[-1]) + len(part) > room:
            lines.append("  ")
        while len(lines[-1]) + len(part) > room:
            cut = room - len(lines[-1])
            lines[-1] += part[:cut]
            part = part[cut:]
            lines.append("  ")
        lines[-1] += part
    return "\n".join(lines)


def _place(place: tuple[int | None, bool, int | None]) -> str:
    """The text of a point's place: '3', '16 knee', or 'by 3' if point 3 of the frontier dominates
    it."""
    own, knee, by = place
    return f"by\u00a0{by}" if own is None else f"{own}{KNEE if knee else ''}"


def _title(front: Front) -> str:
    asked = front.question
    names = [cost.words for cost in asked.costs]
    counted = f" {asked.convention.unit}, convention {asked.convention.name}: "
    return (
        f"{len(front.on)} of {len(front.points)} points are on the frontier of "
        f"{', '.join(names)} and top-1: no other point is at least as good in all of them and "
        f"better in one."
        + (f"{counted}{asked.convention.counts}." if "macs" in asked.criteria else "")
    )


def _notes(front: Front) -> list[str]:
    notes = []
    if front.knee is not None:
        notes.append(
            f"Knee: {place(front.points[front.knee])}, highest above the line between the "
            "frontier's ends, logarithm of the cost against top-1."
        )
    if front.hypervolume is not None:
        cost, top1 = front.reference
        notes.append(
            f"Hypervolume: {front.hypervolume:.1f} % × decades of cost dominated, down to the "
            f"highest cost and lowest top-1 of all points, {amount(cost)} and {float(top1):g} %."
        )
    if not all(point.yours for point in front.points):
        notes.append(ACCURACY)
    if stated := sum(point.stated for point in front.points):
        notes.append(
            f"* as the file states it, for points that are not in the catalogue: {stated} in all."
        )
    return [*notes, *cautions(front.question.measures), *_left(front)]


def place(point: Point) -> str:
    """The network with its input: 'mobilenetv2 at 224×224'."""
    return f"{point.name} at {size(point.resolution)}" if point.resolution else point.name


def _left(front: Front) -> list[str]:
    """Notes on what is left out: for each reason the number of points, and the first of them."""
    others = front.cloud.others
    notes = [f"Rows of the file that were not asked for: {others}."] if others else []
    groups: dict[str, list[Left]] = {}
    for left in front.cloud.left:
        groups.setdefault(left.reason, []).append(left)
    for reason, group in groups.items():
        more = f" and {len(group) - SHOWN} more (all in JSON)" if len(group) > SHOWN else ""
        listed = ", ".join(map(_where, group[:SHOWN]))
        notes.append(f"Left out, {len(group)}: {reason}: {listed}{more}.")
    return notes


def _where(left: Left) -> str:
    name = left.name or "no name"
    return name if left.line is None else f"{name} (line {left.line})"


def _data(front: Front) -> dict[str, Any]:
    asked = front.question
    return {
        "schema": "flopscope.pareto/1",
        "convention": asked.convention.name,
        "unit": asked.convention.unit,
        "costs": list(asked.criteria),
        **cautions_data(asked.measures),
        "points": [_point_data(front, index) for index in range(len(front.points))],
        "knee": front.knee,
        "hypervolume": front.hypervolume,
        "reference": _reference(front),
        "left_out": [left._asdict() for left in front.cloud.left],
        "not_asked_for": front.cloud.others,
    }


def _reference(front: Front) -> list[int | float] | None:
    return None if front.hypervolume is None else [_number(value) for value in front.reference]


def _point_data(front: Front, index: int) -> dict[str, Any]:
    point = front.points[index]
    return {
        "name": point.name,
        "variant": None if point.variant is None else str(point.variant),
        "resolution": None if point.resolution is None else list(point.resolution),
        "costs": {
            name: _number(cost)
            for name, cost in zip(front.question.criteria, point.costs, strict=True)
        },
        "stated": point.stated,
        "top1": float(point.top1),
        "source": point.source,
        "on_frontier": front.by[index] < 0,
        "dominated_by": None if front.by[index] < 0 else front.by[index],
    }


def _number(value: Amount) -> int | float:
    return int(value) if value == int(value) else float(Fraction(value))
