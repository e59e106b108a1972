"""Quantised layers count as the layers of numbers that they stand for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from flop_counter import counted, macs
from torch import nn
from torch.nn import functional as F

from flopscope.errors import BadInput
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input

HERE = "tests/tracing/test_quantised.py"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.ao import quantization
    from torch.ao.nn.quantized import FloatFunctional
    from torch.ao.quantization import quantize_fx


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """torch deprecates its own quantisation whenever it quantises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- dynamic ------------------------------------------------------------------------------------


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(12, 4)
        self.gru_cell, self.lstm_cell, self.rnn = (
            nn.GRUCell(4, 5),
            nn.LSTMCell(5, 3),
            nn.RNNCell(3, 3),
        )
        self.fc = nn.Linear(3, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states = self.gru(self.lstm(x)[0])[0]
        return F.relu(self.fc(self.rnn(self.lstm_cell(self.gru_cell(states[0]))[0])))


def dynamic(module: nn.Module, dtype: torch.dtype = torch.qint8) -> Any:
    kinds = {nn.Linear, nn.LSTM, nn.GRU, nn.GRUCell, nn.LSTMCell, nn.RNNCell}
    return quantization.quantize_dynamic(module, kinds, dtype)


@pytest.mark.parametrize("dtype", [torch.qint8, torch.float16])
def test_dynamic_layers_count_as_their_own(dtype: torch.dtype) -> None:
    usual = Recurrent().eval()
    quantised = dynamic(usual, dtype)
    ours, theirs = (trace(net, (2, 5, 8)).ledger for net in (quantised, usual))
    assert ours.macs().value == theirs.macs().value
    assert ours.params().value == sum(p.numel() for p in usual.parameters())
    assert ours.trainable().value == 0
    free = trace(quantised, ("B", "T", 8)).ledger
    assert free.macs().formula == trace(usual, ("B", "T", 8)).ledger.macs().formula
    assert quantised(torch.zeros(2, 5, 8)).shape == (5, 7)


def test_a_quantised_weight_takes_a_byte() -> None:
    net = dynamic(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)))
    ledger = trace(net, (1, 8)).ledger
    assert ledger.macs().value == 96
    assert ledger.weight_bytes().value == 96 * 1 + 12 * 4
    assert [row.path for row in ledger] == ["0", "1", "2"]
    assert [w.key for row in ledger for w in row.weights] == [
        *("0.weight", "0.bias"),
        *("2.weight", "2.bias"),
    ]
    assert {w.element for row in ledger for w in row.weights} == {"qint8", "float32"}


# --- static -------------------------------------------------------------------------------------


class Block(nn.Module):
    """Layers of most kinds that static quantisation knows."""

    def __init__(self) -> None:
        super().__init__()
        self.quantise, self.dequantise = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv, self.norm, self.relu = (
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
        )
        self.deep = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8)
        self.line = nn.Conv1d(8, 6, 3)
        self.sum, self.join, self.times = FloatFunctional(), FloatFunctional(), FloatFunctional()
        self.swish, self.layer = nn.Hardswish(), nn.LayerNorm(6)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.norm(self.conv(self.quantise(x))))
        x = self.times.mul(self.sum.add(x, self.swish(x)), x)
        x = F.interpolate(F.max_pool2d(self.deep(x), 2), scale_factor=2)
        x = self.line(self.join.cat([x, x], 2).flatten(2))
        return self.dequantise(self.fc(self.layer(x.transpose(1, 2).mean(1))))


