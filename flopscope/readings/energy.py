"""Energy by a table of energies of single operations. It is for ratios between networks, and is not
the energy of any device.

A multiply-accumulate is one multiplication and one addition. Every byte that an operator reads or
writes comes from DRAM or goes there, as in `memory.traffic_bytes`: no cache, nothing fused. Other
arithmetic of operators is not included, nor are a chip's control and leakage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flopscope.errors import UnknownName
from flopscope.facts import Operator
from flopscope.readings.counts import macs
from flopscope.readings.memory import traffic_bytes
from flopscope.readings.reading import Reading
from flopscope.sizes import product

UNIT = "fJ"


@dataclass(frozen=True)
class EnergyTable:
    """The femtojoules of a multiplication and of an addition, by type, and of a byte that is
    moved."""

    name: str
    multiply: Mapping[str, int]
    add: Mapping[str, int]
    moved_byte: int
    source: str


HOROWITZ = EnergyTable(
    "horowitz-45nm",
    multiply={"float32": 3_700, "float16": 1_100, "int8": 200},
    add={"float32": 900, "float16": 400, "int8": 30},
    moved_byte=160_000,  # 640 pJ for 32 bits
    source="M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
    "figure 1.1.9, 45 nm at 0.9 V; DRAM as in S. Han et al., arXiv 1506.02626, figure 1",
)

CAUTION = (
    f"Energy by {HOROWITZ.name} is for ratios between networks, and of no device: 4.6 pJ for a "
    "multiply-accumulate in float32, 1.5 pJ in float16 and 0.23 pJ in int8, 640 pJ for 32 bits "
    "read from DRAM or written to it "
    f"({HOROWITZ.source})."
)


def arithmetic_energy(rows: Sequence[Operator], dtype: str) -> Reading:
    """The energy of multiply-accumulates in a type, in femtojoules. Raises UnknownName for a type
    that the table lacks.

    >>> from flopscope.facts import Kind, Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> arithmetic_energy([linear], "float32").value == 36 * (3_700 + 900)
    True
    """
    if dtype not in HOROWITZ.multiply:
        raise UnknownName("dtype", dtype, HOROWITZ.multiply)
    work = macs(rows)
    energy = product((work.value, HOROWITZ.multiply[dtype] + HOROWITZ.add[dtype]))
    return Reading(energy, UNIT, f"{HOROWITZ.name}, {dtype}", work.missing)


def memory_energy(rows: Sequence[Operator], dtype: str) -> Reading:
    """The energy of all bytes that are read and written, with numbers in a type, in femtojoules.
    Raises UnknownName for a type that is not in `readings.memory.DTYPES`.

    >>> from flopscope.facts import Kind, Weight
    >>> linear = Operator(Kind.LINEAR, "", ((1, 9),), (1, 4), (Weight("weight", (4, 9)),))
    >>> memory_energy([linear], "int8").value == (9 + 36 + 4) * 160_000
    True
    """
    energy = product((traffic_bytes(rows, dtype).value, HOROWITZ.moved_byte))
    return Reading(energy, UNIT, f"{HOROWITZ.name}, {dtype}")


def energy(rows: Sequence[Operator], dtype: str) -> Reading:
    """The energy of arithmetic and memory, in femtojoules. Raises UnknownName for a type that the
    table lacks."""
    return arithmetic_energy(rows, dtype) + memory_energy(rows, dtype)
