"""Parameters once, work as often as it is done; recurrent layers and grouped queries by hand."""

from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from witnesses import Calls

from flopscope.symbolic import symbol
from flopscope.tracing import trace

B, T = symbol("B"), symbol("T")
X, S, P = 6, 8, 5  # widths of the input, the state and the projection


def traced(module, *inputs, **named):
    ledger = trace(module, *inputs, **named).ledger
    assert ledger.complete
    return ledger


# --- grouped-query attention -------------------------------------------------------------------


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_grouped_queries_cost_what_their_own_heads_cost(kv_heads):
    """Sharing keys saves their memory, no product."""
    net = Calls(lambda _, x: F.scaled_dot_product_attention(x[0], x[1], x[1], enable_gqa=True))
    shapes = [(3, 4, 10, 8), (3, kv_heads, 7, 8)]
    assert traced(net, shapes).macs().value == 2 * (3 * 4 * 10 * 7 * 8)
    free = traced(net, [(B, 4, T, 8), (B, kv_heads, 7, 8)], example={"B": 3, "T": 10})
    assert free.macs().value == B * T * 2 * 4 * 7 * 8


def test_twice_the_tokens_are_more_than_twice_the_attention():
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    macs = traced(layer, (B, T, 16)).macs().formula
    for tokens in (1, 7, 64):
        once, twice = (macs.at(B=2, T=t) for t in (tokens, 2 * tokens))
        assert twice == 2 * once + 2 * (2 * 2 * tokens**2 * 16)


# --- recurrent layers ----------------------------------------------------------------------------

OPTIONS = [
    {"bidirectional": both, "batch_first": first, "num_layers": layers, "bias": bias}
    for both, first, layers, bias in product(*[(False, True)] * 2, (1, 3), (False, True))
]


def recurrent_macs(gates, steps, *, width=X, out=S, projected=0, layers=1, both=False):
    """A step multiplies its input and its state by a matrix a gate; a projection narrows it."""
    directions = 2 if both else 1
    inputs = [width, *[directions * out] * (layers - 1)]
    return sum(directions * steps * S * (gates * (i + out) + projected) for i in inputs)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers(kind, gates, options):
    with torch.device("meta"):
        layer = kind(X, S, **options)
    ledger = traced(layer, (4, 7, X))
    expected = recurrent_macs(
        gates, 4 * 7, layers=options["num_layers"], both=options["bidirectional"]
    )
    assert ledger.macs().value == expected
    assert ledger.params().value == sum(p.numel() for p in layer.parameters())


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_an_lstm_with_a_projection(both, layers):
    with torch.device("meta"):
        layer = nn.LSTM(X, S, layers, proj_size=P, bidirectional=both, batch_first=True)
    ledger = traced(layer, (4, 7, X))
    expected = recurrent_macs(4, 4 * 7, out=P, projected=P, layers=layers, both=both)
    assert ledger.macs().value == expected
    assert ledger.params().value == sum(p.numel() for p in layer.parameters())


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_recurrent_layers_of_any_length(kind, gates):
    with torch.device("meta"):
        layer = kind(X, S, 2, bidirectional=True, batch_first=True)
    macs = traced(layer, (B, T, X)).macs().value
    assert macs == B * T * recurrent_macs(gates, 1, layers=2, both=True)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTMCell, 4), (nn.GRUCell, 3), (nn.RNNCell, 1)])
def test_cells(kind, gates):
    with torch.device("meta"):
        cell = kind(X, S)
    assert traced(cell, (4, X)).macs().value == recurrent_macs(gates, 4)


# --- parameters once, work as often as it is done -------------------------------------------------


def test_a_module_called_twice():
    with torch.device("meta"):
        net = Calls(lambda s, x: s.a(s.a(x)), a=nn.Conv2d(4, 4, 3, padding=1))
    ledger = traced(net, (1, 4, 5, 5))
    assert ledger.params().value == 4 * 4 * 9 + 4
    assert ledger.macs().value == 2 * (25 * 4 * 4 * 9)


def test_a_module_under_two_names():
    with torch.device("meta"):
        layer = nn.Linear(4, 4)
        net = nn.Sequential(layer, nn.ReLU(), layer)
    ledger = traced(net, (3, 4))
    assert (ledger.params().value, ledger.macs().value) == (4 * 4 + 4, 2 * 3 * 4 * 4)


def test_an_embedding_tied_to_the_classifier():
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(11, 4), nn.Linear(4, 11, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, tokens):
            return self.head(self.embedding(tokens))

    tokens = torch.zeros(2, 5, dtype=torch.int64)
    ledger = traced(Language(), tokens)
    assert (ledger.params().value, ledger.macs().value) == (11 * 4, 2 * 5 * 4 * 11)


def test_a_parameter_without_a_module_and_one_that_is_not_used():
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix, self.unused = nn.Parameter(torch.ones(4, 6)), nn.Parameter(torch.ones(9))

        def forward(self, x):
            return x @ self.matrix + x @ self.matrix

    ledger = traced(Bare(), (2, 3, 4))
    assert (ledger.params().value, ledger.macs().value) == (4 * 6 + 9, 2 * (2 * 3 * 4 * 6))


@pytest.mark.parametrize("learnt", [True, False])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_frozen_matrix_is_counted_once_on_any_layout(learnt, device):
    """A stack that lies across memory is not folded by torch where the matrix is frozen."""
    with torch.device(device):
        net = Calls(lambda s, x: s.fc(x.transpose(0, 1)), fc=nn.Linear(4, 6))
    ledger = traced(net.requires_grad_(learnt), (3, 5, 4))
    assert (ledger.params().value, ledger.macs().value) == (4 * 6 + 6, 3 * 5 * 4 * 6)
    shapes = {w.key: w.shape for row in ledger.rows for w in row.weights}
    assert shapes == {"fc.weight": (6, 4), "fc.bias": (6,)}
