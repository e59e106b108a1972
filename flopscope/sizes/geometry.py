"""Output sizes of sliding windows, as PyTorch defines them."""

from __future__ import annotations

from flopscope.sizes.kinds import Size


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
