"""Do two runtimes compute the same results? If not, they did not run the same network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TOLERANCE = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 1e-1, "amp": 1e-1}
"""The largest difference over the largest value of the results, up to which they are the same."""


def difference(results: Sequence[Array], references: Sequence[Array]) -> float | None:
    """The largest difference of a value, over the largest value of its tensor. It is infinite
    where number or sizes of the results differ; None where there is nothing to compare, because
    the references have no finite values but zero.

    >>> difference([np.array([1.0, 2.0])], [np.array([1.0, 2.5])])
    0.2
    >>> difference([np.ones(3)], [np.ones(4)])
    inf
    """
    if [each.size for each in results] != [each.size for each in references]:
        return float("inf")
    found = None
    for result, reference in zip(results, references, strict=True):
        ours, theirs = (each.astype(np.float64).ravel() for each in (result, reference))
        scale = float(np.max(np.abs(theirs), initial=0.0))
        if not np.isfinite(scale) or scale < 1e-30:
            continue
        apart = float(np.max(np.abs(ours - theirs))) / scale
        found = max(found or 0.0, apart if np.isfinite(apart) else float("inf"))
    return found


class Apart(NamedTuple):
    """How far results are from what they should be: the largest difference of a value, and that
    over the largest value of its tensor, which is None where there is nothing to compare."""

    absolute: float
    relative: float | None


def apart(results: Sequence[Array], references: Sequence[Array]) -> Apart:
    """Both differences of all results.

    >>> apart([np.array([1.0, 2.0])], [np.array([1.0, 2.5])])
    Apart(absolute=0.5, relative=0.2)
    """
    relative = difference(results, references)
    if relative is not None and not np.isfinite(relative):
        return Apart(relative, relative)
    pairs = zip(results, references, strict=True)
    with np.errstate(invalid="ignore"):  # infinite less infinite
        gaps = [
            np.abs(a.astype(np.float64).ravel() - b.astype(np.float64).ravel()) for a, b in pairs
        ]
    known = [gap[np.isfinite(gap)] for gap in gaps]
    return Apart(max((float(gap.max(initial=0.0)) for gap in known), default=0.0), relative)
