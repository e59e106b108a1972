"""Every operator that stands for several others, in one table."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.onnxgraph.attention import ATTENTION
from flopscope.onnxgraph.decomposed import DECOMPOSED
from flopscope.onnxgraph.drafts import Expansion
from flopscope.onnxgraph.fused import FUSED
from flopscope.onnxgraph.layouts import LAYOUTS
from flopscope.onnxgraph.packed import PACKED
from flopscope.onnxgraph.products import PRODUCTS
from flopscope.onnxgraph.quantised import QUANTISED

EXPANSIONS: Mapping[str, Expansion] = {
    **PRODUCTS,
    **DECOMPOSED,
    **FUSED,
    **LAYOUTS,
    **ATTENTION,
    **QUANTISED,
    **PACKED,
}
"""By operator, `domain.Name` in other domains than onnx's own."""
