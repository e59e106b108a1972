"""Additive scores: a design's score is a sum over the options that it picks.

Scores are whole numbers of millionths, so that sums, comparisons and optima are exact.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from flopscope.designspaces.slots import NONE, Design
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import Prices, Table
from flopscope.errors import BadInput
from flopscope.numerals import number

SHOWN = 3
"""So many slots are named where one is unknown."""
MILLIONTH = Fraction(1, 10**6)


@dataclass(frozen=True)
class Scores:
    """A score in `unit`s for each move of each slot, and `base` for every design.

    `words` names what it predicts, and `source` says where it comes from.
    """

    space: DesignSpace
    base: int
    slots: tuple[Prices, ...]
    words: str
    source: str = ""
    unit: Fraction = MILLIONTH
    measured: Mapping[Design, float] = field(default_factory=dict, repr=False)
    """What was measured of designs, where it was fitted on that."""

    def of(self, design: Design) -> int:
        """The score of a design, in units."""
        pairs = zip(self.slots, self.space.moves(design), strict=True)
        return self.base + sum(slot[move] for slot, move in pairs)

    def value(self, units: int) -> float:
        """A score as a number."""
        return float(units * self.unit)


def by_option(space: DesignSpace, options: Sequence[Mapping[str, int]], **facts: Any) -> Scores:
    """The scores that options have, whatever the state is in which they are picked."""
    slots = tuple(
        {move: own[move.option] for move in slot.moves}
        for slot, own in zip(space.slots, options, strict=True)
    )
    return Scores(space, facts.pop("base", 0), slots, **facts)


def from_table(table: Table, words: str) -> Scores:
    """A cost as a score, for the largest network within budgets."""
    return Scores(table.space, table.fixed, table.slots, words, unit=Fraction(1))


def rows_of(path: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """The header and the rows of a CSV file. Raises BadInput where it cannot be read, has no rows,
    or a row has too many or too few values."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows: list[dict[Any, Any]] = list(reader)
            header = tuple(reader.fieldnames or ())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} is no CSV file in UTF-8: {error}") from error
    if not rows:
        raise BadInput(f"{path} has no rows; give a CSV with a header and a row for each value")
    for place, row in enumerate(rows, start=2):
        if None in row:
            raise BadInput(
                f"line {place} of {path} has {len(header) + len(row[None])} values, and the header "
                f"{len(header)}; quote a value that has commas in it"
            )
        if None in row.values():
            raise BadInput(f"line {place} of {path} does not have the values of its header")
    return header, rows


def number_in(path: Path, place: int, column: str, text: str) -> Fraction:
    """The number of a cell. Raises BadInput for any other text."""
    sign = -1 if text.strip().startswith("-") else 1
    value = number(text.strip().removeprefix("-"))
    if value is None:
        raise BadInput(f"line {place} of {path} has the {column} '{text}', which is no number")
    return sign * value


def read_additive(
    space: DesignSpace, path: Path, column: str, rows: Sequence[Mapping[str, str]]
) -> tuple[dict[str, Fraction], ...]:
    """A number for each option of each slot, from rows with slot, option and a column. A block that
    is left out is 0 where no row says otherwise.

    Raises BadInput for a slot or option that the space does not have, one that is given twice, and
    one that is missing.
    """
    names = {slot.name: n for n, slot in enumerate(space.slots)}
    found: list[dict[str, Fraction]] = [{} for _ in space.slots]
    for place, row in enumerate(rows, start=2):
        slot, option = row["slot"].strip(), row["option"].strip()
        if slot not in names:
            few = ", ".join([each.name for each in space.slots[:SHOWN]])
            raise BadInput(
                f"line {place} of {path}: {space.name} has no slot '{slot}'; its {len(names)} "
                f"slots are {few}{' …' * (len(names) > SHOWN)}"
            )
        if option not in space.slots[names[slot]].options:
            raise BadInput(f"line {place} of {path}: {space.name} has no {option} at {slot}")
        if option in found[names[slot]]:
            raise BadInput(f"line {place} of {path} gives {option} at {slot} a second time")
        found[names[slot]][option] = number_in(path, place, column, row[column])
    for slot_, own in zip(space.slots, found, strict=True):
        if NONE in slot_.options:
            own.setdefault(NONE, Fraction(0))
        for option in slot_.options:
            if option not in own:
                raise BadInput(
                    f"{path} does not cover {space.name}: it has no {column} of {option} at "
                    f"{slot_.name}; add a row for it"
                )
    return tuple(found)


def read_scores(space: DesignSpace, path: Path) -> Scores:
    """Scores from a CSV with the columns slot, option and score. Raises BadInput as
    `read_additive` does."""
    _, rows = rows_of(path)
    found = read_additive(space, path, "score", rows)
    slots = [{option: round(value / MILLIONTH) for option, value in own.items()} for own in found]
    return by_option(space, slots, words="score", source=f"the scores of {path}")
