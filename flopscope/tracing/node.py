"""A size while torch runs: symbolic, yet with a value at the example input to branch on.

torch asks a symbolic size some sixty questions by name (its private SymNode protocol). The answers
here need neither SymPy nor a shape environment: a node is a canonical polynomial and its value at
the example; arithmetic is done on both, and branches go on the trail.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
import torch

from flopscope.domain import Relation, settled, without_common_factors
from flopscope.sizes import is_symbolic, maximum, truncate
from flopscope.symbolic import Polynomial, simplest_fraction, with_ceilings
from flopscope.tracing.trail import Trail

NO_LIMIT = 2**62
"""Slices without an end, and torch's own bounds of integers, are at least this far away."""


@dataclass(frozen=True)
class Inexact:
    """A value without an exact form, such as a root: its number at the example, and what it is
    made of, which becomes a number too if anything but the values of tensors depends on it."""

    number: float
    made_of: frozenset[Polynomial]


class SizeNode:
    """`value` is an int, float, bool, Polynomial, Relation or Inexact; `example` its value at the
    example."""

    shape_env = None
    fx_node = None
    _optimized_summation = False

    def __init__(self, trail: Trail, value: Any, pytype: type) -> None:
        self.trail = trail
        self.value = value
        self.pytype = pytype
        self.is_open = is_symbolic(value) or isinstance(value, Relation | Inexact)
        self.constant = None if self.is_open else value

    def example(self) -> Any:
        """The value at the example input."""
        if isinstance(self.value, Relation):
            return not self.value.at(self.trail.example).broken()
        if isinstance(self.value, Inexact):
            return self.pytype(self.value.number)
        number = self.value.evaluate(self.trail.example) if self.is_open else self.value
        return self.pytype(number)

    def of(self, value: Any, pytype: type) -> SizeNode:
        """Another node of the same trail."""
        return SizeNode(self.trail, value, pytype)

    # --- what it is ---

    @property
    def expr(self) -> Any:
        """Read by a few helpers of torch that only ask whether it is a number."""
        return (
            sympy.Symbol(f"size{id(self)}", integer=True)
            if self.is_open
            else sympy.sympify(self.value)
        )

    @property
    def hint(self) -> Any:
        return self.example()

    _hint = hint

    def has_hint(self) -> bool:
        return True

    def maybe_as_int(self) -> Any:
        return self.constant

    maybe_as_float = maybe_as_bool = maybe_as_int

    def is_int(self) -> bool:
        return self.pytype is int

    def is_float(self) -> bool:
        return self.pytype is float

    def is_bool(self) -> bool:
        return self.pytype is bool

    def is_nested_int(self) -> bool:
        return False

    def nested_int(self) -> None:
        return None

    def is_symbolic(self) -> bool:
        return self.is_open

    def is_constant(self) -> bool:
        return not self.is_open

    def clone(self) -> SizeNode:
        return self

    def wrap_int(self, number: int) -> SizeNode:
        return self.of(int(number), int)

    def wrap_float(self, number: float) -> SizeNode:
        return self.of(float(number), float)

    def wrap_bool(self, truth: bool) -> SizeNode:
        return self.of(bool(truth), bool)

    def __repr__(self) -> str:
        return str(self.value)

    __str__ = _graph_repr = __repr__

    # --- numbers and truths ---

    def int_(self) -> int:
        return int(self._fixed())

    def guard_int(self, file: str = "", line: int = 0) -> int:
        return int(self._fixed())

    def guard_float(self, file: str = "", line: int = 0) -> float:
        return float(self._fixed())

    def _fixed(self) -> Any:
        return _fixed(self.trail, self.value)

    def bool_(self) -> bool:
        if self.pytype is not bool:
            return self.ne(self.wrap_int(0)).bool_()
        return self.trail.settle(self.value) if self.is_open else bool(self.value)

    def guard_bool(self, file: str = "", line: int = 0) -> bool:
        return self.bool_()

    expect_true = guard_bool

    def guard_or_false(self, file: str = "", line: int = 0) -> bool:
        """Asked where the answer False serves all sizes, for the sake of speed or layout: the trail
        need not know that it was no."""
        return self.bool_() if self._at_example() else False

    guard_size_oblivious = guard_or_false

    def guard_or_true(self, file: str = "", line: int = 0) -> bool:
        """The same the other way round."""
        return True if self._at_example() else self.bool_()

    def statically_known_true(self, file: str = "", line: int = 0) -> bool:
        """Is it true of all sizes? Asked to save work, so the example does not decide."""
        return False if self.is_open else self.bool_()

    def _at_example(self) -> bool:
        return bool(self.example())

    def expect_size(self, file: str = "", line: int = 0) -> bool:
        return True

    def evaluate(self, size_oblivious: bool = False) -> Any:
        return self.bool_() if self.pytype is bool else self._fixed()

    # --- comparison and logic ---

    def eq(self, other: SizeNode) -> SizeNode:
        return self._compare(self.value, other.value, equality=True)

    def ne(self, other: SizeNode) -> SizeNode:
        return self._compare(self.value, other.value, equality=True, negated=True)

    def ge(self, other: SizeNode) -> SizeNode:
        return self._compare(self.value, other.value)

    def le(self, other: SizeNode) -> SizeNode:
        return self._compare(other.value, self.value)

    def lt(self, other: SizeNode) -> SizeNode:
        return self._compare(self.value, other.value, negated=True)

    def gt(self, other: SizeNode) -> SizeNode:
        return self._compare(other.value, self.value, negated=True)

    def _compare(
        self, a: Any, b: Any, *, equality: bool = False, negated: bool = False
    ) -> SizeNode:
        if isinstance(a, Inexact) or isinstance(b, Inexact):
            a, b = _fixed(self.trail, a), _fixed(self.trail, b)
        difference = _difference(_exact(a), _exact(b))
        truth = settled(difference, equality=equality)
        if truth is None:
            difference = without_common_factors(difference)
            if equality:  # a − b = 0 and b − a = 0 are one relation
                difference = max(difference, -difference, key=str)
            return self.of(Relation(difference, equality, negated), bool)
        return self.of(truth is not negated, bool)

    def sym_not(self) -> SizeNode:
        if isinstance(self.value, Relation):
            return self.of(self.value.negation(), bool)
        return self.of(not self.value, bool)

    def and_(self, other: SizeNode) -> SizeNode:
        return other if self.bool_() else self.of(False, bool)

    def or_(self, other: SizeNode) -> SizeNode:
        return self.of(True, bool) if self.bool_() else other

    sym_and = bitwise_and = and_
    sym_or = bitwise_or = or_

    def sym_ite(self, yes: SizeNode, no: SizeNode) -> SizeNode:
        return yes if self.bool_() else no

    # --- arithmetic of several ---

    def sym_sum(self, nodes: Sequence[SizeNode]) -> SizeNode:
        return self.of(sum((n.value for n in nodes[1:]), nodes[0].value), int)

    def round(self, digits: int | None = None) -> SizeNode:
        return self.of(round(self._fixed(), digits) if digits else _round(self), int)

    def pos(self) -> SizeNode:
        return self

    def sym_float(self) -> SizeNode:
        return self.of(self.value if self.is_open else float(self.value), float)

    def sym_int(self) -> SizeNode:
        return self if self.pytype is int else _unary(_floor, int)(self)

    # --- layout: asked about the example, whose order of strides is that of all sizes ---

    def is_contiguous(self, sizes: Sequence[SizeNode], strides: Sequence[SizeNode]) -> SizeNode:
        return self.of(_packed(sizes, strides, range(len(sizes) - 1, -1, -1)), bool)

    def is_channels_last_contiguous_2d(
        self, sizes: Sequence[SizeNode], strides: Sequence[SizeNode]
    ) -> SizeNode:
        return self.of(len(sizes) == 4 and _packed(sizes, strides, (1, 3, 2, 0)), bool)

    def is_channels_last_contiguous_3d(
        self, sizes: Sequence[SizeNode], strides: Sequence[SizeNode]
    ) -> SizeNode:
        return self.of(len(sizes) == 5 and _packed(sizes, strides, (1, 4, 3, 2, 0)), bool)

    is_channels_last_strides_2d = is_channels_last_contiguous_2d
    is_channels_last_strides_3d = is_channels_last_contiguous_3d

    def is_non_overlapping_and_dense(
        self, sizes: Sequence[SizeNode], strides: Sequence[SizeNode]
    ) -> SizeNode:
        order = sorted(range(len(sizes)), key=lambda i: strides[i].example())
        return self.of(_packed(sizes, strides, order), bool)

    def is_non_overlapping_and_dense_indicator(
        self, sizes: Sequence[SizeNode], strides: Sequence[SizeNode]
    ) -> SizeNode:
        return self.of(int(self.is_non_overlapping_and_dense(sizes, strides).value), int)


