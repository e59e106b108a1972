"""The best designs of a space, as a document."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.timed import warnings
from flopscope.choosing.found import LISTING, METHODS, Candidate, Search, title
from flopscope.present.quantities import cautions, is_count, number
from flopscope.present.spacetimes import (
    bound_data,
    device_of_bound,
    latency_column,
    latency_data,
)
from flopscope.present.table import Column, Document, Table
from flopscope.quantities import QUANTITIES

SHOWN = 20
"""The most designs of a frontier in the table for people; JSON has all."""


def search_document(found: Search, whole: bool = False) -> Document:
    """The best design, or the `whole` frontier, the best first."""
    rows = list(reversed(found.front)) if whole else list(found.front[-1:])
    table = _table(found, rows, whole)
    return Document([table], partial(_data, found))


def _table(found: Search, candidates: list[Candidate], whole: bool) -> Table:
    columns = [
        Column("design", "Design", numeric=False),
        *(
            Column(row.column, row.title, number(row), counted=is_count(row))
            for row in found.quantities
        ),
    ]
    timed = found.latency is not None
    if found.latency is not None:
        columns.append(latency_column(found.latency))
    scored = found.objective.words not in QUANTITIES
    if scored:
        columns.append(Column("score", found.objective.words.capitalize(), score_text))
    measured = any(each.measured is not None for each in found.front)
    if measured:
        columns.append(Column("measured", "Measured", score_text))
    shown = _spread(candidates)
    rows = [
        [
            found.space.text(each.design),
            *each.costs,
            *([each.latency] if timed else []),
            *([each.score] if scored else []),
            *([each.measured] if measured else []),
        ]
        for each in shown
    ]
    notes = _notes(found)
    if len(shown) < len(candidates):
        notes.append(
            f"{len(shown)} of the frontier's {len(candidates):,} designs are shown; JSON has all."
        )
    return Table(columns, rows, _head(found, whole), notes)


def _spread(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates, or SHOWN of them at even distances with both ends."""
    if len(candidates) <= SHOWN:
        return candidates
    last = len(candidates) - 1
    return [candidates[n * last // (SHOWN - 1)] for n in range(SHOWN)]


def score_text(score: float) -> str:
    """A score with three decimals at most.

    >>> score_text(87722.0), score_text(98.0625)
    ('87,722', '98.062')
    """
    return f"{score:,.3f}".rstrip("0").rstrip(".")


def verdict(found: Search) -> str:
    """What is known of the best design: proven optimal, or the gap, or that nothing is proved."""
    networks = f"{found.space.networks:,} networks"
    if found.scored is not None:
        networks = f"{found.scored:,} networks that have a score, of {networks}"
    if found.best is None:
        return "no design was found" if not found.proven else "no design keeps the budgets"
    if found.proven:
        return f"the best of {networks}, proven optimal by {METHODS[found.method]}"
    if found.method == LISTING and found.evolved is not None:
        return f"the best of {found.evolved.tried:,} of {networks}, before the interruption"
    if found.bound is not None:
        gap = found.bound - found.best.score
        return (
            f"the best found of {networks}; it is not proven, and no design scores more than "
            f"{score_text(found.bound)}, a gap of {score_text(gap)}"
        )
    return f"the best found of {networks} by {METHODS[found.method]}, which proves nothing"


def _head(found: Search, whole: bool) -> str:
    words = verdict(found)
    if whole and found.front:
        words = f"the frontier, {len(found.front):,} designs; its first is {words}"
    return f"{title(found)}: {words}."


def _notes(found: Search) -> list[str]:
    notes = list(found.objective.notes)
    if found.evolved is not None:
        seeded = "" if found.method == LISTING else f", with seed {found.how.seed}"
        tried = f"{found.evolved.tried:,} designs were tried{seeded}"
        if not found.evolved.finished:
            tried += "; the search was interrupted, and this is what it had found"
        notes.append(f"{tried}.")
    if found.evolved is not None and found.evolved.share is not None:
        notes.append(
            f"Their frontier has {found.evolved.share:.4f} of the hypervolume of the exact one, "
            "which --method dp gives."
        )
    notes += [
        f"No network has at most {bound.text}; the nearest budget that can be kept is "
        f"{bound.nearest}."
        for bound in found.broken
    ]
    if not found.front and not found.broken:
        notes.append(
            "Each budget can be kept alone, and none of the networks keeps all of them; allow more "
            "of one."
            if found.proven
            else "The search ended before it found one; give it more --seconds."
        )
    notes.append(f"The space: {found.space.source}.")
    return [*notes, *_time_notes(found)]


def _time_notes(found: Search) -> list[str]:
    """Where predicted times hold, and where the best design is unlike the networks of the
    calibration."""
    bound = found.latency
    if bound is None or bound.time is None:
        return []
    said = cautions([bound.time])
    if found.best is None:
        return said
    ledger = found.space.ledger(found.best.design, found.res, bound.batch)
    return [*warnings("the best design", ledger, bound.time.device), *said]


def _candidate(found: Search, each: Candidate) -> dict[str, Any]:
    costs = zip(found.quantities, each.costs, strict=True)
    return {
        "design": found.space.text(each.design),
        **{row.name: cost for row, cost in costs},
        "latency": None
        if each.latency is None or found.latency is None
        else latency_data(found.latency, each.latency),
        "score": each.score,
        "measured": each.measured,
    }


def _data(found: Search) -> dict[str, Any]:
    fit, evolved = found.objective.fit, found.evolved
    return {
        "schema": "flopscope.search/1",
        "space": found.space.name,
        "source": found.space.source,
        "resolution": found.res,
        "networks": found.space.networks,
        "budgets": {bound.name: bound_data(bound) for bound in found.bounds},
        **device_of_bound(found.latency),
        "objective": found.objective.words,
        "predictor": None if fit is None else {
            "fitted": fit.fitted, "held_out": fit.held, "folds": fit.folds,
            "spearman": fit.spearman,
        },
        "method": found.method,
        "proven": found.proven,
        "bound": found.bound,
        "seed": found.how.seed,
        "tried": None if evolved is None else evolved.tried,
        "finished": None if evolved is None else evolved.finished,
        "hypervolume_share": None if evolved is None else evolved.share,
        "best": None if found.best is None else _candidate(found, found.best),
        "front": [_candidate(found, each) for each in found.front],
    }  # fmt: skip
