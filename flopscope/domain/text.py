"""How conditions are written: 'H = W', 'α ≤ 1', 'H·0.7 < 3'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flopscope.domain.truths import compared_doubles
from flopscope.sizes import Size, is_integral, is_symbolic
from flopscope.symbolic import ONE, Polynomial, argument_text
from flopscope.symbolic.terms import is_power_of_two


def relation_text(difference: Size, *, equality: bool, negated: bool) -> str:
    """The text of difference = 0 or difference ≥ 0, or of the negation."""
    if (found := compared_doubles(difference)) is not None:
        sign, *sides = found
        a, b = map(argument_text, sides)
        if _is_decimal(a) and not _is_decimal(b):
            sign, a, b = -sign, b, a
        return f"{a} {_SIGNS[equality, negated, sign]} {b}"
    if equality:
        return equation_text(difference, "≠" if negated else "=")
    if not negated:
        return inequality_text(difference, 0)
    if is_symbolic(difference) and is_integral(difference):
        return inequality_text(-difference, 1)
    return inequality_text(-difference, 0, ">", "<")


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


def equation_text(difference: Size, sign: str) -> str:
    """'H = W' rather than 'H - W = 0': subtracted terms go to the right."""
    if not isinstance(difference, Polynomial):
        return f"{difference} {sign} 0"
    sides: list[Size] = [0, 0]
    for monomial, coefficient in difference.terms.items():
        sides[coefficient < 0] += abs(coefficient) * Polynomial({monomial: 1})
    sides.sort(key=is_symbolic, reverse=True)
    return f"{sides[0]} {sign} {sides[1]}"


def inequality_text(value: Size, minimum: int, above: str = "≥", below: str = "≤") -> str:
    """'α ≤ 1' rather than '1 - α ≥ 0': it is solved for one symbol, and constants go to the
    right."""
    if not isinstance(value, Polynomial):
        return f"{value} {above} {minimum}"
    constant = value.terms.get(ONE, 0)
    rest = value - constant
    if len(rest.terms) == 1:
        ((_, factor),) = rest.terms.items()
        bound = Fraction(minimum - constant) / factor
        return f"{rest / factor} {above if factor > 0 else below} {_bound(bound)}"
    return f"{rest} {above} {_bound(minimum - constant)}"


def _bound(number: int | Fraction) -> str:
    """A number; a large power of two is written as a power: 2⁵³."""
    if number > 2**31 and number.denominator == 1 and is_power_of_two(number):
        return f"2{str(number.numerator.bit_length() - 1).translate(_SUPERSCRIPT)}"
    return str(number)


_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def runs_text(numbers: Sequence[int]) -> str:
    """'0, 57…63' for 0 and 57 to 63."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = (f"{run[0]}…{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return ", ".join(texts)
