"""Numbers to text, which `flopscope.numerals` reads back, within half a unit of the last digit that
is shown."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))

MILLIJOULE = 10**12
"""Femtojoules."""


def integer(value: int) -> str:
    """Every digit, in groups of three.

    >>> integer(568740352)
    '568,740,352'
    """
    return f"{value:,}"


def count_text(value: int | str) -> str:
    """A count with every digit; a word in its place, such as a verdict, as it is."""
    return integer(value) if isinstance(value, int) else value


def in_lines(value: int, room: int) -> str:
    """Every digit. If the room is too narrow, the last six digits are on a line of their own.

    >>> in_lines(740384343040, 8), in_lines(162, 1)
    ('740,384,\\n343,040', '162')
    """
    text = integer(value)
    return text if len(text) <= max(room, 10) else f"{text[:-7]}\n{text[-7:]}"


def short(value: int) -> str:
    """Three significant digits with an SI prefix, rounded half up on the exact integer.

    >>> short(6679112), short(999999), short(12)
    ('6.68 M', '1.00 M', '12')
    """
    if value < PREFIXES[-1][0]:
        return str(value)
    for scale, prefix in reversed(PREFIXES):
        if (text := _scaled(value, scale)) is not None:
            return f"{text} {prefix}"
    scale, prefix = PREFIXES[0]
    return f"{_rounded(Fraction(value, scale), 0)} {prefix}"


def scientific(value: int) -> str:
    """Four significant digits with an exponent; all digits of a number below 10,000.

    >>> scientific(14_266_712_345_678_901_234), scientific(9999), scientific(0)
    ('1.427e19', '9,999', '0')
    """
    return integer(value) if value < 10_000 else f"{Decimal(value):.3e}".replace("e+", "e")


def in_two(value: Fraction) -> str:
    """A number to two significant digits.

    >>> [in_two(Fraction(n, 1000)) for n in (127_400, 8_441, 31, 0)]
    ['130', '8.4', '0.031', '0']
    """
    return f"{Decimal(f'{float(value):.2g}'):,f}"


def in_units(per: int, value: int) -> str:
    """How many times `per` the value is, bytes in MB for example: two decimals, or two significant
    digits where it is below 0.01.

    >>> [in_units(10**6, value) for value in (14019488, 3300, 80, 0)]
    ['14.02', '0.0033', '0.000080', '0.00']
    """
    amount = Fraction(value, per)
    if not amount or amount >= Fraction(1, 100):
        return _rounded(amount, 2)
    return f"{Decimal(f'{float(amount):.1e}'):f}"


def in_unit(value: int | Fraction, per: int, digits: int) -> str:
    """A count as so many times `per`, with so many decimals, thousands in groups of three.

    >>> [in_unit(n, 10**6, 1) for n in (300774272, 2250000, 2350000, -4089184256)]
    ['300.8', '2.2', '2.4', '-4,089.2']
    """
    units = round(Fraction(value, per) * 10**digits)  # a Fraction rounds halves to even
    whole, rest = divmod(abs(units), 10**digits)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole:,}.{rest:0{digits}}" if digits else f"{sign}{whole:,}"


def in_units_briefly(per: int, value: int) -> str:
    """The same in three significant digits, or in all digits before the decimal point.

    >>> in_units_briefly(10**6, 14019488), in_units_briefly(10**6, 12057094144)
    ('14.0', '12057')
    """
    return _in_three(Fraction(value, per))


def ratio(value: Fraction) -> str:
    """A ratio with two decimals, or two significant digits where it is below 0.01.

    >>> ratio(Fraction(300774272, 568740352)), ratio(Fraction(1, 300))
    ('0.53', '0.0033')
    """
    return _rounded(value, 2) if value >= Fraction(1, 100) else f"{float(value):.2g}"


def ratio_in_three(value: Fraction) -> str:
    """A ratio in three significant digits, or in all before the decimal point; a small one as in
    `ratio`.

    >>> [ratio_in_three(Fraction(n, 100)) for n in (12550, 100, 1)]
    ['126', '1.00', '0.01']
    """
    return _in_three(value) if value >= 1 else ratio(value)


def percent(part: int, whole: int) -> str:
    """A share in per cent with one decimal.

    >>> percent(1, 3)
    '33.3'
    """
    return _rounded(Fraction(100 * part, whole), 1) if whole else "0.0"


def _in_three(value: Fraction) -> str:
    return _scaled(value, 1) or _rounded(value, 0)


def _scaled(value: int | Fraction, scale: int) -> str | None:
    """Three significant digits of value/scale, or None if they do not fit below 1000."""
    for decimals, limit in ((2, 10), (1, 100), (0, 1000)):
        text = _rounded(Fraction(value, scale), decimals)
        if Fraction(text) < limit:
            return text
    return None


def _rounded(value: Fraction, decimals: int) -> str:
    """A rounded number, halves up. The value is exact, because formatting a float would round 2.675
    down."""
    units = int(value * 10**decimals + Fraction(1, 2))
    if decimals == 0:
        return str(units)
    whole, rest = divmod(units, 10**decimals)
    return f"{whole}.{rest:0{decimals}}"


def chance_text(chance: Fraction) -> str:
    """A chance in per cent, to two digits.

    >>> chance_text(Fraction(1, 27)), chance_text(Fraction(1, 3)), chance_text(Fraction(1, 10**6))
    ('3.7', '33', '<0.01')
    """
    percent = float(100 * chance)
    if percent and percent < 0.01:
        return "<0.01"
    return f"{percent:.2g}"
