"""The sizes to branch on, in the order in which they are tried.

Generic sizes come first, because at multiples of large powers of two many networks take branches
that hold almost nowhere else. Then come multiples that windows and patches divide, and then the
sizes for which networks were made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import count, product
from typing import Any

from flopscope.symbolic import Symbol

GENERIC: Mapping[str, int] = {"B": 3, "H": 264, "W": 328}
GRIDS = ((320, 448), (448, 672), (224, 224), (256, 256), (384, 384), (512, 512), (299, 299),
         (192, 192), (240, 240), (288, 288), (336, 336), (1024, 1024), (64, 64),
         (32, 32))  # fmt: skip
SMALL: Mapping[str, int] = {
    "K": 3, "S": 2, "G": 4, "t": 6, "s": 2, "d": 3, "h": 4, "heads": 4, "groups": 4, "j": 1, "n": 2,
}  # fmt: skip
"""Names of small sizes: kernels, strides, groups, expansions, heads."""

DEPTHS = (8, 16, 32, 64, 96)
"""Names of depths of volumes and lengths of clips."""

REAL = 1.3
"""Names of multipliers, such as that of a width."""

LENGTHS = (40, 64, 16, 77, 197, 16000)
"""Free sizes with other names, such as tokens: the n-th name takes 16·n more."""


def examples(free: Collection[Symbol], given: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Values for every free symbol: the given ones, and those that are tried for the others.

    >>> from flopscope.symbolic import Symbol
    >>> next(examples([Symbol("H"), Symbol("tokens")], {"H": 96}))
    {'H': 96, 'tokens': 40}
    """
    known = {**GENERIC, **SMALL, "D": DEPTHS[0], **{s.name: REAL for s in free if not s.integer}}
    names = sorted(s.name for s in free)
    others = [name for name in names if name not in known and name not in given]
    grids = [(GENERIC["H"], GENERIC["W"]), *(GRIDS if "H" not in given or "W" not in given else ())]
    if not {"H", "W"} & set(names):
        grids = grids[:1]
    depths = DEPTHS if "D" in names and "D" not in given else DEPTHS[:1]
    lengths = LENGTHS if others else LENGTHS[:1]
    for length, depth, (height, width) in product(lengths, depths, grids):
        sizes = {**known, "D": depth, "H": height, "W": width}
        sizes |= dict(zip(others, count(length, 16), strict=False))
        yield {name: given.get(name, sizes.get(name, 0)) for name in names}
        if not names:
            return