def _difference(a: Any, b: Any) -> Any:
    """a − b, of which a size is nothing beside the numbers that stand for "no limit"."""
    for value, sign in ((a, 1), (b, -1)):
        if isinstance(value, int) and abs(value) >= NO_LIMIT:
            return sign * value
    return a - b


def _exact(value: Any) -> Any:
    return simplest_fraction(value) if isinstance(value, float) else value


def _packed(sizes: Sequence[SizeNode], strides: Sequence[SizeNode], order: Sequence[int]) -> bool:
    """Does each dimension, innermost first, step by the product of those inside it?"""
    expected = 1
    for dimension in order:
        size = sizes[dimension].example()
        if size == 0:
            return True
        if size != 1:
            if strides[dimension].example() != expected:
                return False
            expected *= size
    return True


def _round(node: SizeNode) -> Any:
    value = _exact(node.value)
    whole = not is_symbolic(value) or all(isinstance(c, int) for c in value.terms.values())
    return value if whole and is_symbolic(value) else round(_fixed(node.trail, node.value))


def _fixed(trail: Trail, value: Any) -> Any:
    """The number at the example; what it is made of is fixed."""
    if not isinstance(value, Inexact):
        return trail.fix(value)
    for part in value.made_of:
        trail.fix(part)
    return value.number


