"""The parts of a network whose costs are compared: attention, convolutions, linear layers."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.facts import Kind

PARTS: Mapping[str, tuple[Kind, ...]] = {
    "attention": (Kind.MATMUL,),
    "conv": (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION),
    "linear": (Kind.LINEAR,),
}
"""The kinds of operators in each. Attention is its two products, of queries with keys and of the
weights with values; the layers that make queries, keys and values are linear ones."""
