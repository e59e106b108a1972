"""Rules of products of matrices, plain, scaled and grouped, and of operators that consist of such
products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from flopscope.facts import Function, Kind, Reduction
from flopscope.sizes import Shape, Size, elements
from flopscope.tracing.calls import Facts, OperatorCall, Rows, Rule, shape_of, tensors_in
from flopscope.tracing.node import size_value
from flopscope.tracing.operators.convolutions import CONVOLUTIONS


def _linear(call: OperatorCall) -> Facts:
    """A linear layer as one operator, with its matrix (out, in) as it is stored."""
    x, weight, bias = call.args[0], call.args[1], call.argument(2, None, "bias")
    return Facts(Kind.LINEAR, (x,), (weight, bias), seen_as={id(weight): shape_of(weight)[::-1]})


def product(call: OperatorCall) -> Facts:
    """A product of matrices, of a matrix and a vector, or of two vectors. If one operand is stored,
    the recorder writes a linear layer."""
    return Facts(Kind.MATMUL, (call.args[0], call.args[1]))


# --- added to something ------------------------------------------------------------------------


def _addmm(call: OperatorCall) -> Rows:
    """beta·bias + alpha·x·w: one row where the bias is a vector and nothing is scaled."""
    bias, x, weight = call.args[:3]
    plain = _scale(call, "beta") == 1 and _scale(call, "alpha") == 1
    if plain and bias.dim() == 1 and x.dim() == 2 and weight.dim() == 2:
        return Facts(Kind.LINEAR, (x,), (weight, bias))
    return _scaled_sum(call, Facts(Kind.MATMUL, (x, weight)))


def _addmm_activation(call: OperatorCall) -> Rows:
    rows = _addmm(call)
    gelu = call.kwargs.get("use_gelu", False)
    act = Facts(Kind.ACTIVATION, function=Function.GELU if gelu else Function.RELU, follows=True)
    return (*((rows,) if isinstance(rows, Facts) else rows or ()), act)


def _addbmm(call: OperatorCall) -> Rows:
    """The sum of the products of a stack of matrices."""
    _, a, b = call.args[:3]
    stack = (*shape_of(a)[:2], shape_of(b)[2])
    products = Facts(Kind.MATMUL, (a, b), output=stack)
    whole = Facts(
        Kind.REDUCTION, groups=elements(call.output), function=Reduction.SUM, follows=True
    )
    return _scaled_sum(call, products, whole)


def _addr(call: OperatorCall) -> Rows:
    """A column times a row: each element is one multiplication, and nothing is accumulated."""
    _, column, row = call.args[:3]
    return _scaled_sum(call, Facts(Kind.MULTIPLY, (column, row)))


def _scaled_sum(call: OperatorCall, *products: Facts) -> tuple[Facts, ...]:
    """beta·first + alpha·product. Scaling is element by element; with beta 0 nothing is added."""
    first, beta, alpha = call.args[0], _scale(call, "beta"), _scale(call, "alpha")
    before = (Facts(Kind.MULTIPLY, (first,), output=shape_of(first)),) if beta not in (0, 1) else ()
    scaled = (Facts(Kind.MULTIPLY, follows=True),) if alpha != 1 else ()
    added = (Facts(Kind.ADD, (first,), follows=True),) if beta != 0 else ()
    return (*before, *products, *scaled, *added)


def _scale(call: OperatorCall, name: str) -> Any:
    return call.kwargs.get(name, 1)


# --- grouped, scaled, quantised -------------------------------------------------------------------


def _grouped(call: OperatorCall) -> Rows:
    """Rows, columns or inner sizes are divided into groups by offsets, which are values. Each of
    them belongs to one group."""
    bias = call.argument(3, None, "bias")
    added = () if bias is None else (Facts(Kind.ADD, (bias,), follows=True),)
    return (_grouped_product(call), *added)


def _grouped_product(call: OperatorCall) -> Facts:
    a, b = call.args[:2]
    inner = a.dim() == 2 and b.dim() == 2
    return Facts(Kind.MATMUL, (a, b), groups=call.output[0] if inner else 1)


def _scaled_grouped(call: OperatorCall) -> Rows:
    """The newer form of a scaled grouped product, in which scales are lists."""
    scales = tensors_in(call.args[2:4] if call.name.endswith("mm") else call.args[2:8])
    return _grouped_product(call), Facts(Kind.OTHER, scales, follows=True)


def _scaled(call: OperatorCall) -> Rows:
    """A product of narrow numbers, with scales for both operands and perhaps a bias and a scale of
    the result."""
    a, b, *scales = call.args[:4]
    bias, last = call.argument(4, None, "bias"), call.argument(5, None, "scale_result")
    rows = _with_scales(a, b, scales)
    rows += [] if bias is None else [Facts(Kind.ADD, (bias,), follows=True)]
    rows += [] if last is None else [Facts(Kind.MULTIPLY, (last,), follows=True)]
    return tuple(rows)


def _scaled_by_lists(call: OperatorCall) -> Rows:
    """The newer form, in which a scale may itself be scaled: then it is a list of two."""
    a, b, own = *call.args[:2], [*call.args[2], *call.args[5]]
    bias = call.argument(8, None, "bias")
    rows = _with_scales(a, b, own)
    return (*rows, *([] if bias is None else [Facts(Kind.ADD, (bias,), follows=True)]))


def _with_scales(a: torch.Tensor, b: torch.Tensor, scales: Sequence[torch.Tensor]) -> list[Facts]:
    """The product times the scales of both operands: one number each, or one for each row and each
    column. Scales of blocks are applied inside the product, in a way that is not stated."""
    product = Facts(Kind.MATMUL, (a, b))
    whole = [elements(shape_of(scale)) for scale in scales]
    if whole == [1, 1]:
        both = Facts(Kind.MULTIPLY, tuple(scales), output=(1,), element="float32")
        return [both, product, Facts(Kind.MULTIPLY, follows=True)]
    if whole == [shape_of(a)[0], shape_of(b)[1]]:
        return [product, *(Facts(Kind.MULTIPLY, (scale,), follows=True) for scale in scales)]
    return [product, Facts(Kind.OTHER, tuple(scales), follows=True)]


def _product_of_bytes(call: OperatorCall) -> Rows:
    """A matrix of bytes, (out, in), and a scale for each of its rows."""
    x, weight, scales = call.args[:3]
    columns, inner = shape_of(weight)
    linear = Facts(Kind.LINEAR, (x,), (weight,), seen_as={id(weight): (inner, columns)})
    return linear, Facts(Kind.MULTIPLY, (scales,), follows=True)


# --- what stands on products ----------------------------------------------------------------------


def _trilinear(call: OperatorCall) -> tuple[Facts, ...]:
    """nn.Bilinear and its gradients: a product of three tensors on common axes, of which each
    tensor lacks some, summed over some axes. torch goes through one axis slice by slice.

    The first two tensors are multiplied, and summed over axes that the third lacks, and then the
    third. If nothing is summed, this is an element-wise multiplication.
    """
    tensors, (summed, unrolled) = call.args[:3], (call.args[6], call.argument(7, 1, "unroll_dim"))
    axes = [_with_axes(*pair) for pair in zip(tensors, call.args[3:6], strict=True)]
    every = {axis: n for sizes in axes for axis, n in sizes.items()}
    over = [axis for axis in summed if axis != unrolled]
    first = [axis for axis in over if axis not in axes[2]]
    second = [axis for axis in over if axis in axes[2]]
    # the axes over which the second product sums come last
    between = [a for a in every if a in {**axes[0], **axes[1], unrolled: 1} and a not in over]
    parts = [*between, *second]
    left = [axis for axis in every if axis not in over]
    rows = [
        _contracted(tensors[:2], axes[:2], first, [every[axis] for axis in parts]),
        _contracted(tensors[2:], axes[2:], second, [every[axis] for axis in left])._replace(
            follows=True
        ),
    ]
    if unrolled in summed:
        groups = elements(tuple(every[axis] for axis in left if axis != unrolled))
        rows.append(Facts(Kind.REDUCTION, groups=groups, function=Reduction.SUM, follows=True))
    return tuple(rows)


def _with_axes(tensor: torch.Tensor, lacking: Sequence[int]) -> dict[int, Size]:
    """The tensor's sizes, by common axis."""
    rank = tensor.dim() + len(lacking)
    return dict(zip((a for a in range(rank) if a not in lacking), shape_of(tensor), strict=True))


