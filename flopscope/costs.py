"""What each kind of operator costs: one rule a kind, one table, nothing else in the project counts.

`cost(row)` gives the multiply-accumulates of a row and every arithmetic act in it. Zeros of padding
are multiplied like any input, as all counters do. Tests execute each operator as plain Python loops
over counting numbers: the loops' result equals PyTorch's and their acts equal these rules. Sums and
products are those of `sizes`, which raise Overflow where an array would wrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopscope.acts import FUNCTION_ACTS, REDUCTION_ACTS, TAPS, Cost, added, scaled
from flopscope.complexcosts import complex_cost, has_complex
from flopscope.facts import Function, Interpolation, Kind, Operator, Reduction
from flopscope.sizes import Size, adaptive_span, elements, pool_span, product, total


def convolution(row: Operator) -> Cost:
    """B·H_out·W_out·C_out · (C_in/groups)·K_h·K_w multiply-accumulates.

    Input (B, C_in, H, W), weight (C_out, C_in/groups, K_h, K_w), output (B, C_out, H_out, W_out).
    Depthwise, pointwise, grouped and dilated convolutions are this rule with other sizes. The bias
    is not in `macs`; it adds one `add` per output element. Source: arXiv 1704.04861, equations 2, 4
    and 5.

    >>> from flopscope.facts import Weight
    >>> weights = (Weight("w", (4, 3, 3, 3)),)
    >>> row = Operator(Kind.CONVOLUTION, "", ((1, 3, 8, 8),), (1, 4, 8, 8), weights)
    >>> convolution(row).macs
    6912
    """
    return _dot_products(elements(row.output), product(row.weights[0].shape[1:]), row.has_bias)


def transposed_convolution(row: Operator) -> Cost:
    """B·H_in·W_in·C_in · (C_out/groups)·K_h·K_w multiply-accumulates: each input element is spread.

    Input (B, C_in, H, W), weight (C_in, C_out/groups, K_h, K_w). As a scatter into zeros each
    product is added once, so there are as many additions as multiplications; products that the
    padding crops are made all the same. The bias adds one per output.
    """
    macs = product((*row.inputs[0], *row.weights[0].shape[1:]))
    bias = elements(row.output) if row.has_bias else 0
    return Cost(macs, add=total((macs, bias)), multiply=macs)


def deformable_convolution(row: Operator) -> Cost:
    """A convolution of values read between the samples of its input, at positions of its own.

    Input (B, C_in, H, W), offsets (B, 2·sets·K_h·K_w, H_out, W_out) and, where values are
    modulated, a mask; weight and output as a convolution's. A coordinate, one an offset, is an
    addition, rounded down; what is left of it and the rest up to 1 are an addition each. The four
    weights of a position are a multiplication each, two an offset. A value is four multiplications
    and three additions, and a multiplication by the mask. Source: arXiv 1703.06211, equations 2 to
    4; arXiv 1811.11168, equation 1.
    """
    offsets = elements(row.inputs[1])
    values = product((row.output[0], row.inputs[0][1], *row.weights[0].shape[2:], *row.output[2:]))
    masked = 1 if len(row.inputs) > 2 else 0
    positions = Cost(add=product((3, offsets)), multiply=product((2, offsets)), compare=offsets)
    read = Cost(add=product((3, values)), multiply=product((4 + masked, values)))
    return added(convolution(row), added(positions, read))


def linear(row: Operator) -> Cost:
    """positions · in · out multiply-accumulates: input (…, in), weight (out, in), output (…, out).

    >>> from flopscope.facts import Weight
    >>> weights = (Weight("w", (4, 9)), Weight("b", (4,)))
    >>> row = Operator(Kind.LINEAR, "", ((16, 9),), (16, 4), weights)
    >>> linear(row).macs, linear(row).acts
    (576, 1152)
    """
    return _dot_products(elements(row.output), row.weights[0].shape[-1], row.has_bias)


def matmul(row: Operator) -> Cost:
    """batch · n · m · k multiply-accumulates: inputs (…, n, k) and (…, k, m), output (…, n, m).

    In `groups` that share k among them, output (groups, n, m), it is n · m · k together.
    """
    outputs, inner = row.output, row.inputs[0][-1]
    if isinstance(row.groups, int) and row.groups == 1:
        return _dot_products(elements(outputs), inner, False)
    macs = product((*outputs[1:], inner))
    return Cost(macs, add=macs - elements(outputs), multiply=macs)


def sparse_matmul(row: Operator) -> Cost:
    """entries · vectors multiply-accumulates: each stored entry of the sparse matrix is multiplied
    once a vector of the dense one, and the product added into zeros. `groups` is their number.

    Entries (nnz,), dense (k, vectors), output (m, vectors); a dense matrix from the left likewise.

    >>> row = Operator(Kind.SPARSE_MATMUL, "", ((7,), (6, 4)), (6, 4), groups=28)
    >>> sparse_matmul(row).macs
    28
    """
    return Cost(row.groups, add=row.groups, multiply=row.groups)


def batch_norm(row: Operator) -> Cost:
    """Inference form x·s + t with s = γ/√(σ²+ε), t = β − μ·s: 2 acts an element, 5 a channel.

    Input and output (B, C, …). Without γ and β, s = 1/√(σ²+ε) and t = −μ·s: 2 an element, 4 a
    channel (the sign rides on the subtraction: x·s − μ·s). The acts a channel do not grow with B.
    """
    n, channels = elements(row.output), row.output[1]
    shifts = channels if row.weights else 0
    return Cost(
        add=total((n, channels, shifts)),
        multiply=total((n, channels)),
        divide=channels,
        transcendental=channels,
    )


def batch_norm_training(row: Operator) -> Cost:
    """Layer norm's acts with channels as groups, and the running mean and variance brought up.

    A running value is (1 − momentum)·old + momentum·new: 2 multiplications and 1 addition; the new
    variance is unbiased, by n/(n − 1): one more multiplication.
    """
    channels = row.groups if row.buffers else 0
    running = Cost(add=product((2, channels)), multiply=product((5, channels)))
    return added(layer_norm(row), running)


def layer_norm(row: Operator) -> Cost:
    """(x − μ)/√(σ²+ε)·γ + β over groups of n elements; group norm is the same with other groups.

    Per group: mean n−1 adds, 1 divide; centring n; variance n multiplies, n−1 adds, 1 divide; ε,
    root, reciprocal 1 each; scaling n multiplies. Affine: n multiplies and n adds more.
    """
    n, groups = elements(row.output), row.groups
    affine = n if row.weights else 0
    return Cost(
        add=total((product((3, n)), -groups, affine)),
        multiply=total((product((2, n)), affine)),
        divide=product((3, groups)),
        transcendental=groups,
    )


def rms_norm(row: Operator) -> Cost:
    """x/√(mean of x² + ε)·γ over groups of n elements.

    Per group: n squares, n−1 adds, 1 divide; ε, root, reciprocal 1 each; scaling n multiplies.
    With γ n multiplies more. Source: arXiv 1910.07467, equation 4.
    """
    n, groups = elements(row.output), row.groups
    affine = n if row.weights else 0
    return Cost(
        add=n,
        multiply=total((product((2, n)), affine)),
        divide=product((2, groups)),
        transcendental=groups,
    )


def embedding(row: Operator) -> Cost:
    """No arithmetic: rows of a stored table are copied."""
    return Cost()


def function(row: Operator) -> Cost:
    """One application of the row's function to each element."""
    assert isinstance(row.function, Function)
    return scaled(FUNCTION_ACTS[row.function], elements(row.output))


