"""Measured latencies of blocks, as a table over the moves of a space.

A file is a CSV with a number for each block, of either kind:

* slot, option, latency: for any space; a block that is left out takes 0;
* key, latency (or mean): for spaces whose authors' tables name a block by its shapes, as those of
  once-for-all networks do. What all designs share is there too.

The latency of a network is the sum, which is what such a table means; no interaction is modelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from pathlib import Path

from flopscope.designspaces.scores import number_in, read_additive, rows_of
from flopscope.designspaces.slots import NONE, Move
from flopscope.designspaces.space import DesignSpace
from flopscope.designspaces.tables import Prices, Table, covering
from flopscope.errors import BadInput

UNITS = 10**6
"""Latencies are whole numbers of millionths of the file's unit, rounded up."""


def latency_table(space: DesignSpace, path: Path, res: int) -> Table:
    """The latency of each move in millionths of the file's unit, at an input of this side.

    Raises BadInput for a file that cannot be read, and one that does not cover the space.
    """
    header, rows = rows_of(path)
    column = next((name for name in ("latency", "latency_ms", "mean") if name in header), None)
    if column is not None and {"slot", "option"} <= set(header):
        found = read_additive(space, path, column, rows)
        slots: list[Prices] = [
            {move: _units(own[move.option]) for move in slot.moves}
            for slot, own in zip(space.slots, found, strict=True)
        ]
        return Table(space, 0, tuple(slots))
    if column is None or "key" not in header:
        raise BadInput(
            f"{path} is no table of latencies: its columns are {', '.join(header)}; give slot, "
            "option and latency, or key and latency"
        )
    if space.keys is None:
        raise BadInput(
            f"{path} names blocks by keys, and {space.name} has none; give a file with the columns "
            "slot, option and latency"
        )
    known = {
        row["key"]: number_in(path, place, column, row[column])
        for place, row in enumerate(rows, start=2)
    }
    return _by_key(space, path, known, res)


def _by_key(space: DesignSpace, path: Path, known: Mapping[str, Fraction], res: int) -> Table:
    assert space.keys is not None
    names = [slot.name for slot in space.slots]
    prices: list[dict[Move, int]] = [{} for _ in names]
    fixed = 0
    for design in covering(space):
        keys = space.keys(space.choices(design), res)
        for key in keys.values():
            if key not in known:
                raise BadInput(
                    f"{path} does not cover {space.name} at {res}×{res}: it has no {key}; add a "
                    "row for it, or choose another --res"
                )
        fixed = sum(_units(known[key]) for name, key in keys.items() if name not in names)
        for n, move in enumerate(space.moves(design)):
            left_out = move.option == NONE and names[n] not in keys
            prices[n][move] = 0 if left_out else _units(known[keys[names[n]]])
    return Table(space, fixed, tuple(prices))


def _units(value: Fraction) -> int:
    return ceil(value * UNITS)
