"""A network as data of the page: its counts as JavaScript, row by row.

Rows of a network share their factors, so each different amount is written once, in a pool, and a
row says which it has and how many times. What a convention makes of the amounts stands once for
each kind of row. All products and sums are made by the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any

from flopscope.answers.explore import Explored, FreeSize
from flopscope.answers.explore_published import Measured, Published, Scored
from flopscope.catalog.metrics import METRICS
from flopscope.closedform.javascript import code
from flopscope.closedform.scripts import bounds, checks, destructured
from flopscope.conventions import CONVENTIONS, COUNTABLES, Countable
from flopscope.facts import COMPLEX, ELEMENT_BYTES, Kind, Operator, Weight
from flopscope.ledger import Ledger, kind_name
from flopscope.present.explorer.moved import bytes_of, moved, packed, tensors_of
from flopscope.present.explorer.pool import Place, Pool, apart, flat, short_row
from flopscope.present.explorer.times import times_data
from flopscope.quantities import MACS, QUANTITIES
from flopscope.readings.liveness import forwarded
from flopscope.readings.memory import IN_PLACE, WHOLE
from flopscope.sizes import Shape, Size, elements, product, total
from flopscope.symbolic import Polynomial
from flopscope.timing.categories import PRODUCT_KINDS, is_exponential
from flopscope.timing.device import Device
from flopscope.timing.unlike import kind_of

MOST: Mapping[str, int | float] = {
    "B": 256, "H": 1024, "W": 1024, "classes": 22_000, "width": 3, "depth": 3, "tokens": 4096,
    "queries": 64, "prompts": 16,
}  # fmt: skip
"""How far the slider of a size goes."""


OWN, FIRST = -1, -2
"""Places of what is not in the pool: the elements of the row's output, and of its first input."""


