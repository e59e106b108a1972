"""Output sizes of sliding windows, as PyTorch defines them."""

from __future__ import annotations

from flopscope.sizes.choices import maximum
from flopscope.sizes.kinds import Size, is_symbolic
from flopscope.sizes.rounding import ceil_div, floor_div
from flopscope.sizes.sums import total
from flopscope.symbolic import call


def conv_output(size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size = 1) -> Size:
    """Output length of a convolution or pooling window along one dimension.

    ⌊(size + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1. Domain: stride ≥ 1; a result below
    1 says that the window does not fit.

    >>> conv_output(225, kernel=3, stride=2, padding=1)
    113
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def conv_transpose_output(
    size: Size,
    kernel: Size,
    stride: Size,
    padding: Size,
    dilation: Size = 1,
    output_padding: Size = 0,
) -> Size:
    """Output length of a transposed convolution along one dimension.

    (size − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1.

    >>> conv_transpose_output(14, kernel=2, stride=2, padding=0)
    28
    """
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def adaptive_span(size: Size, outputs: Size) -> Size:
    """The number of elements under all windows of an adaptive pooling along one dimension; overlaps
    count repeatedly.

    Window i takes ⌊i·size/outputs⌋ to ⌈(i+1)·size/outputs⌉. Domain: both at least 1.

    >>> adaptive_span(14, 7), adaptive_span(8, 3)
    (14, 10)
    """
    if is_symbolic(outputs):
        whole = not is_symbolic(size % outputs)
        return size if whole else call(adaptive_span, size, outputs, lower=1)
    windows = (
        ceil_div((i + 1) * size, outputs) - floor_div(i * size, outputs) for i in range(outputs)
    )
    return total(windows)


def pool_span(size: Size, outputs: Size, kernel: Size, stride: Size, padding: Size) -> Size:
    """The number of elements under all windows of a padded pooling along one dimension, without
    padding.

    Window i takes i·stride − padding to i·stride − padding + kernel − 1, as far as that lies in 0
    to size − 1. Domain: size and outputs at least 1.

    >>> pool_span(7, 7, kernel=3, stride=1, padding=1)
    19
    """
    if is_symbolic(kernel) or is_symbolic(stride) or is_symbolic(padding):
        return call(pool_span, size, outputs, kernel, stride, padding, lower=1)
    taps = range(-padding, kernel - padding)
    return total(_windows_inside(size, outputs, stride, tap) for tap in taps)


def _windows_inside(size: Size, outputs: Size, stride: int, tap: int) -> Size:
    """The number of windows that have an element of the map, and not padding, at their place
    `tap`."""
    first = max(0, ceil_div(-tap, stride))
    end = -maximum(-outputs, -((size - 1 - tap) // stride + 1))
    near = abs(tap) <= stride  # so that even a map of one element gives no negative number
    return end - first if near else maximum(0, end - first)
