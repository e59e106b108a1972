"""The sizes of a graph's inputs, as the file states or the reader gives them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from keyword import iskeyword
from pathlib import Path

from onnx import ModelProto

from flopscope.errors import BadInput, UnknownName
from flopscope.onnxgraph.model.headers import StatedDimension, Typed, typed
from flopscope.sizes import Shape, Size, floor_div, is_symbolic
from flopscope.symbolic import Symbol, alone, substitute

PLACEHOLDER = re.compile(r"unk__\d+|\?|-1|None")
"""Names that inference and converters write for an unknown size."""


class Names:
    """Turns dimensions into sizes: numbers stay, and names become symbols unless `sizes` gives
    their value.

    `free` are the names of the sizes of inputs. Any other name was made up for the output of an
    operator: it does not say where the size comes from, and stays open unless it is given a value.
    """

    def __init__(self, sizes: Mapping[str, int], free: Iterable[str] = ()) -> None:
        self._sizes = sizes
        self._met: set[str] = set()
        self._symbols = _written(list(free))

    def size(self, dimension: StatedDimension) -> Size | None:
        """The size, or None for an open dimension."""
        if not isinstance(dimension, str):
            return dimension
        name = self._symbols.get(dimension, dimension)
        for known in (dimension, name):
            if known in self._sizes:
                self._met.add(known)
                return self._sizes[known]
        if dimension in self._symbols:
            self._met.add(name)
            return own_symbol(name)
        return self._expression(dimension)

    def shape(self, value: Typed | None) -> Shape | None:
        """The value's shape, or None unless every dimension is known."""
        if value is None or value.dimensions is None:
            return None
        sizes = tuple(map(self.size, value.dimensions))
        return None if any(size is None for size in sizes) else sizes

    def given(self, shape: Shape) -> Shape:
        """A shape that the reader gave, in which sizes with a value are replaced."""
        found = {s for size in shape if is_symbolic(size) for s in size.symbols()}
        self._met |= {s.name for s in found}
        self._symbols |= {s.name: s.name for s in found}
        values = {s.name: own_symbol(s.name) for s in found if s.integer} | dict(self._sizes)
        return tuple(substitute(size, values) for size in shape)

    def check_met(self) -> None:
        """Raises UnknownName if a size was given a value but does not occur."""
        for name in self._sizes:
            if name not in self._met:
                raise UnknownName("size", name, sorted(self._met) or ["none"])

    def _expression(self, text: str) -> Size | None:
        """The size that arithmetic on known names gives, as exporters write sizes that follow from
        others."""
        if (tree := _parsed(text)) is None:
            return None
        try:
            size = self._value(tree)
        except (ValueError, ArithmeticError, RecursionError):
            return None
        return size if is_symbolic(size) or isinstance(size, int) else None

    def _value(self, node: ast.expr) -> Size:
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
            left, right = self._value(node.left), self._value(node.right)
            return OPERATIONS[type(node.op)](left, right)
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        known = self._symbols.keys() | self._sizes.keys()
        size = self.size(node.id) if isinstance(node, ast.Name) and node.id in known else None
        if size is not None:
            return size
        raise ValueError("no size")


LONGEST = 200
"""The most characters of a dimension that are read as arithmetic."""

OPERATIONS: Mapping[type[ast.operator], Callable[[Size, Size], Size]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: floor_div,
}


def own_symbol(name: str) -> Size:
    """A free size that is written by the name that the file or the reader gives it.

    >>> print(own_symbol("tokens"))
    tokens
    """
    return alone(Symbol(name, own=True))


def names_of(model: ModelProto, held: Collection[str]) -> list[str]:
    """The names of the sizes that the inputs state, each once."""
    values = (typed(value) for value in model.graph.input if value.name not in held)
    sizes = (d for value in values for d in value.dimensions or ())
    return list(dict.fromkeys(d for d in sizes if isinstance(d, str)))


def _written(names: Iterable[str]) -> dict[str, str]:
    """Each name as it is written in formulas: with _ for blanks and signs, and no two alike.

    Placeholders are left out, and arithmetic on the other names is read as such.
    """
    named = [name for name in names if name.strip("_ ") and not PLACEHOLDER.fullmatch(name)]
    plain = [name for name in named if name.isidentifier() and not iskeyword(name)]
    written = {name: name for name in plain}
    for name in named:
        if name in plain or _is_arithmetic(name, plain):
            continue
        symbol = re.sub(r"\W+", "_", name.strip())
        symbol = symbol if symbol.isidentifier() and not iskeyword(symbol) else f"size_{symbol}"
        while symbol in written.values():
            symbol += "_"
        written[name] = symbol
    return written


def _is_arithmetic(text: str, names: Collection[str]) -> bool:
    tree = _parsed(text)
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)] if tree else []
    return bool(used) and set(used) <= set(names)


def _parsed(text: str) -> ast.expr | None:
    """The text parsed as an expression of names and numbers; None for other text, and for long
    text."""
    if len(text) > LONGEST or not re.fullmatch(r"[\w\s+*/()-]+", text):
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def input_shapes(
    model: ModelProto,
    held: Sequence[str],
    given: tuple[Sequence[Shape], Mapping[str, Shape]],
    names: Names,
    path: Path,
) -> dict[str, Shape]:
    """The shape of every input that is not an initialiser, by name: as given, else the file's own.

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


def _text(dimensions: Sequence[StatedDimension]) -> str:
    return ",".join("?" if d is None else str(d) for d in dimensions)
