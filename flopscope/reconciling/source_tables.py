"""Which published numbers stand in one column of one table of their source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from flopscope.catalog.figures import Figure
from flopscope.reconciling.digits import Reported

QUANTITIES = ("params", "compute", "acts")
"""The columns of a figure that hold a number which can be recomputed."""

ROW_BY_ROW = (
    re.compile(r"(huggingface/pytorch-image-models) .*"),
    re.compile(r"(osmr/imgclsmob gluon/README\.md) .*"),
    re.compile(r"(torchvision [\d.]+) .*"),
    re.compile(r"(BGU-CS-VIL/WTConv logs)/.*"),
)
"""Citations that name their row after the table, by the part that names the table."""

PLACES: Mapping[str, int] = {
    "huggingface/pytorch-image-models": 2,  # benchmark.py rounds GMACs, M activations and M params
    "torchvision": 3,  # test/common_extended_utils.py rounds the GFLOPS that become `_ops`
}
"""The decimals to which a program rounds the numbers of a source before it writes them without
zeros at the end, by the first word of the citation: timm's 0.7 is 0.70."""

_SEVERAL = re.compile(r"(.*)Tables (\d+) and (\d+)(.*)")


@dataclass(frozen=True)
class Number:
    """One stated number of one figure."""

    figure: Figure
    quantity: str

    @cached_property
    def reported(self) -> Reported:
        """The number as its source prints it, with the digits that its program left out."""
        reported = Reported.parse(getattr(self.figure, self.quantity) or "")
        places = PLACES.get(self.figure.source.split()[0])
        return reported if places is None else reported.rounded_to(places)

    @property
    def counts(self) -> tuple[str, ...]:
        """What two numbers share that state the same count: a network, at one input for work."""
        at = "" if self.quantity == "params" else str(self.figure.resolution)
        return (self.figure.model, self.figure.variant, at, self.reported.text)


def tables(source: str) -> tuple[str, ...]:
    """The tables in which a citation finds its figure.

    >>> tables("arXiv 1704.04861 Tables 6 and 7")
    ('arXiv 1704.04861 Table 6', 'arXiv 1704.04861 Table 7')
    >>> tables("torchvision 0.28.0 resnet18 IMAGENET1K_V1")
    ('torchvision 0.28.0',)
    """
    for pattern in ROW_BY_ROW:
        if found := pattern.fullmatch(source):
            return (found[1],)
    if several := _SEVERAL.fullmatch(source):
        before, first, second, after = several.groups()
        return (f"{before}Table {first}{after}", f"{before}Table {second}{after}")
    return (source,)


def numbers(figures: Iterable[Figure]) -> list[Number]:
    """Every number that the figures state, in their order."""
    return [
        Number(figure, quantity)
        for figure in figures
        for quantity in QUANTITIES
        if getattr(figure, quantity) is not None
    ]


def columns(stated: Sequence[Number]) -> Mapping[tuple[str, str], list[Number]]:
    """The numbers of each column of each table, by the table's name and the quantity."""
    found: dict[tuple[str, str], list[Number]] = {}
    for number in stated:
        for table in tables(number.figure.source):
            found.setdefault((table, number.quantity), []).append(number)
    return found
