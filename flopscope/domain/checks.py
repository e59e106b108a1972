"""Checks that sizes are of the right kind, all given, and inside the domain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from numbers import Integral, Real
from typing import Any

from flopscope.domain.conditions import AtLeast, Condition, Relation
from flopscope.domain.members import Members
from flopscope.domain.truths import anywhere
from flopscope.errors import FlopscopeError, OutsideDomain, UnboundSymbols
from flopscope.sizes import Size, any_of, is_array, is_symbolic, widened
from flopscope.symbolic import Symbol


def require(condition: Condition) -> tuple[Condition, ...]:
    """() if the condition holds, (condition,) if symbols decide.

    Raises OutsideDomain if it is broken, for arrays at any place.

    >>> from flopscope.symbolic import symbol
    >>> require(AtLeast(symbol("H") + 2, 3, "padded height"))
    ()
    >>> [str(c) for c in require(AtLeast(symbol("H"), 3, "height"))]
    ['H ≥ 3']
    """
    broken = condition.breaks()
    if anywhere(broken):
        raise OutsideDomain(_sentence(condition, broken))
    return () if broken is not None else (condition,)


def breaking(value: Size, condition: Condition) -> Size:
    """The value that breaks the condition; of an array, the first element that does.

    Domain: the condition is broken.

    >>> import numpy as np
    >>> sides = np.array([224, 32, 8])
    >>> int(breaking(sides, AtLeast(sides, 64, "side")))
    32
    """
    return _element(value, condition.breaks())


def check_bindings(symbols: Iterable[Symbol], values: Mapping[str, Any]) -> None:
    """Check that every symbol has a value of its kind that is not below its bound.

    Raises UnboundSymbols or OutsideDomain, with the given values in the message.

    >>> check_bindings([Symbol("H")], {"H": 224})
    """
    symbols = sorted(symbols, key=lambda s: s.name)
    if missing := [s.name for s in symbols if s.name not in values]:
        raise UnboundSymbols(f"no value for {', '.join(missing)}; given: {bindings(values)}")
    for s in symbols:
        if not is_symbolic(values[s.name]):
            _check_value(s, values[s.name])


def check_conditions(conditions: Iterable[Condition], values: Mapping[str, Any]) -> None:
    """Raises OutsideDomain for the first condition that these values break, with the values in the
    message."""
    wide = {name: widened(value) for name, value in values.items()}
    for condition in conditions:
        broken = condition.at(wide).breaks()
        if anywhere(broken):
            given = bindings(_first_breaking(values, broken))
            raise OutsideDomain(f"outside the domain ({condition}); given: {given}")


@contextmanager
def having_a_value(values: Mapping[str, Any]) -> Iterator[None]:
    """Raises OutsideDomain where arithmetic at these sizes has no result, such as a division by
    0."""
    try:
        with _strict(values):
            yield
    except FlopscopeError:
        raise
    except (ArithmeticError, ValueError) as error:
        raise OutsideDomain(
            f"the formula has no value at these sizes ({error}); given: {bindings(values)}"
        ) from error


def _strict(values: Mapping[str, Any]) -> AbstractContextManager[Any]:
    """While active, NumPy raises an error where it would only warn."""
    if not any(map(is_array, values.values())):
        return nullcontext()
    import numpy as np

    return np.errstate(divide="raise", invalid="raise")


def bindings(values: Mapping[str, Any]) -> str:
    """The given values as messages write them: 'B=1, H=224'.

    >>> bindings({"B": 1, "H": 224})
    'B=1, H=224'
    """
    return ", ".join(f"{name}={_shown(value)}" for name, value in values.items()) or "nothing"


def _check_value(s: Symbol, value: Any) -> None:
    if not _of_kind(value, Integral if s.integer else Real):
        if isinstance(value, str):
            least = f"integers from {s.lower}" if s.integer else f"numbers above {s.lower}"
            raise OutsideDomain(f"{s.name}={value!r} is text; {s.name} takes {least}")
        kind, rule = ("an integer", "integers from") if s.integer else ("a number", "numbers above")
        raise OutsideDomain(
            f"{s.name}={_shown(value)} is not {kind}; {s.name} takes {rule} {s.lower}"
        )
    if s.integer:
        wrong, rule = value < s.lower, f"at least {s.lower}"
    else:
        wrong = (value <= s.lower) | (value != value) | (value == math.inf)
        rule = f"above {s.lower} and finite"
    if any_of(wrong):
        first = value[wrong].flat[0] if is_array(value) and value.ndim else value
        raise OutsideDomain(f"{s.name}={first} is outside the domain: {s.name} must be {rule}")


def _of_kind(value: Any, kind: type[Integral] | type[Real]) -> bool:
    """Is it a number of that kind, or an array of them? True and False do not count as numbers."""
    if is_array(value) and value.dtype != object:
        return value.dtype.kind in ("iu" if kind is Integral else "iuf")
    entries = value.flat if is_array(value) else (value,)
    return all(isinstance(entry, kind) and not isinstance(entry, bool) for entry in entries)


def _first_breaking(values: Mapping[str, Any], broken: Any) -> Mapping[str, Any]:
    """The values; of arrays, the element at the first place where the condition is broken."""
    arrays = {name: value for name, value in values.items() if is_array(value)}
    if not arrays:
        return values
    import numpy as np

    where, *spread = np.broadcast_arrays(broken, *arrays.values())
    first = int(where.argmax())
    return dict(values) | {n: a.flat[first] for n, a in zip(arrays, spread, strict=True)}


def _shown(value: Any) -> str:
    if is_array(value) and value.size > 4:
        return f"[{value.flat[0]}, …, {value.flat[-1]}]"
    return str(value)


def _sentence(condition: Condition, broken: Any) -> str:
    if isinstance(condition, Relation | Members):
        return f"the sizes break the condition {condition}"
    value = _element(condition.value, broken)
    if isinstance(condition, AtLeast):
        return f"{condition.what} is {value}, but must be at least {condition.minimum}"
    return (
        f"{condition.what} is {value}, which {_element(condition.divisor, broken)} does not divide"
    )


def _element(value: Size, broken: Any) -> Size:
    """The value; of an array, the element at the first place where the condition is broken."""
    return _first_breaking({"": value}, broken)[""]
