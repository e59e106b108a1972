"""What changed of an operator, in the words in which its author would say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flopscope.answers.operators import shape_text
from flopscope.answers.parts import CountedRow
from flopscope.facts import FLOAT32, Kind, Operator
from flopscope.ledger import kind_or_function
from flopscope.sizes import Shape, Size

NONE = "none"


class Change(NamedTuple):
    """One thing that is not the same: 'kernel' from '3×3' to '5×5'."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what} {self.before} → {self.after}"


LAYERS = frozenset(
    {Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.DEFORMABLE_CONVOLUTION, Kind.LINEAR}
)
"""Kinds with a weight between input and output channels, and a bias or none."""

LAST = frozenset({Kind.LINEAR, Kind.MATMUL, Kind.LAYER_NORM, Kind.RMS_NORM, Kind.EMBEDDING})
"""Kinds whose channels come last, whatever the shape."""

SIZES = frozenset({"channels", "in", "out", "size", "input", "output", "groups", "batch", "bias"})
"""What changes of a row because rows before it changed."""


def changes(before: CountedRow, after: CountedRow) -> tuple[Change, ...]:
    """What is not the same of two rows of one kind, whose facts differ: at least one thing."""
    found = list(_differing(_described(before), _described(after)))
    for joined, parts in (("channels", ("in", "out")), ("size", ("input", "output"))):
        found = _joined(found, joined, parts)
    return tuple(found or _differing(_facts(before), _facts(after)))


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for what in dict.fromkeys((*before, *after)):
        pair = before.get(what, NONE), after.get(what, NONE)
        if pair[0] != pair[1]:
            yield Change(what, *pair)


def _joined(found: list[Change], name: str, parts: tuple[str, str]) -> list[Change]:
    """Two changes from one value to one other, said once."""
    mine = [change for change in found if change.what in parts]
    if len(mine) < 2 or mine[0][1:] != mine[1][1:]:
        return found
    at = found.index(mine[0])
    rest = [change for change in found if change.what not in parts]
    return [*rest[:at], Change(name, *mine[0][1:]), *rest[at:]]


def _described(counted: CountedRow) -> dict[str, str]:
    """What people say of an operator, each under its name."""
    row, storing = counted
    said = {"operator": kind_or_function(row.kind, row.function)}
    said |= _shapes(row)
    if row.window is not None and row.kind is not Kind.GLOBAL_POOL:
        fields = row.window._asdict()
        said |= {name: shape_text(sizes) for name, sizes in fields.items()}
    if row.kind in LAYERS and row.has_bias:
        said["bias"] = shape_text(row.weights[1].shape)
    said["groups"] = "each channel" if _depthwise(row) else str(row.groups)
    if row.weights:
        said["weights"] = _stored(row, storing)
    if row.repeat != 1:
        said["copies"] = str(row.repeat)
    if row.types:
        said["types"] = ", ".join(row.types)
    return said


def _shapes(row: Operator) -> dict[str, str]:
    """Channels, sizes and batch of what it takes and gives."""
    first, output = row.operand, row.output
    batch, channels, rest = _split(row, first)
    _, gives, becomes = _split(row, output)
    said = {"in": str(channels), "out": str(gives), "batch": str(batch)}
    return said | {"input": shape_text(rest), "output": shape_text(becomes)}


def _split(row: Operator, shape: Shape) -> tuple[Size, Size, Shape]:
    """The batch, the channels and the other sizes of a tensor: channels come second in a map, else
    last."""
    if len(shape) < 2:
        return 1, shape[0] if shape else 1, ()
    last = row.kind in LAST or (len(shape) != 4 and row.window is None)
    if last and row.kind is not Kind.BATCH_NORM:
        return shape[0], shape[-1], shape[1:-1]
    return shape[0], shape[1], shape[2:]


def _depthwise(row: Operator) -> bool:
    return row.kind is Kind.CONVOLUTION and row.groups != 1 and row.groups == row.inputs[0][1]


def _stored(row: Operator, storing: Operator) -> str:
    """What is said of its weights beside their shapes."""
    types = dict.fromkeys(weight.element for weight in row.weights)
    return ", ".join(
        [
            "shared" if len(storing.weights) < len(row.weights) else "its own",
            *(["frozen"] if any(weight.frozen for weight in row.weights) else []),
            *(element for element in types if element != FLOAT32),
        ]
    )


def _facts(counted: CountedRow) -> dict[str, str]:
    """All that is left of the facts, for a change that has no word of its own."""
    row, storing = counted
    return {
        "inputs": " and ".join(map(shape_text, row.inputs)),
        "output": shape_text(row.output),
        "weights": " and ".join(shape_text(w.shape) for w in row.weights),
        "stored": " and ".join(shape_text(w.shape) for w in storing.weights),
        "buffers": " and ".join(shape_text(w.shape) for w in row.buffers),
        "function": row.function.value if row.function else NONE,
        "groups": str(row.groups),
        "stored as": ", ".join(
            f"{'parameter' if w.learnt else 'constant'} {w.share} {w.element}" for w in row.weights
        ),
        "pass": "backward" if row.backward else "forward",
        "types": ", ".join((*row.input_types, row.output_type)),
    }
