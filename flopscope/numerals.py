"""Numbers as people write them, read exactly; among them all that flopscope prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

PREFIXES: Mapping[str, int] = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
"""What a prefix multiplies by."""

JOULES: Mapping[str, int] = {
    "fJ": 1, "pJ": 10**3, "nJ": 10**6, "uJ": 10**9, "\u00b5J": 10**9, "\u03bcJ": 10**9,
    "mJ": 10**12, "J": 10**15,
}  # fmt: skip
"""The femtojoules of each unit of energy."""

SECONDS: Mapping[str, int] = {
    "ns": 10**9, "us": 10**12, "\u00b5s": 10**12, "\u03bcs": 10**12, "ms": 10**15, "s": 10**18,
}  # fmt: skip
"""The attoseconds of each unit of time, one of which must be named."""

SUFFIXES: Mapping[str, Mapping[str, int]] = {
    "": {**PREFIXES, "B": 10**9},
    "bytes": {**PREFIXES, **{f"{prefix}B": value for prefix, value in PREFIXES.items()}},
    "fJ": {**PREFIXES, **JOULES},
    "as": SECONDS,
}
"""What the letters behind a number multiply it by, for each unit in which it is meant; "" is a
count, whose B stands for 1e9."""

# Python refuses to read integers of 4,300 digits and more.
_NUMBER = re.compile(
    r"([0-9]{1,3}(?:,[0-9]{3}){1,300}|[0-9]{1,1000})(\.[0-9]{1,1000})?(?:[eE]([+-]?[0-9]{1,3}))?"
    r"(?:[ \u00a0]?([A-Za-z\u00b5\u03bc]+))?"
)
_SIZES = re.compile(r"\s*[xX×,]\s*")
_SIZE = re.compile(r"[1-9][0-9]{0,999}")


def number(text: str, unit: str = "") -> Fraction | None:
    """The number that a text states, in a unit of `SUFFIXES`; None where it states none. It has
    commas between thousands, decimals, and then an exponent, a prefix or a unit.

    >>> [int(number(text)) for text in ("1,000,000", "3e8", "300 M", "50k", "7B")]
    [1000000, 300000000, 300000000, 50000, 7000000000]
    >>> [int(number(text, "bytes")) for text in ("1.2GB", "1.2G", "2 MiB", "7B")]
    [1200000000, 1200000000, 2097152, 7]
    >>> number("1.5 mJ", "fJ") == 1_500_000_000_000
    True
    >>> number("12ms", "as") == 12 * 10**15, number("12", "as")
    (True, None)
    >>> [number(text) for text in ("1.2GB", "-1", "1,00", "3e8M", "much")]
    [None, None, None, None, None]
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    whole, decimals, exponent, suffix = match.groups(default="")
    scale = SUFFIXES[unit].get(suffix)
    if scale is None or (exponent and suffix in PREFIXES and suffix):
        return None
    return Fraction(whole.replace(",", "") + decimals) * Fraction(10) ** int(exponent or 0) * scale


def integer_from(text: str, least: int) -> int | None:
    """The integer that a text states; None where it states none, or a smaller one.

    >>> integer_from("1,000", 1), integer_from("2.5", 1), integer_from("0", 1)
    (1000, None, None)
    """
    value = number(text)
    if value is None or value.denominator != 1 or value < least:
        return None
    return int(value)


def image_size(text: str) -> tuple[int, int] | None:
    """The height and width that a text states, both from 1: one number, or two with an x, a × or a
    comma between them; None where it states none.

    >>> [image_size(text) for text in ("224", "192x256", "192×256", "192,256", "0", "1,024")]
    [(224, 224), (192, 256), (192, 256), (192, 256), None, None]
    """
    parts = _SIZES.split(text.strip())
    if len(parts) > 2 or not all(map(_SIZE.fullmatch, parts)):
        return None
    return int(parts[0]), int(parts[-1])
