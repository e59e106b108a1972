"""How important the blocks of a design are, as a trained supernet says it.

In the paper the importance of a slot is (α of MB4D + α of MB3D) / α of the identity, and that of a
stage the sum over its slots. These scores come from the user: nothing here guesses them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flopscope.brief import shown
from flopscope.choosing.slimming.design import Block, SlimDesign
from flopscope.errors import BadInput, check_name

TOTAL, POOLING, ATTENTION = "importance", "importance_4d", "importance_3d"
"""The columns of a table beside `block`: the sum, or both terms of it."""

COLUMNS = ("block", TOTAL, POOLING, ATTENTION)

Given: TypeAlias = str | Path | Mapping[str, Any] | Callable[[Block], Any]
"""A table's path, a mapping from names of blocks, or a function of a block, to a number or to the
pair of both terms."""


class Score(NamedTuple):
    """The importance of a slot, and of it what is left when the block pools instead of attends;
    None where only the sum is known."""

    total: float
    pooling: float | None


@dataclass(frozen=True)
class Scores:
    """The importance of every block of the first design, by its name."""

    scores: Mapping[str, Score]
    first: SlimDesign

    @classmethod
    def read(cls, given: Given, first: SlimDesign) -> Scores:
        """The scores that a user gives for the blocks of a design.

        Raises BadInput for a block without a score and for a score that is no number from 0,
        UnknownName for a block that the design does not have.
        """
        if isinstance(given, str | Path):
            given = _table(given)
        if isinstance(given, Mapping):
            for name in given:
                check_name("block", name, [block.name for block in first.blocks])
            found = {b.name: given[b.name] for b in first.blocks if b.name in given}
        elif callable(given):
            found = {block.name: given(block) for block in first.blocks}
        else:
            raise BadInput(
                f"importance {shown(given)} is none; give the path of a table, a mapping from "
                "names of blocks, or a function of a block"
            )
        for block in first.blocks:
            if found.get(block.name) is None:
                raise BadInput(
                    f"{block.name} has no importance; give one for each block of the design, from "
                    f"{first.blocks[0].name} to {first.blocks[-1].name}"
                )
        return cls({block.name: _score(block, found[block.name]) for block in first.blocks}, first)

    def of(self, block: Block) -> float:
        """The importance of a block as it is now."""
        score = self.scores[block.name]
        return score.total if block.attends or score.pooling is None else score.pooling

    def of_stage(self, design: SlimDesign, stage: int) -> float:
        """The importance of a stage: the sum over its blocks."""
        return sum(map(self.of, design.of_stage(stage)))

    def of_design(self, design: SlimDesign) -> float:
        """The importance of all stages, each by the share of its first width that it still has.

        It orders actions where no accuracy is evaluated, and is no accuracy.
        """
        widths = zip(design.channels, self.first.channels, strict=True)
        return sum(
            self.of_stage(design, stage) * width / first
            for stage, (width, first) in enumerate(widths, 1)
        )

    def require_terms(self) -> None:
        """Raises BadInput where only the sum is known of a block that attends: nothing says then
        what is lost when it pools."""
        for block in self.first.blocks:
            if block.attends and self.scores[block.name].pooling is None:
                raise BadInput(
                    f"{block.name} attends, and only its importance in all is given; give "
                    f"{POOLING} and {ATTENTION} apart, or evaluate accuracies"
                )


def _score(block: Block, value: Any) -> Score:
    if not isinstance(value, tuple | list):
        return Score(_number(block.name, value), None)
    if len(value) != 2:
        raise BadInput(
            f"the importance of {block.name} has {len(value)} terms; give one number, or those of "
            "pooling and of attention"
        )
    pooling, attention = value
    if attention is None and not block.attends:
        attention = 0.0
    terms = [_number(block.name, each) for each in (pooling, attention)]
    return Score(sum(terms), terms[0])


def _number(name: str, value: Any) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise BadInput(f"the importance of {name} is {shown(value)}, and must be a number from 0")
    return float(value)


def _table(path: str | Path) -> dict[str, Any]:
    """The scores of a CSV file by the names of blocks."""
    name = str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            rows = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or ()
    except OSError as error:
        raise BadInput(f"cannot read '{name}': {error.strerror}; give a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"'{name}' is no CSV in UTF-8; give a CSV file") from error
    if "block" not in header or not {TOTAL, POOLING} & set(header):
        raise BadInput(
            f"'{name}' has no columns block and {TOTAL}; give these, or block, {POOLING} and "
            f"{ATTENTION}"
        )
    found: dict[str, Any] = {}
    for line, row in rows:
        block = (row["block"] or "").strip()
        if block in found:
            raise BadInput(f"{name}, line {line}: {block} stands twice; keep one of its rows")
        found[block] = _row(row, f"{name}, line {line}")
    return found


def _row(row: Mapping[str, Any], place: str) -> Any:
    """A number, or the pair of both terms; a block that pools may leave the second out."""
    if row.get(TOTAL):
        return _cell(row, TOTAL, place)
    if not row.get(POOLING):
        return None
    attention = _cell(row, ATTENTION, place) if row.get(ATTENTION) else None
    return _cell(row, POOLING, place), attention


def _cell(row: Mapping[str, Any], column: str, place: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise BadInput(f"{place}: {column} is {shown(row[column])}, and must be a number from 0")
    return value
