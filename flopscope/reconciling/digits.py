"""Reported numbers: the integers for which a text such as 579M can stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from flopscope.catalog.figures import stated
from flopscope.errors import BadInput


class Digits(Enum):
    """How a text came from a number, the most usual way first."""

    ROUNDED = "rounded"
    TRUNCATED = "truncated"
    RAISED = "rounded up"

    @property
    def steps(self) -> int:
        """How far it is from rounding, which is expected."""
        return list(Digits).index(self)


POWERS = {"K": 1, "M": 2, "G": 3, "B": 3, "T": 4}
"""The power of a thousand, or of 1024, for which a letter stands."""

_SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074"
_WORD = re.compile(r"\s*(?:flops?|macs?|m(?:ult-)?adds?|ops?|param(?:eter)?s?)$", re.IGNORECASE)
_BINARY = re.compile(r"([KMGT])i$")
_RANGE = re.compile(
    r"(?:[~<>\u2248\u2264\u2265]|about|around|approx\.?|ca\.?|c\.|up to|under|over|below|above)"
    r"\s*([0-9.,]+\s*\w*)|"
    r"(?:between\s+)?([0-9.,]+)\s*(\w*?)\s*"
    r"(?:(?:-|\u2013|to|and|\u00b1|\+/-)\s*[0-9.,]+\s*(\w*)|\+)",
    re.IGNORECASE,
)
_WITH_UNIT = re.compile(r"([0-9][0-9.,]*)\s?([A-Za-z]\S*(?: \S+)*)")
_UNIT = re.compile(r"[kKMGBT]?i?|[eE][+-]?[0-9]+")
_NUMBER = re.compile(r"[0-9][0-9.,]*")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9.]+")
_POWER = re.compile(r"[0-9.,]+[eE][+-]?[0-9]+")
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
_BELOW = re.compile(r"[-\u2212]\s*([0-9].*)")
_BLANKS = re.compile(r"[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+(?![0-9])")


def _check_one_number(text: str) -> None:
    """Raises BadInput for what is no number from 0, for a range, for an unknown unit, and for
    commas and blanks that group no thousands, with what may have been meant."""
    if not text or _NO_NUMBER.fullmatch(text):
        raise BadInput(
            f"'{text}' is no number; give one as its source prints it, such as 579M or 1.14G"
        )
    if found := _BELOW.fullmatch(text):
        raise BadInput(f"'{text}' is below 0, where no count is; give one from 0, as in {found[1]}")
    if (found := _RANGE.fullmatch(text)) and not _POWER.fullmatch(text):
        about, least, first, last = (part or "" for part in found.groups())
        one = about or f"{least}{first or last}"
        raise BadInput(
            f"'{text}' is a range or a bound; give one number as its source prints it, such as "
            f"{one.replace(' ', '')}"
        )
    found = _WITH_UNIT.fullmatch(_WORD.sub("", text))
    if found and not _UNIT.fullmatch(found[2]):
        raise BadInput(
            f"'{text}' has the unit {found[2]}, which is not known; write K, M, G, B or T, alone "
            f"or before FLOPs, MACs, MAdds, ops or params, as in {_near(found[1], found[2])}"
        )
    digits = _NUMBER.match(text)
    if digits and not _GROUPED.fullmatch(digits[0]) and _pointed(digits[0]):
        raise BadInput(
            f"'{text}' has a comma that is not between groups of three digits; a point begins the "
            f"decimals, as in {_pointed(digits[0])}{text[digits.end() :]}"
        )
    if blanks := _BLANKS.match(text):
        commas = re.sub(r"\s", ",", blanks[0])
        raise BadInput(
            f"'{text}' has blanks between its digits; write commas, as in "
            f"{commas}{text[blanks.end() :]}"
        )


def _near(number: str, unit: str) -> str:
    """The number with the unit that is nearest to an unknown one."""
    letter, pointed = unit[0].upper(), _pointed(number) or number
    if letter == "P" and pointed.count(".") <= 1:
        return f"{1000 * float(pointed.replace(',', '')):.10g}T"
    return f"{pointed}{letter if letter in POWERS else 'M'}"


def _pointed(number: str) -> str:
    """The number with a point before its decimals; empty if they cannot be told. Commas that group
    thousands are kept. A comma that stands alone, or behind points, begins the decimals.

    >>> [_pointed(text) for text in ("1,234.5", "2,4", "1.234,5", "1,2.5", "4,2.3.4")]
    ['1,234.5', '2.4', '1234.5', '12.5', '']
    """
    if _GROUPED.fullmatch(number):
        return number
    whole, _, decimals = number.rpartition(",")
    if "." in decimals:
        return number.replace(",", "") if number.count(".") == 1 else ""
    return f"{whole.replace('.', '')}.{decimals}" if "," not in whole else number.replace(",", "")


@dataclass(frozen=True)
class Reported:
    """A number as its source prints it: its value, and one unit of its last shown digit. `prefix`
    says how its letter is read, if not as a power of a thousand."""

    text: str
    value: Fraction
    unit: Fraction
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Reported:
        """Read the number that a text states. It may have commas between digits, one blank before
        the prefix and a unit after it, as in 1.14 GFLOPs. Ki, Mi, Gi and Ti are powers of 1024.

        Raises BadInput for a range, for an unknown unit, for commas and blanks that group no
        thousands, for a number below 0, and for other text that is not a number.

        >>> Reported.parse("579 M").unit
        Fraction(1000000, 1)
        >>> Reported.parse("50.1 k").value
        Fraction(50100, 1)
        >>> Reported.parse("1.5 GiFLOPs").value == 3 * 2**29
        True
        """
        _check_one_number(text.strip())
        plain = _WORD.sub("", text.strip()).replace(",", "").replace(" ", "", 1).replace("k", "K")
        value, half = stated(_BINARY.sub(r"\1", plain))
        decimal = cls(text.strip(), value, 2 * half)
        return decimal._of_1024(plain[-2]) if _BINARY.search(plain) else decimal

    @property
    def binary(self) -> Reported | None:
        """The same with its letter read as a power of 1024; None if it has no letter or is read
        like this already.

        >>> Reported.parse("2K").binary.value
        Fraction(2048, 1)
        """
        letter = _WORD.sub("", self.text)[-1:]
        return None if self.prefix or letter not in POWERS else self._of_1024(letter)

    def _of_1024(self, letter: str) -> Reported:
        power = POWERS[letter]
        larger = Fraction(1024, 1000) ** power
        prefix = f"{letter} as 1024{_SUPERSCRIPTS[power] if power > 1 else ''}"
        return replace(self, value=self.value * larger, unit=self.unit * larger, prefix=prefix)

    def rounded_to(self, places: int) -> Reported:
        """The same number from a program that rounds to so many decimals before its letter, and
        then prints no zeros at the end. A number without a letter is whole, and stays as it is.

        >>> Reported.parse("0.7G").rounded_to(2).unit == Reported.parse("0.70G").unit
        True
        """
        letter = self.text[-1:]
        if letter not in POWERS:
            return self
        last = Fraction(1000) ** POWERS[letter] / Fraction(10) ** places
        return replace(self, unit=min(self.unit, last))

    def digits(self, count: int | Fraction) -> Digits | None:
        """How this text comes from a count; None if it does not. Half a unit is rounded up.

        >>> kinds = [Reported.parse("579M").digits(n * 100_000) for n in (5784, 5785, 5795)]
        >>> [kind.value for kind in kinds]
        ['rounded up', 'rounded', 'truncated']
        """
        above = count - self.value
        if -self.unit / 2 <= above < self.unit / 2:
            return Digits.ROUNDED
        if 0 <= above < self.unit:
            return Digits.TRUNCATED
        return Digits.RAISED if -self.unit < above < 0 else None
