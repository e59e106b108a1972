"""Points of cost against accuracy: the catalogue's published accuracies, and a user's results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, partial
from typing import NamedTuple, TypeAlias

from flopscope.brief import number_of, short
from flopscope.catalog.accuracies import Accuracy, Choice, networks, parse_choice
from flopscope.catalog.models import MODELS
from flopscope.catalog.results import Result, Results
from flopscope.catalog.variant import Variant, parse
from flopscope.conventions import Convention
from flopscope.errors import BadInput, FlopscopeError, UnknownName
from flopscope.quantities import QUANTITIES, Named, Quantity
from flopscope.search.budgets import Budget

Amount: TypeAlias = int | Fraction


LATENCY = Named("latency", "latency", "ms", "Latency\nms", "latency_ms")
"""The time that a network takes, which a results file states and which is not computed here."""

COSTS: Mapping[str, Named] = {**QUANTITIES, LATENCY.name: LATENCY}
"""The costs by which networks can be chosen."""


class Point(NamedTuple):
    """One network at one input size with one accuracy.

    name: the variant, or what the user's file calls it. variant: None for a name that is no network
    of the catalogue. resolution: (height, width); None if a file states none. costs: one exact
    number for each criterion. stated: are the costs those that the file states, because they could
    not be computed? top1: per cent. source: who states the accuracy: a citation, or the path of the
    user's file. yours: is it a row of that file? bounded: its numbers of what budgets bound beside
    the criteria. accuracy: the published one that it has; None for a row of the file.
    """

    name: str
    variant: Variant | None
    resolution: tuple[int, int] | None
    costs: tuple[Amount, ...]
    stated: bool
    top1: Fraction
    source: str
    yours: bool
    bounded: tuple[Amount, ...] = ()
    accuracy: Accuracy | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.name}, top-1 {float(self.top1):g} %")

    @property
    def family(self) -> str | None:
        """The family of the catalogue; None for a network that is not in it."""
        return self.variant.model.family if self.variant else None


class Left(NamedTuple):
    """A network that is left out, and why. `line` is its line in the user's file, None for a
    network of the catalogue, which has a `resolution`."""

    name: str
    line: int | None
    reason: str
    resolution: tuple[int, int] | None = None


@dataclass(frozen=True)
class Question:
    """Which costs are asked for, how work is counted, and which points are wanted: all of them, or
    those at one input size, of some families, or within budgets. `accuracy` says whose accuracies
    are taken, in the words of `parse_choice`."""

    criteria: tuple[str, ...]
    convention: Convention
    resolution: tuple[int, int] | None = None
    families: tuple[str, ...] = ()
    most: tuple[Budget, ...] = ()
    accuracy: str | None = None

    def __repr__(self) -> str:
        return short(self, f"by {', '.join(self.criteria)}, convention {self.convention.name}")

    def __post_init__(self) -> None:
        """Raises UnknownName for an unknown cost, family or accuracy, BadInput if no cost is named
        or one is named twice."""
        parse_choice(self.accuracy)
        for name in self.criteria:
            if name not in COSTS:
                raise UnknownName("cost", name, COSTS)
        if not self.criteria or len(set(self.criteria)) < len(self.criteria):
            raise BadInput(
                "there is no cost to choose by, or one is named twice; name each once, such as macs"
            )
        known = dict.fromkeys(model.family for model in MODELS.values())
        for family in self.families:
            if family not in known:
                raise UnknownName("family", family, known)

    @cached_property
    def costs(self) -> tuple[Named, ...]:
        """The criteria, with the work counted under the convention."""
        found = (COSTS[name] for name in self.criteria)
        return tuple(c.under(self.convention) if isinstance(c, Quantity) else c for c in found)

    @cached_property
    def bounded(self) -> tuple[Quantity, ...]:
        """What budgets bound, in MACs, beside the criteria."""
        shown = {(c.name, c.convention) for c in self.costs if isinstance(c, Quantity)}
        bounded = (budget.of for budget in self.most)
        return tuple(each for each in bounded if (each.name, each.convention) not in shown)

    @cached_property
    def measures(self) -> tuple[Named, ...]:
        """The quantities that must be known of a network: the criteria, and then those that budgets
        bound, in MACs."""
        return (*self.costs, *(budget.of for budget in self.most))

    @cached_property
    def choice(self) -> Choice:
        """Whose accuracies are taken."""
        return parse_choice(self.accuracy)


@dataclass(frozen=True)
class Cloud:
    """The points, cheapest first; the networks that were asked for but left out; and the number of
    rows of the user's file that were not asked for."""

    points: tuple[Point, ...]
    left: tuple[Left, ...]
    others: int

    def __repr__(self) -> str:
        return short(self, f"{number_of(self.points, 'point')}, {len(self.left)} left out")


