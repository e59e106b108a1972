"""What is known of the experts that tokens choose, although the choice depends on data.

Each token chooses k of E experts. Which rows an expert takes depends on data, but the number of
rows that all experts take together does not. While the network runs, the rows that a mask of one
expert selects are a size of their own; in the end the rows are spread evenly. If a row costs the
same at every expert, the total holds for any routing; otherwise it holds for an even routing, and
the ledger says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import torch

from flopscope import readings
from flopscope.conventions import CONVENTIONS
from flopscope.domain.truths import symbols_of
from flopscope.errors import BadInput
from flopscope.facts import Operator
from flopscope.ledger import Ledger
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import Polynomial, Symbol, add_all, alone, substitute
from flopscope.tracing.callers import caller
from flopscope.tracing.node import free_size, size_value
from flopscope.tracing.trail import Trail

ROUTE = "_flopscope_route"
"""The attribute under which a tensor carries what is known of the choice in it."""

PREFIX = "rows_of_expert_"


@dataclass(frozen=True)
class Route:
    """A choice among `experts`, of which each token takes `each`, in the form in which a tensor
    holds it. `form` is "choice" (numbers of experts), "one-hot" (booleans, with experts along
    `axis`), "mask" (of one `expert`), "per expert" (a number or boolean for each), "any" (is there
    a row?) or "count" (how many rows?). `total` is the number of rows that all experts take
    together, and `origin` is the line where the choice was made."""

    form: str
    experts: int
    each: Size
    total: Size
    origin: str
    axis: int = -1
    expert: int = 0
    rows: tuple[Any, ...] = ()  # the size of a mask's selection, once it has selected


def route_of(value: Any) -> Route | None:
    """What a tensor says about a choice of experts; None for any other value."""
    return vars(value).get(ROUTE) if isinstance(value, torch.Tensor) else None


def with_route(tensor: torch.Tensor, route: Route) -> torch.Tensor:
    """The tensor, which from now on carries a choice."""
    setattr(tensor, ROUTE, route)
    return tensor


@dataclass
class Routing:
    """The sizes that stand for experts' rows in a trace."""

    trail: Trail
    sizes: dict[str, Route] = field(default_factory=dict)
    chosen: dict[Any, Route] = field(default_factory=dict)  # the last among so many experts

    def rows(self, mask: torch.Tensor, route: Route) -> Any:
        """The number of rows that a mask selects, which is the same size each time."""
        if not route.rows:
            route = replace(route, rows=(self.size_for(route),))
            with_route(mask, route)
        return route.rows[0]

    def size_for(self, route: Route) -> torch.SymInt:
        """A new size for the rows of an expert."""
        name = f"{PREFIX}{len(self.sizes)}"
        self.sizes[name] = route
        total = route.total
        at_example = total.evaluate(self.trail.example) if is_symbolic(total) else total
        whole, rest = divmod(int(at_example), route.experts)
        number = whole + (1 if route.expert < rest else 0)
        self.trail.example = {**self.trail.example, name: max(1, number)}
        return free_size(self.trail, alone(Symbol(name)))