def softmax(row: Operator) -> Cost:
    """Over n: maximum n−1 compares, n subtractions, n exps, n−1 adds, n divides."""
    n, groups = elements(row.output), row.groups
    return Cost(add=product((2, n)) - groups, divide=n, compare=n - groups, transcendental=n)


def log_softmax(row: Operator) -> Cost:
    """Over n: maximum n−1 compares, n subtractions, n exps, n−1 adds, 1 log, n subtractions."""
    n, groups = elements(row.output), row.groups
    return Cost(add=product((3, n)) - groups, compare=n - groups, transcendental=total((n, groups)))


def reduction(row: Operator) -> Cost:
    """Each of the row's groups of elements becomes one number (a running sum: as many)."""
    assert isinstance(row.function, Reduction)
    an_element, a_group = REDUCTION_ACTS[row.function]
    n = elements(row.operand)
    return added(scaled(an_element, n), scaled(a_group, row.groups))


def max_pool(row: Operator) -> Cost:
    """K_h·K_w − 1 comparisons an output element."""
    return Cost(compare=product((*row.output, _window_area(row) - 1)))


def average_pool(row: Operator) -> Cost:
    """K_h·K_w − 1 additions and one division an output element (padding included in the count)."""
    n = elements(row.output)
    return Cost(add=product((n, _window_area(row) - 1)), divide=n)


def average_pool_inside(row: Operator) -> Cost:
    """Means of the elements inside the map: an addition for each element under a window less one,
    one division an output element. Padding is neither added nor counted (count_include_pad=False).
    """
    assert row.window is not None
    kernel, stride, padding, _ = row.window
    axes = zip(row.operand[2:], row.output[2:], kernel, stride, padding, strict=True)
    n = elements(row.output)
    under = product((*row.output[:2], *(pool_span(*axis) for axis in axes)))
    return Cost(add=under - n, divide=n)


def global_pool(row: Operator) -> Cost:
    """Mean over the grid: one addition an input less one an output, one division an output."""
    inputs, outputs = elements(row.operand), elements(row.output)
    return Cost(add=inputs - outputs, divide=outputs)


def adaptive_pool(row: Operator) -> Cost:
    """Window i of m over n takes ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉: an addition (or comparison) for each of
    its elements less one; a mean divides once."""
    axes = zip(row.operand[2:], row.output[2:], strict=True)
    outputs = elements(row.output)
    steps = product((*row.output[:2], *(adaptive_span(n, m) for n, m in axes))) - outputs
    if row.function is Reduction.EXTREMUM:
        return Cost(compare=steps)
    return Cost(add=steps, divide=outputs)


