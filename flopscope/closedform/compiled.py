"""A closed form as a function of plain numbers or whole arrays, whose results are exact or
refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flopscope.closedform.bound import largest_intermediate, magnitude
from flopscope.closedform.lookup import from_tables
from flopscope.closedform.program import program
from flopscope.errors import BadInput, OutsideDomain, Overflow
from flopscope.sizes import INT64_MAX, Size, any_of, is_array, widened

CHUNK = 8192
"""The number of elements evaluated together, small enough for every intermediate array to stay in
cache."""


def compiled(value: Size, *, whole: bool = True) -> Callable[..., Any]:
    """A function that takes the symbols by keyword.

    With `whole` it gives exact ints for ints and exact int64 arrays for arrays (dtype object for
    arrays of that dtype, which hold integers of any size); otherwise floats. Arrays broadcast.
    Raises Overflow for arrays for which some intermediate integer could exceed 64 bits,
    OutsideDomain where `whole` is set and a division leaves a remainder, BadInput for arrays that
    do not broadcast. The domain is not checked.

    >>> from flopscope.symbolic import symbol
    >>> compiled(9 * ((symbol("H") + 1) // 2))(H=7)
    36
    """
    written = program(value)
    text = written.function("parts", (), f"{written.numerator}, {written.denominator}")
    namespace: dict[str, Any] = {}
    exec(text, {**written.functions, "__builtins__": {}}, namespace)
    parts = namespace["parts"]

    def count(values: dict[str, Any]) -> Any:
        numerator, denominator = parts(**values)
        return _quotient(numerator, denominator, whole)

    def call(**values: Any) -> Any:
        if not any(is_array(v) for v in values.values()):
            return count(values)
        return _on_arrays(count, value, values, whole)

    return call


def _quotient(numerator: Any, denominator: Any, whole: bool) -> Any:
    if not whole:
        return numerator / denominator
    if isinstance(denominator, int) and denominator == 1:
        return numerator
    if any_of(numerator % denominator != 0):
        raise OutsideDomain("the count is not whole at these sizes: a division leaves a remainder")
    return numerator // denominator


def _on_arrays(
    count: Callable[[dict[str, Any]], Any], value: Size, values: dict[str, Any], whole: bool
) -> Any:
    import numpy as np

    try:
        arrays = dict(zip(values, np.broadcast_arrays(*values.values()), strict=True))
    except ValueError as error:
        shapes = ", ".join(f"{name} {np.shape(v)}" for name, v in values.items())
        raise BadInput(f"arrays of these shapes do not broadcast: {shapes}") from error
    shape = next(iter(arrays.values())).shape
    given = {name: _prepared(np.asarray(v), whole) for name, v in values.items()}
    dtype = _exact_dtype(value, given) if whole else np.dtype("float64")
    if dtype.kind == "i" and (found := from_tables(value, given, shape)) is not None:
        return found
    flat = {name: _prepared(array, whole).reshape(-1) for name, array in arrays.items()}
    if dtype.kind == "O":
        flat = {name: array.astype(object) for name, array in flat.items()}
    result = np.empty(flat[next(iter(flat))].size, dtype=dtype)
    for start in range(0, result.size, CHUNK):
        part = slice(start, start + CHUNK)
        with np.errstate(divide="raise", invalid="raise"):
            result[part] = count({name: array[part] for name, array in flat.items()})
    return result.reshape(shape)


def _prepared(array: Any, whole: bool) -> Any:
    return widened(array) if whole else array.astype("float64", copy=False)


def _exact_dtype(value: Size, arrays: dict[str, Any]) -> Any:
    """The dtype in which counting is exact. Raises Overflow where 64 bits may be too few for a
    count."""
    import numpy as np

    if any(array.dtype == object for array in arrays.values()):
        return np.dtype(object)
    largest = {name: magnitude(array) for name, array in arrays.items()}
    try:
        bound = largest_intermediate(value, largest)
    except TypeError:  # Python's own integers need no bound
        return np.dtype(object)
    if bound > INT64_MAX:
        at = ", ".join(f"{name}={float(size):g}" for name, size in largest.items())
        raise Overflow(
            f"the largest sizes ({at}) allow a count of up to {min(bound, 10**300):.3g}, beyond "
            "64-bit integers; evaluate such sizes one at a time, or as arrays of dtype=object"
        )
    return np.dtype("int64")
