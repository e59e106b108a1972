"""What a command line says about a module: its arguments, inputs and examples, as values."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flopscope.alphabet import ALPHABET, MULTIPLIERS
from flopscope.errors import BadInput, UnknownName
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import Polynomial, symbol

TYPES = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int8", "uint8", "bool")
"""Types of an input's elements, by torch's names."""


@dataclass(frozen=True)
class InputSpec:
    """An input of a network: the keyword it is given under, its sizes, its elements' type."""

    keyword: str | None
    shape: tuple[Size, ...]
    dtype: str = "float32"


def parse_input(text: str) -> InputSpec:
    """'ids=B,T:int64' as the keyword, the sizes and the type; keyword and type may be left out.

    Raises BadInput for a size that is none, UnknownName for a type.

    >>> parse_input("ids=1,77:int64")
    InputSpec(keyword='ids', shape=(1, 77), dtype='int64')
    """
    keyword, equals, rest = text.rpartition("=")
    if equals and not keyword.strip().isidentifier():
        raise BadInput(f"'{keyword}' in the input '{text}' is no name; write it like ids=B,T:int64")
    sizes, colon, dtype = rest.partition(":")
    if colon and dtype not in TYPES:
        raise UnknownName("type of an input", dtype, TYPES)
    return InputSpec(keyword.strip() or None, parse_shape(sizes), dtype or "float32")


def parse_shape(text: str) -> tuple[Size, ...]:
    """'B,3,H,W' as sizes: integers from 1, and names of free sizes.

    >>> parse_shape("1,3,224,224")
    (1, 3, 224, 224)
    """
    return tuple(_size(part.strip(), text) for part in text.split(","))


def _size(part: str, text: str) -> Size:
    if part.isdecimal() and int(part) > 0:
        return int(part)
    if re.fullmatch(r"[A-Za-z_]\w*", part):
        return symbol(part)
    known = ", ".join(name for name in ALPHABET if len(name) == 1)
    raise BadInput(
        f"'{part}' in the input '{text}' is not a size; "
        f"give an integer from 1, or a name such as {known}"
    )


def parse_arguments(pairs: Sequence[str]) -> dict[str, Any]:
    """'width=24' as {'width': 24}: Python literals, else text. Raises BadInput without an equals
    sign.

    >>> parse_arguments(["width=24", "norm=batch"])
    {'width': 24, 'norm': 'batch'}
    """
    from ast import literal_eval

    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise BadInput(f"'{pair}' is not an argument; write it as name=value")
        try:
            arguments[name] = literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[name] = value
    return arguments


def parse_examples(pairs: Sequence[str]) -> dict[str, int]:
    """'tokens=77' as {'tokens': 77}. Raises BadInput unless the value is an integer from 1."""
    examples = parse_arguments(pairs)
    for name, value in examples.items():
        if not isinstance(value, int) or value < 1:
            raise BadInput(f"the example {name}={value} is not a size; give an integer from 1")
    return examples


HALF = "half_"
"""Prefix of the j that stands for (K − 1)/2 while a size K is traced that is odd by name."""

OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: lambda a, b: a**b,
}


def parse_symbolic(pair: str) -> tuple[str, Any]:
    """'embed=h*d' as ('embed', h·d): names are free sizes, text stands in quotes.

    Raises BadInput for what is neither a literal nor a sum of products of names and numbers.

    >>> name, value = parse_symbolic("embed_dim=h*d")
    >>> print(name, value)
    embed_dim d·h
    >>> print(*parse_symbolic("kernel_size=K"))  # a kernel is odd
    kernel_size 2·half_K + 1
    >>> parse_symbolic("norm='batch'")
    ('norm', 'batch')
    """
    name, equals, text = pair.partition("=")
    if not equals or not name.isidentifier():
        raise BadInput(f"'{pair}' is not an argument; write it as name=value")
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError) as error:
        raise BadInput(
            f"'{text}' in '{pair}' is neither a number, a text in quotes nor an expression "
            "in free sizes; write it like C, 2*C, h*d or 'text'"
        ) from error
    odd = "kernel" in name and isinstance(value, Polynomial) and str(value).isidentifier()
    return name, 2 * symbol(HALF + str(value)) + 1 if odd else value


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _symbol(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        value = OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
        if is_symbolic(value) or isinstance(value, int | float):
            return value
        raise ValueError("no size")
    if isinstance(node, ast.Tuple | ast.List):
        items = [_value(item) for item in node.elts]
        return tuple(items) if isinstance(node, ast.Tuple) else items
    return ast.literal_eval(node)


def _symbol(name: str) -> Polynomial:
    return symbol(name, lower=0, integer=False) if name in MULTIPLIERS else symbol(name)
