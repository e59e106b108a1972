"""The page counts bytes as Python does where tensors are odd, shared, complex, packed or read in
part."""

from __future__ import annotations

import numpy as np
import pytest
from node import needs_node, run
from onnx import TensorProto, helper, save

from flopscope.answers.counted import Given
from flopscope.answers.explore import Explored, explore
from flopscope.closedform.scripts import runtime
from flopscope.present.explorer.page import page_data, page_file
from flopscope.quantities import QUANTITIES

ASKED = """
const [each] = data.page.networks, classes = bounded(data.page.classes);
const counts = new Network(each, classes).at(data.sizes);
const table = data.page.energy, kinds = {
  bytes: (c, width) => c.total("bytes", width), peak: (c, width) => c.peak(width),
  memory: (c, width) => c.memory(width), traffic: (c, width) => c.traffic(width),
  energy: (c, width) => c.energy(width, table) };
const sum = (each) => each.reduce((a, b) => a + BigInt(b), 0n);
console.log(JSON.stringify([counts.total("int4"), ...[4, 2, 1].flatMap((width) => [
  ...Object.values(kinds).map((of) => of(counts, width)),
  sum(counts.eachTraffic(width)), sum(counts.eachEnergy(width, table))])].map(String)));
"""
MOVING = ("peak", "memory", "traffic", "energy", "traffic", "energy")

NETS = """
import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(7, 7)

    def forward(self, x):
        return self.mix(self.mix(x).relu())


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.register_buffer("places", torch.tensor([3, 1]))

    def forward(self, x):
        taken = x.index_select(1, self.places)
        return self.table(self.places).sum() + taken, x[:, :3] * 2


class Waves(nn.Module):
    def __init__(self):
        super().__init__()
        self.phase = nn.Parameter(torch.zeros(4, dtype=torch.complex64))

    def forward(self, x):
        return (torch.fft.rfft(x) * self.phase).abs()
"""


def in_python(network: Explored, sizes: dict[str, int]) -> list[str]:
    rows = network.ledger.at(**sizes).rows

    asked = [QUANTITIES["int4"]]
    for number, short in enumerate(("", "fp16", "int8")):
        asked.append(QUANTITIES[("weights", "fp16", "int8")[number]])
        moving = (QUANTITIES[name] for name in MOVING)
        asked += [each.in_type(short) if short else each for each in moving]
    return [str(int(each.of(rows).value)) for each in asked]


def compare(network: Explored, page: dict, sizes: dict[str, int]) -> None:
    text = f"{runtime()}\n{page_file('network.js')}\n{ASKED}"
    assert run(text, {"page": page, "sizes": sizes}) == in_python(network, sizes)


@needs_node
@pytest.mark.parametrize("name", ["Tied", "Parts", "Waves"])
def test_tensors_that_are_shared_read_in_part_or_complex(name, tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    found = explore([f"net.py:{name}"], Given(inputs=("B,7",)), devices=(), only=True)
    compare(found.networks[0], page_data(found), {"B": 3})


@needs_node
def test_weights_that_are_stored_packed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", 5])
    small = helper.make_tensor("w", TensorProto.INT4, [3, 5], np.ones(15, np.int8))
    scale = helper.make_tensor("s", TensorProto.FLOAT, [], [0.5])
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["d"]),
        helper.make_node("MatMul", ["x", "d"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y], [small, scale])
    opset = [helper.make_opsetid("", 21)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=10), "packed.onnx")
    found = explore(["packed.onnx"], devices=(), only=True)
    compare(found.networks[0], page_data(found), {"B": 3})


@needs_node
def test_traffic_beyond_doubles_is_counted_with_big_integers():
    found = explore(["mobilenetv2"], devices=(), only=True)
    (network,) = found.networks
    sizes = {size.name: size.usual for size in network.sizes}
    asked = """
    const [each] = data.page.networks, classes = bounded(data.page.classes);
    const counts = new Network(each, classes).at(data.sizes);
    console.log(JSON.stringify([counts.traffic(1), counts.traffic(2 ** 40)].map(String)));
    """
    text = f"{runtime()}\n{page_file('network.js')}\n{asked}"
    one, many = map(int, run(text, {"page": page_data(found), "sizes": sizes}))
    assert one == QUANTITIES["traffic"].in_type("int8").formula(network.ledger).at(**sizes)
    assert many == one * 2**40 > 2**53
