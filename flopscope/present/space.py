"""What is known of all designs of a space, as a document."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from flopscope.answers.space import Census
from flopscope.answers.spacebounds import LATENCY
from flopscope.answers.spacelatency import Within
from flopscope.answers.spacequestions import Drawn, Mark
from flopscope.designspaces.space import DesignSpace
from flopscope.present.numbers import integer
from flopscope.present.quantities import cautions, is_count, number
from flopscope.present.spacetimes import (
    bound_data,
    device_of_bound,
    latency_column,
    latency_data,
)
from flopscope.present.table import Column, Document, Table

ROUNDED = (
    "Times are counted with what each choice takes rounded up, and rounded down: so many keep the "
    "latency at least, and at most."
)
SHOWN = 20
"""The most designs of a sample in the table; CSV and JSON have all."""


def space_document(census: Census) -> Document:
    """The answers in tables: costs and how many networks keep them, histogram, sample."""
    tables = []
    if census.marks:
        tables.append(_marks(census))
    if census.timed is not None and not census.questions.only_samples:
        tables.append(_within(census.timed, census))
    if census.questions.histogram:
        tables.append(_histogram(census))
    if census.questions.sample:
        tables.append(_sample(census))
    tables[-1] = _with_notes(tables[-1], census)
    return Document(tables, partial(_data, census))


def title(census: Census) -> str:
    """The space and the input: 'ofa_mobilenetv3, 224×224'."""
    side = "" if census.res is None else f", {census.res}×{census.res}"
    return f"{census.space.name}{side}"


def share_text(part: int, whole: int) -> str:
    """A share in per cent, in four digits.

    >>> share_text(1, 3), share_text(3, 10**12)
    ('33.33', '3e-10')
    """
    return f"{float(Fraction(100 * part, whole)):.4g}" if whole else ""


def _what(census: Census) -> str:
    return "encodings" if census.encodings else "networks"


def _head(census: Census) -> str:
    space = census.space
    written = ""
    if space.encodings != space.networks:
        written = f", which {space.encodings:,} encodings write down ({space.encoded})"
    return f"{title(census)}: {space.networks:,} networks{written}."


def _marks(census: Census) -> Table:
    columns = [
        Column("what", "Which", numeric=False),
        Column("quantity", "of", numeric=False),
        Column("most", "At most", integer, counted=True),
        Column("networks", _what(census).capitalize(), integer),
        Column("share", "Share\n%"),
    ]
    rows = [
        [
            mark.words,
            mark.quantity.noun,
            mark.cost,
            mark.networks,
            share_text(mark.networks, census.total),
        ]
        for mark in census.marks
    ]
    return Table(columns, rows, f"{_head(census)} Each line counts those with at most so much.")


def _within(timed: Within, census: Census) -> Table:
    """How many designs keep the bound on latency."""
    number = timed.count
    least = "" if number.exact else "\nat least"
    columns = [
        Column("budget", "Within", numeric=False),
        Column("networks", f"{_what(census).capitalize()}{least}", integer),
        *([] if number.exact else [Column("networks_most", "at most", integer)]),
        Column("share", "Share\n%"),
    ]
    most = [] if number.exact else [number.most]
    row = [timed.bound.text, number.least, *most, share_text(number.least, census.total)]
    notes = [] if number.exact else [ROUNDED]
    return Table(columns, [row], f"{title(census)}: those that keep the latency.", notes)


def _histogram(census: Census) -> Table:
    words = census.quantity.noun
    columns = [
        Column("above", f"{words}\nabove", integer, counted=True),
        Column("most", f"{words}\nat most", integer, counted=True),
        Column("networks", _what(census).capitalize(), integer),
        Column("share", "Share\n%"),
    ]
    rows = [
        [b.above, b.most, b.networks, share_text(b.networks, census.total)] for b in census.bins
    ]
    return Table(columns, rows, f"{_head(census)} How their {words} are spread.")


def _sample(census: Census) -> Table:
    columns = [
        Column("design", "Design", numeric=False),
        *(
            Column(row.column, row.title, number(row), counted=is_count(row))
            for row in census.quantities
        ),
    ]
    timed = census.timed
    if timed is not None:
        columns.append(latency_column(timed.bound))
    rows = [
        [census.space.text(each.design), *each.costs, *([each.latency] if timed else [])]
        for each in census.drawn
    ]
    drawn = f"{len(rows):,} of its networks, drawn uniformly with seed {census.questions.seed}"
    bounds = [f"at most {n:,} {row.noun}" for row, n in _budgets(census)]
    within = " and ".join([*bounds, *([f"at most {timed.bound.text}"] if timed else [])])
    return Table(columns, rows, f"{title(census)}: {drawn}{within and ', of '}{within}.")


def _budgets(census: Census) -> list[tuple[Any, int]]:
    return [(row, census.most[row.name]) for row in census.quantities if row.name in census.most]


def _with_notes(table: Table, census: Census) -> Table:
    designs = enumerate(census.questions.designs, start=1)
    notes = [f"[{number}] {text}" for number, text in designs]
    exact = census.timed is None or census.questions.only_samples or census.timed.count.exact
    which = "The numbers are exact" if exact else "All numbers but those of the latency are exact"
    notes.append(f"{which}: {_how(census)}. The space: {census.space.source}.")
    for mark in census.broken:
        notes.append(
            f"No network has at most {mark.words} {mark.quantity.noun}; the nearest budget that "
            f"can be kept is --max-{mark.quantity.name} {mark.cost}."
        )
    timed = census.timed
    if timed is not None and not timed.holds:
        notes.append(
            f"No network takes at most {timed.bound.text}; the nearest budget that can be kept is "
            f"{timed.bound.nearest}."
        )
    if (share := census.together) is not None:
        notes.append(
            f"All budgets together: of the {share.within:,} within the tightest, about "
            f"{share_text(share.kept, share.tried)} % keep the others too. This is an estimate "
            f"from {share.tried:,} of them, drawn uniformly; its 95 % interval is "
            f"{100 * share.low:.1f} to {100 * share.high:.1f} %."
        )
    if timed is not None and timed.bound.time is not None:
        notes += cautions([timed.bound.time])
    return Table(table.columns, table.rows, table.title, [*table.notes, *notes])


def _how(census: Census) -> str:
    if isinstance(census.space, DesignSpace):
        return f"a dynamic programme over {len(census.space.slots)} slots"
    return "every network was counted"


def _mark_data(census: Census, mark: Mark) -> dict[str, Any]:
    return {
        "what": mark.words,
        "quantity": mark.quantity.name,
        "most": mark.cost,
        _what(census): mark.networks,
        "share": float(Fraction(mark.networks, census.total)),
    }


def _within_data(timed: Within) -> dict[str, int]:
    return {"least": timed.count.least, "most": timed.count.most}


def _drawn_latency(timed: Within | None, drawn: Drawn) -> dict[str, Any]:
    if timed is None or drawn.latency is None:
        return {}
    return {LATENCY: latency_data(timed.bound, drawn.latency)}


def _data(census: Census) -> dict[str, Any]:
    space, share, timed = census.space, census.together, census.timed
    return {
        "schema": "flopscope.space/1",
        "space": space.name,
        "source": space.source,
        "resolution": census.res,
        "networks": space.networks,
        "encodings": space.encodings,
        "quantity": census.quantity.name,
        "budgets": {**census.most, **({LATENCY: bound_data(timed.bound)} if timed else {})},
        **device_of_bound(timed.bound if timed else None),
        "within_latency": None if timed is None else _within_data(timed),
        "feasible": census.holds,
        "marks": [_mark_data(census, mark) for mark in census.marks],
        "histogram": [each._asdict() for each in census.bins] if census.questions.histogram else [],
        "seed": census.questions.seed,
        "sample": [
            {
                "design": space.text(each.design),
                **{row.name: n for row, n in zip(census.quantities, each.costs, strict=True)},
                **_drawn_latency(timed, each),
            }
            for each in census.drawn
        ],
        "together": None if share is None else share._asdict(),
    }
