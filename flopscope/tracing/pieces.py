"""A proof piece by piece: where code branches on its sizes, one trace for each way through it.

A trace holds where its branches are taken. Each of them is turned in its turn, at an example of the
sizes that turn it, until no sizes are left: the ways form a binary tree, so that their conditions
cover the domain and no two of them meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
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
"""Code with more ways than that is not proved: the next turn is an assumption."""

NEARBY, LARGEST = 8, 2**11
"""Examples of a size are its first so many members from the last example on, up to this size."""

Way = tuple[Relation, ...]


def pieces(
    run: Callable[[Mapping[str, Any]], Trace], known: Sequence[Condition]
) -> list[tuple[Way, Ledger]]:
    """Every way through the code in the domain `known`, with what it does there; `run` traces at an
    example.

    A turn for which there is no example is not taken: the trace's own conditions then say what was
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


def restricted(ledger: Ledger, way: Way) -> Ledger:
    """The ledger at the sizes that take this way. Where two sizes are equal, one is written for
    both; multiplicities that the way decides are numbers; rows that do not happen are left out."""
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
    """Does the relation hold wherever the code has taken this way?"""
    rewritten = replace(relation, difference=_rule(way)(relation.difference))
    return rewritten.broken() is False or implied(relation, simplified((*known, *way)))


def _rule(way: Way) -> Callable[[Size], Size]:
    """How sizes are written on this way: with each of its equations put in, in their order."""
    equations = [r.difference for r in way if r.equality and not r.negated]
    solved = [found for equation in equations if (found := _solved(equation)) is not None]

    @cache  # networks have the same sizes again and again
    def rewritten(value: Size) -> Size:
        for atom, size in solved:
            value = replace_atoms(value, partial(_either, atom, size))
        return value

    return rewritten


def _solved(difference: Size) -> tuple[Atom, Size] | None:
    """What difference = 0 says that one rounded size is; None where it is of another form."""
    for monomial, coefficient in difference.terms.items():
        atoms = [atom for atom, power in monomial if power == 1 and isinstance(atom, Floor)]
        if len(atoms) == len(monomial) == 1 == abs(coefficient):
            return atoms[0], alone(atoms[0]) - difference / coefficient
    return None


def _either(atom: Atom, solved: Size, other: Atom) -> Size:
    return solved if other == atom else alone(other)


def _example(conditions: Sequence[Condition], last: Mapping[str, int]) -> dict[str, int] | None:
    """Sizes that meet the conditions, near those of the last example; None if none were found."""
    members = {str(c.value): c for c in conditions if isinstance(c, Members)}
    choices = [list(_near(members.get(name), size)) for name, size in last.items()]
    for sizes in product(*choices):
        example = dict(zip(last, sizes, strict=True))
        if all(condition.at(example).broken() is False for condition in conditions):
            return example
    return None


def _near(found: Members | None, size: int) -> Iterator[int]:
    """The first members from `size` on, then those below it; the size itself where any size will
    do."""
    if found is None:
        yield size
        return
    every = (*range(size, LARGEST), *range(1, size))
    allowed = (number for number in every if found.at_number(number))
    yield from (number for number, _ in zip(allowed, range(NEARBY), strict=False))
