"""What a tool counts for one call, and the error for a call for which that is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from typing import Any, NamedTuple, TypeAlias

from flopscope.spelling import FROZEN_NESTED, PARTLY, Array, Called, Layer, Packed, Spelling


class Counted(NamedTuple):
    """What one call counts: the name of what was called, by what it is counted, and how much."""

    name: str
    by: str
    amount: float


class Hook(NamedTuple):
    """How a tool that hooks modules counts a layer: by what, in words, and one call of it."""

    by: str
    amount: Callable[[Layer, Called], int]


def same_hook(folder: str, names: str, hook: Hook) -> dict[str, Hook]:
    """The hook under each of torch's modules with these names, which are in that file of torch."""
    return {f"torch.nn.modules.{folder}.{name}": hook for name in names.split()}


class NotModelled(Exception):
    """Raised where it is not known what a tool answers: the operator, its path, and the reason."""

    def __init__(self, operator: str, path: str, why: str) -> None:
        super().__init__(operator, path, why)
        self.operator, self.path, self.why = operator, path, why

    @classmethod
    def of(cls, call: Called, why: str) -> NotModelled:
        return cls(call.name.removeprefix("torch.nn.modules."), call.path, why)


ToolModel: TypeAlias = Callable[[Spelling], Iterator[Counted]]

UNCERTAIN = frozenset({FROZEN_NESTED, PARTLY})
"""Calls in which even a tool that asks for gradients may see one kernel."""


def hooked(spelling: Spelling) -> None:
    """Raises NotModelled if the run registers a module, which then lacks the tool's hooks."""
    for name, path in spelling.made:
        raise NotModelled(name, path, STOPS)


def in_torch(spelling: Spelling) -> None:
    """Raises NotModelled for an operator of another library, which may run Python code inside."""
    for call in spelling.kernels:
        if call.name.partition("::")[0] not in ("aten", "prim", "prims"):
            raise NotModelled.of(call, "what it runs inside is not seen")


STOPS = "the tool itself stops with an error there"


def first(call: Called) -> Array:
    """The first positional argument, which is a tensor. Raises NotModelled for anything else."""
    return tensor(call, call.args[0] if call.args else None)


def tensor(call: Called, value: Any) -> Array:
    """A value of a call, which is a tensor. Raises NotModelled for anything else."""
    if not isinstance(value, Array):
        raise NotModelled.of(call, STOPS)
    return value


def sequence(call: Called, batch_first: bool) -> tuple[int, int]:
    """Steps and sequences of a recurrent layer's input. Raises NotModelled."""
    given = call.args[0] if call.args else None
    if isinstance(given, Packed):
        if given.steps is None or given.batch is None:
            raise NotModelled.of(call, "how many sequences are packed depends on values")
        return given.steps, given.batch
    a, b = tensor(call, given).shape[:2]
    return (b, a) if batch_first else (a, b)


def outer(a: Any, b: Any) -> int:
    """The elements of a sum or product of two tensors, as profilers broadcast them, from the first
    axis on."""
    if not isinstance(a, Array) or not isinstance(b, Array):
        given = a if isinstance(a, Array) else b
        return given.size if isinstance(given, Array) else 1
    axes = max(len(a.shape), len(b.shape))
    sizes = [(*x.shape, *[1] * (axes - len(x.shape))) for x in (a, b)]
    return prod(map(max, *sizes))


def occurrences(spelling: Spelling, stops: Callable[[int], bool]) -> Mapping[int, int]:
    """How often a sum over the tree of modules meets each layer.

    The sum does not look into a layer at which it stops, and meets a layer with two parents twice.
    """
    found: dict[int, int] = {}

    def visit(number: int) -> None:
        found[number] = found.get(number, 0) + 1
        for child in () if stops(number) else spelling.layers[number].children:
            visit(child)

    visit(0)
    return found


def optimised(equation: str, shapes: Iterable[tuple[int, ...]]) -> float:
    """NumPy's count of operations for an einsum in the best order."""
    import numpy as np

    operands = [np.broadcast_to(np.zeros(()), shape) for shape in shapes]
    said = str(np.einsum_path(equation.replace(" ", ""), *operands, optimize="optimal")[1])
    line = next(line for line in said.split("\n") if "optimized flop" in line.lower())
    return float(line.split(":")[-1])
