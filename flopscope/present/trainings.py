"""Whose accuracies the points of a front have, and by how many training recipes they came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from flopscope.catalog.accuracies import BEST, OTHER_PAPER, PAPER, SOURCES, Accuracy, networks
from flopscope.choosing.front import Front
from flopscope.choosing.points import GIVEN, Point

CHOSEN = (
    "Top-1 of the catalogue is the accuracy on ImageNet-1k as stated, one for each network and "
    "input size, from ImageNet-1k alone: {}."
)
UNASKED = "the paper's where it has one, else the authors', torchvision's, timm's or another's"
HIGHEST = "the highest that anyone states"
LEAST = 2
"""Points that a recipe has at least where it is proposed."""

YOU = "you"
"""The source of an accuracy that is given with a network."""


def citation(point: Point) -> str:
    """Whose the accuracy is, and where it stands: the same for all networks of one table."""
    accuracy = point.accuracy
    return point.source if accuracy is None else f"{accuracy.words}: {accuracy.table}"


def choice_notes(front: Front) -> list[str]:
    """Which of the published accuracies are taken, and whether the frontier mixes recipes."""
    notes = []
    if not all(point.yours for point in front.points):
        choice = front.question.choice
        named = {None: UNASKED, BEST: HIGHEST}.get(choice.source, f"that of {choice.words}")
        notes.append(CHOSEN.format(named))
    return [*notes, *_mixture(front)]


def _mixture(front: Front) -> list[str]:
    """A sentence on the training recipes of the frontier's accuracies, where they are several."""
    on = [front.points[index] for index in front.on]
    counted = Counter(map(_training, on))
    if len(counted) < LEAST:
        return []
    several = dict.fromkeys(whose for whose, _ in counted)
    listed = ", ".join(_part(whose, counted) for whose in several)
    return [f"The frontier mixes training recipes of its accuracies: {listed}{_proposal(front)}."]


def _training(point: Point) -> tuple[str, str]:
    if point.accuracy is not None:
        return point.accuracy.training
    return (YOU, "/") if point.source == GIVEN else ("", point.source)


def _part(whose: str, counted: Counter[tuple[str, str]]) -> str:
    """How many accuracies a source has: '5 from torchvision V1', '12 from 4 papers'."""
    recipes = {recipe: n for (of, recipe), n in counted.items() if of == whose}
    number, several = sum(recipes.values()), len(recipes)
    if whose in (PAPER, OTHER_PAPER):
        other = "other " if whose == OTHER_PAPER else ""
        return f"{number} from {several} {other}paper{'s' if several > 1 else ''}"
    one = next(iter(recipes))
    if several > 1:
        return f"{number} from {_owner(whose)} in {several} recipes"
    return f"{number} from {_owner(whose)}" + ("" if "/" in one or not whose else f" {one}")


def _owner(whose: str) -> str:
    return {"": "your file", YOU: "you", "authors": "the authors' repositories"}.get(whose, whose)


def _proposal(front: Front) -> str:
    """The one recipe that has the most of the points, as --accuracy takes it; empty where none has
    several."""
    choice = front.question.choice
    counted = Counter(
        whose
        for point in front.points
        for whose in {(a.whose, a.recipe) for a in _published(point) if choice.fits(a)}
    )
    if not counted:
        return ""
    (whose, recipe), number = max(counted.items(), key=lambda one: (one[1], -_place(one[0])))
    if number < LEAST:
        return ""
    points = f"{number} of the {len(front.points)} points"
    return f"; --accuracy {whose}:{recipe}, which has {points}, keeps to one"


def _place(training: tuple[str, str | None]) -> int:
    return SOURCES.index(training[0])


def _published(point: Point) -> Iterable[Accuracy]:
    """The published accuracies of a point of the catalogue whose recipes have names."""
    if point.accuracy is None or point.variant is None or point.resolution is None:
        return ()
    variant = point.variant
    key = (variant.model.id, variant.options_text, point.resolution)
    every = networks(variant.model.family).get(key, ())
    return [each for each in every if each.recipe and each.doubt is None]
