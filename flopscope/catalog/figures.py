"""Figures that papers and repositories state for the catalogue's networks, each with its citation.

The data are the tables under `published/`, one file a family, one row a statement. A figure is
kept as its source prints it ("4.2M", "579.80M"), zeros at the end too, because the digits shown
say how exact it is; `stated` turns such text into a number. Nothing here is computed, and sources
may disagree.
"""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flopscope.brief import short
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

KINDS = ("paper", "official", "implementation", "third-party")
"""The kinds of sources of a figure, the most authoritative first."""

OTHER_DATA = re.compile(r"[Pp]retrained on|[Pp]retrained without labels|unlabelled images")
"""Words in a note that say that the weights were trained on other data than ImageNet-1k."""

CAUSES = (
    "misprint",  # a slip of the source, whose neighbouring figures or other tables are right
    "other input",  # the source counted at another size than it states
    "other network",  # the source counted a network that differs in structure
    "superseded",  # a later version of the source says something else
    "nominal",  # one figure for a group of networks
    "rounded parts",  # the sum of numbers that were rounded one by one
    "other counter",  # the source counts, by rules that are known, what is no row of a ledger
    "not reproducible",  # no rule is known that gives it
)
"""The possible causes of figures that no reading explains."""

_STATED = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:([KMGBT])|[eE]([+-]?[0-9]{1,2}))?")
_SCALES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}


class Figure(NamedTuple):
    """One statement of one source about one network.

    model, variant: the catalogue id and its canonical variant. "" is the paper's network at
        width 1; `recipe=` occurs only where an implementation's structure differs at that width.
    resolution: (height, width) of the input in pixels.
    params, compute: as stated, for `stated` to read; None where the source is silent.
    unit: the source's own word for what `compute` counts. counted: what flopscope found that it
        counts, which no verdict reads. None without `compute`.
    top1: ImageNet-1k top-1 accuracy in per cent, as stated; None where the source is silent.
    kind: one of `KINDS`:
        paper           a table of a paper, its own network's or one it compares with;
        official        the README or a source comment of the authors' repository;
        implementation  a library that ships the network: torchvision, timm, Keras;
        third-party     the README or documentation of any other repository.
    source: the paper and its table, or the repository and its file. note: what a reader must know
    to compare the figure with others; None if nothing. verdict: the cause of a figure that no
    reading gives, one of `CAUSES`, with its evidence in the note; None where counting explains the
    figure. "compute: misprint" is about one of the numbers.
    acts: activations as stated; the sources say which outputs they count.
    precision: of the weights and activations that have the top-1, "int8"; None for float32.

    >>> figures("mobilenetv1")[0].source
    'arXiv 1704.04861 Tables 6 and 7'
    """

    model: str
    variant: str
    resolution: tuple[int, int]
    params: str | None
    compute: str | None
    unit: str | None
    counted: str | None
    top1: str | None
    kind: str
    source: str
    note: str | None
    verdict: str | None = None
    acts: str | None = None
    precision: str | None = None

    def __repr__(self) -> str:
        network = f"{self.model}:{self.variant}" if self.variant else self.model
        return short(self, f"{network} at {self.resolution}, {self.source}")

    def cause(self, quantity: str) -> str | None:
        """The cause that the verdict gives for its params, compute or acts.

        >>> figures("resnet")[0]._replace(verdict="compute: misprint").cause("params")
        """
        of, colon, cause = (self.verdict or "").rpartition(": ")
        return (cause or None) if not colon or of == quantity else None

    @property
    def other_data(self) -> bool:
        """Were the weights trained on other data than ImageNet-1k?"""
        return self.note is not None and OTHER_DATA.search(self.note) is not None

    @property
    def other_network(self) -> bool:
        """Is it about a network that differs in structure?"""
        return self.verdict == "other network"


