"""The space of an ONNX file: the named sizes of its inputs, its batch and the side of its image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from flopscope.answers.ranges import Range, Value
from flopscope.answers.spaces.space import BATCH, RES, Fixed, Part, Space
from flopscope.answers.target import Target
from flopscope.errors import BadInput, FlopscopeError
from flopscope.extras import require_onnx
from flopscope.sizes import Shape, is_symbolic
from flopscope.symbolic import Symbol, alone, substitute


class GraphSpace(Space):
    """The designs of a graph. It has no constructor, so that only sizes of its inputs are free."""

    def __init__(self, target: Target, fixed: Fixed) -> None:
        super().__init__(target, fixed)
        require_onnx()
        if fixed.arguments:
            raise BadInput(
                f"{target.name} is an ONNX file, which takes no arguments; leave --arg out"
            )
        if fixed.inputs:
            raise BadInput(
                f"{target.name} states its inputs; give --res, --batch or --example in place of "
                "--input"
            )
        self._open = True  # may sizes be symbols?

    @cached_property
    def stated(self) -> Mapping[str, Shape]:
        """The shapes of its inputs by name, with symbols for sizes without a value."""
        from flopscope.onnxgraph import read

        return read(self.target.place, (), self.fixed.examples).inputs

    @property
    def names(self) -> list[str]:
        """The named sizes of its inputs that have no value."""
        sizes = [size for shape in self.stated.values() for size in shape]
        return list(dict.fromkeys(s.name for n in sizes if is_symbolic(n) for s in n.symbols()))

    @property
    def image(self) -> str | None:
        """The name of its first input with four sizes, which is an image; None if it has none."""
        return next((name for name, shape in self.stated.items() if len(shape) == 4), None)

    @property
    def free(self) -> Sequence[str]:
        """The named sizes, and batch and res where the graph takes an image."""
        own = [RES, BATCH] if self.image is not None else []
        return list(dict.fromkeys([*self.names, *own]))

    @property
    def shape(self) -> Any:
        """Height and width of its image where they are numbers."""
        res = self.fixed.res
        if res is not None or self.image is None:
            return (res, res) if isinstance(res, int) else res
        size = self.stated[self.image][2:]
        return None if any(map(is_symbolic, size)) else size

    def means(self, parts: int) -> str:
        """The graph is read anew where it cannot be read in symbols."""
        return f"in {parts:,} reading{'s' * (parts != 1)} of the graph"

    @property
    def batch(self) -> int | None:
        """The batch of its image where it is a number."""
        if self.fixed.batch is not None or self.image is None:
            return self.fixed.batch
        size = self.stated[self.image][0]
        return size if isinstance(size, int) else None

    def usual(self, name: str) -> Any:
        """The batch, or the side of the image, that the file states as numbers."""
        if self.image is None or name not in (RES, BATCH):
            return None
        batch, _, height, _ = self.stated[self.image]
        found = batch if name == BATCH else height
        return found if isinstance(found, int) else None

    def checked(self, ranges: Sequence[Range]) -> tuple[Range, ...]:
        """The same as of any space, and BadInput where a named size stays open."""
        found = super().checked(ranges)
        values = {each.name: each.values[0] if each.values else 1 for each in found}
        left = [s for shape in self._shapes(values).values() for n in shape if is_symbolic(n)
                for s in n.symbols()]  # fmt: skip
        if names := [name for name in dict.fromkeys(s.name for s in left) if name not in values]:
            raise BadInput(
                f"{self.name} has free sizes: {', '.join(names)}; name them in --free, or give "
                f"them numbers, such as --example {names[0]}=1"
            )
        return found

    def part(self, at: Mapping[str, Value]) -> Part:
        """The graph's ledger, in symbols if the graph can be read so. Raises BadInput where it
        cannot be read at these values."""
        if self._open:
            try:
                return self._read(at, {name: alone(Symbol(name, own=True)) for name in at}, {})
            except FlopscopeError:
                pass
        found = self.at_numbers(at)  # raises where there is no such network
        self._open = False
        return found

    def at_numbers(self, at: Mapping[str, Value]) -> Part:
        """The graph's ledger at numbers."""
        return self._read(at, at, at)

    def _read(
        self, at: Mapping[str, Value], values: Mapping[str, Any], numbers: Mapping[str, Value]
    ) -> Part:
        from flopscope.onnxgraph import read

        if all(name in self.names for name in at) and not self._replaces:
            sizes = {name: int(value) for name, value in numbers.items()}
            graph = read(self.target.place, (), {**self.fixed.examples, **sizes})
        else:  # sizes of the file are replaced
            graph = read(self.target.place, (), {}, self._shapes(values))
        return Part(graph.ledger, (), numbers)

    @property
    def _replaces(self) -> bool:
        """Is a size of the file given another value?"""
        return self.fixed.res is not None or self.fixed.batch is not None

    def _shapes(self, values: Mapping[str, Any]) -> dict[str, Shape]:
        """The shapes of its inputs, with batch and side of the image replaced where they are given
        or free."""
        shapes = {
            name: tuple(substitute(size, values) for size in shape)
            for name, shape in self.stated.items()
        }
        if self.image is not None:
            batch, channels, height, width = shapes[self.image]
            if self.fixed.batch is not None or (BATCH in values and BATCH not in self.names):
                batch = values.get(BATCH, self.fixed.batch)
            if RES in values and RES not in self.names:
                height = width = values[RES]
            elif self.fixed.res is not None:
                height, width = self.shape
            shapes[self.image] = (batch, channels, height, width)
        return shapes
