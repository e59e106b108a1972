"""Graphs of torch's newer exporter, as it wrote them: files in `tests/onnxgraph/exports`.

That exporter stands on torch.export and needs onnxscript, which the tests do not; so its graphs are
stored, a few kB each, without weights worth the name. The modules are here, and are traced.
"""

from pathlib import Path

import pytest
from torch import nn
from torch.nn import functional as F

from flopscope.facts import Kind
from flopscope.onnxgraph import read
from flopscope.symbolic import symbol
from flopscope.tracing import trace

EXPORTS = Path(__file__).parent / "exports"
PRODUCTS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR, Kind.MATMUL)


class Tokens(nn.Module):
    """A convolution's map as tokens, attention between them, a gated layer."""

    def __init__(self):
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8)
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.wide, self.narrow = nn.Linear(8, 32), nn.Linear(16, 8)

    def forward(self, x):
        x = F.silu(self.bn(self.stem(x))).flatten(2).transpose(1, 2)
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, tokens, 3, 2, 4).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*qkv).transpose(1, 2)
        x = x + self.out(mixed.reshape(batch, tokens, width))
        value, gate = self.wide(x).chunk(2, dim=-1)
        return self.narrow(value * F.gelu(gate)).mean(1)


class Maps(nn.Module):
    """Convolutions down and up, pools, norms over groups, interpolation."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
        self.depth = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.norm, self.fc = nn.GroupNorm(2, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = F.hardswish(self.depth(F.max_pool2d(self.down(x), 3, 2, 1)))
        x = self.norm(F.leaky_relu(self.up(x)))
        x = F.interpolate(x, scale_factor=2, mode="bilinear")
        return self.fc(F.avg_pool2d(x, 2).mean((2, 3))).softmax(-1)


class Words(nn.Module):
    """An embedding, a recurrent layer, scores of pairs."""

    def __init__(self):
        super().__init__()
        self.embed, self.layer = nn.Embedding(20, 6), nn.LSTM(6, 5, batch_first=True)
        self.head = nn.Linear(5, 4)

    def forward(self, x):
        states = self.layer(self.embed(x.long()))[0]
        return self.head(states).log_softmax(-1) @ states.new_ones(4, 2)


MODULES = {
    "tokens": (Tokens, (2, 3, 16, 20), {0: "B", 2: "H", 3: "W"}),
    "maps": (Maps, (2, 4, 32, 32), {0: "B", 2: "H", 3: "W"}),
    "words": (Words, (2, 7), {0: "B", 1: "n"}),
}
"""By the file's name; axes that are free."""


@pytest.mark.parametrize("name", MODULES)
def test_the_newer_exporter_s_graph_costs_what_the_module_costs(name):
    build, shape, free = MODULES[name]
    graph = read(EXPORTS / f"{name}.onnx")
    (given,) = graph.inputs.values()
    sizes = tuple(symbol(str(n)) if axis in free else n for axis, n in enumerate(given))
    assert [n for axis, n in enumerate(given) if axis not in free] == [
        n for axis, n in enumerate(shape) if axis not in free
    ]
    traced = trace(build().eval(), sizes).ledger
    assert graph.ledger.macs().complete
    assert graph.ledger.macs().value == traced.macs().value
    assert graph.ledger.activations().value == traced.activations().value


def test_the_files_are_small_and_say_nothing_of_a_machine():
    files = list(EXPORTS.glob("*.onnx"))
    assert {file.stem for file in files} == set(MODULES)
    for file in files:
        data = file.read_bytes()
        assert len(data) < 32_000
        assert b'File "' not in data
