"""EfficientNet's grid: arXiv 1905.11946, section 3.3, widths, depths and input sizes between those
of B0 and of B7.

The paper fixes their ratios by a small grid search and scales them together; here each is free, so
that the exact distribution shows where compound scaling stands. Coefficients round to the same
widths and depths, so that there are fewer networks than settings.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from flopscope.analytic.efficientnet import TABLE_1, efficientnet
from flopscope.analytic.tape import Feature
from flopscope.designspaces.listed import ListedSpace, Listing, Settings
from flopscope.errors import BadInput
from flopscope.sizes import round_filters, round_repeats

WIDTHS = tuple(tenths / 10 for tenths in range(10, 20 + 1))
DEPTHS = tuple(tenths / 10 for tenths in range(10, 31 + 1))
SIDES = range(224, 600 + 1, 8)
STEM, LAST = 32, 1280


def network(x: Feature, sizes: Settings) -> Feature:
    """(B, 3, H, W) → (B, 1000): EfficientNet at these coefficients."""
    return efficientnet(x, width=sizes["width"], depth=sizes["depth"])


def sizes(settings: Settings) -> Settings:
    """The settings themselves. Raises BadInput for a coefficient or a side that is not above 0."""
    for name, value in settings.items():
        if not value > 0 or (name == "res" and int(value) != value):
            raise BadInput(f"{name}={value:g} gives no EfficientNet; give a number above 0")
    return settings


def identity(sizes: Settings) -> list[Any]:
    """The side, and all widths and depths as they are rounded."""
    channels = [STEM, *(row.c for row in TABLE_1), LAST]
    return [
        np.asarray(sizes["res"]).astype(np.int64),
        *(round_filters(c, sizes["width"]) for c in channels),
        *(round_repeats(row.n, sizes["depth"]) for row in TABLE_1),
    ]


def listing() -> Listing:
    """All distinct networks at all sides; the first setting stands for those that give the same."""
    grid = np.meshgrid(WIDTHS, DEPTHS, SIDES, indexing="ij")
    width, depth, side = (each.ravel() for each in grid)
    keys = np.column_stack(identity({"width": width, "depth": depth, "res": side}))
    _, first, written = np.unique(keys, axis=0, return_index=True, return_counts=True)
    settings = {
        "width": width[first],
        "depth": depth[first],
        "res": side[first].astype(np.int64),
    }
    return Listing(settings, settings, written.astype(np.int64))


EFFICIENTNET_GRID = ListedSpace(
    "efficientnet_grid",
    network,
    sizes,
    listing,
    "arXiv 1905.11946, section 3.3",
    encoded="settings of width, depth and res",
    module="efficientnetgrid",
    side="res",
    identity=identity,
)
