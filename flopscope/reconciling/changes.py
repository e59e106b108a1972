"""Changes of a network's rows that reported numbers imply. Each gives the rows that are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple, TypeAlias

from flopscope.conventions import MULTIPLYING
from flopscope.facts import Kind, Operator, Weight

Operators: TypeAlias = Sequence[Operator]


def without_classifier(rows: Operators) -> Operators:
    """The rows without the last layer that has weights, for a network that gives features. Layers
    beside it that read the same and give as much are classifiers too, as that of a distillation."""
    last = _classifier(rows)
    if last is None:
        return rows
    return [row for row in rows if not _is_beside(row, rows[last])]


def without_gates_pooling(rows: Operators) -> Operators:
    """The rows without global pooling, except the last one, which belongs to the head. In gates it
    is often written as a mean, which some tools do not see."""
    pools = [row.id for row in rows if row.kind is Kind.GLOBAL_POOL]
    return [row for row in rows if row.id not in pools[:-1]]


def folded(rows: Operators) -> Operators:
    """The rows with batch norm folded into the convolution or linear layer before it, which gets
    the shift as a bias. A batch norm after any other layer stays."""
    layers = {row.id: row for row in rows if _is_layer(row)}
    shifted: dict[int, Operator] = {}
    for row in rows:
        before = layers.get(row.reads[0]) if row.kind is Kind.BATCH_NORM and row.reads else None
        if before is not None:
            shifted[row.id] = before
    biased = {layer.id for layer in shifted.values()}
    return [_with_bias(row) if row.id in biased else row for row in rows if row.id not in shifted]


def with_classifiers_bias(rows: Operators) -> Operators:
    """The rows with a bias in the last layer that has weights."""
    last = _classifier(rows)
    return [_with_bias(row) if index == last else row for index, row in enumerate(rows)]


def without_global_pooling(rows: Operators) -> Operators:
    """The rows without global pooling, which some tools do not see if it is written as a mean."""
    return [row for row in rows if row.kind is not Kind.GLOBAL_POOL]


def without_bare_weights(rows: Operators) -> Operators:
    """The rows without products and look-ups of weights that belong to no layer, such as the
    filters of a wavelet or the matrix of a projection. They are called as functions, which tools
    that hook modules do not see. A layer's own weight is called `weight`, in torch and in closed
    forms."""
    return [row for row in rows if not _is_bare(row)]


class Change(NamedTuple):
    """A change with its name, and its distance in steps from the network itself."""

    name: str
    steps: int
    apply: Callable[[Operators], Operators]


CHANGES = (
    Change("with a bias of the classifier", 1, with_classifiers_bias),
    Change("pooling in gates not seen", 1, without_gates_pooling),
    Change("global pooling not seen", 1, without_global_pooling),
    Change("weights outside layers not seen", 1, without_bare_weights),
    Change("batch norm folded", 1, folded),
    Change("without the classifier", 2, without_classifier),
)

TOGETHER = 3
"""The most changes that are made together."""


def _combined() -> Iterator[tuple[Change, ...]]:
    for count in range(TOGETHER + 1):
        for chosen in combinations(CHANGES, count):
            pooled = [change.apply for change in chosen]
            if not (without_gates_pooling in pooled and without_global_pooling in pooled):
                yield chosen


COMBINED = tuple(_combined())
"""No change, each alone, and those that can be made together, the fewest first. Where no global
pooling is seen, none in gates is."""


def together(changes: Sequence[Change]) -> Change:
    """Several changes, one after the other, as one."""

    def apply(rows: Operators) -> Operators:
        for change in changes:
            rows = change.apply(rows)
        return rows

    return Change("; ".join(c.name for c in changes), sum(c.steps for c in changes), apply)


SINGLE = tuple(together(changes) for changes in COMBINED if len(changes) == 1)
SEVERAL = tuple(together(changes) for changes in COMBINED if len(changes) > 1)
"""Changes that are made alone, and several at once."""


def _classifier(rows: Operators) -> int | None:
    return max((i for i, row in enumerate(rows) if _is_layer(row)), default=None)


def _is_layer(row: Operator) -> bool:
    return row.kind in MULTIPLYING and bool(row.weights)


def _is_beside(row: Operator, layer: Operator) -> bool:
    """Is it the layer, or one of the same kind that reads the same and gives as much?"""
    return row.id == layer.id or (
        row.kind is layer.kind
        and bool(row.reads)
        and row.reads == layer.reads
        and row.output == layer.output
    )


def _is_bare(row: Operator) -> bool:
    weighs = _is_layer(row) or (row.kind is Kind.EMBEDDING and bool(row.weights))
    return weighs and row.weights[0].key.rpartition(".")[2] != "weight"


def _with_bias(row: Operator) -> Operator:
    if row.has_bias:
        return row
    bias = Weight(f"{row.weights[0].key}, shift", (row.output[1],))
    return row._replace(weights=(*row.weights, bias))
