"""All ways through code that branches on its sizes, with one trace for each.

A trace holds where its branches are taken, so one trace is one piece of a formula or of a proof.

If the domain is known, as for a closed form, the ways are found by turning branches (`pieces`):
each branch is turned in order, at an example of sizes that turn it, until no sizes are left. The
ways then form a binary tree, so their conditions cover the domain and do not overlap.

If it is not known, as for a constructor with free arguments, that cannot be done: most branches
there guard against arguments that a module does not take, and on the other side it only raises. So
examples are tried instead (`at_examples`), and the module itself shows at which of them it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from flopscope.domain import Condition, Members, Relation
from flopscope.domain.regions import implied, simplified
from flopscope.ledger import Ledger
from flopscope.sizes import Size, is_symbolic
from flopscope.sizes.rules import rule_of
from flopscope.symbolic import Atom, Call, Floor, alone, replace_atoms

if TYPE_CHECKING:
    from flopscope.tracing.engine import Trace

MOST_PIECES = 64
"""Code with more ways than this is not proved; the next turn is assumed."""

NEARBY, LARGEST = 8, 2**11
"""How many members of a size are tried from the last example on, and up to which size."""

MOST_FOUND, MOST_TRIES = 6, 40
"""The most traces at examples that are kept, and the most examples that are tried."""

Way = tuple[Relation, ...]
"""The branches that were taken, in order."""

Run = Callable[[Mapping[str, Any]], "Trace"]
"""Makes the trace at an example. The engine chooses the sizes that the example does not name."""


def pieces(run: Run, known: Sequence[Condition]) -> list[tuple[Way, Ledger]]:
    """Every way through the code in the domain `known`, with what it does there.

    A turn for which no example is found is not taken; the trace's own conditions then say what was
    assumed.
    """
    first = run({})
    found: list[tuple[Way, Ledger]] = []
    waiting: list[tuple[Way, Trace]] = [((), first)]
    while waiting:
        way, trace = waiting.pop()
        for relation in trace.trail.relations:
            if _follows(relation, way, known):
                continue
            turned = (*way, relation.negation())
            example = _example(simplified((*known, *turned)), trace.trail.example)
            if example is None or len(found) + len(waiting) + 1 >= MOST_PIECES:
                continue
            waiting.append((turned, run(example)))
            way = (*way, relation)
        found.append((way, trace.ledger))
    return found


def at_examples(run: Run, first: Trace, fixed: Sequence[str]) -> tuple[list[Trace], bool]:
    """Traces, each at an example outside the domains of those before, and whether there is one more
    than are kept. `fixed` are sizes that stay as in the first trace.
    """
    found = [first]
    tries = 0
    for point in _candidates(first.trail.example, fixed):
        if tries == MOST_TRIES:
            break
        if any(holds(trace.ledger.conditions, point) for trace in found):
            continue
        tries += 1
        try:
            trace = run(point)
        except Exception:  # the module does not exist at these sizes
            continue
        if len(found) == MOST_FOUND:
            return found, True
        found.append(trace)
    return found, False


def _candidates(base: Mapping[str, Any], fixed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The example with one size changed, and then with two: to neighbours, to small sizes, to
    multiples, and to the other sizes."""
    free = [n for n, value in base.items() if isinstance(value, int) and n not in fixed]
    values = {
        name: dict.fromkeys((*base.values(), base[name] + 1, 2 * base[name], 1, 2, 3, 8, 64, 224))
        for name in free
    }
    for count in (1, 2):
        for names in combinations(free, count):
            for chosen in product(*(values[name] for name in names)):
                if all(isinstance(value, int) for value in chosen):
                    yield {**base, **dict(zip(names, chosen, strict=True))}


def restricted(ledger: Ledger, way: Way) -> Ledger:
    """The ledger at the sizes that take this way. If two sizes are equal, one is written for both;
    multiplicities that the way decides become numbers; and rows that do not happen are left out."""
    every = (*ledger.conditions, *way)
    region = simplified(every)
    decided = {row.repeat: _decided(row.repeat, region) for row in ledger.rows}
    rows = (row._replace(repeat=decided[row.repeat]) for row in ledger.rows)
    present = tuple(row for row in rows if is_symbolic(row.repeat) or row.repeat)
    return replace(ledger, rows=present, conditions=every).rewritten(_rule(way))


def _decided(repeat: Size, region: Sequence[Condition]) -> Size:
    def flag(atom: Atom) -> Size:
        if not isinstance(atom, Call) or (asks := rule_of(atom).asks) is None:
            return alone(atom)
        same = Relation(asks(*atom.arguments), equality=True)
        if implied(same, region):
            return 1
        return 0 if implied(same.negation(), region) else alone(atom)

    return replace_atoms(repeat, flag)


def _follows(relation: Relation, way: Way, known: Sequence[Condition]) -> bool:
    """Does the relation hold for all sizes that take this way?"""
    rewritten = replace(relation, difference=_rule(way)(relation.difference))
    return rewritten.broken() is False or implied(relation, simplified((*known, *way)))


def _rule(way: Way) -> Callable[[Size], Size]:
    """The function that writes sizes on this way, with its equations substituted in order."""
    equations = [r.difference for r in way if r.equality and not r.negated]
    solved = [found for equation in equations if (found := _solved(equation)) is not None]

    @cache  # networks repeat the same sizes
    def rewritten(value: Size) -> Size:
        for atom, size in solved:
            value = replace_atoms(value, partial(_either, atom, size))
        return value

    return rewritten


def _solved(difference: Size) -> tuple[Atom, Size] | None:
    """A rounded size and what it equals by difference = 0; None for an equation of another form."""
    for monomial, coefficient in difference.terms.items():
        atoms = [atom for atom, power in monomial if power == 1 and isinstance(atom, Floor)]
        if len(atoms) == len(monomial) == 1 == abs(coefficient):
            return atoms[0], alone(atoms[0]) - difference / coefficient
    return None


def _either(atom: Atom, solved: Size, other: Atom) -> Size:
    return solved if other == atom else alone(other)


def _example(conditions: Sequence[Condition], last: Mapping[str, int]) -> dict[str, int] | None:
    """Sizes that meet the conditions, near those of the last example; None if none are found."""
    members = {str(c.value): c for c in conditions if isinstance(c, Members)}
    choices = [list(_near(members.get(name), size)) for name, size in last.items()]
    for sizes in product(*choices):
        example = dict(zip(last, sizes, strict=True))
        if holds(conditions, example):
            return example
    return None


def holds(conditions: Sequence[Condition], point: Mapping[str, Any]) -> bool:
    """Is every condition known to hold there?"""
    return all(condition.at(point).broken() is False for condition in conditions)


def _near(found: Members | None, size: int) -> Iterator[int]:
    """The first members from `size` on, and then those below it; the size itself if every size is a
    member."""
    if found is None:
        yield size
        return
    every = (*range(size, LARGEST), *range(1, size))
    allowed = (number for number in every if found.at_number(number))
    yield from (number for number, _ in zip(allowed, range(NEARBY), strict=False))
