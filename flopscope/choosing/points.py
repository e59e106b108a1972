"""Points of cost against accuracy: the catalogue's published accuracies, a user's results, and
networks of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from flopscope.answers.counted import Given, made
from flopscope.answers.target import Target, of_variant
from flopscope.brief import number_of, short
from flopscope.catalog.accuracies import Accuracy, networks
from flopscope.catalog.latencies import Latency
from flopscope.catalog.metrics import family_scores
from flopscope.catalog.models import MODELS
from flopscope.catalog.results import Result, Results
from flopscope.catalog.variant import Variant, parse
from flopscope.choosing.budgets import Budget
from flopscope.choosing.costs import Amount, Costs, Found, written_target
from flopscope.choosing.question import COSTS, LATENCY, Question
from flopscope.choosing.stated import all_stated, stated_of
from flopscope.choosing.timed import check_latency, timed
from flopscope.errors import BadInput, FlopscopeError

__all__ = [
    "COSTS", "GIVEN", "LATENCY", "Amount", "Cloud", "Left", "Own", "Point", "Question", "points",
]  # fmt: skip

Tell: TypeAlias = Callable[[int, int], None]
"""What is told how many rows of how many are counted."""

FAMILIES = tuple(dict.fromkeys(model.family for model in MODELS.values()))

OTHER_METRIC = (
    "measured by metrics of their own, which are never ranked beside an ImageNet-1k top-1"
)
"""Why a network has no place on a frontier of top-1."""

UNKNOWN = "no network of the catalogue or of an installed timm or torchvision, and "


class Point(NamedTuple):
    """One network at one input size with one accuracy.

    name: the variant, or what the user calls it. variant: None for a name that is no network of the
    catalogue. resolution: (height, width); None if it is not known. costs: one exact
    number for each criterion. stated: are the costs those that the file states, because they could
    not be computed? top1: per cent. source: who states the accuracy: a citation, or the path of the
    user's file. yours: is it a row of that file? bounded: its numbers of what budgets bound beside
    the criteria. accuracy: the published one that it has; None for a row of the file. target: what
    was counted, of a row of the file or of a network of one's own. measured: the published row
    whose latency it has; None where that is predicted, or not asked for.
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
    target: Target | None = None
    measured: Latency | None = None

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
class Cloud:
    """The points, cheapest first; the networks that were asked for but left out; and the number of
    rows of the user's file that were not asked for."""

    points: tuple[Point, ...]
    left: tuple[Left, ...]
    others: int

    def __repr__(self) -> str:
        return short(self, f"{number_of(self.points, 'point')}, {len(self.left)} left out")


class Own(NamedTuple):
    """A network with the accuracy that its author gives it, in per cent."""

    target: Target
    top1: Fraction


GIVEN = "given with the network"
"""Who states the accuracy of an `Own`."""


def points(
    question: Question,
    results: Results | None = None,
    catalogue: bool = True,
    own: Sequence[Own] = (),
    given: Given | None = None,
    tell: Tell = lambda _, __: None,
) -> Cloud:
    """The points of the catalogue, of a user's results, and of networks of one's `own`, which are
    counted at the question's input size or else at their own, with what is `given`.

    The catalogue gives one accuracy for each published variant and input size, the one that the
    question chooses. `tell` hears how many rows of the results are counted. Raises BadInput for a
    cost that only a results file can give, for a network of one's own that cannot be counted, and
    if no point is left.

    >>> from flopscope.conventions import convention
    >>> question = Question(("macs",), convention("macs"), (224, 224), ("resnet",))
    >>> [point.name for point in points(question).points[:3]]
    ['resnet18', 'resnet34', 'resnet50']
    """
    check_latency(question, results, catalogue or bool(own))
    own = [Own(t, top1) for t, (_, top1) in zip(_made(own, given), own, strict=True)]
    costs = Costs(question.measures, given, question.latency_batch)
    mine: list[Point | Left | None] = []
    if results is not None:
        for number, row in enumerate(results.rows, start=1):
            mine.append(_of_result(question, costs, results.path, row))
            tell(number, len(results.rows))
        mine += (Left(skip.name, skip.line, skip.reason) for skip in results.skipped)
    found = [*mine, *(_of_own(question, costs, each) for each in own)]
    if catalogue:
        found += (_of_catalog(question, costs, *network) for network in _published())
        found += _of_other_metrics(question)
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


