"""The names of the panels that pictures have, for messages and help texts; matplotlib is not
needed."""

from __future__ import annotations

COMPARISON = (
    "stage", "kind", "stage-share", "kind-share", "totals", "resolution", "width", "activations",
)  # fmt: skip
"""The panels of a comparison."""
SWEEP = ("lines", "heatmap", "levels")
"""The panels of a sweep."""
