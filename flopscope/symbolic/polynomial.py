"""The type that symbolic sizes are computed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from keyword import iskeyword
from operator import index
from typing import Any, TypeAlias

from flopscope.alphabet import MULTIPLIERS
from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.symbolic import floors
from flopscope.symbolic.atoms import ONE, Atom, Call, Floor, Number, Symbol
from flopscope.symbolic.terms import (
    Terms,
    add,
    constant,
    denominator,
    exact,
    fraction_of,
    is_few_bits,
    multiply,
    simple_quotient,
)
from flopscope.symbolic.text import sum_text
from flopscope.symbolic.values import evaluate, quotient

Term: TypeAlias = "Polynomial | int | Fraction"


class Polynomial:
    """Σ coefficient · Π atom^power. It is immutable and hashable, and equality is that of canonical
    forms.

    Sums, products and floors of positive terms are equal if arithmetic makes them equal. With
    negative terms under a floor, two forms of the same size can differ, as ⌊(H − 3·H)/3⌋ and ⌊H/3⌋
    − H do.

    Operands are polynomials, integers, fractions, and floats of few bits such as 0.75. With any
    other float the arithmetic is done in doubles, as in code (`doubles`). A result without symbols
    is a plain number.

    >>> H = symbol("H")
    >>> (H + 1) * (H - 1) - H**2
    -1
    >>> print((H + 1) // 2 + 3 * H, "|", ((H + 1) // 2 + 1) // 2)
    3·H + ⌈H/2⌉ | ⌈H/4⌉
    """

    __slots__ = ("_hash", "_is_double", "_text", "terms")
    __array_ufunc__ = None  # NumPy's scalars on the left leave the arithmetic to this class

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._hash: int | None = None
        self._text: str | None = None
        self._is_double: bool | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __reduce__(self) -> tuple[type[Polynomial], tuple[Terms]]:
        return Polynomial, (self.terms,)  # not the hash: those of strings differ by process

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Polynomial) and self.terms == other.terms)

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of {self} depends on its symbols")

    def __str__(self) -> str:
        if self._text is None:
            self._text = sum_text(self.terms)
        return self._text

    def __repr__(self) -> str:
        return short(self, str(self))

    # --- arithmetic ---

    def __add__(self, other: object) -> Any:
        if _rounds(self, other):
            return _in_doubles("plus", self, other)
        terms = terms_of(other)
        return NotImplemented if terms is None else simplest(add(self.terms, terms))

    def __radd__(self, other: object) -> Any:
        return _in_doubles("plus", other, self) if _rounds(self, other) else self + other

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: object) -> Any:
        if _rounds(self, other):
            return _in_doubles("minus", self, other)
        terms = terms_of(other)
        if terms is None:
            return NotImplemented
        return simplest(add(self.terms, {m: -c for m, c in terms.items()}))

    def __rsub__(self, other: object) -> Any:
        return _in_doubles("minus", other, self) if _rounds(self, other) else -self + other

    def __mul__(self, other: object) -> Any:
        if _rounds(self, other):
            return _in_doubles("times", self, other)
        terms = terms_of(other)
        return NotImplemented if terms is None else simplest(multiply(self.terms, terms))

    def __rmul__(self, other: object) -> Any:
        return _in_doubles("times", other, self) if _rounds(self, other) else self * other

    def __pow__(self, power: int) -> Any:
        """Integer powers; a negative one of a single term only."""
        if _rounds(self) and power not in (0, 1):
            return _in_doubles("power", self, power)
        if power < 0:
            return 1 / self**-power
        result: Any = 1
        for _ in range(power):
            result = self * result
        return result

    def __truediv__(self, other: object) -> Any:
        """The exact quotient. Raises BadInput if it cannot be written as a sum."""
        if _rounds(self, other):
            return _in_doubles("over", self, other)
        terms = terms_of(other)
        return NotImplemented if terms is None else _quotient(self.terms, terms)

    def __rtruediv__(self, other: object) -> Any:
        if _rounds(self, other):
            return _in_doubles("over", other, self)
        terms = terms_of(other)
        return NotImplemented if terms is None else _quotient(terms, self.terms)

    def __floordiv__(self, divisor: object) -> Any:
        """⌊self/divisor⌋ in canonical form. Domain: integers; a symbolic divisor is above 0."""
        if _rounds(self, divisor):
            return _in_doubles("floor_over", self, divisor)
        terms = terms_of(divisor)
        return NotImplemented if terms is None else _floor(self.terms, terms)

    def __rfloordiv__(self, other: object) -> Any:
        if _rounds(self, other):
            return _in_doubles("floor_over", other, self)
        terms = terms_of(other)
        return NotImplemented if terms is None else _floor(terms, self.terms)

    def __mod__(self, divisor: object) -> Any:
        if _rounds(self, divisor):
            return _in_doubles("rest", self, divisor)
        floor = self.__floordiv__(divisor)
        return floor if floor is NotImplemented else self - divisor * floor

    def __rmod__(self, other: Any) -> Any:
        if _rounds(self, other):
            return _in_doubles("rest", other, self)
        floor = self.__rfloordiv__(other)
        return floor if floor is NotImplemented else other - self * floor

    # --- what it is made of ---

    @property
    def is_double(self) -> bool:
        """Is it a result of arithmetic in doubles, or a sum with one?"""
        if self._is_double is None:
            self._is_double = len(self.terms) <= 2 and any(
                isinstance(atom, Call) and atom.is_double
                for monomial in self.terms
                for atom, _ in monomial
            )
        return self._is_double

    def symbols(self) -> frozenset[Symbol]:
        """Every free symbol, including those inside floors and roundings."""
        return frozenset().union(*(atom.symbols() for atom in self.atoms()))

    def atoms(self) -> frozenset[Atom]:
        """The distinct atoms of its monomials (not those nested inside them)."""
        return frozenset(atom for monomial in self.terms for atom, _ in monomial)

    def sole_call(self, function: Callable[..., Any] | None = None) -> Call | None:
        """The call, if this polynomial is nothing but one call (of `function`, if that is
        given)."""
        if len(self.terms) == 1 and len(atoms := self.atoms()) == 1:
            (atom,) = atoms
            asked = isinstance(atom, Call) and function in (None, atom.function)
            if isinstance(atom, Call) and asked and self == alone(atom):
                return atom
        return None

    def denominator(self) -> Term:
        """The least number or single term that leaves no fraction and no negative power.

        >>> H, G = symbol("H"), symbol("G")
        >>> print((H / G + H / 2).denominator())
        2·G
        """
        return simplest(denominator(self.terms))

    def lower(self) -> int | None:
        """A lower bound from the symbols' own bounds, or None if they do not give one.

        >>> (3 * symbol("H", lower=2) - 1).lower()
        5
        """
        bound = self.lower_bound()
        return None if bound is None else bound.__floor__()

    def lower_bound(self) -> Number | None:
        """The bound that `lower` gives, before it is rounded down."""
        bound: Number = 0
        for monomial, coefficient in self.terms.items():
            if monomial and coefficient < 0:
                return None
            least = coefficient
            for atom, power in monomial:
                lower = atom.lower
                if power < 0 or lower is None or lower < 0:
                    return None
                least *= lower**power
            bound += least
        return bound

    def evaluate(self, values: Mapping[str, Any], memo: dict[Atom, Any] | None = None) -> Any:
        """Value with symbols replaced by numbers, arrays or other polynomials.

        `values` maps every symbol's name; integers and fractions stay exact. Raises KeyError for a
        name that is missing. `memo` shares the atoms' values between calls with the same `values`.

        >>> ((symbol("H") + 1) // 2 / 3).evaluate({"H": 7})
        Fraction(4, 3)
        """
        memo = {} if memo is None else memo
        below = denominator(self.terms)
        if below == {ONE: 1}:
            return evaluate(self.terms, values, memo)
        above = {m: int(c) for m, c in multiply(self.terms, below).items()}
        return quotient(evaluate(above, values, memo), evaluate(below, values, memo))


def symbol(name: str, lower: int = 1, integer: bool = True) -> Polynomial:
    """The polynomial consisting of one free symbol, at least `lower` (above it, if it is real).

    Raises BadInput for a name that could not name an argument in Python.

    >>> print(3 * symbol("heads"))
    3·h
    """
    if not issubclass(type(name), str) or not name.isidentifier() or iskeyword(name):
        raise BadInput(f"{name!r} cannot name a size; give letters, digits and _, as in H or C_in")
    return alone(Symbol(name, lower, integer))


def dimension(name: str) -> Polynomial:
    """The free size of this name in the alphabet: a multiplier is a real number above 0, any other
    size an integer from 1.

    >>> print(3 * dimension("width") + dimension("H"))
    H + 3·α
    """
    return symbol(name, lower=0, integer=False) if name in MULTIPLIERS else symbol(name)


def call(
    function: Callable[..., Any],
    *arguments: Term | float,
    lower: int | None = None,
    integer: bool = True,
) -> Polynomial:
    """A size known only through `function`, e.g. a rounding rule at a symbolic width.

    `lower` bounds it from below, if that is known; `integer` is False for a real number.

    >>> print(2 * call(max, symbol("H"), 8, lower=8))
    2·max(H, 8)
    """
    terms = (fraction_of(a) if isinstance(a, float) else a for a in arguments)
    return alone(Call(function, tuple(terms), lower, integer))


def alone(atom: Atom) -> Polynomial:
    """The polynomial consisting of one atom."""
    return Polynomial({frozenset(((atom, 1),)): 1})


def terms_of(value: object) -> Terms | None:
    """The terms of an operand; None if it is not a number."""
    if isinstance(value, Polynomial):
        return value.terms
    if isinstance(value, int | Fraction):
        return constant(value)
    if isinstance(value, float):
        return constant(exact(Fraction(value)))
    try:
        return constant(index(value))  # type: ignore[arg-type] # numpy's integers
    except TypeError:
        return None


def product(a: Any, b: Any) -> Any:
    """a · b multiplied out, even if code would round it."""
    return simplest(multiply(*map(_own_terms, (a, b))))


def summed(a: Any, b: Any) -> Any:
    """a + b term by term, even if code would round it."""
    return simplest(add(*map(_own_terms, (a, b))))


def _own_terms(value: Any) -> Terms:
    return value.terms if isinstance(value, Polynomial) else constant(value)


def _rounds(size: Polynomial, other: object = 0) -> bool:
    """Is arithmetic with one of these rounded? It is with a float of many bits, or with a result in
    doubles."""
    return size.is_double or (type(other) is not int and _is_rounded(other))


def _is_rounded(value: object) -> bool:
    if isinstance(value, Polynomial):
        return value.is_double
    return isinstance(value, float) and not is_few_bits(value)


def _in_doubles(name: str, a: object, b: object) -> Any:
    """The operation in `doubles`, which is written on top of this type and so imported late."""
    from flopscope.symbolic import doubles

    return getattr(doubles, name)(a, b)


def simplest(terms: Terms) -> Term:
    """A plain number if no symbol is left, else the polynomial, with whole coefficients as ints."""
    if not terms:
        return 0
    if len(terms) == 1 and ONE in terms:
        return exact(terms[ONE])
    for coefficient in terms.values():
        if type(coefficient) is not int:
            return Polynomial({m: exact(c) for m, c in terms.items()})
    return Polynomial(terms)


def _quotient(terms: Terms, divisor: Terms) -> Term:
    if not divisor:
        raise ZeroDivisionError(f"{sum_text(terms)} divided by zero")
    if not terms:
        return 0
    if (quotient := simple_quotient(terms, divisor)) is not None:
        return simplest(quotient)
    raise BadInput(
        f"({sum_text(terms)}) / ({sum_text(divisor)}) cannot be written as a sum; "
        "give the quotient a name of its own and multiply by it"
    )


def _floor(terms: Terms, divisor: Terms) -> Term:
    for side in (terms, divisor):
        if not all(atom.integer for monomial in side for atom, _ in monomial):
            raise TypeError(f"{sum_text(side)} is a real number: only rounding rules may divide it")
    if not divisor:
        raise ZeroDivisionError(f"{sum_text(terms)} divided by zero")
    if divisor.keys() == {ONE}:
        by = Fraction(divisor[ONE])
        sign = 1 if by > 0 else -1
        scaled = {m: sign * c * by.denominator for m, c in terms.items()}
        division = floors.by_integer(scaled, abs(by.numerator))
    else:
        division = floors.by_terms(terms, divisor)
        if (quotient := _small_quotient(division)) is not None:
            return simplest(division.outside) + quotient
    return simplest(division.outside) + _rounded(division)


def _small_quotient(division: floors.Division) -> int | None:
    """⌊n/d⌋ if bounds show that it is 0 or −1; else None."""
    if isinstance(division.divisor, int) or not division.numerator:
        return None
    numerator, divisor = simplest(division.numerator), simplest(division.divisor)
    if _at_least(numerator, 0) and _at_least(divisor - numerator, 1):
        return 0
    return -1 if _at_least(-numerator, 1) and _at_least(divisor + numerator, 0) else None


def _at_least(value: Term, minimum: int) -> bool:
    lower = value.lower() if isinstance(value, Polynomial) else value
    return lower is not None and lower >= minimum


def _rounded(division: floors.Division) -> Term:
    if not division.numerator:
        return 0
    by = division.divisor
    floor = Floor(Polynomial(division.numerator), by if isinstance(by, int) else Polynomial(by))
    return alone(floor) if division.sign == 1 else -alone(floor)
