"""Accelerators on which networks are trained: what their data sheets state, as one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.errors import check_name


class Accelerator(NamedTuple):
    """An accelerator. `peak` is its dense matrix arithmetic in FLOP/s, two for each
    multiply-accumulate, with inputs in `precision`; `watts` is the most that its board draws, or a
    chip where `board` says so."""

    name: str
    words: str
    peak: int
    precision: str
    watts: int
    source: str
    board: str = "a board"


TERA = 10**12
_ROWS = (
    Accelerator(
        "t4", "NVIDIA T4", 65 * TERA, "float16", 70, "NVIDIA, Tesla T4, specifications"
    ),
    Accelerator(
        "v100", "NVIDIA V100 SXM2", 125 * TERA, "float16", 300, "NVIDIA V100 data sheet"
    ),
    Accelerator(
        "tpu-v3", "Google TPU v3", 123 * TERA, "bfloat16", 262,
        "Google Cloud documentation, TPU v3, key specifications; the most that was measured",
        "a chip",
    ),
    Accelerator(
        "a100", "NVIDIA A100 SXM4", 312 * TERA, "bfloat16", 400, "NVIDIA A100 data sheet"
    ),
    Accelerator(
        "rtx3090", "NVIDIA GeForce RTX 3090", 71 * TERA, "float16 summed in float32", 350,
        "NVIDIA Ampere GA102 architecture white paper",
    ),
    Accelerator(
        "rtx4090", "NVIDIA GeForce RTX 4090", 165 * TERA, "float16 summed in float32", 450,
        "NVIDIA Ada architecture white paper, appendix A, table 2",
    ),
    Accelerator(
        "h100", "NVIDIA H100 SXM5", 989 * TERA, "bfloat16", 700, "NVIDIA H100 data sheet"
    ),
)  # fmt: skip

ACCELERATORS: Mapping[str, Accelerator] = {row.name: row for row in _ROWS}
"""The accelerators by their names. Peaks are without sparsity, rounded down to whole TFLOP/s."""


def accelerator(name: str) -> Accelerator:
    """The accelerator of this name. Raises UnknownName, which offers near names, for another.

    >>> accelerator("a100").watts
    400
    """
    check_name("accelerator", name, ACCELERATORS)
    return ACCELERATORS[name]
