"""What two profilers that patch functions share: rules of a function's arguments."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from flopscope.reconciling.tools.counted import STOPS, NotModelled, outer, tensor
from flopscope.spelling import Called

AmountOf = Callable[[Called], float]


def given(call: Called) -> float:
    """The elements of the input."""
    return tensor(call, call.argument(0, "input")).size


def product(call: Called) -> float:
    """Multiply-accumulates of a product."""
    a = tensor(call, call.argument(0, "input"))
    b = tensor(call, call.argument(1, "other", call.kwargs.get("mat2")))
    return a.size * b.shape[-1]


def added_product(call: Called) -> tuple[int, int]:
    """Multiply-accumulates of a product, and elements of what it is added to."""
    if not {"mat1", "mat2"} >= {name for name in call.kwargs if name.endswith(("1", "2"))}:
        raise NotModelled.of(call, STOPS)
    added, a, b = (
        tensor(call, call.argument(index, name))
        for index, name in enumerate(("input", "mat1", "mat2"))
    )
    return a.size * b.shape[-1], added.size


def pairs(call: Called) -> float:
    """Elements of a sum or product."""
    return outer(call.argument(0, "input"), call.argument(1, "other"))


def resized(call: Called) -> tuple[float, tuple[int, ...] | int | None]:
    """The elements of an interpolation to a scale; or else None, and the requested size."""
    x = tensor(call, call.argument(0, "input"))
    size, scale = call.argument(1, "size"), call.argument(2, "scale_factor")
    if size is not None:
        return 0, size
    axes = len(x.shape) - 2
    if isinstance(scale, tuple):
        return x.size * int(prod(scale)), None
    return x.size * scale**axes, None
