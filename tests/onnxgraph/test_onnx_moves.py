"""Operators of a graph that write elements anew are rows of data movement."""

import pytest
from graphs import INT, export, ledger_of, node, numbers, value, weight
from onnx import TensorProto
from torch import nn

from flopscope.facts import Kind, Movement
from flopscope.onnxgraph import read
from flopscope.symbolic import symbol
from flopscope.tracing import trace

B, H, W = symbol("B"), symbol("H"), symbol("W")
X = value("x", "B", 4, 6)
MAP = value("m", "B", 4, 2, 2)
BYTES = value("i", "N", kind=INT)
STORED = [
    *(numbers("zero", 0), numbers("one", 1), numbers("two", 2), numbers("pads", 0, 1, 0, 0, 0, 1)),
    *(numbers("twice", 1, 2, 1), numbers("wide", 1, 4, 6), numbers("flat", 0, 24)),
]

N = symbol("N")
MOVING = {
    "Transpose": (["x"], {"perm": [0, 2, 1]}, Movement.PERMUTE, [(B, 6, 4)], (B, 6, 4)),
    "Slice": (["x", "one", "two", "two"], {}, Movement.SLICE, [(B, 4, 1)], (B, 4, 1)),
    "Pad": (["x", "pads"], {}, Movement.PAD, [(B, 4, 6)], (B, 5, 7)),
    "Tile": (["x", "twice"], {}, Movement.REPEAT, [(B, 4, 6)], (B, 8, 6)),
    "Gather": (["x", "i"], {"axis": 1}, Movement.GATHER, [(B, 4, 6), (N,)], (B, N, 6)),
    "DepthToSpace": (["m"], {"blocksize": 2}, Movement.PERMUTE, [(B, 4, 2, 2)], (B, 1, 4, 4)),
}
"""Operator: its inputs and attributes, and the facts of its row."""

VIEWS = {
    "Transpose": (["x"], {"perm": [0, 1, 2]}),
    "Reshape": (["x", "flat"], {}),
    "Flatten": (["x"], {}),
    "Unsqueeze": (["x", "zero"], {}),
    "Identity": (["x"], {}),
    "Expand": (["x", "wide"], {}),
    "Cast": (["x"], {"to": TensorProto.FLOAT16}),
}


def rows_of(tmp_path, nodes, *outputs):
    inputs = [given for given in (X, MAP, BYTES) if any(given.name in n.input for n in nodes)]
    return ledger_of(tmp_path, nodes, inputs, list(outputs), STORED).rows


@pytest.mark.parametrize("op", MOVING)
def test_an_operator_that_moves(tmp_path, op):
    inputs, settings, movement, read_, written = MOVING[op]
    result = value("y", *[None] * len(written))
    (row,) = rows_of(tmp_path, [node(op, inputs, ["y"], **settings)], result)
    assert (row.kind, row.function) == (Kind.MOVE, movement)
    assert (list(row.inputs), row.output) == (read_, written)


@pytest.mark.parametrize("op", VIEWS)
def test_a_view_is_no_row(tmp_path, op):
    inputs, settings = VIEWS[op]
    shape = {"Unsqueeze": [None] * 4, "Reshape": [None] * 2, "Flatten": [None] * 2}
    kind = TensorProto.FLOAT16 if op == "Cast" else TensorProto.FLOAT
    result = value("y", *shape.get(op, [None] * 3), kind=kind)
    assert rows_of(tmp_path, [node(op, inputs, ["y"], **settings)], result) == ()


def test_a_split_writes_each_part(tmp_path):
    nodes = [node("Split", ["x"], ["y", "z"], axis=2, num_outputs=2)]
    rows = rows_of(tmp_path, nodes, value("y", "B", 4, 3), value("z", "B", 4, 3))
    assert [(r.function, r.inputs, r.output) for r in rows] == [
        (Movement.SLICE, ((B, 4, 3),), (B, 4, 3))
    ] * 2
    assert [row.id for row in rows] == [0, 1]


def test_stored_tensors_are_moved_before_the_network_runs(tmp_path):
    nodes = [
        node("Transpose", ["w"], ["t"], perm=[1, 0]),
        node("MatMul", ["x", "t"], ["y"]),
    ]
    ledger = ledger_of(tmp_path, nodes, [X], [value("y", "B", 4, 5)], [weight("w", 5, 6)])
    assert [row.kind for row in ledger] == [Kind.LINEAR]


class Shuffle(nn.Module):
    """Channels of two groups in turn, between two convolutions."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = self.first(x)
        batch, channels, height, width = x.shape
        x = x.view(batch, 2, channels // 2, height, width).transpose(1, 2)
        return self.last(x.reshape(batch, channels, height, width))


def test_an_exported_shuffle_has_the_row_of_the_trace(tmp_path):
    free = {0: "B", 2: "H", 3: "W"}
    graph = read(export(tmp_path / "shuffle.onnx", Shuffle(), (1, 3, 16, 16), free)).ledger
    traced = trace(Shuffle(), (B, 3, H, W)).ledger
    found, expected = (
        [(r.kind, r.function, r.inputs, r.output) for r in ledger] for ledger in (graph, traced)
    )
    assert found == expected
    assert [kind for kind, *_ in found].count(Kind.MOVE) == 1
