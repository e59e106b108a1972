"""The bytes that a training step keeps from its forward to its backward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from flopscope.domain import Condition
from flopscope.errors import UnknownName
from flopscope.readings.memory import DTYPES
from flopscope.readings.reading import Reading
from flopscope.sizes import Shape, elements, product, total

OPTIMIZERS: Mapping[str, int] = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2, "rmsprop": 2}
"""How many numbers each optimizer keeps for a number that is learnt: none for plain gradient
descent, its velocity with momentum, both moments for Adam (arXiv 1412.6980, algorithm 1) and AdamW
(arXiv 1711.05101, algorithm 2), the mean square and the velocity for RMSProp with momentum, as
MobileNets and EfficientNets are trained."""


PRECISIONS = ("float32", "bf16", "fp16")
"""How a training step may run: in float32, or mixed, with weights in float32 and, by torch's
autocast, in 16 bits what may be."""


class Keeper(NamedTuple):
    """A call of a module that keeps a tensor: the module's path, which of its calls it is, and how
    many rows were recorded before."""

    path: str
    call: int
    rows: int


@dataclass(frozen=True)
class Kept:
    """A tensor that the forward pass keeps for the backward pass: its full shape and the bytes of
    an element. `name` is the name of a parameter or buffer; `given` says that it is an input.
    `storage` is the number of the memory that it lies in, as in `Saved.written`. `keepers` are the
    calls of modules that keep it, each with the number of rows that were recorded before."""

    shape: Shape
    item: int
    floating: bool
    name: str = ""
    given: bool = False
    storage: int = 0
    keepers: tuple[Keeper, ...] = ()


@dataclass(frozen=True)
class Saved:
    """What autograd keeps from the forward to the backward pass.

    Each storage counts once and in full, however many operators keep it or views of it. `written`
    has the number of the storage into which each row of the forward pass writes, by the row's id.
    """

    tensors: tuple[Kept, ...]
    conditions: tuple[Condition, ...] = ()
    written: Mapping[int, int] = field(default_factory=dict, hash=False)

    def bytes(self, dtype: str = "float32") -> Reading:
        """The bytes of what the network computes and keeps, with floating-point numbers in `dtype`
        and with indices and masks as they are. Parameters, buffers and inputs exist anyway and are
        not included. Raises UnknownName for a dtype that is not in `readings.memory.DTYPES`."""
        computed = [kept for kept in self.tensors if not kept.name and not kept.given]
        return self._reading(computed, "saved for the backward pass", dtype)

    def input_bytes(self, dtype: str = "float32") -> Reading:
        """The bytes of those inputs of the network that are kept. Raises UnknownName as `bytes`
        does."""
        return self._reading([k for k in self.tensors if k.given], "inputs saved", dtype)

    def _reading(self, tensors: Sequence[Kept], what: str, dtype: str) -> Reading:
        if dtype not in DTYPES:
            raise UnknownName("dtype", dtype, DTYPES)
        width = DTYPES[dtype]
        parts = (product((elements(k.shape), width if k.floating else k.item)) for k in tensors)
        return Reading(total(parts), "bytes", f"{what}, {dtype}", conditions=self.conditions)
