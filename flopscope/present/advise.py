"""Advice as tables: what the rules name, what the data offer, and what was ruled out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flopscope.answers.timed import TimeQuantity, warnings
from flopscope.choosing.advise import Advice, Candidate
from flopscope.choosing.points import Amount, Point
from flopscope.choosing.rules import CONTEXTS, PLATFORMS
from flopscope.choosing.wish import LEVEL
from flopscope.present.front_data import cost_data
from flopscope.present.front_times import (
    cost_heading,
    front_cautions,
    latency_data,
    measured_notes,
    predicted_notes,
    time_cell,
    time_words,
    trust,
)
from flopscope.present.pareto import amount, place
from flopscope.present.quantities import number
from flopscope.present.table import Column, Document, Table
from flopscope.present.trainings import choice_notes, citation
from flopscope.present.words import size
from flopscope.quantities import Named, Quantity

FEW = 4
"""Networks that are named where several are left out."""

ON_FRONT, DOMINATED = "frontier", "dominated"
NO_RULE = "The rules are the field's rules of thumb, and nothing in them is measured."


def advice_document(found: Advice) -> Document:
    """The candidates of the rules, and the most accurate networks of all that are published."""
    named = [each for each in found.candidates if each.point is not None]
    points = [each.point for each in named if each.point] + list(found.offered)
    cited = {text: n for n, text in enumerate(dict.fromkeys(map(citation, points)), 1)}
    tables = [_offered(found, cited)]
    if named:
        tables.insert(0, _named(found, named, cited))
    notes = [*_disagreements(found), *_ruled_out(found), NO_RULE]
    notes += [*measured_notes(found.front), *predicted_notes(found.front), *_limit_notes(found)]
    notes += [*choice_notes(found.front), *_unlike(found, points), *front_cautions(found.front)]
    notes += [f"[{number}] {text}" for text, number in cited.items()]
    tables[-1] = Table(tables[-1].columns, tables[-1].rows, tables[-1].title, notes)
    return Document(tables, partial(_data, found))


def _named(found: Advice, named: Sequence[Candidate], cited: Mapping[str, int]) -> Table:
    columns = [
        *_columns(found, cited),
        Column("named", "Named", numeric=False, shown=False),
        Column("front", "In the\ndata", numeric=False),
        Column("dominated_by", "Dominated by", numeric=False, shown=False),
        Column("rule", "Rule", numeric=False, shown=False),
    ]
    rows = [
        [
            *_cells(found, each.point),
            each.named.words,
            DOMINATED if each.by else ON_FRONT,
            each.by and each.by.name,
            each.rule.name,
        ]
        for each in named
        if each.point is not None
    ]
    rules = " ".join(f"Rule {rule.name}: {rule.words}." for rule in found.rules)
    title = f"What the field's rules name for {_asked(found)}.\n{rules}"
    headings = [f"Rule {each.rule.name}" for each in named] if len(found.rules) > 1 else ()
    return Table(columns, rows, title, headings=headings)


def _offered(found: Advice, cited: Mapping[str, int]) -> Table:
    rows = [_cells(found, point) for point in found.offered]
    front = found.front
    title = (
        f"What the data offer: the most accurate of the {len(front.on)} points on the frontier of "
        f"the {len(front.points)} published ones that fit."
    )
    return Table(_columns(found, cited), rows, title)


def _columns(found: Advice, cited: Mapping[str, int]) -> list[Column]:
    return [
        Column("model", "Model", numeric=False, fold=_folded),
        Column("resolution", "Input", size, raw=lambda shape: f"{shape[0]}x{shape[1]}"),
        *(_cost(found, cost) for cost in found.wish.question.costs),
        *([] if found.wish.latency is None else [TRUST]),
        Column(
            "top1",
            "Top-1\n%",
            lambda point: f"{float(point.top1):g} [{cited[citation(point)]}]",
            raw=lambda point: float(point.top1),
        ),
        Column("source", "Source", shown=False),
    ]


TRUST = Column(
    "trust", "Trust", lambda point: trust(point).partition(" ")[0], numeric=False, raw=trust
)
"""How a latency is known: measured, in a table that is cited, or predicted."""


def _cost(found: Advice, cost: Named) -> Column:
    key = cost.column if isinstance(cost, Quantity) else cost.name
    heading = cost_heading(found.front, cost)
    return Column(
        key, heading, lambda cell: _written(cost, *cell), raw=lambda cell: cost_data(cost, cell[0])
    )


def _written(cost: Named, value: Amount, point: Point) -> str:
    """What a point costs, without its unit."""
    if isinstance(cost, TimeQuantity):
        return time_cell(cost, int(value), point)
    if isinstance(cost, Quantity) and cost.per > 1:
        return number(cost)(int(value))
    return amount(value)


def _cells(found: Advice, point: Point | None) -> list[Any]:
    assert point is not None
    timed = [] if found.wish.latency is None else [point]
    costs = [(value, point) for value in point.costs]
    return [point.name, point.resolution, *costs, *timed, point, point.source]


def _folded(name: str, room: int) -> str:
    """The name with its options on a line of their own."""
    return name.replace(":", ":\n  ") if len(name) > room else name


def _asked(found: Advice) -> str:
    wish = found.wish
    reach = f", whose attention relates {wish.tokens:,} positions or more" if wish.tokens else ""
    if wish.is_global and not wish.tokens:
        reach = f", where {CONTEXTS['global']}"
    kept = " and ".join(f"at most {limit.text()}" for limit in wish.limits)
    return f"{PLATFORMS[wish.platform]}{reach}{', with ' if kept else ''}{kept}"


def _disagreements(found: Advice) -> list[str]:
    """Where the data say another thing than the rule, a sentence each."""
    notes = [
        f"The rule has {named.words} for {rule.words.partition(':')[0]}; it has {params:,}."
        for rule, named, params in found.outside
    ]
    names = found.wish.question.costs
    for each in found.candidates:
        if each.point is not None and each.by is not None:
            costs = zip(names, each.by.costs, each.point.costs, strict=True)
            less = ", ".join(_less(n, (a, each.by), (b, each.point)) for n, a, b in costs)
            notes.append(
                f"{place(each.by)} is no worse than the rule's "
                f"{each.point.name} in anything: {less}, and {float(each.by.top1):g} for "
                f"{float(each.point.top1):g} % of top-1."
            )
    if not any(each.point == found.best for each in found.candidates):
        notes.append(f"The most accurate network that fits, {found.best.name}, no rule names.")
    return notes


def _ruled_out(found: Advice) -> list[str]:
    return [
        f"Ruled out: {each.named.words}: {each.reason}."
        for each in found.candidates
        if each.point is None
    ]


def _unlike(found: Advice, points: Sequence[Point]) -> list[str]:
    """Where networks with a predicted latency are unlike those that the device has seen."""
    on, batch = found.wish.question.device, found.wish.question.latency_batch
    if on is None or on.fit is None:
        return []
    return [
        said
        for point in dict.fromkeys(points)
        if point.variant is not None and point.measured is None
        for said in warnings(place(point), point.variant.ledger(point.resolution, batch), on.fit)
    ]


def _limit_notes(found: Advice) -> list[str]:
    """What counts of a predicted latency against its limit, and which networks that keeps out."""
    limit = next((each for each in found.wish.limits if each.time is not None), None)
    if limit is None:
        return []
    said = (
        f"A measured latency counts against the limit as it stands, and a predicted one by the "
        f"upper end of its interval of {LEVEL} %."
    )
    names = list(dict.fromkeys(place(point) for point in found.unsure))
    if names:
        more = f" and {len(names) - FEW:,} more (all in JSON)" if len(names) > FEW else ""
        said += (
            f" So left out, though the prediction itself keeps the limit: "
            f"{', '.join(names[:FEW])}{more}."
        )
    return [said]


def _less(cost: Named, better: tuple[Amount, Point], worse: tuple[Amount, Point]) -> str:
    """One cost of two points, that of the better one first."""
    if isinstance(cost, TimeQuantity):
        ours, theirs = (time_words(cost, int(value), point) for value, point in (better, worse))
        return f"{ours} for {theirs}"
    noun = cost.noun if isinstance(cost, Quantity) else f"{cost.unit} of {cost.words}"
    return f"{amount(better[0])} for {amount(worse[0])} {noun}"


def _data(found: Advice) -> dict[str, Any]:
    wish, asked = found.wish, found.wish.question
    return {
        "schema": "flopscope.advise/1",
        "platform": wish.platform,
        "context": "global" if wish.is_global else wish.context,
        "tokens": wish.tokens,
        "budgets": {budget.quantity: budget.limit for budget in wish.most},
        "latency": None
        if wish.latency is None
        else {
            "device": asked.device and asked.device.name,
            "batch": asked.latency_batch,
            "limit_ms": float(wish.latency.limit),
            "predicted_by": f"upper end of {LEVEL} %",
            "unsure": [_point_data(found, point) for point in found.unsure],
        },
        "accuracy": wish.accuracy,
        "rules": [{"name": rule.name, "words": rule.words} for rule in found.rules],
        "candidates": [_candidate_data(found, each) for each in found.candidates],
        "offered": [_point_data(found, point) for point in found.offered],
        "fitting": len(found.front.points),
        "outside": [
            {"rule": rule.name, "named": named.words, "params": params}
            for rule, named, params in found.outside
        ],
    }


def _candidate_data(found: Advice, each: Candidate) -> dict[str, Any]:
    return {
        "rule": each.rule.name,
        "named": each.named.words,
        "network": None if each.point is None else _point_data(found, each.point),
        "dominated_by": None if each.by is None else _point_data(found, each.by),
        "ruled_out": each.reason or None,
    }


def _point_data(found: Advice, point: Point) -> dict[str, Any]:
    asked = found.wish.question
    costs = zip(asked.criteria, asked.costs, point.costs, strict=True)
    return {
        "name": point.name,
        "resolution": None if point.resolution is None else list(point.resolution),
        "costs": {name: cost_data(cost, value) for name, cost, value in costs},
        **latency_data(found.front, point),
        "top1": float(point.top1),
        "source": point.source,
    }
