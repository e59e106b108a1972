"""Where a formula holds: conditions on its symbols, recorded while a network is built.

For numbers a broken condition raises at once. For symbols it is kept, unless the symbols' own
bounds already prove it, and travels with the ledger and its formulas.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import gcd
from numbers import Integral, Real
from operator import or_
from typing import Any, TypeAlias

from flopscope.errors import FlopscopeError, OutsideDomain, UnboundSymbols
from flopscope.sizes import (
    Size,
    any_of,
    is_array,
    is_integral,
    is_multiple,
    is_symbolic,
    least,
    order,
    widened,
)
from flopscope.symbolic import ONE, Polynomial, Symbol, alone, argument_text, substitute
from flopscope.symbolic.terms import is_power_of_two


@dataclass(frozen=True, slots=True)
class AtLeast:
    """value ≥ minimum; `what` names the quantity in messages."""

    value: Size
    minimum: int
    what: str

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while symbols decide."""
        if not is_symbolic(self.value):
            return self.value < self.minimum
        low, missing = self.value.lower(), (self.minimum - self.value).lower()
        if low is not None and low >= self.minimum:
            return False
        return True if missing is not None and missing > 0 else None

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return _anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> AtLeast:
        """The condition with some symbols replaced."""
        value = _substituted(self.value, values)
        return AtLeast(self.minimum - 1 if value is None else value, self.minimum, self.what)

    def symbols(self) -> frozenset[Symbol]:
        """The symbols that it depends on."""
        return _symbols(self.value)

    def __str__(self) -> str:
        return _inequality(self.value, self.minimum)


@dataclass(frozen=True, slots=True)
class Multiple:
    """divisor divides value; `what` names the value in messages."""

    value: Size
    divisor: Size
    what: str

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while symbols decide."""
        rest = self.value % self.divisor
        if not is_symbolic(rest):
            return rest != 0
        rounded = isinstance(self.divisor, int) and is_symbolic(self.value)
        return False if rounded and is_multiple(self.value, self.divisor) else None

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return _anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> Multiple:
        """The condition with some symbols replaced."""
        value, divisor = (_substituted(size, values) for size in (self.value, self.divisor))
        if value is None or divisor is None or (not is_symbolic(divisor) and any_of(divisor == 0)):
            return Multiple(1, 2, self.what)
        return Multiple(value, divisor, self.what)

    def symbols(self) -> frozenset[Symbol]:
        """The symbols that it depends on."""
        return _symbols(self.value) | _symbols(self.divisor)

    @property
    def odd(self) -> Size | None:
        """The size that this condition wants odd, if that is what it says: 2 divides size − 1."""
        by_two = isinstance(self.divisor, int) and self.divisor == 2
        if by_two and is_symbolic(self.value) and self.value.terms.get(ONE) == -1:
            return self.value + 1
        return None

    def __str__(self) -> str:
        return (
            f"{self.value} a multiple of {self.divisor}" if self.odd is None else f"{self.odd} odd"
        )


@dataclass(frozen=True, slots=True)
class Relation:
    """difference = 0 or difference ≥ 0, or the negation: a branch that code took on its sizes."""

    difference: Size
    equality: bool
    negated: bool = False

    def holds(self) -> Any:
        """True or False where arithmetic or bounds settle it (elementwise), None otherwise."""
        truth = settled(self.difference, equality=self.equality)
        return None if truth is None else truth != self.negated

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while symbols decide."""
        holds = self.holds()
        return None if holds is None else _negation(holds)

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return _anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> Relation:
        """The condition with some symbols replaced."""
        difference = _substituted(self.difference, values)
        if difference is None:
            return Relation(1, equality=True)
        return Relation(difference, self.equality, self.negated)

    def negation(self) -> Relation:
        """What holds where this one does not."""
        return Relation(self.difference, self.equality, not self.negated)

    def symbols(self) -> frozenset[Symbol]:
        """The symbols that it depends on."""
        return _symbols(self.difference)

    def __str__(self) -> str:
        if (compared := _comparison(self.difference)) is not None:
            sign, a, b = compared
            if _is_decimal(a) and not _is_decimal(b):
                sign, a, b = -sign, b, a
            return f"{a} {_SIGNS[self.equality, self.negated, sign]} {b}"
        if self.equality:
            return _equation(self.difference, "≠" if self.negated else "=")
        if not self.negated:
            return _inequality(self.difference, 0)
        if is_symbolic(self.difference) and is_integral(self.difference):
            return _inequality(-self.difference, 1)
        return _inequality(-self.difference, 0, ">", "<")


