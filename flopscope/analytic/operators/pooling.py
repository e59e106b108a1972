"""Pooling and sampling, which give maps with fewer or other positions."""

from __future__ import annotations

from flopscope.analytic.operators.windows import Pair, grid_of, pool_window
from flopscope.analytic.tape import Feature
from flopscope.facts import Interpolation, Kind, Reduction
from flopscope.sizes import Size


def max_pool2d(
    x: Feature, kernel: Pair, *, stride: Pair, padding: Pair = 0, name: str = "pool"
) -> Feature:
    """Maximum over a sliding window, floor mode as in PyTorch. Domain: that of `avg_pool2d`."""
    window = pool_window(x, kernel, stride, padding)
    return x.tape.record(
        Kind.MAX_POOL, name, (x,), (*x.shape[:2], *grid_of(x, window)), window=window
    )


def avg_pool2d(
    x: Feature,
    kernel: Pair,
    *,
    stride: Pair,
    padding: Pair = 0,
    include_padding: bool = True,
    name: str = "pool",
) -> Feature:
    """Mean over a sliding window, floor mode, padding included in the mean as in PyTorch's default.

    Raises OutsideDomain where the padded input does not hold the kernel, or the padding exceeds
    half the kernel.

    >>> from flopscope.analytic.tape import record
    >>> pool = lambda x: avg_pool2d(x, 3, stride=1, padding=1, include_padding=False)
    >>> record(pool, (1, 1, 7, 7)).flops("all").value  # 19² − 7² additions, 7² divisions
    361
    """
    window = pool_window(x, kernel, stride, padding)
    padded = not all(isinstance(p, int) and p == 0 for p in window.padding)
    kind = Kind.AVERAGE_POOL if include_padding or not padded else Kind.AVERAGE_POOL_INSIDE
    return x.tape.record(kind, name, (x,), (*x.shape[:2], *grid_of(x, window)), window=window)


def global_pool(x: Feature, *, name: str = "pool") -> Feature:
    """Mean over the whole grid: (B, C, H, W) → (B, C, 1, 1), PyTorch's AdaptiveAvgPool2d(1)."""
    return x.tape.record(Kind.GLOBAL_POOL, name, (x,), (x.batch, x.channels, 1, 1))


def adaptive_pool(
    x: Feature,
    grid: tuple[Size, Size],
    *,
    function: Reduction = Reduction.MEAN,
    name: str = "pool",
) -> Feature:
    """Means (or extrema) over windows that tile the map: (B, C, H, W) → (B, C, *grid), PyTorch's
    AdaptiveAvgPool2d and AdaptiveMaxPool2d."""
    return x.tape.record(Kind.ADAPTIVE_POOL, name, (x,), (*x.shape[:2], *grid), function=function)


def resize(
    x: Feature, grid: tuple[Size, Size], mode: Interpolation, *, name: str = "resize"
) -> Feature:
    """A map sampled on another grid: (B, C, H, W) → (B, C, *grid). Raises OutsideDomain below 1."""
    for size in grid:
        x.tape.at_least(size, 1, lambda: "size to interpolate to")
    return x.tape.record(Kind.RESIZE, name, (x,), (*x.shape[:2], *grid), function=mode)
