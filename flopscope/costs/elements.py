"""What functions, sums and other operators on elements cost."""

from __future__ import annotations

from flopscope.costs.acts import FUNCTION_ACTS, REDUCTION_ACTS, Cost, added, scaled
from flopscope.facts import Function, Operator, Reduction
from flopscope.sizes import elements


def function(row: Operator) -> Cost:
    """One application of the row's function to each element."""
    assert isinstance(row.function, Function)
    return scaled(FUNCTION_ACTS[row.function], elements(row.output))


def reduction(row: Operator) -> Cost:
    """Each of the row's groups of elements becomes one number (a running sum: as many)."""
    assert isinstance(row.function, Reduction)
    an_element, a_group = REDUCTION_ACTS[row.function]
    n = elements(row.operand)
    return added(scaled(an_element, n), scaled(a_group, row.groups))


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


def nothing(row: Operator) -> Cost:
    """No arithmetic: a table is looked up, tensors are put together, or a tensor is only stored."""
    return Cost()
