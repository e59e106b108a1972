"""What operators on complex numbers cost in acts on real ones: one literal table.

The rule of a kind counts a complex row as if its numbers were real. Here each of its acts becomes
acts on pairs. (a + bi)·(c + di) is four multiplications and two additions, one by a real number two
multiplications; a sum is two additions; x/y is x·ȳ/(y·ȳ). For a kind or function that is not here,
acts on complex numbers are not stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopscope.costs.acts import Cost, scaled
from flopscope.facts import COMPLEX, Arithmetic, Function, Kind, Operator, Reduction
from flopscope.sizes import Size, elements, product, total


def has_complex(row: Operator) -> bool:
    """Is one of its tensors complex?"""
    return not COMPLEX.isdisjoint((*row.types, *(weight.element for weight in row.weights)))


def is_stated(kind: Kind, function: Arithmetic | None) -> bool:
    """Are the acts of such a row on complex numbers stated?"""
    if kind in (Kind.ELEMENTWISE, Kind.REDUCTION):
        return function in FUNCTIONS or function in REDUCTIONS
    return kind in COMPLEX_COSTS


def complex_cost(row: Operator, real: Cost) -> Cost:
    """The cost of a row with complex tensors; `real` is what its kind's rule counts."""
    return COMPLEX_COSTS[row.kind](row, real)


def _dot_products(row: Operator, real: Cost) -> Cost:
    """Four real multiply-accumulates for a complex one, or two where an operand is real."""
    operands = (*row.input_types, *(weight.element for weight in row.weights))[:2]
    return _pairs(real, both=all(element in COMPLEX for element in operands))


def _multiplication(row: Operator, real: Cost) -> Cost:
    """The cost of products of elements. A number that is not a tensor is real."""
    return _pairs(real, both=len([t for t in row.input_types if t in COMPLEX]) > 1)


def _pairs(real: Cost, *, both: bool) -> Cost:
    """The cost of products of two complex numbers, or of a complex and a real one, and of their
    sums."""
    products = 4 if both else 2
    return Cost(
        macs=product((products, real.macs)),
        add=product((2, total((real.add, real.multiply)) if both else real.add)),
        multiply=product((products, real.multiply)),
    )


def _addition(row: Operator, real: Cost) -> Cost:
    return Cost(add=product((2, real.add)))


def _division(row: Operator, real: Cost) -> Cost:
    """A division by a complex number is four multiplications and two additions (two and none where
    the numerator is real), two and one for the divisor's square, and two divisions; by a real
    number it is two divisions."""
    numerator, *divisor = row.input_types
    if not divisor or divisor[0] not in COMPLEX:
        return Cost(divide=product((2, real.divide)))
    complex_by = Cost(add=3, multiply=6, divide=2)
    real_by = Cost(add=1, multiply=4, divide=2)
    return scaled(complex_by if numerator in COMPLEX else real_by, real.divide)


def _comparison(row: Operator, real: Cost) -> Cost:
    """Two numbers are equal if both parts are: two comparisons, and one of their results."""
    return Cost(compare=product((3, real.compare)))


def _function(row: Operator, real: Cost) -> Cost:
    assert isinstance(row.function, Function)
    return scaled(FUNCTIONS[row.function], elements(row.output))


def _reduction(row: Operator, real: Cost) -> Cost:
    assert isinstance(row.function, Reduction)
    return REDUCTIONS[row.function](real, elements(row.operand), row.groups)


def _nothing(row: Operator, real: Cost) -> Cost:
    return Cost()


COMPLEX_COSTS: Mapping[Kind, Callable[[Operator, Cost], Cost]] = {
    **dict.fromkeys(
        [Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR, Kind.MATMUL], _dot_products
    ),
    **dict.fromkeys([Kind.EMBEDDING, Kind.CONCATENATION, Kind.MOVE, Kind.STORED], _nothing),
    Kind.ADD: _addition,
    Kind.MULTIPLY: _multiplication,
    Kind.DIVIDE: _division,
    Kind.COMPARE: _comparison,
    Kind.ELEMENTWISE: _function,
    Kind.REDUCTION: _reduction,
}

FUNCTIONS: Mapping[Function, Cost] = {
    Function.NEGATE: Cost(multiply=2),
    Function.ABS: Cost(add=1, multiply=2, transcendental=1),  # √(a·a + b·b)
    Function.SQUARE: Cost(add=2, multiply=4),
    Function.CUBE: Cost(add=4, multiply=8),
    Function.RECIPROCAL: Cost(add=1, multiply=3, divide=2),  # a/s, -1·b/s, s = a·a + b·b
    Function.EXP: Cost(multiply=2, transcendental=3),  # exp(a)·cos(b), exp(a)·sin(b)
}

REDUCTIONS: Mapping[Reduction, Callable[[Cost, Size, Size], Cost]] = {
    Reduction.SUM: lambda real, n, groups: Cost(add=product((2, real.add))),
    Reduction.RUNNING_SUM: lambda real, n, groups: Cost(add=product((2, real.add))),
    Reduction.MEAN: lambda real, n, groups: Cost(
        add=product((2, real.add)), divide=product((2, real.divide))
    ),
    Reduction.PRODUCT: lambda real, n, groups: _pairs(real, both=True),
    # √Σ(a·a + b·b)
    Reduction.NORM: lambda real, n, groups: Cost(
        add=product((2, n)) - groups, multiply=product((2, n)), transcendental=groups
    ),
    Reduction.VARIANCE: lambda real, n, groups: _variance(n, groups),
    Reduction.DEVIATION: lambda real, n, groups: _variance(n, groups)._replace(
        transcendental=groups
    ),
}


def _variance(n: Size, groups: Size) -> Cost:
    """The mean, the squares of the differences from it, and their mean, which is real."""
    return Cost(
        add=product((6, n)) - product((3, groups)),
        multiply=product((2, n)),
        divide=product((3, groups)),
    )
