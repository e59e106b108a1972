"""What pooling and interpolation cost."""

from __future__ import annotations

from flopscope.costs.acts import TAPS, Cost, added
from flopscope.facts import Interpolation, Operator, Reduction
from flopscope.sizes import Size, adaptive_span, elements, pool_span, product


def max_pool(row: Operator) -> Cost:
    """K_h·K_w − 1 comparisons for each output element.

    >>> from flopscope.facts import Kind, Window
    >>> window = Window((2, 2), (2, 2), (0, 0))
    >>> row = Operator(Kind.MAX_POOL, "", ((1, 4, 8, 8),), (1, 4, 4, 4), window=window)
    >>> max_pool(row).compare == 4 * 4 * 4 * 3
    True
    """
    return Cost(compare=product((*row.output, _window_area(row) - 1)))


def average_pool(row: Operator) -> Cost:
    """K_h·K_w − 1 additions and one division for each output element; padding counts as
    elements.

    >>> from flopscope.facts import Kind, Window
    >>> window = Window((2, 2), (2, 2), (0, 0))
    >>> row = Operator(Kind.AVERAGE_POOL, "", ((1, 4, 8, 8),), (1, 4, 4, 4), window=window)
    >>> average_pool(row).add == 4 * 4 * 4 * 3
    True
    """
    n = elements(row.output)
    return Cost(add=product((n, _window_area(row) - 1)), divide=n)


def average_pool_inside(row: Operator) -> Cost:
    """Means of the elements inside the map. For each output element there are as many additions as
    elements under the window, less one, and one division. Padding is neither added nor counted
    (count_include_pad=False).
    """
    assert row.window is not None
    kernel, stride, padding, _ = row.window
    axes = zip(row.operand[2:], row.output[2:], kernel, stride, padding, strict=True)
    n = elements(row.output)
    under = product((*row.output[:2], *(pool_span(*axis) for axis in axes)))
    return Cost(add=under - n, divide=n)


def global_pool(row: Operator) -> Cost:
    """The mean over the grid: one addition for each input element, less one for each output
    element, and one division for each output element.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.GLOBAL_POOL, "", ((1, 4, 8, 8),), (1, 4, 1, 1))
    >>> global_pool(row).add, global_pool(row).divide
    (252, 4)
    """
    inputs, outputs = elements(row.operand), elements(row.output)
    return Cost(add=inputs - outputs, divide=outputs)


def adaptive_pool(row: Operator) -> Cost:
    """Window i of m over n elements reaches from ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉. It takes an addition (or
    comparison) for each of its elements, less one; a mean takes one division more."""
    axes = zip(row.operand[2:], row.output[2:], strict=True)
    outputs = elements(row.output)
    steps = product((*row.output[:2], *(adaptive_span(n, m) for n, m in axes))) - outputs
    if row.function is Reduction.EXTREMUM:
        return Cost(compare=steps)
    return Cost(add=steps, divide=outputs)


def resize(row: Operator) -> Cost:
    """A weighted sum of n samples for each output element: n multiplications, n−1 additions.

    The nearest sample is copied. The weights of a position are the same for all maps and are not
    counted. Where the number of samples varies, nothing is counted, and readings of all acts name
    the row as unknown.
    """
    assert isinstance(row.function, Interpolation)
    if row.function is Interpolation.VARYING:
        return Cost()
    n, taps = elements(row.output), TAPS[row.function]
    return Cost() if taps == 1 else Cost(add=product((n, taps - 1)), multiply=product((n, taps)))


def grid_sample(row: Operator) -> Cost:
    """Values of a map between its samples, at computed positions.

    Input (B, C, H, W), positions (B, H_out, W_out, 2) from -1 to 1, output (B, C, H_out, W_out); in
    three dimensions likewise. A coordinate is converted to one on the map (a multiplication and an
    addition) and rounded. Except for the nearest sample, its fraction and the fraction's complement
    to 1 take an addition each, and the weights of a position are products of these: 4
    multiplications, or 4 + 8 in three dimensions. A value is then a weighted sum as in `resize`.
    """
    coordinates = elements(row.inputs[1])
    if row.function is Interpolation.VARYING:
        return Cost()
    if row.function is Interpolation.NEAREST:
        return Cost(add=coordinates, multiply=coordinates, compare=coordinates)
    corners = 2 if row.function is Interpolation.BILINEAR else 4  # multiplications of each
    placed = Cost(
        add=product((3, coordinates)),
        multiply=product((1 + corners, coordinates)),
        compare=coordinates,
    )
    return added(placed, resize(row))


def _window_area(row: Operator) -> Size:
    assert row.window is not None
    return product(row.window.kernel)
