"""The rows of a ledger as steps: what an exporter and onnxruntime's first optimisations make of
them, without either.

A norm and a scale by channels behind a convolution become part of it, and what is computed from
stored tensors alone is computed before. Reshapes are no rows, so that a tensor that several layers
read through reshapes of their own is one tensor here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from flopscope.facts import (
    ELEMENT_BYTES,
    FLOAT32,
    PER_BYTE,
    Function,
    Kind,
    Movement,
    Operator,
    Reduction,
    Weight,
)
from flopscope.quantising.marking import INPUT
from flopscope.quantising.steps import Role, Step, Steps, Stored
from flopscope.sizes import as_count, elements

LAYERS: Mapping[Kind, int] = {
    Kind.CONVOLUTION: 0,
    Kind.TRANSPOSED_CONVOLUTION: 1,
    Kind.LINEAR: 0,
}
"""Kinds with a weight that is quantised, and the axis of its output channels."""

ROLES: Mapping[Kind, Role] = {
    Kind.ADD: Role.JOIN,
    Kind.MULTIPLY: Role.JOIN,
    Kind.CONCATENATION: Role.JOIN,
    Kind.GLOBAL_POOL: Role.JOIN,
    Kind.MAX_POOL: Role.FOLLOW,
    Kind.AVERAGE_POOL: Role.FOLLOW,
    Kind.AVERAGE_POOL_INSIDE: Role.FOLLOW,
    Kind.RESIZE: Role.FOLLOW,
}
"""The roles of kinds that have no stored operand."""

ARITHMETIC: Mapping[object, Role] = {
    Function.SIGMOID: Role.JOIN,
    Function.RELU: Role.FOLD,
    Function.RELU6: Role.FOLD,
    Function.CLAMP: Role.FOLD,
    Reduction.MEAN: Role.JOIN,
    Movement.PERMUTE: Role.FOLLOW,
    Movement.SLICE: Role.FOLLOW,
    Movement.COPY: Role.FOLLOW,
}
"""The roles of activations, reductions and movements."""

FOLDS = (Kind.BATCH_NORM, Kind.MULTIPLY)
"""Kinds that a convolution before them absorbs, where the factor is one for each channel."""


def steps_of(rows: Sequence[Operator]) -> Steps:
    """The steps of these rows, whose sizes are numbers."""
    readers = Counter(source for row in rows for source in row.reads)
    network = _Network(readers)
    for row in rows:
        network.take(row)
    last = {row.id for row in rows if not readers[row.id]}
    return Steps(tuple(network.steps), frozenset(network.tensor(n) for n in last))


class _Network:
    """The steps while they are made. `_alias` has the tensor in whose place a row's output is."""

    def __init__(self, readers: Counter[int]) -> None:
        self.steps: list[Step] = []
        self._readers = readers
        self._alias: dict[int, str] = {}
        self._constant: dict[int, Stored] = {}
        self._places: dict[str, int] = {}  # where the layer that writes a tensor is

    def tensor(self, source: int) -> str:
        """The name of what a row writes, or of an input."""
        if source < 0:
            return f"{INPUT}{-source}"
        return self._alias.get(source, f"row {source}")

    def take(self, row: Operator) -> None:
        """Add a row's step, or make it part of an earlier one."""
        if not row.reads and row.kind is not Kind.STORED:
            held = as_count(elements(row.output))
            size = held * ELEMENT_BYTES[row.output_type]
            self._constant[row.id] = Stored(f"row {row.id}", held, 1, size)
            return
        if self._folds(row):
            return
        reads = tuple(self.tensor(n) for n in row.reads if n not in self._constant)
        written = (self.tensor(row.id),)
        computed = [self._constant[n] for n in row.reads if n in self._constant]
        weights, role = row.weights, _role(row, len(reads))
        if role is Role.LAYER:
            self._places[written[0]] = len(self.steps)
            axis = LAYERS[row.kind]
            bias = _stored(weights[1]) if len(weights) > 1 else None
            weight = _stored(weights[0], axis, row)
            step = Step(row.path, role, reads, written, row.kind.value, weight, bias)
        elif row.function is Function.SILU:  # a graph has its two parts
            gate = f"{written[0]} gate"
            self.steps.append(Step(row.path, Role.JOIN, reads, (gate,), row.kind.value))
            step = Step(row.path, Role.JOIN, (*reads, gate), written, row.kind.value)
        else:
            stays = (*map(_stored, (*weights, *row.buffers)), *computed)
            step = Step(row.path, role, reads, written, row.kind.value, stays=stays)
        self.steps.append(step)

    def _folds(self, row: Operator) -> bool:
        """Does the convolution before it absorb the row?"""
        if row.kind not in FOLDS or len(row.reads) != 1 or not row.weights:
            return False
        (source,) = row.reads
        tensor = self.tensor(source)
        place = self._places.get(tensor)
        if place is None or self._readers[source] != 1:
            return False
        layer = self.steps[place]
        assert layer.weight is not None
        if layer.operator != Kind.CONVOLUTION.value:
            return False
        if row.kind is Kind.MULTIPLY and not _by_channel(row, layer.weight.channels):
            return False
        self._alias[row.id] = tensor
        if row.kind is Kind.BATCH_NORM and layer.bias is None:
            shift = Stored(
                f"{layer.name} bias", layer.weight.channels, 1, 4 * layer.weight.channels
            )
            self.steps[place] = layer._replace(bias=shift)
        return True


def _role(row: Operator, computed: int) -> Role:
    if row.kind in LAYERS:
        known = row.weights and row.weights[0].key and computed == 1
        return Role.LAYER if known else Role.OTHER
    if row.kind is Kind.MATMUL:
        return Role.PRODUCT if computed == 2 else Role.OTHER
    if row.weights or computed < len(row.reads):
        return Role.OTHER
    if row.kind in (Kind.ADD, Kind.MULTIPLY) and computed < 2:
        return Role.OTHER
    return ARITHMETIC.get(row.function, ROLES.get(row.kind, Role.OTHER))


def _by_channel(row: Operator, channels: int) -> bool:
    """Is it a product with one stored number for each channel, as a convolution absorbs?"""
    (weight, *rest) = row.weights
    shape = weight.shape
    return not rest and len(shape) >= 3 and shape[-3] == channels == as_count(elements(shape))


def _stored(weight: Weight, axis: int = 0, row: Operator | None = None) -> Stored:
    count = as_count(elements(weight.shape))
    channels = as_count(weight.shape[axis]) if row is not None else 1
    each = ELEMENT_BYTES.get(weight.element or FLOAT32, 4)
    return Stored(weight.key, count, channels, -(-count * each // PER_BYTE.get(weight.element, 1)))
