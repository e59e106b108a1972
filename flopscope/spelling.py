"""How a network is written: the modules, functions and operators that one run of it calls.

A ledger says what a network computes, however it is written. A tool that counts sees only one way
of writing: hooks see modules, patched functions see calls that look them up by name, a trace sees
operators, and a mode of the dispatcher sees kernels. What such a tool answers is read from here,
without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Array:
    """A tensor: its shape and the name of its type."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Packed:
    """Sequences of several lengths: the elements in one, the steps of the longest, and how many
    sequences there are; None where that depends on values."""

    data: Array
    steps: int | None
    batch: int | None


@dataclass(frozen=True)
class Opaque:
    """Any other value, by the name of its class."""

    name: str


@dataclass(frozen=True)
class LayerParameter:
    """A parameter of a module, by the name that it has there."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Layer:
    """One module: its first path, its class with the module that defines it, its plain attributes,
    and its own parameters. `children` are numbers of layers, each once. `leaf` says that none of
    the children is true; an empty container is not."""

    path: str
    type: str
    settings: Mapping[str, Any]
    parameters: tuple[LayerParameter, ...]
    children: tuple[int, ...]
    leaf: bool

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.type.rpartition(".")[2]


class Called(NamedTuple):
    """One call. `name` is an operator's or function's, such as aten::linear or F.relu, or the
    class of layer number `layer`; `path` is the module in which it is made. `inside` names
    what it is part of that torch may run as one kernel instead (`FUSIONS`). An operator `reads` and
    `writes` memory, by numbers; views share theirs."""

    name: str
    path: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    inside: frozenset[str] = frozenset()
    layer: int = -1
    reads: frozenset[int] = frozenset()
    writes: frozenset[int] = frozenset()

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """The argument by position, else by name, else the default."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)


ATTENTION, FROZEN_ATTENTION = "attention", "attention without gradients"
ENCODER, FLASH, NESTED, FROZEN_NESTED = "encoder layer", "flash", "nested", "nested, frozen"
PARTLY, PYTHON, TRANSFORM = "partly frozen", "autograd function", "transformation"
PASSED = "passed::"
"""The prefix of the name of a Python function with results that no operator has written."""

FUSIONS: Mapping[str, str] = {
    ATTENTION: "an attention layer, in evaluation where no gradient is asked for",
    FROZEN_ATTENTION: "the same of a network of which nothing learns",
    PARTLY: "the same, or padding, of a frozen part of one that learns",
    ENCODER: "an encoder layer, in evaluation, where neither gradient nor hook is",
    PYTHON: "a function with a backward pass of its own, of torch.autograd",
    TRANSFORM: "a function that torch.func has transformed",
    FLASH: "scaled dot product attention, on a CPU",
    NESTED: "an encoder that is given a mask of padding, which it takes out",
    FROZEN_NESTED: "the same of a network of which nothing learns",
}
"""Calls that torch may run, or show, as one kernel on a CPU."""


@dataclass(frozen=True)
class Spelling:
    """A run: all layers, of which the first is the network, and all calls in order.

    `operators` are those of torch's interface, as a trace of torch.jit shows them; `kernels` are
    those of which they consist. `unseen` are kinds of work, with paths, that none of these calls
    shows. `returned` is the memory of the results. `made` are the classes and paths of modules that
    the run itself has registered or given their sizes. `beyond` are calls for which no tool's
    answer is known: operator, path, and why.
    """

    layers: tuple[Layer, ...]
    modules: tuple[Called, ...]
    functions: tuple[Called, ...]
    operators: tuple[Called, ...]
    kernels: tuple[Called, ...]
    unseen: tuple[tuple[str, str], ...] = ()
    returned: frozenset[int] = frozenset()
    made: tuple[tuple[str, str], ...] = ()
    beyond: tuple[tuple[str, str, str], ...] = ()

    @property
    def used(self) -> frozenset[int]:
        """The memory on which the results depend. Memory that is written twice is taken as a
        whole."""
        used = set(self.returned)
        before = -1
        while before != len(used):
            before = len(used)
            for call in reversed(self.operators):
                if call.writes & used:
                    used |= call.reads
        return frozenset(used)
