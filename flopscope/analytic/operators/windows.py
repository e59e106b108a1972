"""What sliding a window over a map needs: sizes in pairs, the domain, and the grid."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

from flopscope.analytic.tape import Feature
from flopscope.facts import Window
from flopscope.sizes import Size, conv_output, exact_div

Pair: TypeAlias = Size | tuple[Size, Size]


def pair(value: Pair) -> tuple[Size, Size]:
    """A size of both axes, or one of each."""
    return value if isinstance(value, tuple) else (value, value)


def window_over(
    x: Feature, kernel: Pair, stride: Pair, padding: Pair | None, dilation: Pair
) -> Window:
    """The window, centred where no padding is given; kernel, stride and dilation from 1."""
    kernel, dilation = pair(kernel), pair(dilation)
    if padding is None:
        spans = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
        for span in spans:
            x.tape.multiple(
                span, 2, "span of the window less 1 (dilation × (kernel − 1)), to be centred,"
            )
        padding = (exact_div(spans[0], 2), exact_div(spans[1], 2))
    for size in pair(padding):
        x.tape.at_least(size, 0, lambda: "padding")
    for size in (*kernel, *pair(stride), *dilation):
        x.tape.at_least(size, 1, lambda: "kernel, stride or dilation")
    return Window(kernel, pair(stride), pair(padding), dilation)


def pool_window(x: Feature, kernel: Pair, stride: Pair, padding: Pair) -> Window:
    """The window of a pooling, whose padding is at most half of its kernel."""
    window = window_over(x, kernel, stride, padding, 1)
    for k, p in zip(window.kernel, window.padding, strict=True):
        x.tape.at_least(k - 2 * p, 0, lambda: "kernel less twice the padding")
    return window


def _fit_text(size: Size, kernel: Size, padding: Size) -> str:
    return f"input {size} padded by {padding} less the span of kernel {kernel}, plus 1,"


def grid_of(x: Feature, window: Window) -> tuple[Size, ...]:
    """Positions of the window along each axis, which must fit the padded input."""
    for size, k, p, d in zip(x.grid, window.kernel, window.padding, window.dilation, strict=True):
        fits = size + 2 * p - d * (k - 1)
        x.tape.at_least(fits, 1, partial(_fit_text, size, k, p))
    return tuple(conv_output(*axis) for axis in zip(x.grid, *window, strict=True))


def require_groups(x: Feature, groups: Size, *channels: Size) -> None:
    """Require that the groups divide each of these numbers of channels."""
    for count in channels:
        x.tape.at_least(count, 1, lambda: "number of channels")
        if groups is not count and not (isinstance(groups, int) and groups == 1):
            x.tape.at_least(groups, 1, lambda: "number of groups")
            x.tape.multiple(count, groups, "number of channels")
