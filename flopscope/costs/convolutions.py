"""What convolutions cost."""

from __future__ import annotations

from flopscope.costs.acts import Cost, added
from flopscope.costs.products import dot_products
from flopscope.facts import Operator
from flopscope.sizes import elements, product, total


def convolution(row: Operator) -> Cost:
    """B·H_out·W_out·C_out · (C_in/groups)·K_h·K_w multiply-accumulates.

    Input (B, C_in, H, W), weight (C_out, C_in/groups, K_h, K_w), output (B, C_out, H_out, W_out).
    Depthwise, pointwise, grouped and dilated convolutions are this rule with other sizes. The bias
    is not in `macs`; it adds one `add` per output element. Source: arXiv 1704.04861, equations 2, 4
    and 5.

    >>> from flopscope.facts import Kind, Weight
    >>> weights = (Weight("w", (4, 3, 3, 3)),)
    >>> row = Operator(Kind.CONVOLUTION, "", ((1, 3, 8, 8),), (1, 4, 8, 8), weights)
    >>> convolution(row).macs
    6912
    """
    return dot_products(elements(row.output), product(row.weights[0].shape[1:]), row.has_bias)


def transposed_convolution(row: Operator) -> Cost:
    """B·H_in·W_in·C_in · (C_out/groups)·K_h·K_w multiply-accumulates: each input element is spread.

    Input (B, C_in, H, W), weight (C_in, C_out/groups, K_h, K_w). Products are scattered into zeros
    and each is added once, so there are as many additions as multiplications. Products that the
    padding crops are computed all the same. The bias adds one addition per output element.

    >>> from flopscope.facts import Kind, Weight
    >>> weights = (Weight("w", (4, 8, 2, 2)),)
    >>> kind = Kind.TRANSPOSED_CONVOLUTION
    >>> row = Operator(kind, "", ((1, 4, 7, 7),), (1, 8, 14, 14), weights)
    >>> transposed_convolution(row).macs == 7 * 7 * 4 * 8 * 4
    True
    """
    macs = product((*row.inputs[0], *row.weights[0].shape[1:]))
    bias = elements(row.output) if row.has_bias else 0
    return Cost(macs, add=total((macs, bias)), multiply=macs)


def deformable_convolution(row: Operator) -> Cost:
    """A convolution of values that are read between the samples of its input, at computed
    positions.

    Input (B, C_in, H, W), offsets (B, 2·sets·K_h·K_w, H_out, W_out) and, where values are
    modulated, a mask; weight and output as a convolution's. Each offset gives a coordinate by an
    addition, which is rounded down; its fraction and the fraction's complement to 1 take an
    addition each. The four weights of a position take a multiplication each, which makes two for
    each offset. A value takes four multiplications and three additions, and one multiplication by
    the mask if there is one. Source: arXiv 1703.06211, equations 2 to 4; arXiv 1811.11168, equation
    1.
    """
    offsets = elements(row.inputs[1])
    values = product((row.output[0], row.inputs[0][1], *row.weights[0].shape[2:], *row.output[2:]))
    masked = 1 if len(row.inputs) > 2 else 0
    positions = Cost(add=product((3, offsets)), multiply=product((2, offsets)), compare=offsets)
    read = Cost(add=product((3, values)), multiply=product((4 + masked, values)))
    return added(convolution(row), added(positions, read))
