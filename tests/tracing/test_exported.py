"""torch.export's graph gives the ledger that the tracing engine gives."""

import pytest
import torch
from torch import nn
from torch.export import Dim, export, load, save
from torch.nn import functional as F

from flopscope.agreement.proof import Identity, prove
from flopscope.analytic.operators import conv2d
from flopscope.analytic.tape import record
from flopscope.catalog.variant import FREE, parse
from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.tracing import trace
from flopscope.tracing.export.exported import trace_exported

B, H, W = FREE["B"], FREE["H"], FREE["W"]


def same(module, *inputs):
    """The export's trace, after its comparison with the engine's: rows, places, weights, reads."""
    ours, theirs = trace(module, *inputs).ledger, trace_exported(module, *inputs)
    proof = prove(ours, theirs.ledger)
    assert not proof.mismatches
    assert all(identity.proved for identity in proof.totals)
    for row, other in zip(ours, theirs.ledger, strict=True):
        assert (row.path, row.call, row.reads) == (other.path, other.call, other.reads)
        assert (row.weights, row.buffers) == (other.weights, other.buffers)
    return theirs


def conditions(traced):
    return [str(condition) for condition in traced.ledger.conditions]


NETWORKS = {
    "mobilenetv2": (2, 3, 97, 65),
    "mobilenetv3_small": (B, 3, 224, 224),
    "mobilenetv3_large": (1, 3, 224, 224),
    "efficientnet_b0": (B, 3, H, W),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_the_catalogue(name):
    with torch.device("meta"):
        module = parse(name).build()
    traced = same(module, NETWORKS[name])
    free = name == "efficientnet_b0"
    assert set(conditions(traced)) <= {"B ≠ 1", "H ≥ 33", "W ≥ 33"}
    assert len(conditions(traced)) == (3 if free else NETWORKS[name][0] is B)


class Attention(nn.Module):
    """Attention layers, a fused product, a module that is called twice, and in-place arithmetic."""

    def __init__(self, batch_first):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
        self.norm = nn.LayerNorm(8)
        self.scale = torch.ones(8)  # stored by nobody

    def forward(self, x):
        y = self.mlp(self.mlp(self.norm(x)))
        y = self.attention(y, y, y, need_weights=False)[0]
        return F.scaled_dot_product_attention(y, y, y).add_(x) * self.scale


@pytest.mark.parametrize(
    ("shape", "batch_first"), [((3, 40, 8), False), (("B", 40, 8), False), (("B", 40, 8), True)]
)
def test_attention(shape, batch_first):
    traced = same(Attention(batch_first), shape)
    assert {row.call for row in traced.ledger if row.path == "mlp.0"} == {0, 1}
    assert sum(row.kind is Kind.SOFTMAX for row in traced.ledger) == 2


class Resized(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x):
        y = F.interpolate(self.conv(x), scale_factor=2, mode="bilinear")
        y = F.interpolate(y, size=(7, 9), mode="nearest")
        return F.adaptive_avg_pool2d(F.max_pool2d(y, 2), 1)


@pytest.mark.parametrize("shape", [(2, 3, 33, 47), (B, 3, H, W)])
def test_interpolation(shape):
    traced = same(Resized(), shape)
    assert sum(row.kind is Kind.RESIZE for row in traced.ledger) == 2


def test_recurrent_layers_are_the_same_rows():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)

        def forward(self, x):
            return self.rnn(x)[0]

    same(Net(), ("B", 5, 8))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(x if x.shape[0] > 10 else x + x)


def test_a_branch_is_in_the_domain():
    assert conditions(trace_exported(Branches(), ("N", 8), example={"N": 5})) == ["N one of 2…10"]
    assert conditions(trace_exported(Branches(), ("N", 8), example={"N": 12})) == ["N ≥ 11"]


def program(example=12):
    x = torch.empty(example, 8)
    return export(Branches().eval(), (x,), dynamic_shapes=({0: Dim.AUTO},), strict=False)


def test_a_program_is_a_target(tmp_path):
    save(program(), tmp_path / "net.pt2")
    for made in (program(), load(tmp_path / "net.pt2")):
        traced = trace_exported(made, ("N", 8))
        assert traced.ledger.macs().value == trace(Branches(), ("N", 8)).ledger.macs().value
        assert conditions(traced) == ["N ≥ 11"]
        assert trace_exported(made, (20, 8)).ledger.params().value == 36


REFUSED = [
    ((5, 8), "the exported program does not hold for these sizes: it needs "),
    ((20, 9), "the exported program takes 8 where 9 was given"),
    (
        (20, 8, 8),
        "the exported program takes inputs of 2 dimensions, and inputs of 3 were given",
    ),
]


@pytest.mark.parametrize(("shape", "message"), REFUSED)
def test_inputs_that_a_program_does_not_take(shape, message):
    with pytest.raises(BadInput) as caught:
        trace_exported(program(), shape)
    assert str(caught.value).startswith(message)


def test_what_torch_export_refuses():
    class Result:
        pass

    class Odd(nn.Module):
        def forward(self, x):
            return Result()

    with pytest.raises(BadInput) as caught:
        trace_exported(Odd(), (4, 4))
    assert str(caught.value).startswith("torch.export refuses the module (")
    assert str(caught.value).endswith(
        "; give numbers for its free sizes, or trace it without exporting"
    )


def test_what_a_module_raises_is_its_own():
    with pytest.raises(RuntimeError, match="same reduction dim"):
        trace_exported(nn.Linear(8, 4), (4, 9))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_frozen_parameters_are_stored_and_not_trained(device):
    with torch.device(device):
        module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    module[0].weight.requires_grad_(False)
    traced = same(module, (B, 3, 9, 9)).ledger
    assert [w.key for row in traced for w in row.weights if w.frozen] == ["0.weight"]
    assert (traced.params().value, traced.trainable().value) == (216 + 8 + 16, 8 + 16)
    assert not module[0].weight.requires_grad


def test_frozen_parameters_that_nothing_reads_are_no_trainable_ones_either():
    module = nn.Linear(4, 2)
    module.spare = nn.Parameter(torch.zeros(5), requires_grad=False)
    traced = trace(module, (1, 4)).ledger
    assert (traced.params().value, traced.trainable().value) == (15, 10)


def test_a_proof_tells_frozen_parameters_from_others():
    def closed(x):
        weight = x.tape.stored("w", (6, 3, 1, 1), frozen=True)
        row = record(lambda y: conv2d(y, 6, 1), x.shape).rows[0]
        return x.tape.record(
            row.kind, "conv", (x,), row.output, weights=(weight,), window=row.window
        )

    module = nn.Conv2d(3, 6, 1, bias=False)
    ledger = record(closed, (B, 3, 4, 4))
    proof = prove(ledger, trace(module, (B, 3, 4, 4)).ledger)
    assert not proof
    assert [t for t in proof.totals if not t.proved] == [Identity("trainable parameters", 0, 18)]
    module.weight.requires_grad_(False)
    assert prove(ledger, trace(module, (B, 3, 4, 4)).ledger)
