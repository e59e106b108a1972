"""What a command line says about a module: its arguments, inputs and examples, as values."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flopscope.alphabet import ALPHABET, is_kernel
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import TYPES, InputSpec
from flopscope.sizes import Size, is_symbolic
from flopscope.symbolic import Polynomial, dimension, symbol


@dataclass(frozen=True)
class NamedObject:
    """Something in the target's own module: a name such as nn.GELU, or a call such as
    Config(width=16). `text` is what the reader wrote."""

    name: str
    text: str
    called: bool = False
    positional: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Deferred:
    """A call of a function that has been found. It is carried out later, once it is known whether
    its arguments are numbers or symbolic sizes."""

    function: Callable[..., Any]
    positional: tuple[Any, ...]
    named: Mapping[str, Any]

    def made(self, of: Callable[[Any], Any]) -> Any:
        """What the function returns for these arguments, each of them passed through `of`."""
        named = {name: of(value) for name, value in self.named.items()}
        return self.function(*map(of, self.positional), **named)

    def __call__(self, **more: Any) -> Any:
        """What the function returns for numbers, with `more` arguments by name."""
        return Deferred(self.function, self.positional, {**self.named, **more}).made(as_numbers)


def as_numbers(value: Any) -> Any:
    """An argument, or a mapping of them, with every call in it carried out on numbers."""
    if isinstance(value, Deferred):
        return value.made(as_numbers)
    if type(value) in (tuple, list):
        return type(value)(map(as_numbers, value))
    return {k: as_numbers(v) for k, v in value.items()} if type(value) is dict else value


def parse_input(text: str) -> InputSpec:
    """Read 'ids=B,T:int64' as keyword, sizes and type; keyword and type may be left out.

    Raises BadInput for text that is not a size, UnknownName for an unknown type.

    >>> parse_input("ids=1,77:int64")
    InputSpec(keyword='ids', shape=(1, 77), dtype='int64')
    """
    keyword, equals, rest = text.rpartition("=")
    if equals and not keyword.strip().isidentifier():
        raise BadInput(
            f"'{keyword}' in the input '{text}' is not a name; write it like ids=B,T:int64"
        )
    sizes, colon, dtype = rest.partition(":")
    if colon and dtype not in TYPES:
        raise UnknownName("type of an input", dtype, TYPES)
    return InputSpec(keyword.strip() or None, parse_shape(sizes), dtype or "float32")


def parse_shape(text: str) -> tuple[Size, ...]:
    """Read 'B,3,H,W' as sizes, which are integers from 1 or names of free sizes. Raises BadInput
    for any other text.

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
    """Read 'width=24' as {'width': 24}. A value is a Python literal; a name or call in the target's
    module, as `NamedObject`; or else text.

    Raises BadInput without an equals sign or a value, or for a name that is given twice.

    >>> parse_arguments(["width=24", "norm=batch"])
    {'width': 24, 'norm': 'batch'}
    >>> parse_arguments(["config=Config(width=24)"])["config"].named
    (('width', 24),)
    """
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise BadInput(f"'{pair}' is not an argument; write it as name=value")
        if not value.strip():
            raise BadInput(
                f"'{pair}' gives no value; write one as in {name}=24, or '' for an empty text"
            )
        if name in arguments:
            raise BadInput(f"the argument {name} is given twice; give it once")
        arguments[name] = _literal(value)
    return arguments


def _literal(text: str) -> Any:
    try:
        return _plain(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text


def parse_name(text: str) -> NamedObject:
    """Read what follows the last colon of a target: Net, Net.small or Net(Config(width=16)). Raises
    BadInput for anything else.

    >>> parse_name("Net(depth=2)").named
    (('depth', 2),)
    """
    try:
        value = _inside(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, TypeError, SyntaxError) as error:
        raise BadInput(_no_name(text)) from error
    if not isinstance(value, NamedObject):
        raise BadInput(_no_name(text))
    return value


def _no_name(text: str) -> str:
    return (
        f"'{text}' is not a name in a module; "
        "write one like Net, Net.small or Net(Config(width=16))"
    )


def parse_examples(pairs: Sequence[str]) -> dict[str, int]:
    """Read 'tokens=77' as {'tokens': 77}. Raises BadInput unless the value is an integer from 1."""
    examples = parse_arguments(pairs)
    for name, value in examples.items():
        if not isinstance(value, int) or value < 1:
            raise BadInput(f"the example {name}={value} is not a size; give an integer from 1")
    return examples


HALF = "half_"
"""Prefix of the symbol that stands for (K − 1)/2 while a module is traced in a size K whose name
says that it is odd."""

OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: lambda a, b: a**b,
}


def parse_symbolic(pair: str) -> tuple[str, Any]:
    """Read 'embed=h*d' as ('embed', h·d). Names are free sizes; text stands in quotes.

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
    return name, odd_kernel(name, value)


def odd_kernel(name: str, value: Any) -> Any:
    """The value of an argument, where a size that is a name alone is odd if the argument's name
    says that it is the side of a kernel."""
    odd = is_kernel(name) and isinstance(value, Polynomial) and str(value).isidentifier()
    return 2 * symbol(HALF + str(value)) + 1 if odd else value


def parse_symbolics(pairs: Sequence[str]) -> dict[str, Any]:
    """Read all arguments of a command line by `parse_symbolic`. Raises BadInput for a name that is
    given twice, too."""
    arguments: dict[str, Any] = {}
    for name, value in map(parse_symbolic, pairs):
        if name in arguments:
            raise BadInput(f"the argument {name} is given twice; give it once")
        arguments[name] = value
    return arguments


def _value(node: ast.expr) -> Any:
    """The value of an expression in free sizes."""
    if isinstance(node, ast.Name):
        return dimension(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        value = OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
        if is_symbolic(value) or isinstance(value, int | float):
            return value
        raise ValueError("no size")
    return _of_parts(node, _value, _value)


def _plain(node: ast.expr) -> Any:
    """A literal, or something in the target's module. A plain name alone is read as neither."""
    return _of_parts(node, _plain, _inside)


def _inside(node: ast.expr) -> Any:
    """The same inside a call, where a plain name means one of the target's module."""
    if isinstance(node, ast.Name):
        return NamedObject(node.id, node.id)
    return _of_parts(node, _inside, _inside)


def _of_parts(
    node: ast.expr, of: Callable[[ast.expr], Any], of_argument: Callable[[ast.expr], Any]
) -> Any:
    if isinstance(node, ast.Attribute):
        return NamedObject(_dotted(node), ast.unparse(node))
    if isinstance(node, ast.Call):
        if any(keyword.arg is None for keyword in node.keywords):
            raise ValueError("no name")
        positional = tuple(map(of_argument, node.args))
        named = tuple((str(k.arg), of_argument(k.value)) for k in node.keywords)
        return NamedObject(_dotted(node.func), ast.unparse(node), True, positional, named)
    if isinstance(node, ast.Tuple | ast.List):
        items = list(map(of, node.elts))
        return tuple(items) if isinstance(node, ast.Tuple) else items
    return ast.literal_eval(node)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError("no name")
