"""The rules that sizes are rounded by: one row a rule, and the row says all that is known of it.

A rule is a function of `flopscope.sizes`. It computes numbers and arrays; with symbols it stays a
call that waits for numbers. What is known of the result until then is stated here: how large it can
become, what it is a multiple of, which law is behind it, and how it is written. For a function
without a row, or with an empty field, that is not known, and code that needs it raises an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, gcd
from typing import NamedTuple

from flopscope.sizes.kinds import Size
from flopscope.symbolic import Call, Number, Polynomial, Term

HALF = Fraction(1, 2)

REFERENCE = 1 - Fraction(1, 2**20)
"""Every multiplier just below 1, where it is decided which side of a choice an idealised law
takes."""


class ChosenSide(NamedTuple):
    """The side of a choice that an idealised law takes, and why it is the right one there.

    Each reason is a difference that must not be negative, with its name in messages.
    """

    value: Size
    reasons: tuple[tuple[Size, str], ...]


def as_given(*arguments: Term) -> tuple[Term, ...]:
    """All arguments, unchanged."""
    return arguments


@dataclass(frozen=True)
class SizeRule:
    """What is known of a rule while its arguments are symbols. Every field but `written` takes the
    rule's own arguments."""

    bound: Callable[..., Number] | None = None
    """A magnitude that no intermediate number exceeds, as a function of the arguments'
    magnitudes."""

    divides_by: tuple[int, ...] = ()
    """The indices of arguments that are divisors: for these `bound` takes the least value."""

    ideal: Callable[..., Size] | None = None
    """The law behind it, which is the same without the rounding."""

    side: Callable[..., ChosenSide] | None = None
    """The law behind a rule that chooses between its arguments."""

    within: tuple[Number, Number] | None = None
    """(b, a): the result is not below the first argument less b, nor above it plus a (and plus the
    minimum that a second argument may state). Domain: a first argument that is not negative."""

    share: Number | None = None
    """The result is not below this share of the first argument."""

    step: Callable[..., int] | None = None
    """What the result is a multiple of."""

    asks: Callable[[Size, Size], Size] | None = None
    """The difference of which the result says, by 1 or 0, whether it is 0."""

    written: Callable[..., tuple[Term, ...]] = as_given
    """The arguments as they are written, without defaults."""

    javascript: str = ""
    """The rule at numbers in JavaScript, a function of the arguments as they are written. There
    `%` is a remainder, whose sign is that of the dividend, so no rule uses it."""


def rule_of(call: Call) -> SizeRule:
    """What is known of a call's function; nothing for a function without a row.

    >>> from flopscope.symbolic import Call
    >>> rule_of(Call(min, (3, 4))) == SizeRule()
    True
    """
    return RULES.get(call.function.__name__, UNKNOWN)


def shown_arguments(call: Call) -> tuple[Term, ...]:
    """The arguments as they are written: a minimum only if it is not the rule's default.

    >>> from flopscope.sizes import make_divisible
    >>> shown_arguments(Call(make_divisible, (20, 8, 8)))
    (20, 8)
    """
    return rule_of(call).written(*call.arguments)


# --- bounds -----------------------------------------------------------------------------------


def in_floats(value: Number) -> Number:
    """A bound of a floating-point computation, whose few steps err by less than one part in 2⁴⁸."""
    return value + value / Fraction(2**48) + 1


def _rounded(value: Number) -> Number:
    return in_floats(value) + 1


def _of_sum(a: Number, b: Number) -> Number:
    return in_floats(a + b)


# --- ideal forms ------------------------------------------------------------------------------


def _first(value: Size, *_: Size) -> Size:
    return value


def _largest(*arguments: Size) -> ChosenSide:
    largest = max(arguments, key=_at_reference)
    others = (other for other in arguments if other is not largest)
    words = "the side of a maximum less another"
    return ChosenSide(largest, tuple((largest - other, words) for other in others))


def _below_or_not(value: Size, bound: Size, below: Size, otherwise: Size) -> ChosenSide:
    is_below = _at_reference(value - bound) < 0
    distance = bound - value if is_below else value - bound
    words = "distance of the width from the bound of its rule"
    return ChosenSide(below if is_below else otherwise, ((distance, words),))


def _at_reference(value: Size) -> Fraction:
    if not isinstance(value, Polynomial):
        return Fraction(value)
    return Fraction(value.evaluate({s.name: REFERENCE for s in value.symbols()}))


# --- how arguments are written, and what results are multiples of ---------------------------------


def _minimum_of_its_own(value: Term, divisor: Term, minimum: Term) -> tuple[Term, ...]:
    return (value, divisor) if minimum == divisor else (value, divisor, minimum)


def _minimum_above_0(value: Term, minimum: Term) -> tuple[Term, ...]:
    return (value,) if minimum == 0 else (value, minimum)