@pytest.fixture(scope="module")
def static() -> tuple[nn.Module, nn.Module]:
    """A network, and it quantised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.quantized.engine = "fbgemm"
        usual = Block().eval()
        net = quantization.fuse_modules(usual, [["conv", "norm", "relu"]])
        net.qconfig = quantization.get_default_qconfig("fbgemm")
        prepared = quantization.prepare(net)
        prepared(torch.rand(1, 3, 16, 16))
        return usual, quantization.convert(prepared)


def test_a_static_network_counts_as_its_own(static: tuple[nn.Module, nn.Module]) -> None:
    usual, quantised = static
    x = torch.zeros(1, 3, 16, 16)
    assert macs(quantised, x) == counted(usual, x)
    sizes = {"B": 2, "H": 12, "W": 20}
    expected = counted(usual, torch.zeros(2, 3, 12, 20))
    assert macs(quantised, ("B", 3, "H", "W"), **sizes) == expected
    ledger = trace(quantised, (1, 3, 16, 16)).ledger
    fused = 2 * 8  # the norm's scale and shift are in the convolution
    assert ledger.params().value == sum(p.numel() for p in usual.parameters()) - fused
    assert quantised(torch.rand(1, 3, 16, 16)).shape == (1, 5)


def test_quantising_and_dequantising_are_work() -> None:
    """x/scale, rounded, plus the zero point, clamped to two bounds; and back: two acts."""

    class Stubs(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.quantize_per_tensor(x, 0.1, 3, torch.quint8).dequantize()

    acts = trace(Stubs(), (4, 5)).ledger.flops("all")
    assert (acts.value, acts.complete) == (20 * (1 + 1 + 1 + 2) + 20 * 2, True)


def test_tables_of_quantised_numbers() -> None:
    class Tables(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.bag = nn.Embedding(50, 8), nn.EmbeddingBag(50, 8, mode="sum")
            self.fc = nn.Linear(8, 4)

        def forward(self, index: torch.Tensor) -> torch.Tensor:
            return self.fc(self.one(index)) + self.bag(index)[:, None, :4]

    net = Tables().eval()
    for table in (net.one, net.bag):
        table.qconfig = quantization.float_qparams_weight_only_qconfig
    quantised = quantization.convert(quantization.prepare(net))
    ledger = trace(quantised, Input(("B", 5), torch.int64)).ledger
    assert str(ledger.macs().value) == "160·B"
    assert ledger.params().value == 2 * 50 * 8 + 36
    assert ledger.weight_bytes().value == 2 * 50 * 8 + 4 * 36


@pytest.mark.parametrize("convert", [quantize_fx.convert_fx, quantize_fx.convert_to_reference_fx])
def test_networks_that_fx_quantised(convert: Callable[..., Any]) -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    ).eval()
    x = torch.zeros(1, 3, 8, 8)
    mapping = quantization.get_default_qconfig_mapping("fbgemm")
    prepared = quantize_fx.prepare_fx(net, mapping, (x,))
    prepared(x)
    ledger = trace(convert(prepared), x).ledger
    assert (ledger.macs().value, ledger.params().value) == (36 * 8 * 27 + 32, 260)
    assert ledger.macs().complete


# --- other ways ---------------------------------------------------------------------------------


class Eighths(torch.Tensor):
    """A weight in bytes with a scale a row, as torchao's."""

    @staticmethod
    def __new__(cls, data: torch.Tensor, scale: torch.Tensor) -> Any:
        return torch.Tensor._make_wrapper_subclass(cls, data.shape, dtype=scale.dtype)

    def __init__(self, data: torch.Tensor, scale: torch.Tensor) -> None:
        self.bytes, self.scale = data, scale

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function is F.linear:
            weight = args[1].bytes.to(args[0].dtype) * args[1].scale
            return args[0] @ weight.t()
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        assert function is torch.ops.aten.detach.default, function
        return Eighths(args[0].bytes, args[0].scale)


def test_a_weight_of_a_kind_of_its_own_is_a_shape() -> None:
    layer = nn.Linear(8, 4)
    weight = Eighths(torch.zeros(4, 8, dtype=torch.int8), torch.ones(4, 1))
    layer.weight = nn.Parameter(weight, requires_grad=False)
    ledger = trace(layer, ("B", 8)).ledger
    assert (str(ledger.macs().value), ledger.params().value) == ("32·B", 36)
    assert isinstance(layer.weight, Eighths)
    assert layer(torch.zeros(2, 8)).shape == (2, 4)


def test_an_exported_quantised_layer() -> None:
    class Exported(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", torch.zeros(4, 8, dtype=torch.int8))
            self.register_buffer("scale", torch.ones(4))
            self.register_buffer("zero", torch.zeros(4, dtype=torch.int64))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            ops, bounds = torch.ops.quantized_decomposed, (-128, 127, torch.int8)
            x = ops.quantize_per_tensor.default(x, 0.1, 0, *bounds)
            x = ops.dequantize_per_tensor.default(x, 0.1, 0, *bounds)
            weight = (self.weight, self.scale, self.zero, 0)
            return F.linear(x, ops.dequantize_per_channel.default(*weight, *bounds))

    ledger = trace(Exported(), ("B", 8)).ledger
    assert str(ledger.macs()) == "32·B MACs (macs)"
    assert ledger.buffers().value == 32


def test_what_is_packed_as_the_network_runs_is_refused() -> None:
    class Packing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.quantized.linear_dynamic(x, packed, True)

    weight = torch.quantize_per_tensor(torch.zeros(4, 8), 0.1, 0, torch.qint8)
    packed = torch.ops.quantized.linear_prepack(weight, None)
    with pytest.raises(BadInput) as caught:
        trace(Packing(), (2, 8))
    line = Packing.forward.__code__.co_firstlineno + 1
    assert str(caught.value) == (
        f"the weights at {HERE}:{line} are packed outside the network's modules; "
        "keep them in a module"
    )
