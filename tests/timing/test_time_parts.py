"""The times of a unit's parts: the same by every way of multiplying, exact for all sizes."""

from __future__ import annotations

import numpy as np
import pytest

from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, Overflow
from flopscope.facts import Kind, Operator, Weight
from flopscope.timing.amounts import ENDS, amounts, exact_parts, parts
from flopscope.timing.arithmetic import seem_plain
from flopscope.timing.builtin import device_of
from flopscope.timing.precision import PRECISIONS
from flopscope.timing.roofline import attoseconds, time_of
from flopscope.timing.runtimes import RUNTIMES
from flopscope.timing.work import are_plain_works, works

NETWORKS = ("mobilenetv2", "efficientformerv2_s0", "efficientvit_b1")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("device", ["i7-12700h-inductor", "rtx4090-eager-amp"])
def test_parts_are_amounts_times_constants(name: str, device: str) -> None:
    on, rows = device_of(device), parse(name).ledger((224, 224)).rows
    constants = on.attoseconds
    for work in works(rows, on.fuses, on.precision):
        times = [a * c for a, c in zip(amounts(work), constants, strict=True)]
        beside = times[ENDS[1] :]
        expected = (
            sum(times[: ENDS[0]]), sum(times[ENDS[0] : ENDS[1]]), beside[0], sum(beside[1:])
        )  # fmt: skip
        assert parts(work, constants) == expected
        assert exact_parts(work, constants) == expected


def rows_with(middle: object) -> list[Operator]:
    """Three layers, of which the one in the middle has this many outputs."""
    sizes = [((1, 8), (1, 8)), ((1, 8), (1, middle)), ((1, middle), (1, 8))]
    rows = [
        Operator(
            Kind.LINEAR, f"fc{n}", (given,), out, (Weight("w", (out[1], given[1])),),
            reads=(n - 1,), id=n,
        )
        for n, (given, out) in enumerate(sizes)
    ]  # fmt: skip
    return [*rows, Operator(Kind.ADD, "add", ((1, 8), (1, 8)), (1, 8), reads=(0, 2), id=3)]


def test_sizes_that_seem_plain_are_looked_at_again() -> None:
    widths = np.array([3, 5, 7])
    rows = rows_with(widths)
    assert seem_plain(rows)
    eager, float32 = RUNTIMES["eager"], PRECISIONS["float32"]
    found = works(rows, eager, float32)
    assert not are_plain_works(found)
    on = device_of("i7-12700h-inductor")
    exact = attoseconds(rows, on).value
    for at, width in enumerate(widths.tolist()):
        one = works(rows_with(width), eager, float32)
        assert are_plain_works(one)
        assert [work.macs if isinstance(work.macs, int) else work.macs[at] for work in found] == [
            work.macs for work in one
        ]
        assert exact[at] == attoseconds(rows_with(width), on).value
    assert time_of(rows, on).seconds == pytest.approx(exact * 1e-18)


def test_an_array_that_would_wrap_is_refused_inside_too() -> None:
    with pytest.raises(Overflow):
        works(rows_with(np.array([2**61])), RUNTIMES["eager"], PRECISIONS["float32"])


def test_a_free_size_has_a_formula_and_no_number() -> None:
    on, free = device_of("i7-12700h-inductor"), parse("mobilenetv2").free_ledger()
    with pytest.raises(BadInput, match="has free sizes, and a time is for numbers"):
        free.time(on)
    ledger = free.at(B=1, H=64, W=64)
    exact = attoseconds(ledger.rows, on).value
    assert attoseconds(free.rows, on).formula.at(B=1, H=64, W=64) == exact
    assert ledger.time(on).seconds == pytest.approx(exact * 1e-18)


@pytest.mark.parametrize("runtime", ["eager", "inductor", "ort"])
@pytest.mark.parametrize("precision", ["float32", "amp"])
def test_a_product_of_stored_tensors_alone(runtime: str, precision: str) -> None:
    """It reads no activation, as a bias that is made anew in each run."""
    stored = (Weight("a", (4, 8)), Weight("b", (8, 2)))
    row = Operator(Kind.LINEAR, "table", (), (4, 2), stored, id=0)
    (work,) = works([row], RUNTIMES[runtime], PRECISIONS[precision])
    assert (work.read, work.macs) == (0, 4 * 2 * 8)
    assert work.weights == 4 * (4 * 8 + 8 * 2)
