"""Operators of other libraries, which are run for their shapes alone by the functions that they
register for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch._subclasses.fake_tensor import DynamicOutputShapeException

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller

OWN = frozenset({"aten", "prims", "prim", "profiler"})
"""The namespaces of torch itself, whose operators the tables name."""

SILENT = ("fake impl", "Meta' backend", "meta tensor", "data is not allocated")
"""What torch says about an operator that gives no shapes without values."""

OF_VALUES = "data-dependent shape"
"""What torch says of an operator whose shapes depend on values."""


def foreign(function: Any) -> bool:
    """Is it an operator of another library, which the tables of torch's operators do not have?"""
    return function.namespace not in OWN


def foreign_result(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], run: Callable[..., Any]
) -> Any:
    """What such an operator returns. Raises BadInput for one that tells no shapes, or shapes that
    depend on values."""
    name = function.name()
    try:
        return run(*args, **kwargs)
    except (NotImplementedError, RuntimeError) as error:
        if isinstance(error, DynamicOutputShapeException) or OF_VALUES in str(error):
            raise BadInput(
                f"the network reads the values of a tensor ({name}) at {caller()}; "
                "a trace has shapes only, so give it a form that depends on shapes alone"
            ) from error
        if not any(text in str(error) for text in SILENT):
            raise
        raise BadInput(
            f"the operator {name} at {caller()} does not say which shapes it returns; "
            f'register them with torch.library.register_fake("{name}")'
        ) from error