@dataclass
class Classes:
    """The kinds of rows of all networks, in the order in which they are met: what each convention
    makes of a row's amounts."""

    places: dict[Any, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def place(self, row: Operator, amounts: Mapping[Countable, Place]) -> tuple[int, list[Place]]:
        """The number of the row's kind, and its different amounts. How many times a convention
        takes each of them is the same for all rows of a kind."""
        weights = [each.of(row.kind, row.function) for each in CONVENTIONS.values()]
        base: dict[int, int] = {}
        for times, place in amounts.values():
            if times:
                base[place] = gcd(base.get(place, 0), times)
        taken = tuple(
            tuple(
                sum(
                    w * (amounts[c][0] // of if amounts[c][0] and amounts[c][1] == place else 0)
                    for c, w in each.items()
                )
                for each in weights
            )
            for place, of in base.items()
        )
        key = (kind_name(row), row.kind, row.function, kind_of(row), taken)
        if key not in self.places:
            self.places[key] = len(self.rows)
            self.rows.append(
                {
                    "name": kind_name(row),
                    "taken": taken,
                    "unknown": [int(not each.knows(row)) for each in CONVENTIONS.values()],
                    "inPlace": int(row.kind in IN_PLACE),
                    "activates": int(QUANTITIES["activations"].of((row,)).value != 0),
                    "product": int(row.kind in PRODUCT_KINDS),
                    "slow": int(is_exponential(row)),
                    "seen": "" if row.kind in (Kind.STORED, Kind.UNKNOWN) else kind_of(row),
                }
            )
        return self.places[key], [(of, place) for place, of in base.items()]


def network_data(
    network: Explored, classes: Classes, devices: Sequence[Device] = ()
) -> dict[str, Any]:
    """The network as JSON, with its units on the devices. `classes` grows by its kinds of rows."""
    pool = Pool()
    owned = _owned(network.ledger.rows)
    rows = list(_rows(network.ledger, pool, classes, owned))
    units = times_data(network.ledger.rows, devices, pool, _keys(owned))
    inputs = list(_inputs(network.ledger.rows, pool))
    every = {size.symbol for size in network.sizes}
    return {
        "name": network.name,
        "family": network.family,
        "source": network.source.value,
        "origin": network.origin,
        "sizes": [_size(size, network.arguments) for size in network.sizes],
        "arguments": list(network.arguments),
        "taken": destructured(symbol.name for symbol in every),
        "bounds": bounds(every, every),
        "rules": [list(each) for each in checks(network.ledger.conditions)],
        "program": _program(pool.values()),
        "rows": rows,
        "inputs": inputs,
        "published": [_published(each) for each in network.published],
        "scores": [_scored(each) for each in network.scores],
        "measured": [_measured(each) for each in network.measured],
        "units": units,
        "begins": network.begins,
        "notes": list(network.notes),
        "domain": MACS.formula(network.ledger).domain,
        "formulas": {
            name: _program([QUANTITIES[name].read(network.ledger).value])
            for name in ("macs", "params")
        },
    }


def _program(values: Sequence[Size]) -> list[Any]:
    """[name, text] of each assignment, and the texts of the values."""
    written = code(values)
    lets = [[name, _tight(text)] for name, text in written.assignments]
    return [lets, [_tight(text) for text in written.results]]


def _tight(text: str) -> str:
    return text.replace(" * ", "*").replace(", ", ",")


def _size(size: FreeSize, arguments: Sequence[str]) -> list[Any]:
    known = {} if size.name in arguments else MOST
    most = max(known.get(size.name, 4 * size.usual), size.usual)
    return [size.name, size.usual, size.symbol.lower, most, size.symbol.integer]


def _published(each: Published) -> list[Any]:
    top1 = f"{float(each.accuracy.top1):g}"
    height, width = each.resolution
    return [dict(each.options), height, width, top1, each.accuracy.words, each.accuracy.source]


def _scored(each: Scored) -> list[Any]:
    score = each.score
    place = list(METRICS).index(score.metric)
    return [dict(each.options), *score.resolution, place, score.value, score.source]


def _measured(each: Measured) -> list[Any]:
    milliseconds, place = float(each.milliseconds), each.device
    return [place, dict(each.options), *each.resolution, each.batch, milliseconds, each.source]


Owned = tuple[dict[int, list[Weight]], dict[int, list[Weight]]]
"""Stored tensors, learnt ones and others, by the position of the row whose they are."""


def _rows(ledger: Ledger, pool: Pool, classes: Classes, owned: Owned) -> Iterator[list[Any]]:
    """path, kind, sizes of the output, amounts, how often it runs, elements of its own weights and
    of what else it stores, where its input and output are, bytes of its weights in int4, and what
    it reads and writes. Zeros at the end are left out; sizes that are 0 are those of the first
    input."""
    learnt, kept = owned
    keys, tensors = _keys(owned), tensors_of(ledger.rows)
    shapes: dict[int, Shape] = {}
    for place, row in enumerate(ledger.rows):
        first = shapes.get(row.reads[0]) if row.reads else None
        counted = dict.fromkeys(
            c for each in CONVENTIONS.values() for c in each.of(row.kind, row.function)
        )
        amounts = {c: _place(COUNTABLES[c](row), row.output, first, pool) for c in counted}
        kind, places = classes.place(row, amounts)
        repeat = pool.place(row.repeat)
        yield short_row(
            [
                row.path,
                kind,
                0 if row.output == first else flat(pool.place(size) for size in row.output),
                flat(places),
                0 if repeat == (1, 0) else [*repeat],
                _stored(learnt.get(place, ()), pool),
                _stored(kept.get(place, ()), pool),
                _live(place, row),
                packed(learnt.get(place, ()), pool),
                moved(row, tensors, keys.get(place, ()), pool),
            ]
        )
        shapes[row.id] = row.output


def _owned(rows: Sequence[Operator]) -> Owned:
    """The learnt tensors and the others that each row has, by its position. A tensor that several
    rows share is the last one's, as it is in readings."""
    learnt = {w.key: (i, w) for i, row in enumerate(rows) for w in row.weights if w.learnt}
    kept = {
        w.key: (i, w)
        for i, row in enumerate(rows)
        for w in (*(w for w in row.weights if not w.learnt), *row.buffers)
        if w.key
    }
    found: Owned = ({}, {})
    for tensors, of in zip((learnt, kept), found, strict=True):
        for place, tensor in tensors.values():
            of.setdefault(place, []).append(tensor)
    return found


def _keys(owned: Owned) -> dict[int, list[str]]:
    """The keys of both kinds of tensors of each row."""
    every = {place for tensors in owned for place in tensors}
    return {at: [w.key for tensors in owned for w in tensors.get(at, ())] for at in every}


def _place(value: Size, output: Shape, first: Shape | None, pool: Pool) -> Place:
    """The place of an amount: of the pool, or a multiple of the elements of the output or the first
    input."""
    for shape, place in ((output, OWN), (first, FIRST)):
        size = elements(shape) if shape is not None else 0
        if isinstance(value, Polynomial) and isinstance(size, Polynomial):
            (times, rest), (of, base) = apart(value), apart(size)
            if rest == base and times % of == 0:
                return times // of, place
    return pool.place(value)


def _live(place: int, row: Operator) -> list[Any] | int:
    """id, what stands for its output where it is absent, bytes of an element, whether its first
    input has elements as wide, and what it reads; 0 where it follows the row before it."""
    wide = int(not row.types or row.types[0] == row.types[-1])
    usual = (place, place, 0, 1, (place - 1,)) if place else (0, 0, 0, 1, (-1,))
    found = (row.id, _stand_in(row), _width(row.output_type), wide, row.reads)
    return 0 if found == usual else [*found[:4], *row.reads]


def _stored(tensors: Sequence[Weight], pool: Pool) -> list[int]:
    """The elements and, where not all are numbers in floating point, how many of these there are
    and the bytes of the others."""
    if not tensors:
        return []
    others = [t for t in tensors if t.element.startswith(WHOLE)]
    every = total(elements(t.shape) for t in tensors)
    numbers = total(
        product((elements(t.shape), 2 if t.element in COMPLEX else 1))
        for t in tensors
        if t not in others
    )
    if every == numbers:
        return flat([pool.place(every)])
    return flat(map(pool.place, (every, numbers, bytes_of(others, "float32"))))


def _width(element: str) -> int:
    """Bytes of an element where floating-point numbers are float32; 0 for these, -2 for pairs."""
    if element.startswith(WHOLE):
        return ELEMENT_BYTES[element]
    return -2 if element in COMPLEX else 0


def _stand_in(row: Operator) -> int:
    """The tensor that stands for its output where it does not happen; its own where it always
    does."""
    may_be_absent = isinstance(row.repeat, Polynomial) and bool(row.reads)
    return forwarded(row) if may_be_absent else row.id


def _inputs(rows: Sequence[Operator], pool: Pool) -> Iterator[list[int]]:
    """id, bytes of an element, and place of the number of elements of each input."""
    written = {row.id for row in rows}
    seen: set[int] = set()
    for row in rows:
        for tensor, shape, element in zip(row.reads, row.inputs, row.input_types, strict=True):
            if tensor not in written and tensor not in seen:
                seen.add(tensor)
                yield [tensor, _width(element), *pool.place(elements(shape))]
