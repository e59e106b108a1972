"""The parts of a network whose costs are compared: attention, convolutions, linear layers."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.facts import Kind

PARTS: Mapping[str, tuple[Kind, ...]] = {
    "attention": (Kind.MATMUL,),
    "conv": (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION),
    "linear": (Kind.LINEAR,),
}
"""The kinds of operators in each part. Attention means its two products, of queries with keys and
of weights with values; the layers that make queries, keys and values count as linear layers."""
