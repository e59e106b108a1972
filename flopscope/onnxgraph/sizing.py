"""Which sizes a graph has: its inputs' shapes, as the file or the reader gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from keyword import iskeyword
from pathlib import Path

from onnx import ModelProto

from flopscope.errors import BadInput, UnknownName
from flopscope.onnxgraph.headers import Dimension, Typed, typed
from flopscope.sizes import Shape, Size
from flopscope.symbolic import substitute, symbol


class Names:
    """Dimensions as sizes: numbers, and names as symbols unless `sizes` gives their value."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._met: set[str] = set()

    def size(self, dimension: Dimension) -> Size | None:
        """The size, or None for a dimension that is open, or whose name no formula can hold."""
        if not isinstance(dimension, str):
            return dimension
        if dimension in self._sizes:
            self._met.add(dimension)
            return self._sizes[dimension]
        nameable = dimension.isidentifier() and not iskeyword(dimension)
        self._met |= {dimension} if nameable else set()
        return symbol(dimension) if nameable else None

    def shape(self, value: Typed | None) -> Shape | None:
        """The value's shape, or None unless every dimension is known."""
        if value is None or value.dimensions is None:
            return None
        sizes = tuple(map(self.size, value.dimensions))
        return None if any(size is None for size in sizes) else sizes

    def given(self, shape: Shape) -> Shape:
        """A shape that the reader gave, with the sizes that have a value replaced."""
        for size in shape:
            self._met |= {s.name for s in size.symbols()} if hasattr(size, "symbols") else set()
        return tuple(substitute(size, self._sizes) for size in shape)

    def check_met(self) -> None:
        """Raises UnknownName for a size that was given a value and does not occur."""
        for name in self._sizes:
            if name not in self._met:
                raise UnknownName("size", name, sorted(self._met) or ["none"])


def input_shapes(
    model: ModelProto,
    held: Sequence[str],
    given: tuple[Sequence[Shape], Mapping[str, Shape]],
    names: Names,
    path: Path,
) -> dict[str, Shape]:
    """The shape of every input that is no initialiser, by name: as given, else the file's own.

    Raises BadInput for a wrong number of shapes or sizes, and for sizes that the file leaves open;
    UnknownName for an input that the file does not have.
    """
    values = {value.name: value for value in model.graph.input if value.name not in held}
    replaced = _by_name(list(values), *given, path)
    shapes = {}
    for name, value in values.items():
        if not value.type.HasField("tensor_type"):
            raise BadInput(
                f"input '{name}' of {path} is not a tensor; give a model that takes tensors"
            )
        stated = typed(value)
        if name in replaced:
            shapes[name] = _given(names.given(replaced[name]), name, stated, path)
        else:
            shapes[name] = _stated(names, name, stated, path)
    return shapes


def _by_name(
    inputs: list[str], shapes: Sequence[Shape], named: Mapping[str, Shape], path: Path
) -> dict[str, Shape]:
    for name in named:
        if name not in inputs:
            raise UnknownName("input", name, inputs or ["none"])
    rest = [name for name in inputs if name not in named]
    if shapes and len(shapes) != len(rest):
        raise BadInput(
            f"{path} has {len(rest)} inputs to give in order ({', '.join(rest) or 'none'}), but "
            f"{len(shapes)} shapes were given; give one for each, or none to take the file's own"
        )
    return {**named, **dict(zip(rest, shapes, strict=False))}


def _given(shape: Shape, name: str, stated: Typed, path: Path) -> Shape:
    if stated.dimensions is not None and len(stated.dimensions) != len(shape):
        raise BadInput(
            f"input '{name}' of {path} has {len(stated.dimensions)} sizes, but {len(shape)} were "
            f"given; give it as {_text(stated.dimensions)}"
        )
    return shape


def _stated(names: Names, name: str, stated: Typed, path: Path) -> Shape:
    shape = names.shape(stated)
    if shape is None:
        sizes = "any sizes" if stated.dimensions is None else _text(stated.dimensions)
        raise BadInput(
            f"input '{name}' of {path} is stated as {sizes}, which leaves sizes open; "
            "give its shape, as in --input 1,3,224,224 or --input B,3,H,W"
        )
    return shape


def _text(dimensions: Sequence[Dimension]) -> str:
    return ",".join("?" if d is None else str(d) for d in dimensions)