def _contracted(
    tensors: Sequence[torch.Tensor],
    axes: Sequence[Mapping[int, Size]],
    over: Sequence[int],
    output: Sequence[Size],
) -> Facts:
    """A product of matrices, the second in the layout of a weight, or a product of elements."""
    if not over:
        return Facts(Kind.MULTIPLY, tuple(tensors), output=tuple(output))
    length = elements(tuple(axes[0][axis] for axis in over))
    seen_as: dict[int, Shape] = {}
    for tensor, sizes, last in zip(tensors, axes, (True, False), strict=False):
        *rest, column = [n for axis, n in sizes.items() if axis not in over] or [1]
        seen_as[id(tensor)] = (*rest, column, length) if last else (*rest, length, column)
    return Facts(Kind.MATMUL, tuple(tensors), output=tuple(output), seen_as=seen_as)


def _affine_grid(call: OperatorCall) -> Facts:
    """Every position of the grid, extended by a 1, times the transposed matrix of its image."""
    theta, size = call.args[0], call.args[1]
    batch, positions = size_value(size[0]), elements(call.output[1:-1])
    axes, rank = shape_of(theta)[1:]
    grid = torch.empty((1,), dtype=theta.dtype, device="meta")
    return Facts(
        Kind.MATMUL,
        (grid, theta),
        seen_as={id(grid): (batch, positions, rank), id(theta): (batch, rank, axes)},
        output=(batch, positions, axes),
    )


