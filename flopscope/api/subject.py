"""The network that a function counts, and its inputs: shapes as tuples, texts or tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.answers.target import Target, parse_target, refuse_arguments
from flopscope.api.given import is_integer, text
from flopscope.arguments import parse_input
from flopscope.brief import shown
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import TYPES, InputSpec
from flopscope.sizes import is_symbolic
from flopscope.symbolic import symbol

if TYPE_CHECKING:
    from torch import nn

    from flopscope.reconciling.subjects import Subject

Shapes: TypeAlias = Any
"""An input: (1, 3, 224, 224), ("B", 3, "H", "W"), "B,3,H,W", "ids=B,T:int64", a tensor, or a
mapping from the names of inputs to these."""

SUCH = "give a shape such as (1, 3, 224, 224), ('B', 3, 'H', 'W') or 'ids=B,T:int64'"


def specs(given: Sequence[Shapes]) -> tuple[InputSpec, ...]:
    """The inputs, each with its name, sizes and type. Raises BadInput for what is none.

    >>> [spec.shape for spec in specs([(1, 3, 32, 32), "2,8"])]
    [(1, 3, 32, 32), (2, 8)]
    """
    found: list[InputSpec] = []
    for one in given:
        if isinstance(one, Mapping):
            found += [_spec(value, str(name)) for name, value in one.items()]
        else:
            found.append(_spec(one))
    return tuple(found)


def shapes(name: str, value: Any) -> tuple[InputSpec, ...]:
    """One input, or a list of several."""
    return specs(value if isinstance(value, list) else [value])


def _spec(given: Any, keyword: str | None = None) -> InputSpec:
    if isinstance(given, InputSpec):
        return given
    if isinstance(given, str):
        if not given.strip():
            raise BadInput(f"an input is an empty text; {SUCH}")
        read = parse_input(text("an input", given))
        return read if keyword is None else InputSpec(keyword, read.shape, read.dtype)
    if hasattr(given, "shape") and hasattr(given, "dtype"):  # a tensor, an array, a traced Input
        dtype = str(given.dtype).removeprefix("torch.")
        if dtype not in TYPES:
            raise UnknownName("type of an input", dtype, TYPES)
        return InputSpec(keyword, _shape(tuple(given.shape)), dtype)
    if not isinstance(given, tuple | list):
        raise BadInput(f"{shown(given)} is not an input; {SUCH}")
    return InputSpec(keyword, _shape(given))


def _shape(given: Sequence[Any]) -> tuple[Any, ...]:
    if given and all(isinstance(one, tuple | list) for one in given):
        raise BadInput(
            f"{shown(given)} has several shapes in it; give each input as an argument of its own"
        )
    return tuple(_size(size, given) for size in given)


def _size(size: Any, given: Sequence[Any]) -> Any:
    if is_integer(size) and size > 0:
        return int(size)
    if is_symbolic(size):
        return size
    if isinstance(size, str) and size.isidentifier():
        return symbol(size)
    number = isinstance(size, str) and size.strip().isdecimal()
    what = "is text" if number else "is not a size"
    raise BadInput(
        f"{shown(size)} in the input {shown(given)} {what}; give an integer from 1, or a name such "
        "as 'H'"
    )


def given_inputs(
    target: Target,
    inputs: Sequence[Shapes],
    res: int | tuple[int, int] | None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
) -> tuple[InputSpec, ...]:
    """The inputs as they are given, or by the size of an image; none where the target's own are
    meant. Raises BadInput for both at once."""
    if not inputs:
        return target.given((), res, batch, arguments)
    if res is not None:
        raise BadInput(
            "an input and res both give the size of the input; give one of them, such as res=224 "
            "or (1, 3, 224, 224)"
        )
    if batch != 1:
        raise BadInput("an input gives the batch too, as in (8, 3, 224, 224); leave batch out")
    return specs(inputs)


def counted(
    network: str | nn.Module,
    inputs: Sequence[Shapes],
    res: int | tuple[int, int] | None,
    batch: int,
    arguments: Mapping[str, Any] | None,
    example: Mapping[str, int] | None,
) -> Subject:
    """A catalogue model by its closed form, any other network by its trace or graph, at
    numbers."""
    from flopscope.answers.counted import Given, sizes_of
    from flopscope.answers.counted import counted as at_numbers
    from flopscope.reconciling import subjects

    target = parse_target(network)
    given = Given(res, batch, specs(inputs), example=example or {})
    if target.variant is not None:
        refuse_arguments(target.name, arguments, example)
        return subjects.of_variant(target.variant, *sizes_of(target.variant, given))
    return subjects.of_counted(at_numbers(target, given, arguments), arguments)
