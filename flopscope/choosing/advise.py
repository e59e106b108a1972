"""Which network to take: what the field's rules name, and what published accuracies say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from flopscope.answers.devices import NamedDevice
from flopscope.brief import number_of, short
from flopscope.catalog.latencies import device
from flopscope.catalog.variant import parse
from flopscope.choosing.budgets import Budget
from flopscope.choosing.front import Front
from flopscope.choosing.points import Amount, Cloud, Left, Point, points
from flopscope.choosing.question import LATENCY, Question
from flopscope.choosing.reach import related_positions
from flopscope.choosing.rules import CONTEXTS, GLOBAL, LOCAL, PLATFORMS, Named, Rule, rules_for
from flopscope.conventions import CONVENTIONS
from flopscope.errors import BadInput, check_name
from flopscope.numerals import number
from flopscope.quantities import QUANTITIES, Quantity
from flopscope.quantities import Named as Cost

MOST_OFFERED = 5
"""How many networks of the frontier are offered beside those of the rules."""
UNITS: Mapping[str, int] = {"ms": 1, "s": 1000}


class LatencyLimit(NamedTuple):
    """At most so many milliseconds for a batch on a device."""

    device: str
    limit: Fraction


class Limit(NamedTuple):
    """A budget by its place among the costs of a point. A text has so many of its cost's units to
    one of `noun`."""

    at: int
    limit: Amount
    noun: str
    per: int = 1

    def text(self, amount: Amount | None = None) -> str:
        """An amount of the cost, or the limit, as a sentence has it."""
        value = Fraction(self.limit if amount is None else amount) / self.per
        written = f"{int(value):,}" if value == int(value) else f"{float(value):,.6g}"
        return f"{written} {self.noun}"


@dataclass(frozen=True)
class Wish:
    """What a network is needed for.

    `tokens` is how many positions must be related with each other, which is a global context.
    Accuracies are those that `accuracy` chooses, at the `resolution` if one is named. Latencies are
    of a `batch`, or of the one at which most networks were measured.
    """

    platform: str
    most: tuple[Budget, ...] = ()
    latency: LatencyLimit | None = None
    context: str = LOCAL
    tokens: int | None = None
    resolution: tuple[int, int] | None = None
    accuracy: str | None = None
    batch: int | None = None

    def __post_init__(self) -> None:
        """Raises UnknownName for an unknown platform or context, BadInput for a batch without a
        device."""
        check_name("platform", self.platform, PLATFORMS)
        check_name("context", self.context, CONTEXTS)
        if self.batch is not None and self.latency is None:
            raise BadInput(
                "batch is that of the latencies of a device, and no latency is asked for; leave it "
                "out, or give a latency too, such as pixel3-cpu-tflite:15ms"
            )

    def __repr__(self) -> str:
        return short(self, f"{self.platform}, {number_of(self.most, 'budget')}")

    @property
    def is_global(self) -> bool:
        """Must it see the whole image?"""
        return self.context == GLOBAL or self.tokens is not None

    @property
    def most_params(self) -> int | None:
        """The budget of parameters, if there is one."""
        limits = [budget.limit for budget in self.most if budget.quantity == "params"]
        return min(limits, default=None)

    @cached_property
    def question(self) -> Question:
        """The question for the published networks, without the budgets."""
        names = ["macs", "params", *(b.quantity for b in self.most), *([LATENCY.name] * self.timed)]
        on = None
        if self.latency is not None:
            # published latencies alone: advice rests on what was measured
            on = NamedDevice(self.latency.device, device(self.latency.device), None)
        return Question(
            tuple(dict.fromkeys(names)), CONVENTIONS["macs"], self.resolution,
            accuracy=self.accuracy, device=on, batch=self.batch,
        )  # fmt: skip

    @property
    def timed(self) -> bool:
        """Is a latency bounded?"""
        return self.latency is not None

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The budgets by the places of the costs."""
        places = {name: at for at, name in enumerate(self.question.criteria)}
        found = [Limit(places[b.quantity], b.limit, b.of.noun) for b in self.most]
        if self.latency is not None:
            at = places[LATENCY.name]
            cost: Cost = self.question.costs[at]
            per = cost.per if isinstance(cost, Quantity) else 1
            noun = f"ms on {self.latency.device}"
            found.append(Limit(at, self.latency.limit * per, noun, per))
        return tuple(found)


class Candidate(NamedTuple):
    """What a rule names: the most accurate published network of it that keeps all limits, and the
    point that dominates this one if there is one; or why there is none."""

    rule: Rule
    named: Named
    point: Point | None
    by: Point | None
    reason: str


@dataclass(frozen=True)
class Advice:
    """The answer: the candidates of the rules, the `front` of all published networks that keep the
    limits, and the most accurate networks on it, which are offered. `outside` are models that a
    rule names without their being of the size that it says, each with its parameters."""

    wish: Wish
    rules: tuple[Rule, ...]
    candidates: tuple[Candidate, ...]
    offered: tuple[Point, ...]
    front: Front
    outside: tuple[tuple[Rule, Named, int], ...]

    def __repr__(self) -> str:
        return short(self, f"{number_of(self.candidates, 'candidate')} of {len(self.front.points)}")

    @property
    def best(self) -> Point:
        """The most accurate network that keeps the limits."""
        return self.offered[0]


