"""RegNetX's design space, swept by its rule: arXiv 2003.13678, sections 3.3 and 4.

A network follows from its depth d, an initial width w0, a slope wa, a ratio wm of neighbouring
widths, and a group width g, by the quantised linear rule. As in the paper, networks have four
stages, bottlenecks are as wide as their blocks, 12 ≤ d ≤ 28, 2 ≤ wm ≤ 3, widths are at most 1024,
and group widths are powers of two up to 32.

Deviation: the paper draws w0, wa and wm at random up to 256, 256 and 3; here they stand on a grid,
all of which is evaluated.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from flopscope.analytic.regnet import Stage, anynet, regnet_stages
from flopscope.analytic.tape import Feature
from flopscope.designspaces.listed import ListedSpace, Listing, Settings
from flopscope.errors import BadInput

W0 = range(8, 256 + 1, 8)
WA = range(8, 256 + 1, 8)
WM = tuple(tenths / 10 for tenths in range(20, 30 + 1))
DEPTHS = range(12, 28 + 1)
GROUPS = (1, 2, 4, 8, 16, 32)
STAGES, WIDEST = 4, 1024


def network(x: Feature, sizes: Settings) -> Feature:
    """(B, 3, H, W) → (B, 1000): the AnyNet of these blocks d, widths w and group widths g."""
    stages = [Stage(sizes[f"d{n}"], sizes[f"w{n}"], sizes[f"g{n}"]) for n in range(1, STAGES + 1)]
    return anynet(x, stages, squeeze=False)


def sizes(settings: Settings) -> dict[str, int]:
    """The sizes of the stages. Raises BadInput for settings that give no four stages, or wider ones
    than 1024."""
    d, g, w0 = (int(settings[name]) for name in ("d", "g", "w0"))
    stages = regnet_stages(w0, settings["wa"], settings["wm"], d, g)
    if len(stages) != STAGES or stages[-1].w > WIDEST:
        raise BadInput(
            f"these settings give {len(stages)} stages, the last of {stages[-1].w} channels; a "
            f"RegNet of this space has {STAGES} stages of at most {WIDEST} channels"
        )
    found: dict[str, Any] = {}
    for n, stage in enumerate(stages, start=1):
        found |= {f"d{n}": int(stage.d), f"w{n}": int(stage.w), f"g{n}": int(stage.g)}
    return found


def listing() -> Listing:
    """All distinct networks of the grid. Settings are read in order; the first stands for all that
    give the same network."""
    first: dict[tuple[int, ...], tuple[float, ...]] = {}
    written: Counter[tuple[int, ...]] = Counter()
    for settings, stages in _unfitted():
        written[stages] += 1
        first.setdefault(stages, settings)
    whole: dict[tuple[int, ...], tuple[float, ...]] = {}
    number: Counter[tuple[int, ...]] = Counter()
    for stages, settings in first.items():
        for g in GROUPS:
            fitted = tuple(n for d, w in _pairs(stages) for n in (d, *_fitted(w, g)))
            number[fitted] += written[stages]
            whole.setdefault(fitted, (*settings, g))
    names = ("w0", "wa", "wm", "d", "g")
    rows = np.array(list(whole), dtype=np.int64)
    columns = np.array(list(whole.values()))
    keys = [f"{kind}{n}" for n in range(1, STAGES + 1) for kind in "dwg"]
    return Listing(
        {name: columns[:, n] for n, name in enumerate(names)},
        {key: rows[:, n] for n, key in enumerate(keys)},
        np.array([number[fitted] for fitted in whole], dtype=np.int64),
    )


def _unfitted() -> Iterator[tuple[tuple[float, ...], tuple[int, ...]]]:
    """Settings without g, and the blocks and width of each of their four stages in turn. Floats are
    those of `regnet_stages`."""
    for w0, wa, wm in product(W0, WA, WM):
        scale = math.log(wm)
        steps = [round(math.log((w0 + wa * j) / w0) / scale) for j in range(DEPTHS[-1])]
        widths = [round(w0 * wm**step / 8) * 8 for step in steps]
        for d in DEPTHS:
            stages = Counter(widths[:d])
            if len(stages) == STAGES and widths[d - 1] <= WIDEST:
                pairs = sorted(stages.items())
                yield (w0, wa, wm, d), tuple(n for width, count in pairs for n in (count, width))


def _pairs(stages: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    return zip(stages[::2], stages[1::2], strict=True)


def _fitted(width: int, group: int) -> tuple[int, int]:
    """A width and the group width that divides it. Group widths are powers of two here."""
    if width < group:
        return width, width
    return max(1, round(width / group)) * group, group


REGNETX = ListedSpace(
    "regnetx",
    network,
    sizes,
    listing,
    "arXiv 2003.13678, sections 3.3 and 4",
    encoded="settings of w0, wa, wm, d and g",
    module="regnetrule",
)