def _floor(value: Any) -> Any:
    if not is_symbolic(value):
        return math.floor(value)
    if not all(atom.integer for atom in value.atoms()):
        return truncate(value)
    divisor = value.denominator()
    return (value * divisor) // divisor


def _root(value: Any) -> Any:
    return NotImplemented


def _power(base: Any, exponent: Any) -> Any:
    return base**exponent if isinstance(exponent, int) and exponent >= 0 else NotImplemented


BINARY: Mapping[str, tuple[Callable[[Any, Any], Any], type | None]] = {
    "add": (lambda a, b: with_ceilings(a + b), None),
    "sub": (lambda a, b: with_ceilings(a - b), None),
    "mul": (operator.mul, None),
    "floordiv": (operator.floordiv, None),
    "int_floordiv": (operator.floordiv, int),
    "mod": (operator.mod, None),
    "truediv": (operator.truediv, float),
    "float_truediv": (operator.truediv, float),
    "int_truediv": (operator.truediv, float),
    "pow": (_power, None),
    "pow_by_natural": (_power, int),
    "float_pow": (_power, float),
    "sym_min": (lambda a, b: -maximum(-a, -b), None),
    "sym_max": (maximum, None),
    "lshift": (lambda a, b: a * 2**b, int),
    "rshift": (lambda a, b: a // 2**b, int),
}
"""Arithmetic of two nodes, and the type of the result (None: int, unless one of them is a
float)."""

UNARY: Mapping[str, tuple[Callable[[Any], Any], type | None]] = {
    "neg": (operator.neg, None),
    "abs": (abs, None),
    "floor": (_floor, int),
    "ceil": (lambda value: -_floor(-value), int),
    "trunc": (_floor, int),
    "sym_sqrt": (_root, float),
}


def _binary(
    function: Callable[[Any, Any], Any], pytype: type | None
) -> Callable[[SizeNode, SizeNode], SizeNode]:
    def operation(self: SizeNode, other: SizeNode) -> SizeNode:
        result_type = pytype or (float if float in (self.pytype, other.pytype) else int)
        return self.of(
            _applied(function, self.trail, (self.value, other.value), result_type), result_type
        )

    return operation


def _unary(function: Callable[[Any], Any], pytype: type | None) -> Callable[[SizeNode], SizeNode]:
    def operation(self: SizeNode) -> SizeNode:
        result_type = pytype or self.pytype
        return self.of(_applied(function, self.trail, (self.value,), result_type), result_type)

    return operation


def _applied(
    function: Callable[..., Any], trail: Trail, values: tuple[Any, ...], pytype: type
) -> Any:
    """The exact result where there is a canonical form, else that of the example's numbers."""
    if not any(isinstance(value, Polynomial | Inexact) for value in values):
        return pytype(function(*values))
    question = (function, *values, *map(type, values))
    if question not in trail.known:
        try:
            trail.known[question] = function(*map(_exact, values))
        except TypeError:
            trail.known[question] = NotImplemented
    result = trail.known[question]
    if result is NotImplemented:
        return _inexact(function, trail, values, pytype)
    return float(result) if isinstance(result, Fraction) else result


def _inexact(
    function: Callable[..., Any], trail: Trail, values: tuple[Any, ...], pytype: type
) -> Any:
    numbers = [SizeNode(trail, value, float).example() for value in values]
    made_of = [v.made_of if isinstance(v, Inexact) else {v} for v in values if not _is_number(v)]
    plain = operator.pow if function is _power else math.sqrt if function is _root else function
    return Inexact(pytype(plain(*numbers)), frozenset().union(*made_of))


def _is_number(value: Any) -> bool:
    return not isinstance(value, Polynomial | Inexact)


SizeNode.str = SizeNode.__repr__  # type: ignore[attr-defined]  # in the class it would hide the type
for _name, (_function, _type) in BINARY.items():
    setattr(SizeNode, _name, _binary(_function, _type))
for _name, (_function_of_one, _type) in UNARY.items():
    setattr(SizeNode, _name, _unary(_function_of_one, _type))


def free_size(trail: Trail, value: Polynomial) -> torch.SymInt:
    """A symbolic size as torch takes it."""
    return torch.SymInt(SizeNode(trail, value, int))


def free_number(trail: Trail, value: Polynomial) -> torch.SymFloat:
    """A symbolic real number, such as a width multiplier."""
    return torch.SymFloat(SizeNode(trail, value, float))


def size_value(size: Any) -> Any:
    """The int or polynomial behind a size of a tensor."""
    if isinstance(size, torch.SymInt):
        node = size.node
        return node.value if isinstance(node, SizeNode) else int(size)
    return size
