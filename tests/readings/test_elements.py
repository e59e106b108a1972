"""Types of elements belong to rows: bytes are those of the tensors as torch stores them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flopscope.errors import UnknownName
from flopscope.facts import COMPLEX, ELEMENT_BYTES, FLOAT32, Kind, Operator, Weight
from flopscope.ledger import Ledger
from flopscope.readings.memory import DTYPES, IN_PLACE
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input

TYPES = {
    str(t).removeprefix("torch."): t for t in vars(torch).values() if isinstance(t, torch.dtype)
}


class Calls(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Any:
        return self.function(*tensors)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_of_torch_has_its_bytes(name: str) -> None:
    assert ELEMENT_BYTES[name] == TYPES[name].itemsize
    assert (name in COMPLEX) == TYPES[name].is_complex


def test_nothing_is_said_where_all_is_of_float32() -> None:
    ledger = trace(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (2, 3)).ledger
    assert [row.types for row in ledger] == [(), ()]
    assert {weight.element for row in ledger for weight in row.weights} == {FLOAT32}
    assert (ledger.rows[0].input_types, ledger.rows[0].output_type) == ((FLOAT32,), FLOAT32)


# --- weights --------------------------------------------------------------------------------------

STORED = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64]


@pytest.mark.parametrize("kind", STORED)
def test_weights_count_by_their_own_bytes(kind: torch.dtype) -> None:
    layer = nn.Linear(8, 4, dtype=kind)
    ledger = trace(layer, Input((2, 8), kind)).ledger
    assert ledger.weight_bytes().value == sum(
        p.numel() * p.element_size() for p in layer.parameters()
    )


class Mixed(nn.Module):
    """Halves, and integers, narrow numbers and truths that are parameters without gradients."""

    TYPES = (torch.float16, torch.int8, torch.uint8, torch.float8_e4m3fn, torch.bool, torch.int64)

    def __init__(self) -> None:
        super().__init__()
        for kind in self.TYPES:
            zeros = torch.zeros(3, 5, dtype=kind)
            name = str(kind).removeprefix("torch.")
            setattr(self, name, nn.Parameter(zeros, requires_grad=False))
        self.linear = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        for kind in self.TYPES:
            x = x + getattr(self, str(kind).removeprefix("torch.")).to(x.dtype)
        return self.linear(x)


def test_whole_and_narrow_weights_count_by_their_bytes_and_no_view_or_cast_changes_that() -> None:
    module = Mixed()
    ledger = trace(module, (3, 5)).ledger
    own = sum(p.numel() * p.element_size() for p in module.parameters())
    assert ledger.weight_bytes().value == own
    assert ledger.params().value == sum(p.numel() for p in module.parameters())
    # in halves: those of 8 floating-point bits too; whole numbers and truths as they are
    floating = {name: p for name, p in module.named_parameters() if p.is_floating_point()}
    others = [p for name, p in module.named_parameters() if name not in floating]
    expected = sum(2 * p.numel() for p in floating.values())
    expected += sum(p.numel() * p.element_size() for p in others)
    assert ledger.weight_bytes("float16").value == expected


def test_an_unused_weight_has_its_type_too() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, 5, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    assert trace(Unused(), (3, 5)).ledger.weight_bytes().value == 3 * 5 * 8


def test_autocast_reads_halves_and_stores_what_is_stored() -> None:
    class Cast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                return self.linear(x)

    ledger = trace(Cast(), (2, 8)).ledger
    assert ledger.weight_bytes().value == 4 * (32 + 4)
    assert ledger.rows[-1].output_type in ("bfloat16", "float32")


@pytest.mark.parametrize(("dtype", "width"), DTYPES.items())
def test_a_type_in_the_place_of_floating_point_numbers(dtype: str, width: int) -> None:
    """Whole numbers and truths stay as they are, and pairs are pairs of it."""
    names = [name for name in ELEMENT_BYTES if name in TYPES]
    row = Operator(
        Kind.STORED, "", (), (0,), tuple(Weight(name, (5,), element=name) for name in names)
    )
    pairs = [name for name in names if TYPES[name].is_complex]
    floating = [name for name in names if TYPES[name].is_floating_point]
    whole = [name for name in names if name not in (*pairs, *floating)]
    expected = sum(ELEMENT_BYTES[name] for name in whole) + width * (2 * len(pairs) + len(floating))
    assert Ledger((row,)).weight_bytes(dtype).value == 5 * expected


@pytest.mark.parametrize("size", [1, 4, 5])
def test_two_elements_of_int4_share_a_byte(size: int) -> None:
    """Every tensor begins a byte of its own; whole numbers stay, and a complex one has two."""
    names = [name for name in ELEMENT_BYTES if name in TYPES]
    weights = tuple(Weight(name, (size,), element=name) for name in names)
    expected = 0
    for name in names:
        if TYPES[name].is_complex:
            expected += size
        elif TYPES[name].is_floating_point:
            expected += -(-size // 2)
        else:
            expected += ELEMENT_BYTES[name] * size
    ledger = Ledger((Operator(Kind.STORED, "", (), (0,), weights),))
    assert ledger.weight_bytes("int4").value == expected
    with pytest.raises(UnknownName) as raised:
        ledger.traffic_bytes("int4")
    assert str(raised.value) == "unknown dtype 'int4'; did you mean int8?"


# --- what is moved and what lives -----------------------------------------------------------------


def test_traffic_is_of_each_tensor_s_bytes() -> None:
    """A look-up reads indices of 8 bytes, a table and writes its rows; halves are read and
    written."""
    table = nn.Embedding(10, 4, dtype=torch.float16)
    ledger = trace(table, Input((3,), torch.int64)).ledger
    assert ledger.traffic_bytes().value == 3 * 8 + 10 * 4 * 2 + 3 * 4 * 2
    assert ledger.traffic_bytes("float32").value == 3 * 8 + 10 * 4 * 4 + 3 * 4 * 4
    compared = trace(Calls(lambda a, b: a < b), (3, 5), (3, 5)).ledger
    assert compared.traffic_bytes().value == 2 * 15 * 4 + 15


def test_peaks_are_of_each_tensor_s_bytes() -> None:
    def widened(x: Tensor) -> Tensor:
        return x * x + x.double()

    ledger = trace(Calls(widened), Input((3, 5), torch.float32)).ledger
    multiplied, added = ledger.rows
    assert (multiplied.types, added.types[-1]) == ((), "float64")
    # input and product of 4 bytes, and a sum of 8
    assert ledger.peak_activation_bytes(fused=False).value == 15 * (4 + 4 + 8)


def test_what_is_wider_than_its_operand_is_not_written_into_it() -> None:
    assert Kind.ADD in IN_PLACE

    def added(wide: str) -> int:
        row = Operator(
            Kind.ADD, "", ((5,), (5,)), (5,), reads=(-1, -2), types=("float32", wide, wide)
        )
        return int(Ledger((row,)).peak_activation_bytes())

    assert added("float32") == 5 * (4 + 4)
    assert added("float64") == 5 * (4 + 8 + 8)


def test_types_stay_with_rows_that_are_bound_and_put_together() -> None:
    ledger = trace(nn.Linear(8, 4, dtype=torch.float16), Input(("B", 8), torch.float16)).ledger
    both = ledger.at(B=3) + ledger.at(B=3)
    assert both.weight_bytes().value == 2 * 2 * 36
    assert both.traffic_bytes().value == 2 * 2 * (24 + 36 + 12)
