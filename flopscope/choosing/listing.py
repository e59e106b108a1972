"""The models of the catalogue that a pattern names and that keep budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from flopscope.catalog.models import MODELS, Model
from flopscope.catalog.variant import Variant
from flopscope.choosing.budgets import Budget
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger

WILDCARDS = "*?["
"""The signs of a pattern, as a shell has them."""


@dataclass(frozen=True)
class Listing:
    """The models that were asked for, each with its ledger at the size that it is made for, and the
    budgets that they keep."""

    models: tuple[tuple[Model, Ledger], ...]
    budgets: tuple[Budget, ...] = ()


def listing(patterns: Sequence[str] = (), budgets: Sequence[Budget] = ()) -> Listing:
    """The models that any of the patterns names and that keep all budgets; without patterns, of all
    models.

    A pattern such as ghost* names what it matches, and a word what contains it: an id or a family.
    Raises UnknownName for a pattern that names nothing, BadInput where no model keeps the budgets.

    >>> [model.id for model, _ in listing(["mobilenetv3"], [Budget("macs", 10**8)]).models]
    ['mobilenetv3_small']
    """
    named = _named(patterns)
    counted = [(model, Variant(model).ledger(Variant(model).resolution())) for model in named]
    kept = tuple((model, ledger) for model, ledger in counted if _keeps(ledger, budgets))
    if not kept:
        raise BadInput(_nearest(counted, budgets))
    return Listing(kept, tuple(budgets))


def _named(patterns: Iterable[str]) -> list[Model]:
    models = list(MODELS.values())
    if not patterns:
        return models
    found = {pattern: [m for m in models if _matches(m, pattern)] for pattern in patterns}
    for pattern, those in found.items():
        if not those:
            families = {model.family for model in models}
            raise UnknownName("model or family", pattern, [*sorted(families), *MODELS])
    return [model for model in models if any(model in those for those in found.values())]


def _matches(model: Model, pattern: str) -> bool:
    asked = pattern.lower()
    if any(sign in asked for sign in WILDCARDS):
        return fnmatchcase(model.id, asked) or fnmatchcase(model.family, asked)
    return bool(asked) and (asked in model.id or asked in model.family)


def _keeps(ledger: Ledger, budgets: Iterable[Budget]) -> bool:
    return all(int(budget.of.read(ledger)) <= budget.limit for budget in budgets)


def _nearest(counted: Sequence[tuple[Model, Ledger]], budgets: Sequence[Budget]) -> str:
    """Says that no model keeps the budgets, and for each which comes nearest."""
    least = []
    for budget in budgets:
        model, value = min(
            ((model, int(budget.of.read(ledger))) for model, ledger in counted),
            key=lambda found: found[1],
        )
        least.append(f"{budget.of.amount(value)} ({model.id})")
    asked = " and ".join(map(str, budgets))
    found = f"none of the models that match ({len(counted)}) has at most {asked}"
    return f"{found}; the least is {', '.join(least)}"
