"""Which network to take: what the field's rules name, and what published accuracies say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from flopscope.brief import number_of, short
from flopscope.catalog.variant import parse
from flopscope.choosing.front import Front
from flopscope.choosing.points import Cloud, Left, Point, points
from flopscope.choosing.reach import related_positions
from flopscope.choosing.rules import GLOBAL, LOCAL, Named, Rule, rules_for
from flopscope.choosing.wish import Limit, Wish
from flopscope.errors import BadInput
from flopscope.quantities import QUANTITIES

MOST_OFFERED = 5
"""How many networks of the frontier are offered beside those of the rules."""


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
    rule names without their being of the size that it says, each with its parameters. `unsure` are
    those whose predicted latency keeps the limit while the upper end of its interval does not, the
    most accurate first; they are no part of the front."""

    wish: Wish
    rules: tuple[Rule, ...]
    candidates: tuple[Candidate, ...]
    offered: tuple[Point, ...]
    front: Front
    outside: tuple[tuple[Rule, Named, int], ...]
    unsure: tuple[Point, ...] = ()

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
    unsure = sorted((p for p in seen if _unsure(wish, p)), key=lambda p: (-p.top1, p.costs))
    return Advice(
        wish, rules, tuple(candidates), _offered(front), front, tuple(outside), tuple(unsure)
    )


def _offered(front: Front) -> tuple[Point, ...]:
    """The most accurate networks on the frontier, each at one input size."""
    on = sorted((front.points[i] for i in front.on), key=lambda p: (-p.top1, p.costs))
    each = {point.name: point for point in reversed(on)}
    return tuple(p for p in on if each[p.name] is p)[:MOST_OFFERED]


def _broken(wish: Wish, point: Point) -> list[Limit]:
    return [limit for limit in wish.limits if limit.of(point) > limit.limit]


def _unsure(wish: Wish, point: Point) -> bool:
    """Does it break a limit by the upper end of an interval alone?"""
    broken = _broken(wish, point)
    return bool(broken) and all(point.costs[each.at] <= each.limit for each in broken)


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
    broken = [each.text(nearest) for each in _broken(wish, nearest)]
    if not broken:
        broken = [f"{nearest.costs[1]:,} params, and the rule says at most {rule.most:,}"]
    return f"{_place(nearest)}, the nearest, has {' and '.join(broken)}"


NO_ACCURACY = "no accuracy is published at this input size"


def _left_of(named: Named, left: Left) -> bool:
    return left.line is None and parse(left.name).model.id in named.models


def _excess(wish: Wish, point: Point) -> Fraction:
    """By what factor it breaks the limit that it breaks most."""
    return max(
        (Fraction(b.of(point)) / Fraction(b.limit) for b in wish.limits),
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
    broken = [each.text(nearest) for each in _broken(wish, nearest)]
    return (
        f"no published network keeps {asked}; the nearest, {_place(nearest)}, has "
        f"{' and '.join(broken)}"
    )


def _place(point: Point) -> str:
    height, width = point.resolution or (0, 0)
    return f"{point.name} at {height}×{width}"
