"""Accuracies in tables and JSON: whose they are, and what others state of the same network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flopscope.answers.compare import Comparison, Entry
from flopscope.catalog.accuracies import WORDS, Accuracy, Doubt
from flopscope.present.words import statement

FEW = 2
"""So many recipes of a source are named; of more, the range of their accuracies is given."""
OTHERS = 4
"""So many others are listed."""


def published_note(comparison: Comparison, entry: Entry) -> str:
    """What is published of a network that has figures: the first of them, and before it the
    accuracy that is taken where that is another's."""
    taken, first = comparison.accuracy(entry), entry.published[0]
    if taken is None and entry.accuracies:
        whose = f"no top-1 of {comparison.choice.words}; "
    elif taken is not None and taken.source != first.source:
        doubt = f", which is not {taken.doubt.value}" if taken.doubt else ""
        whose = f"top-1 {_percent(taken)} of {taken.words} ({taken.source}){doubt}; "
    else:
        whose = ""
    return f"{entry.name}: {whose}{statement(first)}"


def other_notes(comparison: Comparison) -> list[str]:
    """The accuracies of the networks that are published beside those that are taken."""
    found = ((e, _others(e, comparison.accuracy(e))) for e in comparison.entries)
    return [f"{e.name}, also published: top-1 {also(others)}" for e, others in found if others]


def _others(entry: Entry, taken: Accuracy | None) -> list[Accuracy]:
    """The accuracies that `published_note` does not state: neither the first figure's, nor such as
    are written as the one that is taken."""
    stated = [each for each in entry.accuracies if each.source != entry.published[0].source]
    return [each for each in stated if taken is None or _percent(each) != _percent(taken)]


def also(others: Sequence[Accuracy]) -> str:
    """Other accuracies of a network: '71.8 % (authors), 71.9 % (torchvision V1), …'."""
    sure = _by_source(each for each in others if each.doubt is None)
    parts = [part for several in sure for part in _of_source(several)]
    parts += [
        f"{_range(several)} ({words})"
        for doubt, words in DOUBTS.items()
        if (several := [each for each in others if each.doubt is doubt])
    ]
    more = f" and {len(parts) - OTHERS} more (in JSON)" if len(parts) > OTHERS else ""
    return ", ".join(parts[:OTHERS]) + more


DOUBTS: Mapping[Doubt, str] = {
    Doubt.DATA: "from more training data",
    Doubt.STRUCTURE: "for another structure",
}
"""What is said of accuracies that are in doubt."""


def _by_source(accuracies: Iterable[Accuracy]) -> Iterable[list[Accuracy]]:
    found: dict[str, list[Accuracy]] = {}
    for each in accuracies:
        found.setdefault(each.whose, []).append(each)
    return found.values()


def _of_source(several: Sequence[Accuracy]) -> list[str]:
    recipes = {each.recipe for each in several}
    if len(several) > FEW or len(recipes) < len(several):
        return [f"{_range(several)} ({WORDS.get(several[0].whose, several[0].whose)})"]
    return [f"{_percent(each)} ({each.words})" for each in several]


def _range(several: Sequence[Accuracy]) -> str:
    found = sorted(each.top1 for each in several)
    low, high = (f"{float(end):.1f}" for end in (found[0], found[-1]))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _percent(accuracy: Accuracy) -> str:
    return f"{float(accuracy.top1):.1f} %"


def accuracy_data(accuracy: Accuracy) -> dict[str, Any]:
    """An accuracy for JSON."""
    return {
        "top1": float(accuracy.top1),
        "whose": accuracy.whose,
        "recipe": accuracy.recipe,
        "resolution": list(accuracy.resolution),
        "source": accuracy.source,
        "imagenet1k_alone": accuracy.doubt is not Doubt.DATA,
        "same_structure": accuracy.doubt is not Doubt.STRUCTURE,
    }