def _whole_steps(_: Size, *multiples: Size) -> int:
    return gcd(*(n if isinstance(n, int) else 1 for n in multiples))


# --- JavaScript -------------------------------------------------------------------------------

_NEAREST_MULTIPLE = "Math.max({least}, Math.floor(Math.trunc(v + d / 2) / d) * d)"
_HALF_EVEN = "v - f < 0.5 ? f : v - f > 0.5 ? f + 1 : 2 * Math.ceil(f / 2)"


# --- the table --------------------------------------------------------------------------------

UNKNOWN = SizeRule()

RULES: Mapping[str, SizeRule] = {
    "make_divisible": SizeRule(
        # At most half a divisor is added, and a whole one where that is less than 0.9 of the value.
        bound=lambda value, divisor, minimum: in_floats(value) + 2 * divisor + minimum,
        ideal=_first,
        share=Fraction(9, 10),
        step=_whole_steps,
        written=_minimum_of_its_own,
        javascript="(v, d = 8, m = d) => { "
        f"const r = {_NEAREST_MULTIPLE.format(least='m')}; return r < 0.9 * v ? r + d : r; }}",
    ),
    "nearest_multiple": SizeRule(
        bound=lambda value, divisor: in_floats(value) + 2 * divisor,
        ideal=_first,
        step=_whole_steps,
        javascript=f"(v, d = 8) => {_NEAREST_MULTIPLE.format(least='d')}",
    ),
    "round_repeats": SizeRule(
        bound=lambda repeats, depth: in_floats(repeats * depth) + 1,
        ideal=operator.mul,
        javascript="(n, d) => Math.ceil(n * d)",
    ),
    "shared_repeats": SizeRule(
        bound=lambda repeats, part, whole: in_floats(repeats) + 1,
        ideal=lambda repeats, part, whole: repeats * part / whole,
        javascript="(n, p, w) => { "
        f"const v = p / w * n, f = Math.floor(v); return Math.max(1, {_HALF_EVEN}); }}",
    ),
    "round_half_even": SizeRule(
        bound=lambda value, minimum: in_floats(value) + 1 + minimum,
        ideal=_first,
        within=(HALF, HALF),
        written=_minimum_above_0,
        javascript="(v, m = 0) => { "
        f"const f = Math.floor(v); return Math.max(m, {_HALF_EVEN}); }}",
    ),
    "nearest_whole": SizeRule(
        bound=_rounded,
        ideal=_first,
        within=(HALF, HALF),
        javascript=f"(v) => {{ const f = Math.floor(v); return {_HALF_EVEN}; }}",
    ),
    "truncate": SizeRule(
        bound=in_floats,
        ideal=_first,
        within=(1, 0),
        javascript="Math.trunc",
    ),
    "floored": SizeRule(bound=_rounded, ideal=_first, within=(1, 0), javascript="Math.floor"),
    "ceiled": SizeRule(bound=_rounded, ideal=_first, within=(0, 1), javascript="Math.ceil"),
    "floor_log2": SizeRule(
        bound=lambda value: ceil(value).bit_length(),
        # No logarithm is rounded: the quotient of powers of two is exact.
        javascript="(n) => { let p = 0; while (n >= 2) { n /= 2; p += 1; } return p; }",
    ),
    "maximum": SizeRule(
        bound=lambda *values: max(values),
        side=_largest,
        javascript="(...sizes) => sizes.reduce((a, b) => (b > a ? b : a))",
    ),
    "where_below": SizeRule(
        bound=lambda _value, _bound, below, otherwise: below + otherwise,
        side=_below_or_not,
        javascript="(v, bound, below, otherwise) => v < bound ? below : otherwise",
    ),
    "equal": SizeRule(
        bound=lambda _a, _b: 1,
        ideal=lambda a, b: int(a == b),
        asks=operator.sub,
        javascript="(a, b) => a == b ? 1 : 0",
    ),
    "order": SizeRule(bound=lambda _a, _b: 1, javascript="(a, b) => (a > b) - (a < b)"),
    "plus": SizeRule(bound=_of_sum, ideal=operator.add, javascript="(a, b) => a + b"),
    "minus": SizeRule(bound=_of_sum, ideal=operator.sub, javascript="(a, b) => a - b"),
    "times": SizeRule(
        bound=lambda a, b: in_floats(a * b), ideal=operator.mul, javascript="(a, b) => a * b"
    ),
    "over": SizeRule(
        bound=lambda a, b: in_floats(Fraction(a) / b),
        divides_by=(1,),
        ideal=operator.truediv,
        javascript="(a, b) => a / b",
    ),
    "sqrt": SizeRule(bound=in_floats, javascript="Math.sqrt"),
}
"""By the name of the function in `flopscope.sizes`: roundings, choices, arithmetic of floats."""
