"""Values of other metrics than ImageNet-1k top-1, each in a column of its own, in notes and in
JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flopscope.answers.compare import Entry
from flopscope.catalog.metrics import METRICS, Score
from flopscope.present.table import Best, Column

SCORES: Mapping[str, Column] = {
    name: Column(
        name,
        metric.heading,
        lambda score: score.value,
        raw=lambda score: float(score.value),
        best=Best.MOST,
    )
    for name, metric in METRICS.items()
}
"""The columns of the metrics, by their names."""


def best_score(entry: Entry, metric: str) -> Score | None:
    """What the most authoritative source states of a network; None where none states the metric."""
    return next((score for score in entry.scores if score.metric == metric), None)


def column_notes(entries: Sequence[Entry], columns: Sequence[str]) -> list[str]:
    """Who states the values of these columns: a note for each source."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        for name in columns:
            if name in METRICS and (score := best_score(entry, name)) is not None:
                found.setdefault(score.source, {})[name] = None
    return [f"{', '.join(names)}: {source}" for source, names in found.items()]


def score_notes(networks: Iterable[tuple[str, Sequence[Score]]]) -> list[str]:
    """For each network with scores what they are, with their sources."""
    return [f"{name}, metrics of its own: {_said(scores)}" for name, scores in networks if scores]


def _said(scores: Sequence[Score]) -> str:
    """'zero-shot top-1 on ImageNet-1k 67.8 %, … (apple/ml-mobileclip README.md)'."""
    of: dict[str, list[str]] = {}
    for score in scores:
        of.setdefault(score.source, []).append(score.said)
    return "; ".join(f"{', '.join(said)} ({source})" for source, said in of.items())


def listed_notes(networks: Iterable[tuple[str, Sequence[Score]]]) -> list[str]:
    """The names of the metrics that networks have, a note for all that have the same."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, scores in networks:
        if names := tuple(dict.fromkeys(score.metric for score in scores)):
            alike.setdefault(names, []).append(name)
    return [
        f"{', '.join(those)}: no ImageNet-1k top-1, but metrics of their own; "
        f"`flopscope compare --columns {','.join(names)}` shows them"
        for names, those in alike.items()
    ]


def score_data(score: Score) -> dict[str, Any]:
    """A score for JSON."""
    return {
        "metric": score.metric,
        "words": score.of.words,
        "unit": score.of.unit,
        "value": float(score.value),
        "kind": score.kind,
        "source": score.source,
        "note": score.note,
    }
