"""Packed sequences of known lengths."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
)

from flopscope.errors import BadInput
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input

HERE = "tests/tracing/test_packed.py"


class Packed(nn.Module):
    """A recurrent layer on sequences of these lengths; `lengths` makes them of the input."""

    def __init__(self, lengths: Any, kind: Any = nn.LSTM, **how: Any) -> None:
        super().__init__()
        self.first, self.sorted = how.pop("batch_first", True), how.pop("enforce_sorted", True)
        self.layer = kind(8, 6, batch_first=self.first, **how)
        self.lengths = lengths

    def forward(self, x: torch.Tensor) -> Any:
        lengths = self.lengths(x) if callable(self.lengths) else self.lengths
        packed = pack_padded_sequence(
            x, lengths, batch_first=self.first, enforce_sorted=self.sorted
        )
        out, state = self.layer(packed)
        return pad_packed_sequence(out, batch_first=self.first), state


def products(packed: Packed, lengths: list[int]) -> int:
    """Every step of every sequence multiplies each matrix of the layer once."""
    matrices = (p for p in packed.layer.parameters() if p.dim() == 2)
    return sum(lengths) * sum(matrix.numel() for matrix in matrices)


LAYERS: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "without bias": {"bias": False},
    "both ways": {"bidirectional": True},
    "three layers": {"num_layers": 3, "bidirectional": True},
    "projected": {"proj_size": 3},
    "GRU": {"kind": nn.GRU},
    "RNN": {"kind": nn.RNN},
    "ReLU": {"kind": nn.RNN, "nonlinearity": "relu"},
    "steps first": {"batch_first": False},
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_works_on_the_sum_of_the_lengths(layer: str) -> None:
    net = Packed([5, 3, 2], **LAYERS[layer])
    shape, free = ((3, 5, 8), (3, "T", 8)) if net.first else ((5, 3, 8), ("T", 3, 8))
    expected = products(net, [5, 3, 2])
    ledger = trace(net, shape).ledger
    assert ledger.macs().value == expected
    assert ledger.params().value == sum(p.numel() for p in net.parameters())
    open_ledger = trace(net, free).ledger
    assert open_ledger.macs().value == expected
    assert [str(c) for c in open_ledger.conditions] == ["T ≥ 5"]


@pytest.mark.parametrize("lengths", [[5, 3, 2], [2, 5, 3], [1, 1, 4], [4, 4, 4]])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_lengths_in_any_order(lengths: list[int], as_tensor: bool) -> None:
    given = (lambda x: torch.tensor(lengths)) if as_tensor else lengths
    net = Packed(given, enforce_sorted=False)
    assert trace(net, (3, 5, 8)).ledger.macs().value == products(net, lengths)
    with torch.no_grad():
        (out, own), _ = net(torch.zeros(3, 5, 8))
    assert (tuple(out.shape), own.tolist()) == ((3, max(lengths), 6), lengths)


FULL: dict[str, Any] = {
    "a list": lambda x: [x.shape[1]] * x.shape[0],
    "a list the other way": lambda x: x.size(0) * [x.size(1)],
    "full": lambda x: torch.full((x.shape[0],), x.shape[1]),
}


@pytest.mark.parametrize("how", FULL)
def test_free_sizes_stay_free_where_all_are_full(how: str) -> None:
    net = Packed(FULL[how])
    assert trace(net, (3, 5, 8)).ledger.macs().value == products(net, [5] * 3)
    traced = trace(net, ("B", "T", 8))
    assert traced.ledger.macs().formula.at(B=3, T=5) == products(net, [5] * 3)
    assert traced.ledger.macs().formula.at(B=1, T=1) == products(net, [1])
    assert (traced.fixed, traced.ledger.conditions) == ((), ())


def test_free_and_known_lengths_together() -> None:
    net = Packed(lambda x: [x.shape[1], 3, 2])
    traced = trace(net, (3, "T", 8))
    assert traced.ledger.macs().formula.at(T=7) == products(net, [7, 3, 2])


def test_sequences_that_are_packed_and_worked_on() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = nn.LSTM(8, 6), nn.Linear(6, 4)

        def forward(self, x: torch.Tensor) -> Any:
            out, _ = self.layer(pack_sequence([x[0], x[0, :3], x[1, :2]]))
            scored = PackedSequence(self.head(out.data), out.batch_sizes)
            return pad_packed_sequence(scored, total_length=7)[0].sum(0)

    expected = (5 + 3 + 2) * (4 * 6 * (8 + 6) + 6 * 4)
    traced = trace(Net(), (2, 5, 8))
    assert traced.ledger.macs().value == expected
    assert traced.ledger.rows[-1].inputs == ((7, 3, 4),)


REFUSED: dict[str, tuple[Any, str]] = {
    "too few": (
        [5, 3],
        "Expected `len(lengths)` to be equal to batch_size, but got 2 (batch_size=3)",
    ),
    "too long": ([6, 3, 2], "Expected no length above the 5 steps of the input, but got 6"),
    "empty": ([5, 3, 0], "Length of all samples has to be greater than 0"),
}


@pytest.mark.parametrize("lengths", REFUSED)
def test_lengths_that_do_not_fit_raise_as_torch_does(lengths: str) -> None:
    given, message = REFUSED[lengths]
    with pytest.raises(RuntimeError) as caught:
        trace(Packed(given), (3, 5, 8))
    assert str(caught.value) == message
    with pytest.raises(RuntimeError):
        Packed(given)(torch.zeros(3, 5, 8))


def test_lengths_that_are_data_are_refused_with_their_line() -> None:
    class Net(Packed):
        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> Any:
            return self.layer(pack_padded_sequence(x, lengths.cpu(), batch_first=True))

    line = Net.forward.__code__.co_firstlineno + 1
    for shape in ((3, 5, 8), ("B", 5, 8)):
        with pytest.raises(BadInput) as caught:
            trace(Net(None), shape, Input(shape[:1], torch.int64))
        assert str(caught.value) == (
            f"the lengths of the sequences packed at {HERE}:{line} are values that a "
            "trace does not have; give them as a list of numbers or of sizes"
        )


def test_a_repeated_list_is_a_list_wherever_its_entries_are_asked_for() -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            twos = [2] * x.shape[0]
            parts = torch.split(x, [1] * x.shape[0])
            assert twos.__add__([1]) == [*twos, 1]
            assert len(twos) == len(parts) == x.shape[0]
            assert repr(twos) == str(list(twos))
            assert twos == [2] * len(twos)
            return torch.stack(parts)

    traced = trace(Net(), ("B", 4), example={"B": 3})
    line = Net.forward.__code__.co_firstlineno + 2
    assert traced.fixed == (f"B = 3 at {HERE}:{line}",)
