"""Operators that write to a tensor they are given, on symbolic sizes.

Most compute the same as the operator without the underscore, and demand that it fits the tensor
that is written to. Some change the shape of the tensor itself, which all its holders see. Others
write a part, or fill, and compare less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch

from flopscope.tracing.calls import element_of
from flopscope.tracing.shapes.fitting import broadcasts_to, demand, is_size, like, text
from flopscope.tracing.shapes.table import RULES

Write: TypeAlias = Callable[..., torch.Tensor]
"""A function from an operator's arguments, of which the first is written to, to that first one."""


def written(x: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    """`x`, after this result is written to it. Raises RuntimeError if shapes or types do not
    fit."""
    fits = x.dim() == result.dim() and all(
        is_size(a, b) for a, b in zip(x.shape, result.shape, strict=True)
    )
    demand(
        fits,
        lambda: (
            f"output with shape [{text(x.shape)}] doesn't match the broadcast shape "
            f"[{text(result.shape)}]"
        ),
    )
    _castable(result, x)
    return x


def _castable(result: torch.Tensor, x: torch.Tensor) -> None:
    demand(
        torch.can_cast(result.dtype, x.dtype),
        lambda: (
            f"result type {element_of(result)} can't be cast to the desired output type "
            f"{element_of(x)}"
        ),
    )


def resized(outs: Mapping[str, torch.Tensor], result: Any) -> Any:
    """The tensors given as `out=`, which torch resizes to the shapes of what is written to them."""
    results = (result,) if isinstance(result, torch.Tensor) else result
    for out, value in zip(outs.values(), results, strict=True):
        _castable(value, out)
        become(out, value.shape)
    written_to = tuple(outs.values())
    return written_to[0] if isinstance(result, torch.Tensor) else written_to


def become(x: torch.Tensor, shape: Sequence[Any]) -> torch.Tensor:
    """`x` itself, which has another shape from now on."""
    x.data = like(x, shape)
    return x


# --- those that change the shape of their tensor ----------------------------------------------


def _reshaped(name: str) -> Write:
    """The tensor itself, with the shape that the rule of this name gives."""
    rule = RULES[name]

    def write(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return become(x, rule(x, *args, **kwargs).shape)

    return write


def _resize(x: torch.Tensor, shape: Sequence[Any], **_: Any) -> torch.Tensor:
    return become(x, shape)


def _resize_as(x: torch.Tensor, other: torch.Tensor, **_: Any) -> torch.Tensor:
    return become(x, other.shape)


def _set(x: torch.Tensor, source: Any = None, *options: Any) -> torch.Tensor:
    """Tensor.set_: the tensor itself, which now shows another tensor's elements, or a part of a
    storage by offset, sizes and strides."""
    if len(options) > 1:
        return become(x, options[1])
    return become(x, source.shape if isinstance(source, torch.Tensor) else (0,))


# --- those that write a part ------------------------------------------------------------------


def _untouched(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return x


def _written_over(x: torch.Tensor, source: torch.Tensor, *_: Any) -> torch.Tensor:
    """The tensor itself, to which another one of any type is stretched."""
    broadcasts_to(source.shape, x.shape)
    return x


def _from_rule(name: str) -> Write:
    """A rule that compares what is written; its result is the tensor itself."""
    rule = RULES[name]

    def write(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        rule(x, *args, **kwargs)
        return x

    return write


RESHAPING = "unsqueeze squeeze transpose t as_strided".split()
FILLS = """
    zero fill normal uniform random exponential geometric log_normal cauchy bernoulli detach
    requires_grad fill_diagonal
""".split()
PARTS = """
    index_put _index_put_impl index_add index_fill index_copy scatter scatter_add scatter_reduce
""".split()

IN_PLACE: Mapping[str, Write] = {
    **{f"{name}_": _reshaped(name) for name in RESHAPING},
    **{f"{name}_": _untouched for name in FILLS},
    **{f"{name}_": _from_rule(name) for name in PARTS},
    "resize_": _resize,
    "resize_as_": _resize_as,
    "set_": _set,
    "copy_": _written_over,
    "masked_fill_": _written_over,
}
"""The rules by name, for operators that do more than write the result of their namesake to a
tensor."""
