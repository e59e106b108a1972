"""Training times with and without progressive learning, as their paper states them: one table."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

TABLE_12 = "arXiv 2104.00298, Table 12"
SMALLER = Fraction(4, 5)
"""The largest images in training are about a fifth smaller than in inference (section 5.1 of the
paper), which gives the least size that a stated one of inference may mean."""


class Claim(NamedTuple):
    """The hours that a network takes to train at one size, and by progressive learning. `size` is
    that of images in inference; the paper does not state the one in training for each network."""

    network: str
    size: int
    fixed: Fraction
    progressive: Fraction
    source: str = TABLE_12

    @property
    def saved(self) -> int:
        """The time that is saved, in per cent.

        >>> [claim.saved for claim in CLAIMS]
        [29, 59, 54, 55, 65, 61]
        """
        return round(100 * (1 - self.progressive / self.fixed))

    @property
    def sizes(self) -> tuple[int, int]:
        """The least and the largest size of images that training may have ended at.

        >>> CLAIMS[1].sizes
        (304, 380)
        """
        return int(self.size * SMALLER), self.size


CLAIMS = (
    Claim("resnet50", 224, Fraction("4.9"), Fraction("3.5")),
    Claim("resnet50", 380, Fraction("14.3"), Fraction("5.8")),
    Claim("resnet152", 380, Fraction("15.5"), Fraction("7.2")),
    Claim("efficientnet_b4", 380, Fraction("20.8"), Fraction("9.4")),
    Claim("efficientnet_b5", 456, Fraction("42.9"), Fraction("15.2")),
    Claim("efficientnet_b7", 600, Fraction(139), Fraction(54), "arXiv 2104.00298, section 6.1"),
)
"""What the paper states, each network on the same TPU cores."""


def claims(network: str, size: object) -> Iterator[Claim]:
    """What is stated of a network that may have ended at this size."""
    if not isinstance(size, int):
        return iter(())
    return (c for c in CLAIMS if c.network == network and c.sizes[0] <= size <= c.sizes[1])
