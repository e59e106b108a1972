"""The space of a network in PyTorch: its constructor's arguments and the sizes of its input.

A trace in symbols holds wherever the code takes the same branches, so that few traces give many
designs. Where code cannot take a symbol, the argument is a number and each value takes a trace.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from functools import cached_property
from typing import Any

from flopscope.answers.profile import profile, said
from flopscope.answers.ranges import Range, Value
from flopscope.answers.spaces.space import BATCH, HEIGHT, RES, WIDTH, Fixed, Part, Space
from flopscope.answers.target import Target
from flopscope.arguments import parse_input
from flopscope.errors import BadInput, FlopscopeError
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.sizes import is_symbolic
from flopscope.symbolic import Polynomial, Symbol, alone, substitute


class Symbols(IntEnum):
    """Where a trace has symbols in place of numbers."""

    NOWHERE = 0
    INPUTS = 1
    EVERYWHERE = 2


class TracedSpace(Space):
    """The designs of a target that is traced."""

    def __init__(self, target: Target, fixed: Fixed) -> None:
        super().__init__(target, fixed)
        require_witnesses()
        self.arguments = target.arguments(fixed.arguments)
        self._given = tuple(parse_input(i) if isinstance(i, str) else i for i in fixed.inputs)
        self._most = Symbols.EVERYWHERE
        if self._given and (fixed.res is not None or fixed.batch is not None):
            raise BadInput(
                "--input gives every size of the input; leave --res and --batch out, or --input"
            )
        if fixed.examples:
            raise BadInput(f"{target.name} is no ONNX file and takes no --example; leave it out")

    @cached_property
    def input_sizes(self) -> Sequence[str]:
        """The names of the sizes of its inputs that may be free."""
        if not self._given:
            sides = (HEIGHT, WIDTH)
            return [RES, BATCH, *(name for name in sides if name not in self._parameters)]
        sizes = [size for each in self._given for size in each.shape]
        return list(dict.fromkeys(s.name for n in sizes if is_symbolic(n) for s in n.symbols()))

    @property
    def free(self) -> Sequence[str]:
        """The sizes of its input, and the arguments of its constructor that are numbers, or that it
        has no default for."""
        own = [name for name in self._parameters if name not in self.arguments]
        sizes = self.input_sizes if self._given else [RES, BATCH]
        numbers = (n for n in own if n in self._needed or self._parameters[n] is not None)
        return [*sizes, *numbers]

    @cached_property
    def shape(self) -> tuple[int, int] | None:
        """Height and width of its image where they are not free."""
        if self._given:
            return None
        res = self.fixed.res
        size = self.target.native(self.fixed.arguments) if res is None else res
        return (size, size) if isinstance(size, int) else size

    def words(self, free: Collection[str]) -> str:
        """Its inputs as they were given, or the sizes of its image that are not free."""
        return f"on {said(self._given)}" if self._given else super().words(free)

    def checked(self, ranges: Sequence[Range]) -> tuple[Range, ...]:
        """The same as of any space, and BadInput where a size of its input is neither free nor
        known."""
        found = super().checked(ranges)
        free = {each.name: 1 for each in found if each.name in self.input_sizes}
        left = [n for each in self._inputs(free) for n in each.shape if is_symbolic(n)]
        if names := [s.name for n in left for s in n.symbols()]:
            raise BadInput(
                f"the input {said(self._given)} has free sizes that are not in --free: "
                f"{', '.join(dict.fromkeys(names))}; name them there, or give numbers"
            )
        return found

    def takes(self, name: str) -> bool:
        """Is it one of them, or an argument of a function that takes any?"""
        if name in self.arguments:
            raise BadInput(f"{name} is given and free at once; leave one of them out")
        return name in self.input_sizes or name in self._parameters or self._takes_any

    def usual(self, name: str) -> Any:
        """The default of an argument; 1 of a batch; the side of the image that it is made for."""
        if name not in self.input_sizes:
            return self._parameters.get(name)
        if name in (RES, HEIGHT, WIDTH) and not self._given:
            return None if self.shape is None else self.shape[name == WIDTH]
        return 1 if name == BATCH and not self._given else None

    @contextmanager
    def open(self) -> Iterator[None]:
        """While active, the reader's file is loaded once."""
        from flopscope.tracing.loading.usercode import importable

        with importable(self.target.place):
            yield

    def part(self, at: Mapping[str, Value]) -> Part:
        """A trace in as many symbols as the code takes. Raises BadInput where the network cannot be
        made or run at these values."""
        most = self._most
        try:
            return self._traced(at, most)
        except FlopscopeError:
            if most is Symbols.NOWHERE:
                raise
        found = self.at_numbers(at)  # raises where there is no such network
        self._most = Symbols.NOWHERE
        if most is Symbols.EVERYWHERE:
            try:
                found = self._traced(at, Symbols.INPUTS)
            except FlopscopeError:
                return found
            self._most = Symbols.INPUTS
        return found

    def everywhere(self, at: Mapping[str, Value]) -> Part:
        """A trace in symbols for all of these. Raises a FlopscopeError where the code takes one of
        them as a number alone."""
        return self._traced(at, Symbols.EVERYWHERE)

    def at_numbers(self, at: Mapping[str, Value]) -> Part:
        """A trace at numbers."""
        return self._traced(at, Symbols.NOWHERE)

    def _traced(self, at: Mapping[str, Value], where: Symbols) -> Part:
        own = [name for name in at if name not in self.input_sizes]
        kept = {Symbols.NOWHERE: list(at), Symbols.INPUTS: own, Symbols.EVERYWHERE: []}[where]
        numbers = {name: at[name] for name in kept}
        values = {**{name: _symbol(name, value) for name, value in at.items()}, **numbers}
        arguments = {name: values[name] for name in own}
        inputs = self._inputs(values)
        if where is Symbols.EVERYWHERE and own:
            return Part(*self._derived(arguments, inputs, at), numbers)
        example = {name: int(value) for name, value in at.items() if name not in numbers}
        found = profile(self.target, inputs, {**self.fixed.arguments, **arguments}, example)
        return Part(found.ledger, found.expected, numbers)

    def _derived(
        self, free: Mapping[str, Any], inputs: Sequence[InputSpec], at: Mapping[str, Any]
    ) -> tuple[Ledger, tuple[str, ...]]:
        """The trace of a network that is made from symbols."""
        from flopscope.tracing import derive
        from flopscope.tracing.building.constructing import given_module
        from flopscope.tracing.inputs import tensors_for
        from flopscope.tracing.loading.extensions import with_torchvision
        from flopscope.tracing.loading.refusals import making_refused
        from flopscope.tracing.loading.targets import resolved

        place, arguments = self.target.place, {**self.arguments, **free}
        make = given_module(self._make, arguments, self.name)
        given = arguments if self.target.maker else resolved(place, arguments)
        positional, named = tensors_for(inputs)
        with making_refused(f"{self.name} cannot be made from symbols", make, given):
            found = with_torchvision(
                lambda: derive(make, given, *positional, example=dict(at), **named)
            )
        return found.ledger, found.expected

    def _inputs(self, values: Mapping[str, Any]) -> tuple[InputSpec, ...]:
        """Its inputs, with these values of the free sizes."""
        if not self._given:
            res = values.get(RES, self.fixed.res)
            if isinstance(res, Polynomial):
                res = (res, res)
            if HEIGHT in values or WIDTH in values:
                res = tuple(values.get(name, self.usual(name)) for name in (HEIGHT, WIDTH))
                if None in res:
                    raise BadInput(
                        f"{self.name} states no size of its image; give both sides in --free, as "
                        "in H=32:64:32,W=32:64:32"
                    )
            return self.target.inputs(res, values.get(BATCH, self.batch or 1), self.fixed.arguments)
        return tuple(
            InputSpec(i.keyword, tuple(substitute(n, values) for n in i.shape), i.dtype)
            for i in self._given
        )

    @cached_property
    def _make(self) -> Any:
        from flopscope.tracing.loading.targets import maker

        return self.target.maker or maker(self.target.place)

    @cached_property
    def _signature(self) -> Sequence[inspect.Parameter]:
        """What its constructor takes; nothing where the target is a module already."""
        from flopscope.tracing.loading.targets import constructor_parameters

        return () if self.target.module is not None else constructor_parameters(self._make)

    @cached_property
    def _parameters(self) -> Mapping[str, int | float | None]:
        """The arguments of its constructor with their defaults; None where this is no number."""
        return {p.name: p.default if _is_number(p.default) else None for p in self._named}

    @property
    def _needed(self) -> set[str]:
        """The arguments without a default."""
        return {p.name for p in self._named if p.default is p.empty}

    @property
    def _named(self) -> list[inspect.Parameter]:
        return [p for p in self._signature if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]

    @property
    def _takes_any(self) -> bool:
        return any(p.kind is p.VAR_KEYWORD for p in self._signature)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _symbol(name: str, value: Value) -> Polynomial:
    """The symbol that stands for a size: an integer from 1, or a real number above 0."""
    whole = isinstance(value, int)
    return alone(Symbol(name, 1 if whole else 0, whole, own=True))