@cache
def figures(family: str) -> tuple[Figure, ...]:
    """All figures of a family, in the order of its file: by kind, then table by table.

    Domain: a family with a file under `published/`.
    Raises ValueError for any other name.

    >>> sorted({figure.model for figure in figures("mobilenetv3")})
    ['mobilenetv3_large', 'mobilenetv3_small']
    """
    known = _families()
    # The name is looked up in the listing first, so that "../x" cannot leave the folder.
    if family not in known:
        listed = ", ".join(known)
        raise ValueError(f"no published figures for family '{family}'; known are {listed}")
    with (folder() / f"{family}.csv").open(encoding="utf-8") as file:
        return tuple(_figure(row) for row in csv.DictReader(file))


def has_figures(family: str) -> bool:
    """Has the family published figures?"""
    return family in _families()


def folder() -> Traversable:
    """The tables of what is published."""
    beside = Path(__file__).parent / "published"
    if beside.is_dir():
        return beside
    from importlib import resources  # which finds it in an archive, too, and is slow to import

    return resources.files("flopscope.catalog") / "published"


def _families() -> list[str]:
    names = (entry.name for entry in folder().iterdir())
    return sorted(name.removesuffix(".csv") for name in names if name.endswith(".csv"))


def published(
    model: str, family: str, variant: str, resolution: tuple[int, int] | None
) -> tuple[Figure, ...]:
    """The figures of one network at one resolution, most authoritative kind first.

    `variant` in its canonical text and `resolution` as (height, width) in pixels must match
    exactly. Within a kind the order is that of the file: a paper's own figures come before
    quotations of it, and its final version before an early one. Empty if nothing is published.
    Raises ValueError for an unknown family.

    >>> for figure in published("mobilenetv3_small", "mobilenetv3", "width=0.75", (224, 224))[:2]:
    ...     print(figure.compute, figure.unit, figure.counted, figure.source)
    44M MAdds MACs arXiv 1905.02244 (final version, ICCV 2019) Tables 3 and 9
    44M MAdds MACs arXiv 1905.02244 (early version) Tables 3 and 9
    """
    asked = (model, variant, resolution)
    found = (
        figure
        for figure in figures(family)
        if (figure.model, figure.variant, figure.resolution) == asked
    )
    return tuple(sorted(found, key=lambda figure: KINDS.index(figure.kind)))


def stated(text: str) -> tuple[Fraction, Fraction]:
    """The number that a figure states, and half a unit of its last shown digit, both exact.

    If a source rounds correctly, the true value differs from the first number by no more than the
    second. Zeros count as shown digits: 300M is stated to the million. Some sources truncate.

    Domain: ASCII digits, at most one decimal point between digits, then at most one of K, M, G,
    B (1e9, as G) and T, or an exponent: 3e8 is stated to one digit. Raises BadInput for any other
    text.

    >>> value, half = stated("4.2M")
    >>> print(value, half)
    4200000 50000
    """
    match = _STATED.fullmatch(text)
    if match is None:
        raise BadInput(
            f"'{text}' is not a stated figure; expected digits, at most one decimal point and "
            "at most one of K, M, G, B, T or an exponent, as in 4.2M, 4.2e6 or 3504872"
        )
    whole, decimals, scale, exponent = match.groups(default="")
    last_digit = Fraction(10) ** (int(exponent or 0) - len(decimals)) * _SCALES[scale]
    return int(whole + decimals) * last_digit, last_digit / 2


def _figure(row: dict[str, str]) -> Figure:
    height, width = row["resolution"].split("x")
    return Figure(
        model=row["model"],
        variant=row["variant"],
        resolution=(int(height), int(width)),
        params=row["params"] or None,
        compute=row["compute"] or None,
        unit=row["unit"] or None,
        counted=row["counted"] or None,
        top1=row["top1"] or None,
        kind=row["kind"],
        source=row["source"],
        note=row["note"] or None,
        verdict=row.get("verdict") or None,
        acts=row.get("acts") or None,
        precision=row.get("precision") or None,
    )
