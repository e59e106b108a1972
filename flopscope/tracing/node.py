"""A size while torch runs: symbolic, yet with a value at the example input to branch on.

torch asks a symbolic size some sixty questions by name (its private SymNode protocol). The answers
here need neither SymPy nor a shape environment: a node is a canonical polynomial and its value at
the example. Arithmetic is done on both, and branches go on the trail. Floats are doubles as in
code, see `flopscope.symbolic.doubles`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from flopscope.domain import Relation, settled, without_common_factors
from flopscope.sizes import (
    ceiled,
    floored,
    is_symbolic,
    nearest_whole,
    truncate,
)
from flopscope.symbolic import Polynomial, doubles
from flopscope.symbolic.nearest import near, signed_difference
from flopscope.tracing.size_arithmetic import BINARY, IN_DOUBLES, UNARY, applied
from flopscope.tracing.trail import Trail
from flopscope.tracing.typed_node import TypedNode

NO_LIMIT = 2**62
"""Ends of slices that have none, and torch's own bounds of integers, are at least this large."""


class SizeNode(TypedNode):
    """A value that torch computes with, compares and branches on."""

    # --- numbers and truths ---

    def int_(self) -> int:
        return int(self._fixed())

    def guard_int(self, file: str = "", line: int = 0) -> int:
        return int(self._fixed())

    def guard_float(self, file: str = "", line: int = 0) -> float:
        return float(self._fixed())

    def _fixed(self) -> Any:
        return self.trail.fix(self.value)

    def bool_(self) -> bool:
        if self.pytype is not bool:
            return self.ne(self.wrap_int(0)).bool_()
        return self.trail.settle(self.value) if self.is_open else bool(self.value)

    def guard_bool(self, file: str = "", line: int = 0) -> bool:
        return self.bool_()

    expect_true = guard_bool

    def guard_or_false(self, file: str = "", line: int = 0) -> bool:
        """torch asks this for speed or layout, where the answer False is right for all sizes. So
        the answer no does not go on the trail."""
        return self.bool_() if self._at_example() else False

    guard_size_oblivious = guard_or_false

    def guard_or_true(self, file: str = "", line: int = 0) -> bool:
        """The same, where the answer True is right for all sizes."""
        return True if self._at_example() else self.bool_()

    def statically_known_true(self, file: str = "", line: int = 0) -> bool:
        """Is it true for all sizes? torch asks to save work, so the example does not decide."""
        return False if self.is_open else self.bool_()

    def _at_example(self) -> bool:
        return bool(self.example())

    def expect_size(self, file: str = "", line: int = 0) -> bool:
        return True

    def evaluate(self, size_oblivious: bool = False) -> Any:
        return self.bool_() if self.pytype is bool else self._fixed()

    # --- comparison and logic ---

    def eq(self, other: SizeNode) -> SizeNode:
        if self.is_open and other.is_open and self.trail is not other.trail:
            return self.of(False, bool)  # a key of another trace, in a cache that outlives both
        if bool in (self.pytype, other.pytype):  # two truths, each of which is asked
            return self.of(self.evaluate() == other.evaluate(), bool)
        return self._compare(self.value, other.value, equality=True)

    def ne(self, other: SizeNode) -> SizeNode:
        if bool in (self.pytype, other.pytype):
            return self.eq(other).sym_not()
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
        question = (Relation, a, b, type(a), type(b), equality)
        if question not in self.trail.known:
            self.trail.known[question] = _decided(self._difference(a, b), equality)
        answer = self.trail.known[question]
        if isinstance(answer, bool):
            return self.of(answer is not negated, bool)
        return self.of(Relation(answer, equality, negated), bool)

    def _difference(self, a: Any, b: Any) -> Any:
        """A value with the sign of a − b. The size does not matter if the other side is a number
        that means no limit."""
        for value, sign in ((a, 1), (b, -1)):
            if not is_symbolic(value) and not abs(value) < NO_LIMIT:
                return sign * value
        difference, limits = signed_difference(a, b)
        self.trail.assume(*limits)
        return difference

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
        if digits is not None:
            return self._unary(lambda value: doubles.rounded_to(value, digits), float)
        return self._unary(nearest_whole, int)

    def floor(self) -> SizeNode:
        return self._rounded(floored)

    def ceil(self) -> SizeNode:
        return self._rounded(ceiled)

    def trunc(self) -> SizeNode:
        """int() of the value, which rounds down unless it is negative. The sign becomes a question
        on the trail only for a fraction."""
        low = self.value.lower() if is_symbolic(self.value) else None
        if not is_symbolic(self.value) or low is None or low < 0:
            if not is_symbolic(self.value) or near(self.value) is None:
                return self._rounded(truncate)
            return self.floor() if self.ge(self.wrap_int(0)).bool_() else self.ceil()
        return self._rounded(truncate)

    def sym_int(self) -> SizeNode:
        return self if self.pytype is int else self.trunc()

    def is_integer(self) -> SizeNode:
        """Is the float whole? A quotient is whole if the divisor divides."""
        if not is_symbolic(self.value):
            return self.of(float(self.value).is_integer(), bool)
        if (found := near(self.value)) is not None:
            self.trail.assume(*found.limits())
            return self._is_zero(found.numerator % found.divisor)
        return self._is_zero(doubles.order(self.value, floored(self.value)))

    def _is_zero(self, value: Any) -> SizeNode:
        return self.of(value, int).eq(self.wrap_int(0))

    def _rounded(self, rule: Callable[[Any], Any]) -> SizeNode:
        """The rounded integer; the trail learns up to which sizes its exact form holds."""
        if self.pytype is float and is_symbolic(self.value):
            found = near(self.value)
            if found is not None:
                self.trail.assume(*found.limits())
        return self._unary(rule, int)

    def _unary(self, function: Callable[[Any], Any], pytype: type) -> SizeNode:
        return self.of(applied(function, self.trail, (self.value,), pytype), pytype)

    def pos(self) -> SizeNode:
        return self

    def sym_float(self) -> SizeNode:
        return self.of(self.value if self.is_open else float(self.value), float)


