"""Quantities: what can be asked about a network, with one row each.

Tables, budgets, orders, frontiers, formulas, JSON and help texts all read this table, so a quantity
with a row here can be asked for in each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from flopscope import readings
from flopscope.brief import short
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.facts import Operator
from flopscope.readings import Direction, Reading, energy, memory
from flopscope.sizes import Size

if TYPE_CHECKING:
    from flopscope.closedform import Formula
    from flopscope.ledger import Ledger

Part = TypeVar("Part")
"""What parts of a network are told apart by."""

COUNT = "count"
"""The name of the work under the convention of an answer."""


SHORT_TYPES: Mapping[str, str] = {"fp16": "float16", "int8": "int8"}
"""The types in which what depends on activations can be asked too, by their short names."""

ALIASES: Mapping[str, str] = {"fp32": "weights"}
"""Other names of quantities."""


class Place(IntEnum):
    """Where a quantity is shown unasked: there, and in all places before it."""

    NOWHERE = 0
    DATA = 1  # in the JSON of a comparison
    NETWORKS = 2  # in a table, beside each network
    PARTS = 3  # beside each part of a network, and each design that a search finds


class Share(NamedTuple):
    """One of the terms of which a quantity is the sum. It is a quantity too, and is asked for by
    both names together. Its fields are those of a quantity."""

    name: str
    words: str
    heading: str
    measure: Callable[..., Reading]
    place: Place = Place.NOWHERE


@dataclass(frozen=True)
class Named:
    """The names of a cost.

    name: in options, messages and the names of columns. words: in a sentence. unit: on an axis.
    heading: above a narrow column, in two lines where one is too wide. stated: the field of a
    results file that may state it. stored: does it depend on stored tensors alone, whatever the
    size of the input? caution: a sentence that is added wherever it is shown.
    """

    name: str
    words: str
    unit: str
    heading: str
    stated: str = ""
    stored: bool = False
    caution: str = ""

    @property
    def title(self) -> str:
        """The heading with its divided words joined."""
        return self.heading.replace("-\n", "")

    @property
    def line(self) -> str:
        """The heading in one line."""
        return self.title.replace("\n", " ")


@dataclass(frozen=True, kw_only=True)
class Quantity(Named):
    """An amount of something in a ledger.

    measure: its reading of rows, under the convention or in the type in which it is taken.
    convention, dtype: the one in which it is taken, if any. noun: what follows its number in a
    sentence, if not the words. key, column: its names in JSON and in CSV, if not the name. per: how
    many make one unit in tables of networks, as in MB. brief: do these tables show three digits?
    place: where it is shown unasked. steps: of a quantity that does not add up over the parts of a
    network, its amount while each of the rows runs, of which its own is the largest. budget: what a
    budget allows at most; empty where none can be given. shares: the terms of which it is the sum.
    """

    measure: Callable[..., Reading]
    convention: str = ""
    dtype: str = ""
    noun: str = ""
    key: str = ""
    column: str = ""
    per: int = 1
    brief: bool = False
    place: Place = Place.NOWHERE
    steps: Callable[..., list[Size]] | None = None
    budget: str = ""
    shares: tuple[Share, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {self.words}")

    def __post_init__(self) -> None:
        object.__setattr__(self, "noun", self.noun or self.words)
        object.__setattr__(self, "key", self.key or self.name)
        object.__setattr__(self, "column", self.column or self.key)

    @property
    def additive(self) -> bool:
        """Does it add up over the parts of a network?"""
        return self.steps is None

    def during(self, rows: Sequence[Operator]) -> list[Size]:
        """Its amount while each of the rows runs, where it does not add up."""
        return [] if self.steps is None else self.steps(rows, self.dtype)

    def of(self, rows: Sequence[Operator]) -> Reading:
        """Its reading for these rows."""
        taken = self.convention or self.dtype
        return self.measure(rows, taken) if taken else self.measure(rows)

    def by(self, rows: Sequence[Operator], part: Callable[[Operator], Part]) -> dict[Part, Reading]:
        """Its reading for each part of a network, of which these are all rows."""
        groups: dict[Part, list[Operator]] = {}
        for row in rows:
            groups.setdefault(part(row), []).append(row)
        return {each: self.of(own) for each, own in groups.items()}

    def amount(self, number: int) -> str:
        """So much of it in a sentence.

        >>> MACS.amount(300774272)
        '300,774,272 MACs'
        """
        return f"{number:,} {self.noun}"

    def read(self, ledger: Ledger) -> Reading:
        """Its reading for a ledger, with the ledger's conditions."""
        return ledger.read(self.of)

    def formula(self, ledger: Ledger) -> Formula:
        """Its closed form for a ledger."""
        return self.read(ledger).formula

    def under(self, convention: Convention) -> Quantity:
        """The same quantity counted under a convention, or itself if conventions do not matter."""
        if not self.convention:
            return self
        return replace(
            self,
            words=f"{convention.unit} ({convention.name})",
            unit=convention.unit,
            heading=f"{convention.unit}\n({convention.name})",
            convention=convention.name,
            noun=convention.unit,
            key=COUNT,
            column=f"{convention.unit.lower()}_{convention.name}",
        )

    def in_type(self, short: str) -> Quantity:
        """The same quantity with floating-point numbers in another type, named after it."""
        dtype = SHORT_TYPES[short]
        first, unit = self.title.rsplit(maxsplit=1)
        return replace(
            self,
            name=f"{self.name}_{short}",
            words=self.words.replace(self.dtype, dtype),
            heading=f"{first}\n{short} {unit}",
            noun=self.noun.replace(self.dtype, dtype),
            key=f"{self.key}_{dtype}",
            column=self.column.replace(self.dtype, dtype),
            dtype=dtype,
            budget="",
            shares=(),
        )

    def and_shares(self) -> Iterator[Quantity]:
        """The quantity itself and each of its shares."""
        yield self
        for share in self.shares:
            yield replace(
                self,
                name=f"{self.name}_{share.name}",
                words=share.words,
                heading=share.heading,
                measure=share.measure,
                noun="",
                key=f"{self.key}_{share.name}",
                column=f"{self.column}_{share.name}",
                place=share.place,
                budget="",
                shares=(),
            )