_SIGNS: Mapping[tuple[bool, bool, int], str] = {
    (True, False, 1): "=",
    (True, False, -1): "=",
    (True, True, 1): "≠",
    (True, True, -1): "≠",
    (False, False, 1): "≥",
    (False, False, -1): "≤",
    (False, True, 1): "<",
    (False, True, -1): ">",
}
"""How a comparison of doubles is written: by equality, negated, and which side is first."""


def _is_decimal(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _comparison(difference: Size) -> tuple[int, str, str] | None:
    """(1, a, b) of order(a, b), (-1, a, b) of -order(a, b); None of another size."""
    for sign in (1, -1):
        found = (sign * difference).sole_call(order) if is_symbolic(difference) else None
        if found is not None:
            a, b = (argument_text(argument) for argument in found.arguments)
            return sign, a, b
    return None


@dataclass(frozen=True, slots=True)
class Members:
    """A symbol is one of `others`, or at least `least` with a rest in `residues` modulo `modulus`.

    >>> from flopscope.symbolic import symbol
    >>> print(Members(symbol("H"), 64, 32, frozenset([0])))
    H multiple of 32, at least 64
    """

    value: Size
    least: int
    modulus: int
    residues: frozenset[int]
    others: frozenset[int] = frozenset()

    def breaks(self) -> Any:
        """True or False when that is known (elementwise for arrays), None while it is a symbol."""
        if is_symbolic(self.value):
            return None
        rest = self.value % self.modulus
        fits = reduce(or_, (rest == r for r in self.residues), self.value != self.value)
        listed = reduce(or_, (self.value == n for n in self.others), self.value != self.value)
        return _negation(((self.value >= self.least) & fits) | listed)

    def broken(self) -> bool | None:
        """Is it broken anywhere? None while symbols decide."""
        return _anywhere(self.breaks())

    def at(self, values: Mapping[str, Any]) -> Members:
        """The condition with its symbol replaced."""
        value = substitute(self.value, values)
        return Members(value, self.least, self.modulus, self.residues, self.others)

    def symbols(self) -> frozenset[Symbol]:
        """The symbol that it is about."""
        return _symbols(self.value)

    def at_number(self, number: int) -> bool:
        """Is the number a member?"""
        regular = number >= self.least and number % self.modulus in self.residues
        return regular or number in self.others

    @property
    def rule(self) -> str:
        """The rule without its subject: 'multiple of 32, at least 64'."""
        parts = []
        if self.residues:
            parts.append(self._eventually())
        if self.others:
            numbers = _runs(sorted(self.others))
            parts.append(f"= {numbers}" if len(self.others) == 1 else f"one of {numbers}")
        missing = set(range(1, self.least)) - self.others
        if len(self.residues) == self.modulus and len(missing) == 1:
            return f"≠ {missing.pop()}"
        return " or ".join(parts) or "impossible"

    def _eventually(self) -> str:
        if len(self.residues) == self.modulus:
            return f"≥ {self.least}"
        bound = f", at least {self.least}" if self.least > self.modulus else ""
        if self.residues == {0}:
            return f"multiple of {self.modulus}{bound}"
        if self.modulus == 2:
            return f"odd{bound}"
        return f"mod {self.modulus} in {{{_runs(sorted(self.residues))}}}{bound}"

    def __str__(self) -> str:
        return f"{self.value} {self.rule}"


Condition: TypeAlias = AtLeast | Multiple | Relation | Members


def settled(difference: Any, *, equality: bool) -> Any:
    """difference = 0 or ≥ 0, where bounds or arithmetic settle it for all sizes; else None.

    >>> from flopscope.symbolic import symbol
    >>> settled(symbol("H") - 1, equality=False), settled(symbol("H") - 2, equality=False)
    (True, None)
    """
    if not is_symbolic(difference):
        return difference == 0 if equality else difference >= 0
    low, high = least(difference), least(-difference)
    positive, negative = low is not None and low > 0, high is not None and high > 0
    if equality:
        return False if positive or negative else None
    if low is not None and low >= 0:
        return True
    return False if negative else None


def without_common_factors(size: Polynomial) -> Polynomial:
    """The size without factors above 0 that all its terms share: its sign is that of the size.

    >>> from flopscope.symbolic import symbol
    >>> B, H = symbol("B"), symbol("H")
    >>> print(without_common_factors(6 * B * H - 4 * B))
    3·H - 2
    """
    divisor = gcd(*(c for c in size.terms.values() if isinstance(c, int)))
    whole = all(isinstance(c, int) for c in size.terms.values())
    first, *others = (dict(monomial) for monomial in size.terms)
    shared = {
        atom: min([power, *(m.get(atom, 0) for m in others)])
        for atom, power in first.items()
        if isinstance(atom, Symbol)
    }
    for atom, power in shared.items():
        if power > 0:
            size = size / alone(atom) ** power
    return size / divisor if whole and divisor > 1 else size


def require(condition: Condition) -> tuple[Condition, ...]:
    """() where the condition holds, (condition,) where symbols decide.

    Raises OutsideDomain where it is broken (anywhere, for arrays).

    >>> from flopscope.symbolic import symbol
    >>> require(AtLeast(symbol("H") + 2, 3, "padded height"))
    ()
    >>> [str(c) for c in require(AtLeast(symbol("H"), 3, "height"))]
    ['H ≥ 3']
    """
    broken = condition.breaks()
    if _anywhere(broken):
        raise OutsideDomain(_sentence(condition, broken))
    return () if broken is not None else (condition,)


def breaking(value: Size, condition: Condition) -> Size:
    """What of a value breaks the condition: of an array, the element at the first such place.

    Domain: the condition is broken.

    >>> import numpy as np
    >>> sides = np.array([224, 32, 8])
    >>> int(breaking(sides, AtLeast(sides, 64, "side")))
    32
    """
    return _element(value, condition.breaks())


def check_bindings(symbols: Iterable[Symbol], values: Mapping[str, Any]) -> None:
    """Every symbol is bound, to a value of its kind not below its bound.

    Raises UnboundSymbols or OutsideDomain, naming the bindings in force.

    >>> check_bindings([Symbol("H")], {"H": 224})
    """
    symbols = sorted(symbols, key=lambda s: s.name)
    if missing := [s.name for s in symbols if s.name not in values]:
        raise UnboundSymbols(f"no value for {', '.join(missing)}; given: {bindings(values)}")
    for s in symbols:
        if not is_symbolic(values[s.name]):
            _check_value(s, values[s.name])


def check_conditions(conditions: Iterable[Condition], values: Mapping[str, Any]) -> None:
    """Raises OutsideDomain for the first condition that these values break, naming them."""
    wide = {name: widened(value) for name, value in values.items()}
    for condition in conditions:
        broken = condition.at(wide).breaks()
        if _anywhere(broken):
            given = bindings(_first_breaking(values, broken))
            raise OutsideDomain(f"outside the domain ({condition}); given: {given}")


@contextmanager
def having_a_value(values: Mapping[str, Any]) -> Iterator[None]:
    """Raises OutsideDomain where arithmetic at these sizes has no result, as a division by 0."""
    try:
        with _strict(values):
            yield
    except FlopscopeError:
        raise
    except (ArithmeticError, ValueError) as error:
        raise OutsideDomain(
            f"the sizes have no value in this formula ({error}); given: {bindings(values)}"
        ) from error


def _strict(values: Mapping[str, Any]) -> AbstractContextManager[Any]:
    """NumPy raises where it would only warn."""
    if not any(map(is_array, values.values())):
        return nullcontext()
    import numpy as np

    return np.errstate(divide="raise", invalid="raise")


def bindings(values: Mapping[str, Any]) -> str:
    """The bindings in force, for messages: 'B=1, H=224'.

    >>> bindings({"B": 1, "H": 224})
    'B=1, H=224'
    """
    return ", ".join(f"{name}={_shown(value)}" for name, value in values.items()) or "nothing"


def _symbols(value: Size) -> frozenset[Symbol]:
    return value.symbols() if isinstance(value, Polynomial) else frozenset()


def _substituted(value: Size, values: Mapping[str, Any]) -> Size | None:
    """The size with some symbols replaced; None where it has no value: that breaks a condition."""
    try:
        return substitute(value, values)
    except FlopscopeError:
        raise
    except (ArithmeticError, ValueError):
        return None


def _anywhere(broken: Any) -> bool | None:
    return None if broken is None else any_of(broken)


def _check_value(s: Symbol, value: Any) -> None:
    if not _of_kind(value, Integral if s.integer else Real):
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
    """Is it a number of that kind, or an array of them? True and False are no numbers."""
    if is_array(value) and value.dtype != object:
        return value.dtype.kind in ("iu" if kind is Integral else "iuf")
    entries = value.flat if is_array(value) else (value,)
    return all(isinstance(entry, kind) and not isinstance(entry, bool) for entry in entries)


def _first_breaking(values: Mapping[str, Any], broken: Any) -> Mapping[str, Any]:
    """The values, of arrays the element at the first place that is broken."""
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


def _negation(truth: Any) -> Any:
    return ~truth if is_array(truth) else not truth


def _runs(numbers: Sequence[int]) -> str:
    """'0, 57…63' for 0 and 57 to 63."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = (f"{run[0]}…{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return ", ".join(texts)


def _equation(difference: Size, sign: str) -> str:
    """'H = W' rather than 'H - W = 0': what is subtracted goes to the right."""
    if not isinstance(difference, Polynomial):
        return f"{difference} {sign} 0"
    sides: list[Size] = [0, 0]
    for monomial, coefficient in difference.terms.items():
        sides[coefficient < 0] += abs(coefficient) * Polynomial({monomial: 1})
    sides.sort(key=is_symbolic, reverse=True)
    return f"{sides[0]} {sign} {sides[1]}"


def _inequality(value: Size, minimum: int, above: str = "≥", below: str = "≤") -> str:
    """'α ≤ 1' rather than '1 - α ≥ 0': one symbol is solved for, constants go to the right."""
    if not isinstance(value, Polynomial):
        return f"{value} {above} {minimum}"
    constant = value.terms.get(ONE, 0)
    rest = value - constant
    if len(rest.terms) == 1:
        ((_, factor),) = rest.terms.items()
        bound = Fraction(minimum - constant) / factor
        return f"{rest / factor} {above if factor > 0 else below} {_bound(bound)}"
    return f"{rest} {above} {_bound(minimum - constant)}"


LIMIT = 2**31
"""No tensor has an axis as long as this."""


def is_limit(condition: Condition) -> bool:
    """Does it say only that a size is not beyond all tensors, where integers are no doubles?"""
    if not isinstance(condition, Relation) or condition.equality or condition.negated:
        return False
    size = condition.difference
    bound = size.terms.get(ONE, 0) if is_symbolic(size) else 0
    return bound >= LIMIT and (bound - size).lower() is not None


def _bound(number: int | Fraction) -> str:
    """A number; a large power of two as one."""
    if number > 2**31 and number.denominator == 1 and is_power_of_two(number):
        return f"2{str(number.numerator.bit_length() - 1).translate(_SUPERSCRIPT)}"
    return str(number)


_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


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
    """Of an array, the element at the first place that is broken."""
    return _first_breaking({"": value}, broken)[""]