def _decided(difference: Any, equality: bool) -> Any:
    """Is the difference 0 or, without `equality`, at least 0? If symbols decide that, the answer is
    a node of a relation."""
    truth = settled(difference, equality=equality)
    if truth is not None:
        return truth
    difference = without_common_factors(difference)
    # a − b = 0 and b − a = 0 are one relation
    return max(difference, -difference, key=str) if equality else difference


def _binary(
    name: str, function: Callable[[Any, Any], Any], pytype: type | None
) -> Callable[[SizeNode, SizeNode], SizeNode]:
    def operation(self: SizeNode, other: SizeNode) -> SizeNode:
        result_type = pytype or (float if float in (self.pytype, other.pytype) else int)
        own = IN_DOUBLES.get(name, function) if result_type is float else function
        return self.of(
            applied(own, self.trail, (self.value, other.value), result_type), result_type
        )

    return operation


def _unary(function: Callable[[Any], Any], pytype: type | None) -> Callable[[SizeNode], SizeNode]:
    def operation(self: SizeNode) -> SizeNode:
        return self._unary(function, pytype or self.pytype)

    return operation


SizeNode.str = SizeNode.__repr__  # type: ignore[attr-defined]  # in the class it would hide the type
for _name, (_function, _type) in BINARY.items():
    setattr(SizeNode, _name, _binary(_name, _function, _type))
for _name, (_function_of_one, _type) in UNARY.items():
    setattr(SizeNode, _name, _unary(_function_of_one, _type))


def free_size(trail: Trail, value: Polynomial) -> torch.SymInt:
    """A symbolic size as torch takes it."""
    return torch.SymInt(SizeNode(trail, value, int))


def free_number(trail: Trail, value: Polynomial) -> torch.SymFloat:
    """A symbolic real number, such as a width multiplier."""
    return torch.SymFloat(SizeNode(trail, value, float))


def size_or_number(trail: Trail, value: Any, pytype: type) -> Any:
    """A value as code sees it: a symbolic size of torch, or a plain number."""
    if not is_symbolic(value):
        return value
    return (torch.SymFloat if pytype is float else torch.SymInt)(SizeNode(trail, value, pytype))


def size_value(size: Any) -> Any:
    """The int or polynomial behind a size of a tensor."""
    if isinstance(size, torch.SymInt):
        node = size.node
        return node.value if isinstance(node, SizeNode) else int(size)
    return size