_ROWS = (
    Quantity(
        "params", "parameters", "", "Params", "params", stored=True,
        measure=readings.params, noun="params", place=Place.PARTS,
        budget="this many parameters, such as 5M",
    ),
    Quantity(
        "macs", "MACs (macs)", "MACs", "MACs\n(macs)", "macs",
        measure=readings.flops, convention="macs", noun="MACs", place=Place.PARTS,
        budget="this many multiply-accumulates, such as 300M",
    ),
    Quantity(
        "activations", "activations", "elements", "Activ-\nations",
        measure=readings.activations, brief=True, place=Place.PARTS,
        budget="this many activations, such as 10M",
    ),
    Quantity(
        "weights", "weights, float32", "bytes", "fp32\nMB", stored=True,
        measure=readings.weight_bytes, dtype="float32", noun="bytes of float32 weights",
        key="weight_bytes", column="weight_bytes_float32", per=10**6, place=Place.NETWORKS,
        budget="this many bytes of float32 weights, such as 20MB",
    ),
    Quantity(
        "fp16", "weights, float16", "bytes", "fp16\nMB", stored=True,
        measure=readings.weight_bytes, dtype="float16", noun="bytes of float16 weights",
        per=10**6,
    ),
    Quantity(
        "int8", "weights, int8", "bytes", "int8\nMB", "params", stored=True,
        measure=readings.weight_bytes, dtype="int8", noun="bytes of int8 weights", per=10**6,
        budget="this many bytes of int8 weights, such as 5MB",
    ),
    Quantity(
        "int4", "weights, int4", "bytes", "int4\nMB", stored=True,
        measure=readings.weight_bytes, dtype="int4", noun="bytes of int4 weights", per=10**6,
    ),
    Quantity(
        "peak", "peak activations, float32", "bytes", "Peak\nMB",
        measure=readings.peak_activation_bytes, dtype="float32",
        noun="bytes of float32 activations at the peak",
        key="peak_activation_bytes", column="peak_activation_bytes_float32", per=10**6,
        place=Place.DATA, steps=readings.live_bytes,
        budget="this many bytes of float32 activations in memory at once, such as 10MB",
    ),
    Quantity(
        "memory", "memory of inference, float32", "bytes", "Memory\nMB",
        caution=memory.NOT_COUNTED, measure=readings.inference_bytes, dtype="float32",
        noun="bytes of float32 weights, buffers and live activations",
        key="memory_bytes", column="memory_bytes_float32", per=10**6,
        steps=readings.inference_steps,
        budget="this many bytes of memory for inference in float32, such as 8GB",
    ),
    Quantity(
        "traffic", "traffic, float32", "bytes", "Traffic\nMB",
        measure=readings.traffic_bytes, dtype="float32", noun="bytes of float32 traffic",
        key="traffic_bytes", column="traffic_bytes_float32", per=10**6, place=Place.DATA,
        budget="this many bytes read and written in float32, such as 200MB",
        shares=(
            Share(
                "activations_read", "activations read, float32", "Read\nMB",
                partial(readings.directed_bytes, Direction.ACTIVATIONS_READ),
            ),
            Share(
                "weights_read", "weights read, float32", "Weights\nMB",
                partial(readings.directed_bytes, Direction.WEIGHTS_READ),
            ),
            Share(
                "activations_written", "activations written, float32", "Written\nMB",
                partial(readings.directed_bytes, Direction.ACTIVATIONS_WRITTEN),
            ),
        ),
    ),
    Quantity(
        "energy", "energy, float32, for ratios only", "fJ", "Energy\nmJ", caution=energy.CAUTION,
        measure=energy.energy, dtype="float32", noun="fJ (horowitz-45nm)",
        key="energy_fj", column="energy_fj_float32", per=10**12, place=Place.DATA,
        budget="this much energy by a 45 nm table, which is for ratios only, such as 20mJ",
        shares=(
            Share(
                "arithmetic", "energy of arithmetic, float32, for ratios only",
                "Arith-\nmetic mJ", energy.arithmetic_energy, Place.DATA,
            ),
            Share(
                "memory", "energy of memory, float32, for ratios only",
                "Memory\nmJ", energy.memory_energy, Place.DATA,
            ),
        ),
    ),
    Quantity(
        "trainable", "trainable parameters", "", "Train-\nable", stored=True,
        measure=readings.trainable,
    ),
    Quantity(
        "active_params", "active parameters", "", "Active", stored=True,
        measure=readings.active_params,
    ),
    Quantity(
        "buffers", "buffer elements", "elements", "Buffers", stored=True,
        measure=readings.buffers,
    ),
)  # fmt: skip

