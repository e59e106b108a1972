"""Every operator that stands for several others, in one table."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.onnxgraph.expansions.attention import ATTENTION
from flopscope.onnxgraph.expansions.decomposed import DECOMPOSED
from flopscope.onnxgraph.expansions.drafts import Expansion
from flopscope.onnxgraph.expansions.fused import FUSED
from flopscope.onnxgraph.expansions.layouts import LAYOUTS
from flopscope.onnxgraph.expansions.packed import PACKED
from flopscope.onnxgraph.expansions.products import PRODUCTS
from flopscope.onnxgraph.expansions.quantised import QUANTISED

EXPANSIONS: Mapping[str, Expansion] = {
    **PRODUCTS,
    **DECOMPOSED,
    **FUSED,
    **LAYOUTS,
    **ATTENTION,
    **QUANTISED,
    **PACKED,
}
"""The expansions by operator, which is written `domain.Name` outside onnx's own domain."""
