"""Sizes that may be free: numbers, arrays and symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flopscope.api.given import is_integer, is_number
from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.sizes import any_of, is_array, is_symbolic

if TYPE_CHECKING:
    from flopscope.catalog.variant import Variant


def size(name: str, value: Any) -> Any:
    """An integer from 1, an array of them, or a symbol."""
    if not _is_size(value):
        what = "is text" if isinstance(value, str) else "is not a positive integer"
        raise BadInput(
            f"{name} {shown(value)} {what}; give an integer from 1, an array of them or a symbol"
        )
    return int(value) if is_integer(value) else value


def image(name: str, value: Any) -> Any:
    """The side of a square image, or its height and width, each of which may be free."""
    sides = tuple(value) if isinstance(value, tuple | list) else (value,)
    pair = not isinstance(value, tuple | list) or len(sides) == 2
    if not pair or not all(map(_is_size, sides)):
        text = any(isinstance(side, str) for side in sides)
        raise BadInput(
            f"{name} {shown(value)} is {'text' if text else 'not the size of an image'}; give a "
            "size such as 224, or height and width such as (192, 256), or arrays or symbols"
        )
    made = tuple(int(side) if is_integer(side) else side for side in sides)
    return made if len(made) == 2 else made[0]


def _is_size(value: Any) -> bool:
    if is_symbolic(value):
        return True
    integer = is_integer(value) or (is_array(value) and value.dtype.kind in INTEGERS)
    return bool(integer) and not any_of(value < 1)


INTEGERS = ("i", "u", "O")
"""The kinds of arrays of integers, in NumPy's letters."""


def option(variant: Variant, name: str, value: Any) -> Any:
    """The value of a model's option. Raises BadInput for one that its text could not state."""
    from flopscope.catalog.options import Count, Multiplier

    known = next(option for option in variant.model.options if option.name == name)
    if is_symbolic(value):
        return value
    value = value.item() if is_array(value) and value.ndim == 0 else value
    if isinstance(known, Count):
        size(name, value)
        if known.most is not None and any_of(value > known.most):
            raise BadInput(
                f"{name}={shown(value)} is more than the model takes; give at most {known.most}"
            )
    if isinstance(known, Multiplier) and not _is_factor(value):
        what = "is text" if isinstance(value, str) else "is not a positive number"
        raise BadInput(
            f"{name}={shown(value)} {what}; give one such as 0.75, an array of them or a symbol"
        )
    return float(value) if isinstance(value, float) else value  # one of NumPy's too


def _is_factor(value: Any) -> bool:
    """Is it a finite number above 0, or an array of them?"""
    if is_array(value):
        positive = value.dtype.kind in (*INTEGERS, "f") and not any_of(
            ~((value > 0) & (value < float("inf")))
        )
        return bool(positive)
    return is_number(value) and value > 0
