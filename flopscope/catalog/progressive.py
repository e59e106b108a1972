"""Training times with and without progressive learning, as their paper states them: one table."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

SOURCE = "arXiv 2104.00298, section 5.2"


class Claim(NamedTuple):
    """The hours that a network takes to train at one size, and by progressive learning that ends
    at this size."""

    network: str
    size: int
    fixed: Fraction
    progressive: Fraction
    source: str = SOURCE

    @property
    def saved(self) -> int:
        """The time that is saved, in per cent.

        >>> [claim.saved for claim in CLAIMS]
        [29, 59, 54, 55, 65]
        """
        return round(100 * (1 - self.progressive / self.fixed))


CLAIMS = (
    Claim("resnet50", 224, Fraction("4.9"), Fraction("3.5")),
    Claim("resnet50", 380, Fraction("14.3"), Fraction("5.8")),
    Claim("resnet152", 380, Fraction("15.5"), Fraction("7.2")),
    Claim("efficientnet_b4", 380, Fraction("20.8"), Fraction("9.4")),
    Claim("efficientnet_b5", 456, Fraction("42.9"), Fraction("15.2")),
)
"""The rows of the paper's table, each on the same TPU cores."""


def claims(network: str, size: object) -> Iterator[Claim]:
    """What is stated of a network that ends at this size."""
    return (claim for claim in CLAIMS if (claim.network, claim.size) == (network, size))
