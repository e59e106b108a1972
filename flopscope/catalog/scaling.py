"""Compound scaling: depth, width and resolution grown together by one coefficient φ.

arXiv 1905.11946, section 3.3: depth × α^φ, width × β^φ, resolution × γ^φ. Here the user chooses α,
β, γ and φ, and scales any variant of the catalogue that has a width and a depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fractions import Fraction
from numbers import Real
from typing import Any

from flopscope.catalog.options import DEPTH, RHO, WIDTH, Multiplier, parse_values
from flopscope.catalog.variant import Variant
from flopscope.errors import BadInput


@dataclass(frozen=True)
class Scaling:
    """φ steps, each of which multiplies depth, width and resolution by α, β and γ.

    Values that are not given are the paper's. All are positive numbers, floats or fractions. Raises
    BadInput for others.

    >>> Scaling(phi=2).factors
    (1.44, 1.21, 1.3225)
    """

    alpha: float | Fraction = 1.2
    beta: float | Fraction = 1.1
    gamma: float | Fraction = 1.15
    phi: float | Fraction = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not (number and 0 < value < math.inf):
                raise BadInput(
                    f"{field.name}={value!r} is not a positive number; give one such as 1.2"
                )

    @property
    def product(self) -> float | Fraction:
        """α·β²·γ², which the paper keeps near 2."""
        return self.alpha * self.beta**2 * self.gamma**2

    @property
    def letters(self) -> tuple[float | Fraction, float | Fraction, float | Fraction]:
        """α, β and γ, by which one step multiplies depth, width and resolution."""
        return (self.alpha, self.beta, self.gamma)

    @property
    def factors(self) -> tuple[float, float, float]:
        """α^φ, β^φ and γ^φ, to six digits. Raises BadInput where one is beyond a float."""
        return (self._power("alpha"), self._power("beta"), self._power("gamma"))

    def __str__(self) -> str:
        letters = {"φ": self.phi, "α": self.alpha, "β": self.beta, "γ": self.gamma}
        return ", ".join(f"{letter} = {float(value):g}" for letter, value in letters.items())

    def _power(self, letter: str) -> float:
        base = getattr(self, letter)
        try:
            power = six_digits(float(base) ** float(self.phi))
        except OverflowError:
            power = math.inf
        if not 0 < power < math.inf:
            raise BadInput(
                f"{letter}={base} to the power phi={self.phi} is beyond a floating-point number; "
                "give a smaller phi"
            )
        return power


def six_digits(value: float) -> float:
    """The number that six significant digits show, as coefficients are printed.

    >>> six_digits(1.1**3)
    1.331
    """
    return float(f"{value:g}")


def scaled(
    variant: Variant, scaling: Scaling, asked: int | tuple[int, int] | None = None
) -> tuple[Variant, tuple[int, int]]:
    """The scaled variant, and its scaled resolution, which starts from `res` or the native one.

    Coefficients are rounded to the six digits that the variant's name shows, and sizes to whole
    pixels, so that the name and the size give the same network again. A ρ of the variant goes into
    the size and is dropped from the variant. Raises BadInput for a model without width or depth.

    >>> from flopscope.catalog.variant import parse
    >>> variant, resolution = scaled(parse("resnet50"), Scaling(phi=1))
    >>> print(variant, resolution)
    resnet50:width=1.1,depth=1.2 (258, 258)
    """
    options, known = dict(variant.options), {o.name: o for o in variant.model.options}
    depth, width, resolution = scaling.factors
    for option, factor in ((WIDTH, width), (DEPTH, depth)):
        if option.name not in known:
            raise BadInput(
                f"{variant.model.id} has no {option.name} and cannot be scaled; "
                "`flopscope list` says which models have width and depth"
            )
        own = options.get(option.name, known[option.name].default)
        options[option.name] = six_digits(own * factor)
    given = variant.resolution(asked)
    assert given is not None, "a network with a width takes an image"
    height, wide = map(int, given)
    options.pop(RHO.name, None)
    size = (max(1, round(height * resolution)), max(1, round(wide * resolution)))
    return Variant(variant.model, tuple(options.items())), size


def parse_scaling(text: str) -> Scaling:
    """Read 'phi=1,alpha=1.2' as a Scaling.

    Raises UnknownName for another letter, BadInput for a value that is not a positive number, a
    letter given twice, or text that is not key=value.

    >>> parse_scaling("phi=2,gamma=1.2")
    Scaling(alpha=1.2, beta=1.1, gamma=1.2, phi=2.0)
    """
    if not text:
        raise BadInput("--scale is empty; write --scale phi=1")
    letters = tuple(Multiplier(name) for name in ("phi", "alpha", "beta", "gamma"))
    return Scaling(**parse_values(letters, text, "letter of --scale", "--scale "))