def _made(own: Sequence[Own], given: Given | None) -> list[Target]:
    """The targets with the arguments that are given to all of them."""
    return made([each.target for each in own], given) if own and given else [o.target for o in own]


def _of_own(question: Question, costs: Costs, own: Own) -> Point | Left:
    found, image = costs.of_target(own.target, question.resolution)
    found, row, lacking = timed(question, own.target.variant, image, found)
    if lacking:
        return Left(own.target.name, None, lacking, image)
    point = Point(
        own.target.name, own.target.variant, image, (), False, own.top1, GIVEN, True,
        target=own.target, measured=row,
    )  # fmt: skip
    broken = [budget for budget in question.most if budget.limit < found[budget.of]]
    if broken:
        amounts = " and ".join(_above(each, int(found[each.of])) for each in broken)
        return Left(own.target.name, None, f"it has {amounts}", image)
    kept = _affordable(question, found, point)
    assert kept is not None
    return kept


def _above(budget: Budget, amount: int) -> str:
    """An amount that is above its limit."""
    limit = f"{budget.limit:,}" if budget.measure is None else str(budget)
    return f"{budget.of.amount(amount)}, above {limit}"


def _published() -> Iterator[tuple[Variant, tuple[int, int], Sequence[Accuracy]]]:
    """Each variant and input size with a published accuracy, and its accuracies."""
    for family in FAMILIES:
        for (model, variant, resolution), several in networks(family).items():
            yield parse(f"{model}:{variant}" if variant else model), resolution, several


def _of_other_metrics(question: Question) -> Iterator[Left]:
    """The networks that are asked for and have metrics of their own in place of a top-1."""
    for family in FAMILIES:
        of = dict.fromkeys((s.model, s.variant, s.resolution) for s in family_scores(family))
        for model, text, resolution in of:
            variant = parse(f"{model}:{text}" if text else model)
            if _wanted(question, variant, resolution):
                yield Left(str(variant), None, OTHER_METRIC, resolution)


def _of_catalog(
    question: Question,
    costs: Costs,
    variant: Variant,
    resolution: tuple[int, int],
    several: Sequence[Accuracy],
) -> Point | Left | None:
    if not _wanted(question, variant, resolution):
        return None
    name, accuracy = str(variant), _taken(question, variant, resolution, several)
    if accuracy is None:
        return Left(name, None, f"no accuracy of {question.choice.words}", resolution)
    if accuracy.doubt is not None:
        return Left(name, None, f"no accuracy {accuracy.doubt.value}", resolution)
    found, row, lacking = timed(question, variant, resolution, {})
    if lacking:
        return Left(name, None, lacking, resolution)
    point = Point(
        name, variant, resolution, (), False, accuracy.top1, accuracy.source, False,
        accuracy=accuracy, measured=row,
    )  # fmt: skip
    return _affordable(question, {**costs.of_variant(variant, resolution), **found}, point)


def _taken(
    question: Question,
    variant: Variant,
    resolution: tuple[int, int],
    several: Sequence[Accuracy],
) -> Accuracy | None:
    """The accuracy that the question chooses. Costs of quantised weights are paired with one of the
    quantised network, where one is published."""
    if question.precision is not None:
        quantised = networks(variant.model.family, question.precision)
        those = quantised.get((variant.model.id, variant.options_text, resolution), ())
        if (found := question.choice.of(those)) is not None:
            return found
    return question.choice.of(several)


def _of_result(question: Question, costs: Costs, path: str, row: Result) -> Point | Left | None:
    if not _wanted(question, row.variant, row.resolution):
        return None
    stated = all_stated(question, row)
    target = of_variant(row.variant) if row.variant else written_target(row.name)
    if target is None and stated is None:
        target = costs.of_library(row.name)
    found: Found = stated or {}
    image = row.resolution
    if target is not None:
        try:
            found, image = costs.of_target(target, row.resolution)
        except FlopscopeError as error:
            return Left(row.name, row.line, str(error))
    found, latency, lacking = timed(question, row.variant, image, found)
    if lacking:
        return Left(row.name, row.line, lacking)
    for measure in question.measures:
        if measure not in found and (amount := stated_of(row, measure)) is not None:
            found = {**found, measure: amount}
        if measure not in found:
            return Left(row.name, row.line, f"{'' if target else UNKNOWN}states no {measure.name}")
    point = Point(
        row.name, row.variant, image, (), target is None, row.top1, path, True, target=target,
        measured=latency,
    )  # fmt: skip
    return _affordable(question, found, point)


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
