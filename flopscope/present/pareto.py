"""A front as a document: the best within the budgets, the frontier, and on request the dominated
points with the points that dominate them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from flopscope.answers.timed import TimeQuantity
from flopscope.choosing.front import Front
from flopscope.choosing.points import GIVEN, Amount, Left, Point
from flopscope.errors import SHOWN
from flopscope.present.front_data import front_data, plain
from flopscope.present.front_times import (
    cost_heading,
    cost_words,
    front_cautions,
    is_predicted,
    measured_notes,
    predicted_notes,
    time_cell,
    trust,
)
from flopscope.present.numbers import integer
from flopscope.present.quantities import is_count, number, raw_number
from flopscope.present.table import Column, Document, Table
from flopscope.present.trainings import choice_notes, citation
from flopscope.present.words import size
from flopscope.quantities import Named, Quantity

FEW = 4
"""Networks of the catalogue that are named where several are left out; of a file, more are."""
KNEE = "\u00a0knee"


def front_document(front: Front, every: bool = False) -> Document:
    """The frontier in a table, with notes on accuracies, knee, hypervolume and what is left out.
    Below it are networks of one's own that are dominated and, with `every`, all dominated points.
    The data always have all points."""
    return Document([_table(front, every)], partial(front_data, front))


def amount(value: Amount) -> str:
    """Whole numbers with every digit, other numbers with six digits.

    >>> from fractions import Fraction
    >>> amount(3504872), amount(Fraction(5, 4))
    ('3,504,872', '1.25')
    """
    return integer(int(value)) if value == int(value) else f"{float(value):.6g}"


def _table(front: Front, every: bool) -> Table:
    asked = front.question
    dominated = [index for index, by in enumerate(front.by) if by >= 0]
    listed = [i for i in dominated if every or front.points[i].source == GIVEN]
    order = [*front.on, *listed]
    points = [front.points[index] for index in order]
    cited = {text: n for n, text in enumerate(dict.fromkeys(map(citation, points)), 1)}
    columns = [
        Column("model", "Model", _name, numeric=False, raw=_name, fold=_folded),
        Column("resolution", "Input", size, raw=lambda shape: f"{shape[0]}x{shape[1]}"),
        *(_cost_column(front, cost) for cost in (*asked.costs, *asked.bounded)),
        Column("stated", "Stated", shown=False),
        *([] if asked.device is None else [Column("trust", "Trust", shown=False)]),
        _top1_column(points, cited),
        Column("source", "Source", shown=False),
        Column("whose", "Whose", numeric=False, shown=False),
        Column("front", "Front", _place, numeric=False, raw=lambda place: place[0]),
        Column("dominated_by", "Dominated by", shown=False),
        Column("dominated_by_resolution", "Its input", shown=False),
    ]
    number = {index: n for n, index in enumerate(front.on, start=1)}
    rows = [_row(front, index, number) for index in order]
    notes = [*_notes(front, len(dominated) - len(listed))]
    return Table(columns, rows, _title(front), [*notes, *(f"[{n}] {t}" for t, n in cited.items())])


def _top1_column(points: Sequence[Point], cited: Mapping[str, int]) -> Column:
    digits = 1 if all((10 * point.top1).denominator == 1 for point in points) else 2
    return Column(
        "top1",
        "Top-1\n%",
        lambda point: f"{float(point.top1):.{digits}f} [{cited[citation(point)]}]",
        raw=lambda point: float(point.top1),
    )


def _row(front: Front, index: int, number: Mapping[int, int]) -> list[Any]:
    point, by = front.points[index], front.by[index]
    rival = front.points[by] if by >= 0 else None
    return [
        point,
        point.resolution,
        *((cost, point) for cost in (*point.costs, *point.bounded)),
        point.stated,
        *([] if front.question.device is None else [trust(point)]),
        point,
        point.source,
        point.accuracy and point.accuracy.words,
        (number.get(index), index == front.knee, number.get(by)),
        rival and rival.name,
        rival and rival.resolution and size(rival.resolution).replace("×", "x"),
    ]


def _cost_column(front: Front, cost: Named) -> Column:
    written = number(cost) if isinstance(cost, Quantity) and cost.per > 1 else amount
    raw = raw_number(cost)

    def text(cell: tuple[Amount, Point]) -> str:
        value, point = cell
        if isinstance(cost, TimeQuantity):
            return time_cell(cost, int(value), point)
        shown = written(value) if isinstance(value, int) else amount(value)
        return f"{shown}{'*' if point.stated else ''}"

    return Column(
        cost.column if isinstance(cost, Quantity) else cost.name,
        cost_heading(front, cost),
        text,
        raw=lambda cell: raw(plain(cell[0])),
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
    names = [cost_words(front, cost) for cost in asked.costs]
    counted = f" {asked.convention.unit}, convention {asked.convention.name}: "
    return (
        f"{_answer(front)}{len(front.on)} of {len(front.points)} points are on the frontier of "
        f"{', '.join(names)} and top-1: no other point is at least as good in all of them and "
        f"better in one."
        + (f"{counted}{asked.convention.counts}." if "macs" in asked.criteria else "")
    )


def _answer(front: Front) -> str:
    """A paragraph on the most accurate point within the budgets; empty where there are none."""
    asked, best = front.question, front.points[front.best]
    if not asked.most:
        return ""
    whose = f" ({best.accuracy.words})" if best.accuracy else ""
    costs = zip((*asked.costs, *asked.bounded), (*best.costs, *best.bounded), strict=True)
    figures = [_figure(named, cost, best) for named, cost in costs]
    stated = ", as the file states" if best.stated else ""
    return (
        f"Best within {_and(map(str, asked.most))}: {place(best)} with a top-1 of "
        f"{float(best.top1):g} %{whose}, {_and(figures)}{stated}.\n"
    )


def _figure(named: Named, cost: Amount, point: Point) -> str:
    """A cost in a sentence."""
    if isinstance(named, TimeQuantity):
        how = "predicted" if is_predicted(named, point) else "measured"
        return f"{named.amount(int(cost))} ({how})"
    return f"{amount(cost)} {_noun(named)}"


def _noun(named: Named) -> str:
    return named.noun if isinstance(named, Quantity) else f"{named.unit} of {named.words}"


def _and(parts: Iterable[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def _notes(front: Front, hidden: int) -> list[str]:
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
            f"highest cost and lowest top-1 of all points, {_reference_cost(front, cost)} and "
            f"{float(top1):g} %."
        )
    if hidden:
        notes.append(f"Dominated points that are not listed: {hidden}; --all lists them.")
    notes += [*measured_notes(front), *predicted_notes(front), *choice_notes(front)]
    notes += _precisions(front)
    if stated := sum(point.stated for point in front.points):
        notes.append(
            f"* as the file states it, for points that are not in the catalogue: {stated} in all."
        )
    notes += _traced(front)
    return [*notes, *front_cautions(front), *_left(front)]


def _reference_cost(front: Front, cost: Amount) -> str:
    named = front.question.costs[0]
    return named.amount(int(cost)) if isinstance(named, TimeQuantity) else amount(cost)


def _precisions(front: Front) -> list[str]:
    """How many of the catalogue's points have the accuracy of a quantised network, if a cost is of
    one."""
    precision = front.question.precision
    published = [point.accuracy for point in front.points if point.accuracy is not None]
    if precision is None or not published:
        return []
    of = sum(accuracy.precision == precision for accuracy in published)
    return [
        f"Accuracies of networks quantised to {precision}: {of} of {len(published)}; of the other "
        f"networks none is published, and the accuracy is that of float32, before quantisation."
    ]


def _traced(front: Front) -> list[str]:
    """The points that were counted by a trace or a graph, with their targets."""
    targets = [p.target for p in front.points if p.target is not None and p.variant is None]
    if not targets:
        return []
    names = list(dict.fromkeys(target.name for target in targets))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [f"Counted from their code or graph, {len(targets)}: {', '.join(names[:SHOWN])}{more}."]


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
        room = SHOWN if group[0].line is not None else FEW
        more = f" and {len(group) - room} more (all in JSON)" if len(group) > room else ""
        listed = ", ".join(map(_where, group[:room]))
        notes.append(f"Left out, {len(group)}: {reason}: {listed}{more}.")
    return notes


def _where(left: Left) -> str:
    name = left.name or "no name"
    if left.line is not None:
        return f"{name} (line {left.line})"
    return f"{name} at {size(left.resolution)}" if left.resolution else name