def points(question: Question, results: Results | None = None, catalogue: bool = True) -> Cloud:
    """The points of the catalogue, of a user's results, or of both.

    The catalogue gives one accuracy for each published variant and input size, the one that the
    question chooses. Raises BadInput for a cost that only a results file can give, and if no point
    is left.

    >>> from flopscope.conventions import convention
    >>> question = Question(("macs",), convention("macs"), (224, 224), ("resnet",))
    >>> [point.name for point in points(question).points[:3]]
    ['resnet18', 'resnet34', 'resnet50']
    """
    costs = cache(partial(_computed, question))
    mine: list[Point | Left | None] = []
    if results is not None:
        mine += (_of_result(question, costs, results.path, row) for row in results.rows)
        mine += (Left(skip.name, skip.line, skip.reason) for skip in results.skipped)
    found = list(mine)
    if catalogue:
        if LATENCY in question.costs:
            raise BadInput(
                "latency is measured, never computed: the catalogue has none; "
                "give it in a results file, as latency_ms"
            )
        found += (_of_catalog(question, costs, *network) for network in _published())
    kept = [point for point in found if isinstance(point, Point)]
    left = [point for point in found if isinstance(point, Left)]
    if not kept:
        first = f", the first, {left[0].name}: {left[0].reason}" if left else ""
        raise BadInput(
            "no point has this input size, family and cost; give other limits or none "
            f"({len(left)} left out{first})"
        )
    kept.sort(key=lambda point: (point.costs, -point.top1, point.name))
    return Cloud(tuple(kept), tuple(left), mine.count(None))


Found: TypeAlias = Mapping[Named, Amount]
Costs: TypeAlias = Callable[[Variant, tuple[int, int]], Found]


def _computed(question: Question, variant: Variant, resolution: tuple[int, int]) -> Found:
    """The measures that the closed form gives. Raises OutsideDomain for a size at which the network
    does not exist."""
    ledger = variant.ledger(resolution)
    return {
        measure: int(measure.read(ledger))
        for measure in question.measures
        if isinstance(measure, Quantity)
    }


def _published() -> Iterator[tuple[Variant, tuple[int, int], Sequence[Accuracy]]]:
    """Each variant and input size with a published accuracy, and its accuracies."""
    for family in dict.fromkeys(model.family for model in MODELS.values()):
        for (model, variant, resolution), several in networks(family).items():
            yield parse(f"{model}:{variant}" if variant else model), resolution, several


def _of_catalog(
    question: Question,
    costs: Costs,
    variant: Variant,
    resolution: tuple[int, int],
    several: Sequence[Accuracy],
) -> Point | Left | None:
    if not _wanted(question, variant, resolution):
        return None
    name, accuracy = str(variant), question.choice.of(several)
    if accuracy is None:
        return Left(name, None, f"no accuracy of {question.choice}", resolution)
    if accuracy.doubt is not None:
        return Left(name, None, f"no accuracy {accuracy.doubt.value}", resolution)
    point = Point(
        name, variant, resolution, (), False, accuracy.top1, accuracy.source, False,
        accuracy=accuracy,
    )  # fmt: skip
    return _affordable(question, costs(variant, resolution), point)


def _of_result(question: Question, costs: Costs, path: str, row: Result) -> Point | Left | None:
    if not _wanted(question, row.variant, row.resolution):
        return None
    found: dict[Named, Amount] = {}
    if row.variant is not None and row.resolution is not None:
        try:
            found.update(costs(row.variant, row.resolution))
        except FlopscopeError as error:
            return Left(row.name, row.line, str(error))
    for measure in question.measures:
        if measure not in found and (amount := _stated(row, measure)) is not None:
            found[measure] = amount
        if measure not in found:
            unknown = "" if row.variant else "no network of the catalogue, and "
            return Left(row.name, row.line, f"{unknown}states no {measure.name}")
    point = Point(row.name, row.variant, row.resolution, (), not row.variant, row.top1, path, True)
    return _affordable(question, found, point)


def _stated(row: Result, measure: Named) -> Amount | None:
    """The measures that the row states. It states work in MACs, as papers do, and under no other
    convention."""
    if isinstance(measure, Quantity) and measure.convention not in ("", "macs"):
        return None
    found: Amount | None = getattr(row, measure.stated) if measure.stated else None
    return found


def _wanted(
    question: Question, variant: Variant | None, resolution: tuple[int, int] | None
) -> bool:
    family = variant.model.family if variant else None
    return (not question.families or family in question.families) and (
        question.resolution in (None, resolution)
    )


def _affordable(question: Question, found: Found, point: Point) -> Point | None:
    """The point with its costs; None if one of them breaks a budget."""
    if any(budget.limit < found[budget.of] for budget in question.most):
        return None
    costs, bounded = (
        tuple(found[measure] for measure in measures)
        for measures in (question.costs, question.bounded)
    )
    return point._replace(costs=costs, bounded=bounded)
