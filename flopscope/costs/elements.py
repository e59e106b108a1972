"""What functions, sums and other operators on single elements cost."""

from __future__ import annotations

from flopscope.costs.acts import FUNCTION_ACTS, REDUCTION_ACTS, Cost, added, scaled
from flopscope.facts import Function, Operator, Reduction
from flopscope.sizes import elements


def function(row: Operator) -> Cost:
    """One application of the row's function to each element."""
    assert isinstance(row.function, Function)
    return scaled(FUNCTION_ACTS[row.function], elements(row.output))


def reduction(row: Operator) -> Cost:
    """Each of the row's groups of elements becomes one number, or as many numbers in a running
    sum."""
    assert isinstance(row.function, Reduction)
    an_element, a_group = REDUCTION_ACTS[row.function]
    n = elements(row.operand)
    return added(scaled(an_element, n), scaled(a_group, row.groups))


def addition(row: Operator) -> Cost:
    """One addition for each output element: of two tensors, or of a tensor and a number.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.ADD, "", ((1, 4, 8, 8),), (1, 4, 8, 8))
    >>> addition(row).add
    256
    """
    return Cost(add=elements(row.output))


def division(row: Operator) -> Cost:
    """One division for each output element.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.DIVIDE, "", ((1, 4, 8, 8),), (1, 4, 8, 8))
    >>> division(row).divide
    256
    """
    return Cost(divide=elements(row.output))


def comparison(row: Operator) -> Cost:
    """One comparison for each output element.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.COMPARE, "", ((1, 4, 8, 8),), (1, 4, 8, 8))
    >>> comparison(row).compare
    256
    """
    return Cost(compare=elements(row.output))


def multiplication(row: Operator) -> Cost:
    """One multiplication for each output element, broadcast or not. Nothing is accumulated, so
    there are no MACs.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.MULTIPLY, "", ((1, 4, 8, 8),), (1, 4, 8, 8))
    >>> multiplication(row).multiply
    256
    """
    return Cost(multiply=elements(row.output))


def nothing(row: Operator) -> Cost:
    """No arithmetic: entries of a table are looked up, tensors are put together or moved, or a
    tensor is only stored.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.CONCATENATION, "", ((1, 4, 8, 8),), (1, 4, 8, 8))
    >>> nothing(row).acts
    0
    """
    return Cost()
