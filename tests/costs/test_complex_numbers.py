"""Complex numbers: each act is those on the two parts, by loops that count, and by their own
network of real numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pairs
import pytest
import torch
from counting import Tally
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from flopscope.costs import cost
from flopscope.costs.complex_numbers import FUNCTIONS, REDUCTIONS
from flopscope.facts import Kind, Reduction
from flopscope.ledger import Ledger
from flopscope.tracing import trace
from flopscope.tracing.export.exported import trace_exported

GENERATOR = torch.Generator().manual_seed(0)


def complexes(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.complex128)


def reals(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


class Calls(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Any:
        return self.function(*tensors)


def ledger_of(function: Callable[..., Any], *tensors: Tensor) -> Ledger:
    return trace(Calls(function), *tensors).ledger


def agree(function: Callable[..., Tensor], loop: Callable[..., Any], *tensors: Tensor) -> None:
    """The loop gives PyTorch's numbers, in the acts that the rows state."""
    tally = Tally()
    result = loop(*(pairs.counted(t, tally) for t in tensors))
    torch.testing.assert_close(pairs.plain(result), function(*tensors), check_dtype=False)
    acts = [cost(row)._asdict() for row in ledger_of(function, *tensors)]
    assert {key: sum(act[key] for act in acts) for key in acts[0]} == asdict(tally)


# --- products -------------------------------------------------------------------------------------


def test_a_product_of_matrices() -> None:
    agree(torch.matmul, pairs.matmul, complexes(3, 4), complexes(4, 2))
    agree(torch.bmm, pairs.matmul, complexes(2, 3, 4), complexes(2, 4, 5))


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution(bias: bool) -> None:
    tensors = [complexes(2, 3, 7), complexes(4, 3, 2), *([complexes(4)] if bias else [])]

    def loop(x: Any, w: Any, b: Any = None) -> Any:
        return pairs.conv1d(x, w, b)

    agree(F.conv1d, loop, *tensors)


LAYERS = {
    "linear": (nn.Linear(8, 4, dtype=torch.cfloat), (5, 8), False),
    "conv1d, padded to the same size": (
        nn.Conv1d(8, 4, 3, padding="same", dilation=2, dtype=torch.cfloat), (2, 8, 9), True),
    "conv2d, padded to the same size": (
        nn.Conv2d(4, 6, (3, 5), padding="same", groups=2, dtype=torch.cfloat), (2, 4, 9, 7), True),
    "conv1d, not padded": (
        nn.Conv1d(8, 4, 3, padding="valid", stride=2, dtype=torch.cfloat), (2, 8, 9), True),
    "conv3d": (nn.Conv3d(2, 4, 2, stride=2, dtype=torch.cfloat), (1, 2, 4, 5, 6), True),
    "conv_transpose2d": (
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, dtype=torch.cfloat), (1, 4, 5, 5), True),
    "conv_transpose1d": (nn.ConvTranspose1d(4, 6, 3, 2, dtype=torch.cfloat), (1, 4, 5), True),
    "conv1d of one image": (nn.Conv1d(8, 4, 3, dtype=torch.cfloat), (8, 9), True),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_four_real_ones_and_torch_runs_three_convolutions(name: str) -> None:
    layer, shape, convolved = LAYERS[name]
    x = torch.zeros(shape, dtype=torch.cfloat)
    ledger = trace(layer, x).ledger
    (row,) = ledger.rows
    given = [*layer.parameters()]
    assert ledger.weight_bytes().value == sum(p.numel() * p.element_size() for p in given)
    with FlopCounterMode(display=False) as counter:
        out = layer(x)
    assert row.output[-out.dim() :] == tuple(out.shape)
    assert ledger.flops("torch").value == counter.get_total_flops()
    assert ledger.macs().value * (3 if convolved else 1) == counter.get_total_flops() * 2
    assert trace_exported(layer, x).ledger.macs() == ledger.macs()


def test_a_layer_by_free_sizes() -> None:
    layer = nn.Conv1d(8, 4, 3, dtype=torch.cfloat)
    module = Calls(lambda x: layer(torch.view_as_complex(x)))
    ledger = trace(module, ("B", 8, "T", 2)).ledger
    assert str(ledger.macs().value) == "384·B·T - 768·B"


def test_real_weights_seen_as_complex_are_stored_once_as_what_they_are() -> None:
    class Rotated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(8, 4, 2))

        def forward(self, x: Tensor) -> Tensor:
            return torch.view_as_complex(x) @ torch.view_as_complex(self.weight)

    ledger = trace(Rotated(), (1, 8, 2)).ledger
    assert ledger.macs().value == 4 * 32
    assert ledger.flops("all").value == 248
    assert (ledger.params().value, ledger.weight_bytes().value) == (64, 256)


def test_a_complex_product_is_that_of_its_real_parts() -> None:
    """(A + Bi)·(C + Di) as four real products and two sums, traced in real numbers."""

    def parts(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        return torch.stack([a @ c - b @ d, a @ d + b @ c])

    real = ledger_of(parts, *(reals(*s) for s in ((3, 4), (3, 4), (4, 2), (4, 2))))
    ours = ledger_of(torch.matmul, complexes(3, 4), complexes(4, 2))
    assert ours.macs() == real.macs()
    assert ours.flops("all") == real.flops("all")


# --- element by element, and sums -----------------------------------------------------------------

TORCH = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "multiply by real": torch.mul,
    "divide": torch.div,
    "divide by real": torch.div,
    "negate": torch.neg,
    "absolute": torch.abs,
    "square": torch.square,
    "cube": lambda x: x**3,
    "reciprocal": torch.reciprocal,
    "exponential": torch.exp,
    "sum": lambda x: x.sum(-1),
    "mean": lambda x: x.mean(-1),
    "product": lambda x: x.prod(-1),
    "variance": lambda x: x.var(-1, correction=0),
    "norm": lambda x: torch.linalg.vector_norm(x, dim=-1),
}
TWO = ("add", "subtract", "multiply", "divide")


