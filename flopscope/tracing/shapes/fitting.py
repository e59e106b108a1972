"""How sizes are compared where shapes must fit, and the types of results.

Sizes are compared as torch compares them, and answers go on the trail.

What the example decides becomes a condition of the domain, so only necessary questions are asked:
in which of several ways two sizes fit is looked up at the example first, and then only that way is
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import torch

from flopscope.domain import Relation
from flopscope.domain.regions import implied
from flopscope.tracing.node import size_value

META = torch.device("meta")

ShapeRule: TypeAlias = Callable[..., Any]
"""A function from an operator's arguments to its result; None leaves this use to torch."""


def like(x: torch.Tensor, shape: Sequence[Any], dtype: torch.dtype | None = None) -> torch.Tensor:
    """A meta tensor of this shape, with the type of `x`."""
    return torch.empty(tuple(shape), dtype=dtype or x.dtype, device=META)


def at_example(truth: Any) -> bool:
    """The answer at the example, which does not go on the trail."""
    return bool(truth.node.example()) if isinstance(truth, torch.SymBool) else bool(truth)


def is_number(size: Any, number: int) -> bool:
    """Is it this plain number, whatever the example is?"""
    return isinstance(size, int) and size == number


def same(a: Any, b: Any) -> bool:
    """Are they the same size, whatever the example is?"""
    va, vb = size_value(a), size_value(b)
    return type(va) is type(vb) and bool(va == vb)


def is_size(a: Any, b: Any) -> bool:
    """Are the sizes equal? What the example decides goes on the trail."""
    return same(a, b) or bool(a == b)


def demand(truth: Any, message: Callable[[], str]) -> None:
    """Raises RuntimeError if the example breaks it; otherwise it becomes a condition of the
    domain."""
    if not truth:
        raise RuntimeError(message())


def text(sizes: Any) -> str:
    """One or more sizes as messages write them."""
    if isinstance(sizes, Sequence):
        return ", ".join(map(text, sizes))
    return str(size_value(sizes))


def tensor_text(x: torch.Tensor) -> str:
    """A shape as messages write it: '3×H'."""
    return "×".join(map(text, x.shape))


def axis(x: torch.Tensor, dim: int, more: int = 0) -> int:
    """The dimension counted from the front, in a tensor with `more` dimensions added. Raises
    IndexError as torch does."""
    rank = max(x.dim() + more, 1)
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], "
            f"but got {dim})"
        )
    return dim % rank


def axes(x: torch.Tensor, dims: Sequence[int]) -> set[int]:
    """The dimensions counted from the front. Raises RuntimeError if one is named twice."""
    found = [axis(x, dim) for dim in dims]
    for at in found:
        if found.count(at) > 1:
            raise RuntimeError(f"dim {at} appears multiple times in the list of dims")
    return set(found)


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two sizes. If bounds do not tell, it is the one that is smaller at the
    example; sizes at which both are equal are in the domain."""
    first = same(a, b) or at_example(a <= b)
    if first and _everywhere(a <= b):
        return a
    if at_example(b <= a) and _everywhere(b <= a):
        return b
    demand(a <= b if first else b <= a, lambda: "another size is the smaller one")
    return a if first else b


def _everywhere(truth: Any) -> bool:
    """Does it hold for all sizes? Compared sizes are often equal, so this does more than look at
    their bounds."""
    if not isinstance(truth, torch.SymBool):
        return bool(truth)
    value = truth.node.value
    return implied(value, ()) if isinstance(value, Relation) else value is True


def larger(a: Any, b: Any) -> Any:
    """The larger of two sizes."""
    return -smaller(-a, -b)


def broadcast(*shapes: Sequence[Any]) -> list[Any]:
    """The common shape. Raises RuntimeError if there is none."""
    rank = max(map(len, shapes))
    padded = [[1] * (rank - len(shape)) + list(shape) for shape in shapes]
    return [common(sizes) for sizes in zip(*padded, strict=True)]


def common(sizes: Iterable[Any]) -> Any:
    """The size to which all of these are stretched."""
    found: Any = 1
    for size in sizes:
        if is_number(size, 1) or same(size, found):
            continue
        if is_number(found, 1):
            found = size
        elif at_example(size == found):
            found = size if size == found and isinstance(size, int) else found
        elif at_example(found == 1):
            found = size if found == 1 else found
        else:
            _stretched(size, found)
    return found


def _stretched(size: Any, to: Any) -> None:
    demand(
        _is_one_or(size, to),
        lambda: f"The size of tensor a ({text(to)}) must match the size of tensor b ({text(size)})",
    )


def _is_one_or(size: Any, other: Any) -> bool:
    """Is a size 1, or else the other one? What it is at the example is asked, or both if it is
    neither."""
    one = is_number(size, 1) or (not at_example(size == other) and bool(size == 1))
    return one or is_size(size, other)


def broadcasts_to(shape: Sequence[Any], target: Sequence[Any]) -> None:
    """Raises RuntimeError if the first shape cannot be stretched to the second."""

    def message() -> str:
        return f"The expanded shape [{text(target)}] does not fit the shape [{text(shape)}]"

    demand(len(shape) <= len(target), message)
    pairs = zip(list(shape)[::-1], list(target)[::-1], strict=False)
    for size, wanted in pairs:
        demand(_is_one_or(size, wanted), message)


def promoted(tensors: Sequence[torch.Tensor]) -> torch.dtype:
    """The type that can hold the elements of all."""
    dtype = tensors[0].dtype
    for x in tensors[1:]:
        dtype = torch.promote_types(dtype, x.dtype)
    return dtype


def real_type(dtype: torch.dtype) -> torch.dtype:
    """The type of a quotient or root of such elements."""
    whole = not (dtype.is_floating_point or dtype.is_complex)
    return torch.get_default_dtype() if whole else dtype


def joint_type(a: Any, b: Any) -> torch.dtype:
    """The type of the result of two operands, which are tensors or numbers."""
    a, b = (1 if isinstance(v, torch.SymInt) else 1.0 if isinstance(v, torch.SymFloat) else v
            for v in (a, b))  # fmt: skip
    return torch.result_type(a, b)