QUANTITIES: Mapping[str, Quantity] = {each.name: each for row in _ROWS for each in row.and_shares()}
"""Every quantity by name; the work is in MACs, under the convention `macs`."""

MACS, PARAMS = QUANTITIES["macs"], QUANTITIES["params"]


def standing(place: Place) -> list[Quantity]:
    """The quantities that are shown at this place unasked."""
    return [row for row in QUANTITIES.values() if row.place >= place]


def columns(place: Place, convention: Convention) -> list[Quantity]:
    """The quantities that a table shows there unasked, with the work counted under the
    convention."""
    return [row.under(convention) for row in standing(place)]


def keys(place: Place, convention: Convention) -> list[Quantity]:
    """The quantities of a JSON object there: the work in MACs, and then under the convention."""
    found: list[Quantity] = []
    for row in standing(place):
        found += [row, row.under(convention)] if row.convention else [row]
    return found


def choices(convention: Convention) -> dict[str, Quantity]:
    """The quantities for which a table can be asked: all of them, and the work under the
    convention."""
    return {**QUANTITIES, COUNT: MACS.under(convention)}


def askable(convention: Convention) -> dict[str, Quantity]:
    """The quantities that a column can be asked for: also the work under each convention side by
    side, and what moves or lives in other types.

    >>> from flopscope.conventions import CONVENTIONS
    >>> found = askable(CONVENTIONS["macs"])
    >>> found["torch"].column, found["peak_int8"].column
    ('flops_torch', 'peak_activation_bytes_int8')
    """
    works = (MACS.under(each) for each in CONVENTIONS.values() if each.name not in QUANTITIES)
    moving = [each for r in _ROWS if r.dtype and not r.stored for each in r.and_shares()]
    typed = (row.in_type(short) for row in moving for short in SHORT_TYPES)
    return {
        **choices(convention),
        **{row.convention: replace(row, name=row.convention, key=row.column) for row in works},
        **{row.name: row for row in typed},
    }


def formulas() -> dict[str, Quantity]:
    """The quantities that have formulas: each that is a sum, and the work under each convention."""
    sums = {name: row for name, row in QUANTITIES.items() if row.additive}
    return {**sums, **{name: MACS.under(each) for name, each in CONVENTIONS.items()}}


def bounded() -> list[Quantity]:
    """The quantities that a budget can bound, the work first."""
    return sorted(
        (row for row in QUANTITIES.values() if row.budget), key=lambda q: not q.convention
    )