def resize(row: Operator) -> Cost:
    """A weighted sum of n samples an output element: n multiplications, n−1 additions.

    The nearest sample is copied. The weights of a position are those of all maps and not counted.
    Where the samples vary, nothing is counted: readings of all acts name the row as unknown.
    """
    assert isinstance(row.function, Interpolation)
    if row.function is Interpolation.VARYING:
        return Cost()
    n, taps = elements(row.output), TAPS[row.function]
    return Cost() if taps == 1 else Cost(add=product((n, taps - 1)), multiply=product((n, taps)))


def grid_sample(row: Operator) -> Cost:
    """Values of a map between its samples, at positions that are computed.

    Input (B, C, H, W), positions (B, H_out, W_out, 2) from -1 to 1, output (B, C, H_out, W_out);
    in three dimensions likewise. A coordinate becomes one of the map (a multiplication and an
    addition) and is rounded. But for the nearest sample, what is left of it and the rest up to 1
    are an addition each, and a position's weights products of those: 4 multiplications, 4 + 8 in
    three dimensions. A value is then a weighted sum as in `resize`.
    """
    coordinates = elements(row.inputs[1])
    if row.function is Interpolation.VARYING:
        return Cost()
    if row.function is Interpolation.NEAREST:
        return Cost(add=coordinates, multiply=coordinates, compare=coordinates)
    corners = 2 if row.function is Interpolation.BILINEAR else 4  # multiplications a coordinate
    placed = Cost(
        add=product((3, coordinates)),
        multiply=product((1 + corners, coordinates)),
        compare=coordinates,
    )
    return added(placed, resize(row))


def addition(row: Operator) -> Cost:
    """One addition an output element: of two tensors, or of a tensor and a number."""
    return Cost(add=elements(row.output))


def division(row: Operator) -> Cost:
    """One division an output element."""
    return Cost(divide=elements(row.output))


def comparison(row: Operator) -> Cost:
    """One comparison an output element."""
    return Cost(compare=elements(row.output))


def multiplication(row: Operator) -> Cost:
    """One multiplication an output element (broadcasting included); it accumulates nothing."""
    return Cost(multiply=elements(row.output))


def concatenation(row: Operator) -> Cost:
    """No arithmetic: memory moves, nothing is computed."""
    return Cost()


def stored(row: Operator) -> Cost:
    """No arithmetic: a parameter that the network holds, in use elsewhere in part or not at all."""
    return Cost()


COSTS: Mapping[Kind, Callable[[Operator], Cost]] = {
    Kind.CONVOLUTION: convolution,
    Kind.TRANSPOSED_CONVOLUTION: transposed_convolution,
    Kind.DEFORMABLE_CONVOLUTION: deformable_convolution,
    Kind.LINEAR: linear,
    Kind.MATMUL: matmul,
    Kind.SPARSE_MATMUL: sparse_matmul,
    Kind.BATCH_NORM: batch_norm,
    Kind.BATCH_NORM_TRAINING: batch_norm_training,
    Kind.EMBEDDING: embedding,
    Kind.LAYER_NORM: layer_norm,
    Kind.GROUP_NORM: layer_norm,
    Kind.RMS_NORM: rms_norm,
    Kind.ACTIVATION: function,
    Kind.ELEMENTWISE: function,
    Kind.SOFTMAX: softmax,
    Kind.LOG_SOFTMAX: log_softmax,
    Kind.REDUCTION: reduction,
    Kind.MAX_POOL: max_pool,
    Kind.AVERAGE_POOL: average_pool,
    Kind.AVERAGE_POOL_INSIDE: average_pool_inside,
    Kind.GLOBAL_POOL: global_pool,
    Kind.ADAPTIVE_POOL: adaptive_pool,
    Kind.RESIZE: resize,
    Kind.GRID_SAMPLE: grid_sample,
    Kind.ADD: addition,
    Kind.MULTIPLY: multiplication,
    Kind.DIVIDE: division,
    Kind.COMPARE: comparison,
    Kind.CONCATENATION: concatenation,
    Kind.STORED: stored,
}
"""Every kind but UNKNOWN, whose cost is not known, and OTHER, of which only that it has no MACs; a
test holds the table to be total."""


def cost(row: Operator) -> Cost:
    """The cost of one application of a row (its `repeat` is not in it), in acts on real numbers."""
    found = COSTS[row.kind](row)
    return complex_cost(row, found) if row.types and has_complex(row) else found


def _dot_products(outputs: Size, length: Size, bias: bool) -> Cost:
    """`outputs` dot products of `length` terms, plus one addition each where there is a bias."""
    macs = product((outputs, length))
    return Cost(macs, add=macs if bias else macs - outputs, multiply=macs)


def _window_area(row: Operator) -> Size:
    assert row.window is not None
    return product(row.window.kernel)
