"""What a reader decides about a picture: its size, title, limits and scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from math import isfinite
from typing import Any, TypeAlias

from flopscope.errors import BadInput, listed
from flopscope.numerals import number

COLUMN, PAGE = 3.3, 6.9
"""The width in inches of one column, and of both columns, of a conference paper."""
WIDTHS: Mapping[str, float] = {"column": COLUMN, "page": PAGE}
"""The widths that have a name."""
SIZES = (1.0, 50.0)
"""The least and the largest side of a picture, in inches."""
DOTS = (50, 1200)
"""The least and the largest number of dots per inch."""
DOTS_PER_INCH = 300
LINEAR, LOG = "linear", "log"

Size: TypeAlias = tuple[float, float | None]
"""Width and height in inches; the picture chooses the height where it is None."""
Limits: TypeAlias = tuple[float | None, float | None]
"""The ends of an axis; the picture chooses an end that is None."""


@dataclass(frozen=True)
class Look:
    """How a picture looks where the reader decides it; None leaves the decision to the picture.

    Sizes are in inches; `xlim` and `ylim` are in the units of the axes; a scale is "linear" or
    "log"; `dpi`, the dots per inch, matters to PNG alone. Raises BadInput for a side outside 1 to
    50 inches, equal or reversed limits, an unknown scale, and a limit of 0 on a logarithmic axis.

    >>> Look(size=(3.3, 2.4), xscale="log").figsize(6.9, 3.0)
    (3.3, 2.4)
    """

    size: Size | None = None
    title: str | None = None
    xlim: Limits | None = None
    ylim: Limits | None = None
    xscale: str | None = None
    yscale: str | None = None
    dpi: int | None = None

    def __post_init__(self) -> None:
        for side in self.size or ():
            if side is not None and not SIZES[0] <= side <= SIZES[1]:
                raise BadInput(
                    f"a picture of {side:g} inches cannot be drawn; give a width and a height from "
                    f"{SIZES[0]:g} to {SIZES[1]:g} inches"
                )
        for axis, limits, scale in (
            ("x", self.xlim, self.xscale),
            ("y", self.ylim, self.yscale),
        ):
            _check_scale(axis, scale)
            _check_limits(axis, limits, scale)
        if self.dpi is not None and not DOTS[0] <= self.dpi <= DOTS[1]:
            raise BadInput(
                f"{self.dpi} dots per inch cannot be drawn; give a number from {DOTS[0]} to "
                f"{DOTS[1]}, such as {DOTS_PER_INCH}"
            )

    def figsize(self, width: float, height: float) -> tuple[float, float]:
        """The size in inches of a picture that is made for this width and height."""
        if self.size is None:
            return width, height
        wide, high = self.size
        return wide, height if high is None else high

    @property
    def shapes_axes(self) -> bool:
        """Does it decide limits or scales, which one panel alone has?"""
        return any((self.xlim, self.ylim, self.xscale, self.yscale))


def read_look(**given: Any) -> Look:
    """A look from texts, as the command line has them, or from numbers and pairs.

    `size` is "column", "page", "3.3x2.4", a width or a (width, height); limits are "100M:1G",
    "70:" or a pair, in which None is an end that the picture chooses. Raises BadInput for any
    other value or keyword.

    >>> read_look(size="column", xlim="100M:1G", ylim=(70, None)).xlim
    (100000000.0, 1000000000.0)
    """
    known = [field.name for field in fields(Look)]
    if unknown := [name for name in given if name not in known]:
        raise BadInput(f"a picture has no {unknown[0]}; it has {listed(known)}")
    read = {name: READERS[name](value) for name, value in given.items() if value is not None}
    return Look(**read)


def size(given: Any) -> Size:
    """The size of a picture. Raises BadInput for what is none.

    >>> size("column"), size("3.3x2.4"), size(5)
    ((3.3, None), (3.3, 2.4), (5.0, None))
    """
    if isinstance(given, str):
        sides: tuple[Any, ...] = tuple(given.lower().replace("×", "x").split("x"))
    else:
        sides = tuple(given) if isinstance(given, tuple | list) else (given,)
    found = [WIDTHS.get(side) or _inches(side) for side in sides]
    if len(found) not in (1, 2) or None in found:
        raise BadInput(
            f"'{_shown(given)}' is not the size of a picture; give its width and height in "
            "inches, such as 3.3x2.4, a width alone, or column or page, the widths of a paper"
        )
    width, height = (*found, None)[:2]
    assert width is not None
    return width, height


def xlim(given: Any) -> Limits:
    """The ends of the axis x; raises BadInput for what are none."""
    return _limits("x", given)


def ylim(given: Any) -> Limits:
    """The ends of the axis y; raises BadInput for what are none."""
    return _limits("y", given)


def title(given: Any) -> str:
    """The title; raises BadInput for anything but a text."""
    if not isinstance(given, str):
        raise BadInput(f"'{given}' is not a title; give a text")
    return given


def dpi(given: Any) -> int:
    """The dots per inch; raises BadInput for anything but an integer."""
    value = number(given) if isinstance(given, str) else given
    if isinstance(value, bool) or not isinstance(value, int | Fraction) or value != int(value):
        raise BadInput(
            f"'{given}' is not a number of dots per inch; give an integer such as {DOTS_PER_INCH}"
        )
    return int(value)


def _limits(axis: str, given: Any) -> Limits:
    ends = given.split(":") if isinstance(given, str) else given
    if isinstance(ends, tuple | list) and len(ends) == 2:
        low, high = (None if end in (None, "") else _amount(end) for end in ends)
        known = all(
            end in (None, "") or at is not None for end, at in zip(ends, (low, high), strict=True)
        )
        if known and (low, high) != (None, None):
            return low, high
    raise BadInput(
        f"'{_shown(given)}' are not limits of the axis {axis}; give its two ends, such as "
        "100M:1G, or one of them, such as 70: or :1G"
    )


def _amount(given: Any) -> float | None:
    """A number of any sign, or None for what is none."""
    if isinstance(given, str):
        found = number(given.strip().removeprefix("-"))
        sign = -1 if given.strip().startswith("-") else 1
        return None if found is None else sign * float(found)
    if isinstance(given, bool) or not hasattr(given, "__float__"):
        return None
    return float(given) if isfinite(given) else None


def _inches(given: Any) -> float | None:
    value = _amount(given)
    return None if value is None or value < 0 else value


def _shown(given: Any) -> str:
    ends = given if isinstance(given, tuple | list) else (given,)
    return ":".join(str(end) for end in ends)


def _same(given: Any) -> Any:
    return given


READERS: Mapping[str, Any] = {
    "size": size, "title": title, "xlim": xlim, "ylim": ylim,
    "xscale": _same, "yscale": _same, "dpi": dpi,
}  # fmt: skip
"""What reads each keyword of a look."""


def _check_scale(axis: str, scale: Any) -> None:
    if scale not in (None, LINEAR, LOG):
        raise BadInput(f"the axis {axis} has no scale '{scale}'; give {LINEAR} or {LOG}")


def _check_limits(axis: str, limits: Limits | None, scale: str | None) -> None:
    low, high = limits or (None, None)
    if low is not None and high is not None and low >= high:
        raise BadInput(
            f"the limits of the axis {axis} run from {low:g} to {high:g}; "
            "give a smaller number and then a larger one"
        )
    least = low if low is not None else high
    if scale == LOG and least is not None and least <= 0:
        raise BadInput(
            f"a logarithmic axis has no {least:g}; give limits of the axis {axis} above 0, "
            f"or the scale {LINEAR}"
        )


PLAIN = Look()
"""Every decision is the picture's."""
