"""What rules work with: one call of an operator, and what is known of its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any, NamedTuple

import numpy as np

from flopscope.domain import (
    AtLeast,
    Condition,
    Multiple,
    Relation,
    require,
    without_common_factors,
)
from flopscope.domain.regions import simplified
from flopscope.errors import BadInput
from flopscope.facts import Arithmetic, Kind, Window
from flopscope.onnxgraph.model.headers import INTEGERS
from flopscope.sizes import Shape, Size, exact_div, is_symbolic
from flopscope.symbolic import ONE, Polynomial, Symbol, alone


class Undecided(Exception):
    """Raised by a rule that needs a shape, or the numbers of a tensor, that is not known."""


class Tensor(NamedTuple):
    """A value of the graph.

    `numbers` are Python's ints and floats, or polynomials, if they are known before any input is.
    `source` is the row whose output it is (an input if negative), `stored` the stored tensor that
    it is or shows; with neither it is a constant. `learnt` marks initialisers. `element` is onnx's
    number of the elements' type, 0 if it is not known.
    """

    name: str
    shape: Shape | None
    numbers: np.ndarray | None = None
    source: int | None = None
    stored: str | None = None
    learnt: bool = False
    element: int = 0

    @property
    def known_true(self) -> bool:
        """Is it known to be true before any input is known?"""
        return self.numbers is not None and bool(self.numbers.all())

    @property
    def integer(self) -> bool:
        """Are its elements whole numbers?"""
        return self.element in INTEGERS

    @property
    def constant(self) -> bool:
        """Does it depend on no input and no learnt tensor?"""
        return self.source is None and not self.learnt


class Premises:
    """What must hold for the sizes. Numbers that break it are refused; for symbols it becomes a
    condition."""

    def __init__(self) -> None:
        self._conditions: dict[Condition, None] = {}  # used as a set that keeps its order

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions, simplified: those on one size first, then those on several."""
        return simplified(self._conditions)

    def mark(self) -> Mapping[Condition, None]:
        """The conditions so far, to return to by `undo`."""
        return dict(self._conditions)

    def undo(self, mark: Mapping[Condition, None]) -> None:
        """Forget the conditions that were added since the mark."""
        self._conditions = dict(mark)

    def settle(self, question: Relation) -> bool:
        """The answer at large sizes of which no two are alike. It becomes a condition."""
        names = sorted(s.name for s in question.symbols())
        example = {name: 264 + 64 * place for place, name in enumerate(names)}
        answer = not question.at(example).broken()
        self._conditions[question if answer else question.negation()] = None
        return answer

    def at_least(self, value: Size, minimum: int, what: str) -> None:
        """Demand that value ≥ minimum."""
        self._conditions.update(dict.fromkeys(require(AtLeast(value, minimum, what))))

    def multiple(self, value: Size, divisor: Size, what: str) -> None:
        """Demand that the divisor divides the value. Common factors are cancelled first."""
        common = _common_factor(value, divisor)
        value, divisor = exact_div(value, common), exact_div(divisor, common)
        self._conditions.update(dict.fromkeys(require(Multiple(value, divisor, what))))

    def same(self, a: Size, b: Size, where: str) -> Size:
        """Demand that both are equal, and return one of them: a number, if one of them is."""
        difference = a - b
        if not is_symbolic(difference):
            if difference != 0:
                raise BadInput(f"sizes {a} and {b} meet at {where}, but must be equal")
            return a
        if Relation(difference, equality=True).broken():
            raise BadInput(f"sizes {a} and {b} meet at {where}, and are equal at no size")
        reduced = _signed(without_common_factors(difference))
        self._conditions[Relation(reduced, equality=True)] = None
        return b if is_symbolic(a) else a


def _signed(difference: Polynomial) -> Polynomial:
    """The difference or its negative, such that a − b and b − a give the same."""
    first = min(difference.terms, key=lambda monomial: sorted(map(str, monomial)))
    return -difference if difference.terms[first] < 0 else difference


def _common_factor(value: Size, divisor: Size) -> Size:
    """The largest number times symbols that divides every term of both."""
    if not is_symbolic(value) and not is_symbolic(divisor):
        return 1
    terms = [size.terms if is_symbolic(size) else {ONE: size} for size in (value, divisor)]
    monomials = [dict(monomial) for part in terms for monomial in part]
    numbers = [number for part in terms for number in part.values()]
    if any(not isinstance(number, int) for number in numbers):
        return 1
    common: Size = gcd(*numbers)
    for atom in monomials[0]:
        power = min(monomial.get(atom, 0) for monomial in monomials)
        common = common * alone(atom) ** power if power > 0 and isinstance(atom, Symbol) else common
    return common


def shape_of(tensor: Tensor) -> Shape:
    """The shape of a tensor. Raises Undecided where it is not known."""
    if tensor.shape is None:
        raise Undecided
    return tensor.shape


@dataclass(frozen=True)
class NodeCall:
    """One node: its operator, attributes, inputs (None if left out) and names of outputs.

    An operator outside onnx's own domain is written `domain.Name`.
    """

    op: str
    path: str
    attributes: Mapping[str, Any]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[str, ...]
    opset: int
    premises: Premises = field(default_factory=Premises)

    def input(self, index: int) -> Tensor:
        """The input. Raises Undecided if it is left out."""
        if (tensor := self.optional(index)) is None:
            raise Undecided
        return tensor

    def optional(self, index: int) -> Tensor | None:
        """The input, or None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def shape(self, index: int) -> Shape:
        """The input's shape. Raises Undecided if it is not known."""
        return shape_of(self.input(index))

    def attribute(self, name: str, default: Any = None) -> Any:
        """The attribute, or the default if it is left out."""
        return self.attributes.get(name, default)

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """A setting that older operator sets have as an attribute and newer ones as an input of
        known numbers."""
        if name in self.attributes:
            return self.attributes[name]
        if (tensor := self.optional(index)) is None:
            return default
        if tensor.numbers is None:
            raise Undecided
        return tensor.numbers.tolist()

    def axis(self, default: int, index: int = 0) -> int:
        """The attribute `axis`, counted from the front of that input."""
        return int(self.attribute("axis", default)) % max(len(self.shape(index)), 1)


class NodeFacts(NamedTuple):
    """The facts of a row, with the call's tensors as its inputs and stored operands."""

    kind: Kind
    inputs: tuple[Tensor, ...]
    weights: tuple[Tensor | None, ...] = ()
    buffers: tuple[Tensor | None, ...] = ()
    window: Window | None = None
    groups: Size = 1
    function: Arithmetic | None = None


def broadcast(shapes: Sequence[Shape], premises: Premises, where: str) -> Shape:
    """The common shape of operands: NumPy's rule, where 1 gives way.

    >>> broadcast([(8, 1, 6), (7, 1)], Premises(), "sum")
    (8, 7, 6)
    """
    rank = max(map(len, shapes))
    result: list[Size] = []
    for axis in range(rank):
        sizes = [s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0]
        wide = [size for size in sizes if is_symbolic(size) or size != 1]
        common = wide[0] if wide else 1
        for size in wide[1:]:
            common = premises.same(common, size, where)
        result.append(common)
    return tuple(result)
