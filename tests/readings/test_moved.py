"""Bytes kept apart by direction and type: each part by hand, and their sum the whole traffic."""

from __future__ import annotations

import pytest

from flopscope import analyze
from flopscope.facts import Kind, Movement, Operator, Weight
from flopscope.readings import Direction, Moved, moved_bytes, stored_bytes
from flopscope.symbolic import symbol

READ, WRITTEN, WEIGHTS = (
    Direction.ACTIVATIONS_READ,
    Direction.ACTIVATIONS_WRITTEN,
    Direction.WEIGHTS_READ,
)

QUANTISED = Operator(
    Kind.LINEAR,
    "fc",
    ((2, 9),),
    (2, 4),
    (Weight("fc.weight", (4, 9), element="int8"), Weight("fc.bias", (4,))),
    repeat=3,
    types=("float16", "float32"),
)
"""Three linear layers on half numbers whose weights are bytes and whose outputs are whole."""


def test_each_direction_and_type_stands_apart() -> None:
    assert moved_bytes([QUANTISED]) == {
        Moved(READ, "float16"): 3 * 2 * 9 * 2,
        Moved(WEIGHTS, "int8"): 3 * 4 * 9,
        Moved(WEIGHTS, "float32"): 3 * 4 * 4,
        Moved(WRITTEN, "float32"): 3 * 2 * 4 * 4,
    }


def test_another_type_changes_the_bytes_and_not_the_keys() -> None:
    assert moved_bytes([QUANTISED], "float16") == {
        Moved(READ, "float16"): 3 * 2 * 9 * 2,
        Moved(WEIGHTS, "int8"): 3 * 4 * 9,
        Moved(WEIGHTS, "float32"): 3 * 4 * 2,
        Moved(WRITTEN, "float32"): 3 * 2 * 4 * 2,
    }


def test_stored_weights_stand_apart_by_type_and_count_once() -> None:
    again = QUANTISED._replace(path="again", repeat=1)
    assert stored_bytes([again, QUANTISED]) == {"int8": 3 * 36, "float32": 3 * 16}


@pytest.mark.parametrize("dtype", [None, "float16", "int8"])
def test_the_parts_add_up_to_the_readings_in_symbols_too(dtype: str | None) -> None:
    ledger = analyze("mobilenetv3_small", (symbol("H"), symbol("W")), symbol("B"))
    moved = moved_bytes(ledger.rows, dtype)
    assert sum(moved.values()) == ledger.traffic_bytes(dtype).value
    assert {key.direction for key in moved} == {*Direction}
    assert sum(stored_bytes(ledger.rows, dtype).values()) == ledger.weight_bytes(dtype).value
    weights = sum(size for key, size in moved.items() if key.direction is WEIGHTS)
    assert weights == ledger.at(H=1, W=1, B=1).weight_bytes(dtype).value + _buffers(ledger, dtype)


def _buffers(ledger, dtype) -> int:
    width = {"int8": 1, "float16": 2}.get(dtype, 4)
    return width * int(ledger.buffers())


def test_a_gather_reads_no_more_than_it_writes() -> None:
    places = ((5, 900), (5, 3))
    gather = Operator(
        Kind.MOVE,
        "x",
        places,
        (5, 3),
        function=Movement.GATHER,
        types=("float32", "int64", "float32"),
    )
    assert moved_bytes([gather]) == {
        Moved(READ, "float32"): 15 * 4,
        Moved(READ, "int64"): 15 * 8,
        Moved(WRITTEN, "float32"): 15 * 4,
    }