@pytest.mark.parametrize("name", TORCH)
def test_an_operator(name: str) -> None:
    shape = (2, 3, 4)
    second = [reals(*shape)] if "real" in name else [complexes(*shape)] if name in TWO else []
    agree(TORCH[name], pairs.LOOPS[name], complexes(*shape), *second)


NUMBERS = {
    "a real number": (lambda x: x * 2.5, lambda x, y: x * y, 2.5),
    "an imaginary one": (lambda x: x * 2j, lambda x, y: x * y, 2j),
    "divided by a real one": (lambda x: x / 2.5, lambda x, y: x.over(y), 2.5),
    "divided by a complex one": (lambda x: x / (1 + 2j), lambda x, y: x.over(y), 1 + 2j),
    "plus a complex one": (lambda x: x + (1 + 2j), lambda x, y: x + y, 1 + 2j),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_beside_a_tensor(name: str) -> None:
    function, act, number = NUMBERS[name]
    x = complexes(3, 4)
    tally = Tally()
    other = torch.full((3, 4), number)
    result = pairs.elementwise(act)(pairs.counted(x, tally), pairs.counted(other, tally))
    torch.testing.assert_close(pairs.plain(result), function(x), check_dtype=False)
    (row,) = ledger_of(function, x)
    assert cost(row)._asdict() == asdict(tally)


def test_a_running_sum_and_a_deviation() -> None:
    x = complexes(3, 4)
    assert ledger_of(lambda x: x.cumsum(-1), x).flops("all").value == 2 * 3 * 3
    varied, deviated = (
        ledger_of(function, x).flops("all").value
        for function in (lambda x: x.var(-1, correction=0), lambda x: x.std(-1, correction=0))
    )
    assert deviated == varied + 3  # a root a row


def test_equal_are_numbers_whose_parts_are() -> None:
    assert ledger_of(torch.eq, complexes(3), complexes(3)).flops("all").value == 3 * 3


def test_what_moves_numbers_costs_nothing() -> None:
    ledger = ledger_of(lambda x: torch.cat([x, x.conj()]), complexes(3))
    assert [row.kind for row in ledger] == [Kind.MOVE, Kind.CONCATENATION]
    assert ledger.flops("all").value == 0
    joined = ledger_of(torch.complex, reals(3), reals(3))
    assert ([row.types[-1] for row in joined], joined.flops("all").value) == (["complex128"], 0)


@pytest.mark.parametrize("function", [torch.tanh, torch.sqrt, torch.sigmoid, torch.angle])
def test_acts_that_are_not_stated_are_unknown_to_readings_of_all_acts_alone(function: Any) -> None:
    ledger = ledger_of(function, complexes(3))
    assert str(ledger.macs()) == "0 MACs (macs)"
    assert ledger.flops("all").missing == (f":{function.__name__}",)


def test_every_stated_function_is_tested() -> None:
    second = {name: [complexes(2, 3)] for name in TWO}
    rows = [
        row
        for name in TORCH
        if "real" not in name
        for row in ledger_of(TORCH[name], complexes(2, 3), *second.get(name, []))
    ]
    tested = {row.function for row in rows} | {Reduction.RUNNING_SUM, Reduction.DEVIATION}
    assert tested - {None} == {*FUNCTIONS, *REDUCTIONS}


def test_gradients_of_complex_weights_count_as_complex_too() -> None:
    """Forward, to the weight: the same products, by conjugates."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 4, bias=False, dtype=torch.cfloat)

        def forward(self, x: Tensor) -> Tensor:
            return torch.view_as_real(self.linear(torch.view_as_complex(x)))

    ledger = trace(Layer(), (5, 8, 2), backward=True).ledger
    assert str(ledger.macs()) == f"{2 * 4 * 5 * 32:,} MACs (macs)"


class Convolved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 6, 3, groups=2, dtype=torch.cfloat)
        self.second = nn.ConvTranspose1d(6, 2, 2, 2, bias=False, dtype=torch.cfloat)

    def forward(self, x: Tensor) -> Tensor:
        return torch.view_as_real(self.second(self.first(torch.view_as_complex(x))))


def test_gradients_of_complex_convolutions() -> None:
    """To the weight of both, and to the input of the second: 4 real products each."""
    ledger = trace(Convolved(), (2, 4, 9, 2), backward=True).ledger
    first, second = 2 * 7 * 6 * 2 * 3, 2 * 7 * 6 * 2 * 2
    forward, backward = (ledger.filter(lambda row, b=b: row.backward is b) for b in (False, True))
    assert str(forward.macs()) == f"{4 * (first + second):,} MACs (macs)"
    assert str(backward.macs()) == f"{4 * (first + 2 * second):,} MACs (macs)"
    assert forward.macs() == trace(Convolved(), (2, 4, 9, 2)).ledger.macs()
    free = trace(Convolved(), ("B", 4, "T", 2), backward=True).ledger
    assert free.at(B=2, T=9).macs() == ledger.macs()
    assert ledger.flops("all").complete
