"""Two faults of torch's first exporter, mended while it writes a graph.

It writes `a // b` of integers as ONNX's division, which rounds towards zero and not down, as Python
and torch do. A network that rounds a size up by `-(-height // 2)` then has other sizes in the file
than in torch, and where one of them is zero, torch may crash as it folds constants. And it prints
the graphs that it cannot write.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch.onnx

EXPORTER: Any = torch.onnx
"""Whose functions that register operators have no types."""
OPERATOR = "aten::floor_divide"
OUT = 1
"""The descriptor of standard output."""
SINCE = 9
"""The version of ONNX's operators from which on the exporter knows the division."""
INTEGERS = {"Byte": 2, "Char": 3, "Short": 5, "Int": 6, "Long": 7}
"""The types of integers in the exporter's words, and their numbers in ONNX."""


@contextmanager
def mended() -> Iterator[None]:
    """While active, the exporter rounds divisions of integers down, and prints nothing."""
    EXPORTER.register_custom_op_symbolic(OPERATOR, _divided, SINCE)
    try:
        with _silent():
            yield
    finally:
        EXPORTER.unregister_custom_op_symbolic(OPERATOR, SINCE)
        torch._C._jit_set_onnx_log_enabled(False)  # as it is before the exporter switches it on


@contextmanager
def _silent() -> Iterator[None]:
    """While active, what C code writes to standard output is lost."""
    try:
        kept = os.dup(OUT)
    except OSError:  # it is closed
        yield
        return
    with suppress(OSError, ValueError, AttributeError):  # closed, or there is none
        sys.__stdout__.flush()  # type: ignore[union-attr]
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), OUT)
    try:
        yield
    finally:
        os.dup2(kept, OUT)
        os.close(kept)


def _divided(graph: Any, a: Any, b: Any) -> Any:
    """The quotient of ONNX, less one where there is a rest whose sign is not that of the divisor.
    Operators that the exporter folds if they are constant, as sizes are."""
    quotient = graph.op("Div", a, b)
    kinds = {value.type().scalarType() for value in (a, b)}
    if not kinds <= INTEGERS.keys():
        return graph.op("Floor", quotient)
    rest = graph.op("Sub", a, graph.op("Mul", quotient, b))
    signs = graph.op("Mul", rest, b)
    zero = graph.op("Sub", signs, signs)
    one = graph.op("Cast", graph.op("Less", signs, zero), to_i=INTEGERS[kinds.pop()])
    return graph.op("Sub", quotient, one)