def _euclidean_distance(call: OperatorCall) -> Rows:
    """√(−2·x·y + x² + y²), all but the root as one product of vectors that are longer by two."""
    x, y = call.args[:2]
    (*_, rows, width), columns = shape_of(x), shape_of(y)[-2]
    stack = call.output[:-2]
    squared = [_square_norms(z) for z in (x, y)]
    longer = {id(x): (*stack, rows, width + 2), id(y): (*stack, width + 2, columns)}
    if x is y:  # if both are the same tensor it has one shape; only the product's length matters
        longer = {id(x): (*stack, rows, width + 2)}
    return (
        *squared[0],
        *squared[1],
        Facts(Kind.MULTIPLY, (x,), output=shape_of(x)),
        Facts(Kind.MATMUL, (x, y), seen_as=longer),
        Facts(Kind.ELEMENTWISE, function=Function.BOUND, follows=True),
        Facts(Kind.ELEMENTWISE, function=Function.SQRT, follows=True),
    )


def _square_norms(x: torch.Tensor) -> tuple[Facts, Facts]:
    whole = (*shape_of(x)[:-1], 1)
    return (
        Facts(Kind.ELEMENTWISE, (x,), function=Function.SQUARE, output=shape_of(x)),
        Facts(
            Kind.REDUCTION,
            groups=elements(whole),
            function=Reduction.SUM,
            output=whole,
            follows=True,
        ),
    )


DISTANCES: Mapping[float, tuple[tuple[Function, ...], Reduction]] = {
    1: ((Function.ABS,), Reduction.SUM),
    2: ((), Reduction.NORM),
    float("inf"): ((Function.ABS,), Reduction.EXTREMUM),
}
"""Norms of a difference: the functions of its elements, and how they are reduced."""


def _pairwise_distance(call: OperatorCall) -> Rows:
    """The differences of all pairs of vectors, and their norms."""
    x, y, power = call.args[:3]
    if power not in DISTANCES:
        return None
    functions, reduction = DISTANCES[power]
    differences = (*call.output, shape_of(x)[-1])
    return (
        Facts(Kind.ADD, (x, y), output=differences),
        *(
            Facts(Kind.ELEMENTWISE, function=function, output=differences, follows=True)
            for function in functions
        ),
        Facts(Kind.REDUCTION, groups=elements(call.output), function=reduction, follows=True),
    )


def _weight_norm(call: OperatorCall) -> Rows:
    """v·(g/‖v‖), with a norm for each element of g."""
    v, g = call.args[:2]
    sizes = shape_of(g)
    return (
        Facts(Kind.REDUCTION, (v,), groups=elements(sizes), function=Reduction.NORM, output=sizes),
        Facts(Kind.DIVIDE, (g,), output=sizes, follows=True),
        Facts(Kind.MULTIPLY, (v,), follows=True),
    )


MATRICES: Mapping[str, Rule] = {
    **CONVOLUTIONS,
    **dict.fromkeys(["linear", "mkldnn_linear"], _linear),
    **dict.fromkeys(["mm", "bmm", "mv", "dot", "vdot", "_int_mm"], product),
    **dict.fromkeys(["addmm", "baddbmm", "addmv"], _addmm),
    "_addmm_activation": _addmm_activation,
    "addbmm": _addbmm,
    "addr": _addr,
    "_grouped_mm": _grouped,
    "_scaled_mm": _scaled,
    "_scaled_mm_v2": _scaled_by_lists,
    **dict.fromkeys(["_scaled_grouped_mm", "_scaled_grouped_mm_v2"], _scaled_grouped),
    "_weight_int8pack_mm": _product_of_bytes,
    "_trilinear": _trilinear,
    "affine_grid_generator": _affine_grid,
    "_euclidean_dist": _euclidean_distance,
    "_cdist_forward": _pairwise_distance,
    "_weight_norm_interface": _weight_norm,
}
"""The rule of each operator, under its name without overload."""
