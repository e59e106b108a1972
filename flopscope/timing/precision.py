"""The bytes that each tensor's elements take while a network runs in a precision.

Mixed precision (`amp`) is not one type: products of matrices run in two bytes, norms and what
follows them in four. The lists are those of torch.autocast on CUDA
(https://docs.pytorch.org/docs/stable/amp.html, "CUDA Op-Specific Behavior").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flopscope.errors import check_name
from flopscope.facts import ELEMENT_BYTES, Function, Kind, Operator, Reduction
from flopscope.timing.categories import PRODUCT_KINDS


@dataclass(frozen=True)
class Precision:
    """The bytes of floating-point elements: of all, or of products alone where `mixed`."""

    name: str
    width: int
    mixed: bool = False


PRECISIONS: Mapping[str, Precision] = {
    "float32": Precision("float32", 4),
    "float16": Precision("float16", 2),
    "bfloat16": Precision("bfloat16", 2),
    "int8": Precision("int8", 1),
    "amp": Precision("amp", 2, mixed=True),
}

SAME_AS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "half": "float16"}
"""Other spellings of these precisions in tables of measurements."""

IN_FLOAT32 = frozenset(
    {
        *(Kind.LAYER_NORM, Kind.GROUP_NORM, Kind.SOFTMAX, Kind.LOG_SOFTMAX),
        *(Function.EXP, Function.LOG, Function.POWER, Function.RECIPROCAL_SQRT),
        *(Function.RECIPROCAL, Function.SOFTPLUS),
        *(Reduction.SUM, Reduction.PRODUCT, Reduction.NORM, Reduction.RUNNING_SUM),
    }
)
"""What autocast runs in float32."""

FOLLOWING = frozenset({Kind.BATCH_NORM, Kind.BATCH_NORM_TRAINING})
"""Norms that leave their input's type, though their weights are float32."""

WHOLE = ("int", "uint", "qint", "quint", "bool")
"""How the names of types begin that no precision changes."""

SINGLE = 4
"""Bytes of a float32."""


def precision_named(name: str) -> Precision:
    """The precision of this name. Raises UnknownName for any other.

    >>> precision_named("fp32").width
    4
    """
    known = SAME_AS.get(name, name)
    check_name("dtype", known, PRECISIONS)
    return PRECISIONS[known]


class Widths:
    """The bytes of an element of every tensor: of a row's inputs, and of its output by its id."""

    def __init__(self, rows: Sequence[Operator], precision: Precision) -> None:
        self._precision = precision
        self._written: dict[int, int] = {}
        if precision.mixed:
            for row in rows:
                self._written[row.id] = self._mixed(row)

    def inputs(self, row: Operator) -> Sequence[int]:
        """The bytes of an element of each input, as its producer wrote it."""
        precision, written = self._precision, self._written
        if not row.types:
            if not precision.mixed:
                return (precision.width,) * len(row.inputs)
            return [written.get(tensor, SINGLE) for tensor in row.reads]
        return [
            ELEMENT_BYTES[element]
            if element.startswith(WHOLE)
            else written.get(tensor, SINGLE)
            if precision.mixed
            else precision.width
            for tensor, element in zip(row.reads, row.input_types, strict=True)
        ]

    def output(self, row: Operator) -> int:
        """The bytes of an element of what the row writes."""
        if row.types and row.output_type.startswith(WHOLE):
            return ELEMENT_BYTES[row.output_type]
        return self._written[row.id] if self._precision.mixed else self._precision.width

    @property
    def weights(self) -> int:
        """The bytes of an element of the stored weights."""
        return SINGLE if self._precision.mixed else self._precision.width

    def _mixed(self, row: Operator) -> int:
        kind = row.kind
        if kind in PRODUCT_KINDS:
            return self._precision.width
        if kind in IN_FLOAT32 or row.function in IN_FLOAT32:
            return SINGLE
        if row.weights and kind not in FOLLOWING and any(w.shape for w in row.weights):
            return SINGLE
        if len(row.reads) == 1 and not row.types:
            return self._written.get(row.reads[0], SINGLE)  # the common case
        return max(self.inputs(row), default=SINGLE)