def spread_evenly(routing: Routing, ledger: Ledger) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with rows spread evenly over experts, and the sentences that say so.

    Raises BadInput if the work of an expert is not in proportion to its rows, or if code asked for
    the number of its rows."""
    if not routing.sizes:
        return ledger, ()
    names = frozenset(routing.sizes)
    _check_fixed(routing.trail, names)
    for row in ledger.rows:
        _check_linear(row, names)
    said = () if _same_for_all(routing, ledger) else _said(routing.sizes.values())
    even = {name: _even(route) for name, route in routing.sizes.items()}
    shares = [_shared(row, routing.sizes) for row in ledger.rows]
    rewritten = replace(ledger, rows=tuple(shares)).rewritten(lambda s: substitute(s, even))
    return rewritten, said


def forget_experts(trail: Trail) -> None:
    """Remove the rows of experts from the domain and from the example."""
    sizes = trail.example.items()
    trail.example = {name: n for name, n in sizes if not name.startswith(PREFIX)}
    kept = {r: None for r in trail.relations if not any(_is_ours(s) for s in r.symbols())}
    trail.relations = kept


def _is_ours(s: Symbol) -> bool:
    return s.name.startswith(PREFIX)


def _even(route: Route) -> Size:
    """An equal share of the rows, in whole rows if they are numbers."""
    if is_symbolic(route.total):
        return route.total / route.experts
    whole, rest = divmod(route.total, route.experts)
    return whole + (1 if route.expert < rest else 0)


def _said(routes: Iterable[Route]) -> tuple[str, ...]:
    texts = dict.fromkeys(
        f"the {r.total} rows that tokens send to {r.experts} experts at {r.origin} are spread "
        "evenly; experts cost different amounts, so another routing costs another amount"
        for r in routes
    )
    return tuple(texts)


# --- is it so for every routing? ------------------------------------------------------------------


def _same_for_all(routing: Routing, ledger: Ledger) -> bool:
    """Does a row cost the same at every expert, in every convention, and do all experts run?"""
    for name in CONVENTIONS:
        total = readings.flops(ledger.rows, name).value
        if not all(_is_level(total, group) for group in _groups(routing.sizes)):
            return False
    return True


def _groups(sizes: Mapping[str, Route]) -> list[dict[str, Route]]:
    groups: dict[str, dict[str, Route]] = {}
    for name, route in sizes.items():
        groups.setdefault(f"{route.origin} {route.experts}", {})[name] = route
    return list(groups.values())


def _is_level(total: Size, group: Mapping[str, Route]) -> bool:
    costs: dict[int, list[Any]] = {}
    for name, route in group.items():
        costs.setdefault(route.expert, []).append(_coefficient(total, name))
    experts = next(iter(group.values())).experts
    each = {tuple(found) for found in costs.values()}
    free = not any(map(any, each))
    return free or (len(each) == 1 and len(costs) == experts)


def _coefficient(total: Size, name: str) -> Any:
    """The cost of one row. Every monomial has the size at most once."""
    if not isinstance(total, Polynomial):
        return 0
    s = Symbol(name)
    found = [
        Polynomial({frozenset(part for part in monomial if part[0] != s): number})
        for monomial, number in total.terms.items()
        if any(atom == s for atom, _ in monomial)
    ]
    return add_all(found) if found else 0


def _check_linear(row: Operator, names: frozenset[str]) -> None:
    for convention in ("macs", "all"):
        value = readings.flops((row,), convention).value
        if isinstance(value, Polynomial) and not all(_once(m, names) for m in value.terms):
            raise BadInput(
                f"the work of {row.path or 'the network itself'} is not in proportion to the rows "
                "that tokens send to an expert, so it depends on their values; experts that work "
                "on each row apart are counted"
            )


def _once(monomial: Any, names: frozenset[str]) -> bool:
    powers = [power for atom, power in monomial if {s.name for s in atom.symbols()} & names]
    plain = all(isinstance(a, Symbol) for a, _ in monomial if {s.name for s in a.symbols()} & names)
    return plain and sum(powers) <= 1


def _check_fixed(trail: Trail, names: frozenset[str]) -> None:
    for fixed in trail.fixed.values():
        if {s.name for s in fixed.value.symbols()} & names:
            raise BadInput(
                f"the number of rows that tokens send to an expert is asked for at {fixed.where}; "
                "it depends on their values, which a trace does not have"
            )


# --- what one token uses ----------------------------------------------------------------------


def _shared(row: Operator, sizes: Mapping[str, Route]) -> Operator:
    """An expert's weights are used by each token in proportion."""
    own = {s.name for shape in (*row.inputs, row.output) for n in shape for s in symbols_of(n)}
    routes = [sizes[name] for name in own & set(sizes)]
    return used_by(row, routes[0]) if routes else row


def used_by(row: Operator, route: Route) -> Operator:
    """The row with weights of which each token uses `each` of `experts` shares."""
    if not isinstance(route.each, int):
        return row
    share = Fraction(int(route.each), route.experts)
    return row._replace(weights=tuple(w._replace(share=share) for w in row.weights))


def choice(index: torch.Tensor, experts: int, each: Any) -> Route:
    """The route of a tensor that holds numbers of experts."""
    total = prod(map(size_value, index.shape))
    return Route("choice", experts, size_value(each), total, caller())