def advise(wish: Wish) -> Advice:
    """The networks that the rules name for a wish, held against all published ones.

    Raises BadInput where no published network keeps the limits; the nearest is named.
    """
    rules = rules_for(wish.platform, wish.most_params, GLOBAL if wish.is_global else LOCAL)
    cloud = points(wish.question)
    seen = [point for point in cloud.points if not _too_local(wish, point)]
    kept = [point for point in seen if not _broken(wish, point)]
    if not kept:
        raise BadInput(_nothing(wish, seen))
    front = Front(wish.question, Cloud(tuple(kept), (), 0))
    candidates = [_candidate(wish, rule, n, cloud, front) for rule in rules for n in rule.names]
    outside = [(r, n, params) for r in rules for n in r.names if (params := _misplaced(r, n))]
    return Advice(wish, rules, tuple(candidates), _offered(front), front, tuple(outside))


def parse_latency(option: str, text: str) -> LatencyLimit:
    """'pixel3-cpu-tflite:15ms' as a limit; without a unit it is in milliseconds. `option` names it
    in messages.

    Raises UnknownName for a device of which no latency is published, BadInput for other text.

    >>> parse_latency("--max-latency", "pixel3-cpu-tflite:0.015 s")
    LatencyLimit(device='pixel3-cpu-tflite', limit=Fraction(15, 1))
    """
    name, colon, amount = text.rpartition(":")
    unit = next((unit for unit in UNITS if amount.strip().endswith(unit)), "")
    value = number(amount.strip().removesuffix(unit).strip())
    if not colon or not name or not value:
        raise BadInput(
            f"{option} {text} is not a device and a time; give one such as pixel3-cpu-tflite:15ms "
            "(`flopscope latencies` lists the devices)"
        )
    return LatencyLimit(device(name.strip()).name, value * UNITS.get(unit, 1))


def _offered(front: Front) -> tuple[Point, ...]:
    """The most accurate networks on the frontier, each at one input size."""
    on = sorted((front.points[i] for i in front.on), key=lambda p: (-p.top1, p.costs))
    each = {point.name: point for point in reversed(on)}
    return tuple(p for p in on if each[p.name] is p)[:MOST_OFFERED]


def _broken(wish: Wish, point: Point) -> list[Limit]:
    return [limit for limit in wish.limits if point.costs[limit.at] > limit.limit]


def _too_local(wish: Wish, point: Point) -> bool:
    """Does its attention relate fewer positions than are asked for, or has it none?"""
    if not wish.is_global or point.variant is None:
        return False
    return related_positions(point.variant.ledger(point.resolution)) < (wish.tokens or 1)


def _candidate(wish: Wish, rule: Rule, named: Named, cloud: Cloud, front: Front) -> Candidate:
    own = [i for i, point in enumerate(front.points) if _is_of(named, point) and _fits(rule, point)]
    if not own:
        return Candidate(rule, named, None, None, _reason(wish, rule, named, cloud))
    best = max(own, key=lambda i: (front.points[i].top1, [-c for c in front.points[i].costs]))
    by = front.by[best]
    return Candidate(rule, named, front.points[best], front.points[by] if by >= 0 else None, "")


def _is_of(named: Named, point: Point) -> bool:
    return point.variant is not None and point.variant.model.id in named.models


def _fits(rule: Rule, point: Point) -> bool:
    """Does it have at most the parameters that the rule says?"""
    return rule.most is None or point.costs[1] <= rule.most


def _reason(wish: Wish, rule: Rule, named: Named, cloud: Cloud) -> str:
    """Why none of the published networks is left: that which comes nearest, and what it breaks."""
    own = [point for point in cloud.points if _is_of(named, point)]
    if not own:
        return next((each.reason for each in cloud.left if _left_of(named, each)), NO_ACCURACY)
    near = [point for point in own if _fits(rule, point)] or own
    seeing = [point for point in near if not _too_local(wish, point)]
    if not seeing:
        return f"its attention relates fewer than {wish.tokens or 1:,} positions"
    nearest = min(seeing, key=lambda point: (_excess(wish, point), point.costs))
    broken = [each.text(nearest.costs[each.at]) for each in _broken(wish, nearest)]
    if not broken:
        broken = [f"{nearest.costs[1]:,} params, and the rule says at most {rule.most:,}"]
    return f"{_place(nearest)}, the nearest, has {' and '.join(broken)}"


NO_ACCURACY = "no accuracy is published at this input size"


def _left_of(named: Named, left: Left) -> bool:
    return left.line is None and parse(left.name).model.id in named.models


def _excess(wish: Wish, point: Point) -> Fraction:
    """By what factor it breaks the limit that it breaks most."""
    return max(
        (Fraction(point.costs[b.at]) / Fraction(b.limit) for b in wish.limits),
        default=Fraction(1),
    )


def _misplaced(rule: Rule, named: Named) -> int:
    """The parameters of a model that the rule names and that is not of the rule's size, where it
    names one model; else 0."""
    if len(named.models) > 1 or rule.most is None:
        return 0
    variant = parse(named.models[0])
    reading = QUANTITIES["params"].read(variant.ledger(variant.resolution()))
    return 0 if rule.least <= int(reading) <= rule.most else int(reading)


def _nothing(wish: Wish, seen: Sequence[Point]) -> str:
    asked = " and ".join(f"at most {limit.text()}" for limit in wish.limits)
    if not seen:
        return (
            f"no published network has attention that relates {wish.tokens or 1:,} positions at "
            "this input size; ask for fewer tokens"
        )
    nearest = min(seen, key=lambda point: (_excess(wish, point), point.costs))
    broken = [each.text(nearest.costs[each.at]) for each in _broken(wish, nearest)]
    return (
        f"no published network keeps {asked}; the nearest, {_place(nearest)}, has "
        f"{' and '.join(broken)}"
    )


def _place(point: Point) -> str:
    height, width = point.resolution or (0, 0)
    return f"{point.name} at {height}×{width}"
