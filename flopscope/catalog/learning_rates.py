"""Learning rates that papers state, each with its batch, and the rule that carries them to another
batch: the rate grows as the batch does (arXiv 1706.02677, section 2.1)."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

RULE = "arXiv 1706.02677, section 2.1"


class StatedRate(NamedTuple):
    """The initial or highest learning rate that a source states for a batch of so many images."""

    name: str
    rate: Fraction
    batch: int
    optimizer: str
    source: str

    def at(self, batch: int) -> Fraction:
        """The rate by the linear rule for another batch.

        >>> [float(each.at(256)) for each in STATED]
        [0.1, 0.12, 0.00625, 0.016]
        """
        return self.rate * batch / self.batch


STATED = (
    StatedRate(
        "ResNet", Fraction("0.1"), 256, "SGD with momentum 0.9", "arXiv 1706.02677, section 5.1"
    ),
    StatedRate(
        "MobileNetV2", Fraction("0.045"), 96, "RMSProp, each of 16 asynchronous workers",
        "arXiv 1801.04381, section 6.1",
    ),
    StatedRate(
        "MobileNetV3", Fraction("0.1"), 4096, "RMSProp with momentum 0.9",
        "arXiv 1905.02244, section 6.1.1",
    ),
    StatedRate(
        "EfficientNet", Fraction("0.016"), 256, "RMSProp with momentum 0.9",
        "google/automl efficientnetv2/hparams.py; 0.256 at batch 4,096 in arXiv 2104.00298, "
        "section 5.1",
    ),
)  # fmt: skip
"""The bases that the field uses."""
