"""The published figures compared with exact counts; those of one table are read together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from flopscope.brief import short
from flopscope.catalog.figures import Figure, figures, has_figures
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from flopscope.reconciling.chance import LIKELY
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.mechanism import Choice, Column, Explained, Row
from flopscope.reconciling.networks import Nearest, Network, readings_of, variant_of
from flopscope.reconciling.source_tables import Number, columns, numbers, tables

SHORT = 2
"""Numbers of so few digits are counted apart."""


class FigureVerdict(Enum):
    """How a published number relates to the exact count."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    COINCIDENCE = "could be a coincidence"
    EXCEPTION = "exception"
    STATED = "cause stated"
    IRREPRODUCIBLE = "not reproducible"
    OPEN = "open"


@dataclass(frozen=True)
class Finding:
    """One stated number of one figure, with the exact count in its unit, and the verdict.

    `because` is the reading or the stated cause, `mechanism` the reading of its table. `explained`
    is what the table says of it, `nearest` the reading of few steps that comes nearest.
    """

    figure: Figure
    quantity: str
    reported: Reported
    exact: int
    verdict: FigureVerdict
    because: str
    mechanism: str
    explained: Explained
    nearest: Nearest

    def __repr__(self) -> str:
        return short(
            self, f"{self.subject}, {self.quantity} {self.reported.text}: {self.verdict.value}"
        )

    @property
    def subject(self) -> str:
        """The network's name, with its options."""
        return str(variant_of(self.figure))

    @property
    def short(self) -> bool:
        """Has the number so few digits that it says little?"""
        return len(str(int(self.reported.value / self.reported.unit))) <= SHORT


def audit(models: Sequence[str] = (), family: str | None = None) -> tuple[Finding, ...]:
    """Every figure of these catalogue models or of a family, in the order of the files; every
    figure there is, without a name. A name with options selects the figures of that variant. The
    other figures of their tables are counted too, because they decide what explains them.

    Raises UnknownName for a model or family that does not exist, BadInput if both are given.

    >>> [finding.verdict.value for finding in audit(["mobilenetv1:width=0.75"])][:2]
    ['equal', 'equal']
    """
    wanted = [str(parse(name)) for name in models]
    if family is not None and models:
        raise BadInput(f"give models or --family {family}, not both")
    known = dict.fromkeys(model.family for model in MODELS.values())
    if family is not None and family not in known:
        raise UnknownName("family", family, known)
    bases = {name.partition(":")[0] for name in wanted}
    chosen = [
        name
        for name in known
        if (family in (None, name)) and (not models or any(MODELS[b].family == name for b in bases))
    ]
    found = (figure for name in chosen if has_figures(name) for figure in figures(name))
    asked = [figure for figure in found if not models or _is_wanted(figure, wanted)]
    every = dict.fromkeys(f for name in known if has_figures(name) for f in figures(name))
    return tuple(_findings(asked, every))


def _is_wanted(figure: Figure, wanted: Sequence[str]) -> bool:
    """Does the figure belong to one of the named models or variants?"""
    return figure.model in wanted or str(variant_of(figure)) in wanted


def _findings(asked: Sequence[Figure], every: Iterable[Figure]) -> Iterator[Finding]:
    """What the tables say of the figures that are asked for."""
    read = read_tables(every)
    for number in numbers(asked):
        yield read.finding(number)


def read_tables(every: Iterable[Figure]) -> Tables:
    """The tables of these figures, each of which is read when it is asked for."""
    return Tables(numbers(every))


class Tables:
    """The columns of all tables, each read when it is asked for. Figures of one network at one
    input share its counts."""

    def __init__(self, stated: Sequence[Number]) -> None:
        self._columns = columns(stated)
        self._networks: dict[tuple[str, str, tuple[int, int]], Network] = {}
        self._read: dict[tuple[tuple[str, ...], str], _Read] = {}

    def finding(self, number: Number) -> Finding:
        """The verdict on a number, from its siblings in all tables that have it."""
        return self._of(number).finding(number, self._network(number.figure))

    def place(self, number: Number) -> tuple[Column, int]:
        """The column in which a number is read, and its place there."""
        read = self._of(number)
        return read.column, read.places.index(number.counts)

    def _of(self, number: Number) -> _Read:
        key = (tables(number.figure.source), number.quantity)
        if key not in self._read:
            self._read[key] = self._column(*key)
        return self._read[key]

    def _column(self, names: Sequence[str], quantity: str) -> _Read:
        members = (number for name in names for number in self._columns[name, quantity])
        distinct = {number.counts: number for number in members}
        networks = [self._network(number.figure) for number in distinct.values()]
        rows = [
            Row(number.reported, network.counts(quantity))
            for number, network in zip(distinct.values(), networks, strict=True)
        ]
        further = {
            name: network.further(name)
            for row, network in zip(rows, networks, strict=True)
            for name in row.versions
        }
        steps = np.array([reading.steps for reading in readings_of(quantity)])
        return _Read(quantity, list(distinct), Column(rows, steps, further))

    def _network(self, figure: Figure) -> Network:
        key = (figure.model, figure.variant, figure.resolution)
        if key not in self._networks:
            self._networks[key] = Network(figure)
        return self._networks[key]


@dataclass(frozen=True)
class _Read:
    """A column of a table that has been read, with the place of each number in it."""

    quantity: str
    places: Sequence[tuple[str, ...]]
    column: Column
    known: dict[int, Explained] = field(default_factory=dict)

    def finding(self, number: Number, network: Network) -> Finding:
        place = self.places.index(number.counts)
        explained = self._explained(place)
        verdict, because = self._verdict(number, place, explained)
        return Finding(
            number.figure, self.quantity, number.reported, network.exact(self.quantity), verdict,
            because, self._name(self.column.mechanism), explained,
            network.nearest(self.quantity, number.reported),
        )  # fmt: skip

    def _explained(self, place: int) -> Explained:
        """What the column says of the number in a place; several figures may state the same."""
        if place not in self.known:
            self.known[place] = self.column.explained(place)
        return self.known[place]

    def _verdict(
        self, number: Number, place: int, explained: Explained
    ) -> tuple[FigureVerdict, str]:
        """The verdict with its reason. A cause that the data state has precedence over a reading
        that takes steps."""
        if self.column.gives(Choice("", Digits.ROUNDED, 0, 0), place):
            return FigureVerdict.EQUAL, ""
        if (cause := number.figure.cause(self.quantity)) is not None:
            irreproducible = cause == FigureVerdict.IRREPRODUCIBLE.value
            return FigureVerdict.IRREPRODUCIBLE if irreproducible else FigureVerdict.STATED, cause
        if explained.by is not None:
            sure = explained.confirmed or explained.chance <= LIKELY
            verdict = FigureVerdict.EXPLAINED if sure else FigureVerdict.COINCIDENCE
            return verdict, self._name(explained.by)
        return FigureVerdict.EXCEPTION if explained.siblings else FigureVerdict.OPEN, ""

    def _name(self, choice: Choice) -> str:
        name = readings_of(self.quantity)[choice.place].name
        said = f"{name}; {choice.version}" if choice.version else name
        return said if choice.digits is Digits.ROUNDED else f"{said}, {choice.digits.value}"
