"""Energy beside a time: by the table of `readings.energy`, in the type of a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flopscope.facts import Operator
from flopscope.readings.energy import HOROWITZ, energy

TYPES: Mapping[str, str] = {"amp": "float16"}
"""The type by which energy is taken on a device with mixed types. Others are taken as they are."""


def energy_beside(rows: Sequence[Operator], dtype: str, *, trains: bool) -> int | None:
    """The femtojoules of one inference; None for a training step, for a type that the table lacks,
    and for rows of unknown cost.

    >>> from flopscope.catalog.variant import parse
    >>> rows = parse("mobilenetv2").ledger((224, 224)).rows
    >>> energy_beside(rows, "float32", trains=False) / 10**12  # mJ
    29.0739654912
    >>> energy_beside(rows, "bfloat16", trains=False)
    """
    taken = TYPES.get(dtype, dtype)
    if trains or taken not in HOROWITZ.multiply:
        return None
    found = energy(rows, taken)
    return int(found) if found.complete else None
