"""A network of one's own, free in the arguments of its constructor too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.answers.spaces import Fixed, TracedSpace
from flopscope.answers.target import Source, Target
from flopscope.closedform.javascript import code
from flopscope.closedform.scripts import checks
from flopscope.errors import FlopscopeError
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger

Value = int | float


class Made(NamedTuple):
    """A network that was made from symbols: its ledger, the defaults of the arguments that are free
    in it, and what must be said of the others."""

    ledger: Ledger
    arguments: Mapping[str, Value]
    notes: tuple[str, ...] = ()


def made_from_symbols(target: Target, image: InputSpec, at: Mapping[str, int]) -> Made | None:
    """The network in the free sizes of its image, whose examples are `at`, and in the arguments of
    its constructor that have a number as default and are not given. As many of them are free as the
    code takes symbols for; None where it takes none, or where the formula has no JavaScript."""
    if target.source is not Source.OWN or target.module is not None:
        return None
    try:
        space = TracedSpace(target, Fixed(inputs=(image,)))
        with space.open():
            numbers = _numbers(space)
            return _made(space, numbers, at) if numbers else None
    except FlopscopeError:  # the trace in the sizes of the image alone says what is wrong
        return None


def _numbers(space: TracedSpace) -> dict[str, Value]:
    own = [name for name in space.free if name not in space.input_sizes]
    return {name: space.usual(name) for name in own if space.usual(name) is not None}


def _made(space: TracedSpace, numbers: Mapping[str, Value], at: Mapping[str, int]) -> Made | None:
    ledger, taken = _ledger(space, numbers, at)
    used = {each.name for each in ledger.symbols()}
    free = {name: value for name, value in taken.items() if name in used}
    settled = {name: value for name, value in taken.items() if name not in used}
    if not free:
        return None
    stated = {s.name for condition in ledger.conditions for s in condition.symbols()}
    found = ledger.at(**settled) if settled else ledger
    code([found.params().value, found.macs().value])  # raises where there is no JavaScript
    checks(found.conditions)
    stay = [n for n, value in settled.items() if n in stated and isinstance(value, int)]
    stay += [n for n in numbers if n not in taken]
    return Made(found, free, tuple(_stays(space.target, n, numbers[n]) for n in stay))


def _ledger(
    space: TracedSpace, numbers: Mapping[str, Value], at: Mapping[str, int]
) -> tuple[Ledger, Mapping[str, Value]]:
    """The ledger in all these arguments, else in as many as can be free together."""
    try:
        return space.everywhere({**at, **numbers}).ledger, numbers
    except FlopscopeError:
        found, taken = Ledger(()), dict[str, Value]()
    for name, value in numbers.items():
        try:
            found = space.everywhere({**at, **taken, name: value}).ledger
        except FlopscopeError:
            continue
        taken[name] = value
    return found, taken


def _stays(target: Target, name: str, value: Value) -> str:
    given = ",".join((*target.pairs, f"{name}=…"))
    return (
        f"{name} stays {value}, because the code takes another way at another number; give that as "
        f"{target.place or target.name}[{given}]."
    )
