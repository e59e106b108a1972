"""Files for viewers of networks have the shape that the viewers read, and the ledger's numbers."""

from __future__ import annotations

import json

import pytest
from graphs import export
from onnx import TensorProto, helper, load, save
from torch import nn

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.timing.builtin import device_of

PIXEL = "pixel1-cpu-tflite"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("overlay") / "net.onnx"
    export(path, Net(), (1, 3, 8, 8))
    return str(path)


def is_graph_data(data) -> bool:
    """Is it `GraphNodeData` of `node_data_builder.py` of Model Explorer at c0f8dba?"""
    known = {
        "name", "results", "thresholds", "gradient", "hideInAggregatedStatsTable",
        "hideInChildrenStatsTable", "hideAggregatedStats", "showExpandedSummaryOnGroupNode",
        "showLabelCountColumnsInChildrenStatsTable",
    }  # fmt: skip
    stops = [each["stop"] for each in data["gradient"]]
    return (
        set(data) <= known
        and isinstance(data["name"], str)
        and all(set(each) == {"value"} for each in data["results"].values())
        and all(type(each["value"]) in (int, float) for each in data["results"].values())
        and (stops[0], stops[-1]) == (0, 1)
        and all(set(each) <= {"stop", "bgColor", "textColor"} for each in data["gradient"])
        and set(data["hideAggregatedStats"]) <= {"min", "max", "sum", "avg"}
    )


def is_attachment(data) -> bool:
    """Is it what `metadata.Attachment` in `source/view.js` of Netron at 38591e3 opens?"""
    items = [*data["metadata"], *data["metrics"]]
    return data["signature"] == "netron:attachment" and all(
        set(each) == {"kind", "target", "name", "value"}
        and each["kind"] in ("model", "graph", "node", "value", "tensor")
        for each in items
    )


def test_model_explorer_gets_every_node_by_its_name(file):
    data = fs.overlay(file, "model-explorer").data
    assert is_graph_data(data)
    assert set(data["results"]) == {node.name for node in load(file).graph.node}
    assert {n: each["value"] for n, each in data["results"].items() if each["value"]} == {
        "/stem/stem.0/Conv": 64 * 4 * 27,
        "/head/Gemm": 40,
    }


def test_times_are_those_of_predict(file):
    data = fs.overlay(file, "model-explorer", device=PIXEL).data
    assert is_graph_data(data)
    (told,) = fs.predict(file, device=PIXEL).predictions
    found = sum(each["value"] for each in data["results"].values())
    assert found == pytest.approx(1e3 * told.time.seconds, rel=1e-12)


def test_netron_gets_the_lines_of_each_node_and_the_totals(file):
    data = fs.overlay(file, "netron", of=["macs", "params"]).data
    assert is_attachment(data)
    lines = {(e["kind"], e["target"], e["name"]): e["value"] for e in data["metrics"]}
    graph = load(file).graph.name
    assert lines[("graph", graph, "MACs (macs), total")] == 6952
    assert lines[("node", "/head/Gemm", "MACs (macs)")] == 40
    assert lines[("node", "/head/Gemm", "MACs (macs), % of the network")] == 0.575
    assert lines[("node", "/head/Gemm", "parameters")] == 50
    assert not any(target == "/stem/stem.1/Relu" for _, target, _ in lines)


def test_the_convention_is_the_one_that_is_asked_for(file):
    data = fs.overlay(file, "model-explorer", convention="torch").data
    assert data["results"]["/head/Gemm"] == {"value": 80}
    assert data["name"] == f"FLOPs (torch) ({file})"


def renamed(file, path, names):
    model = load(file)
    for node, name in zip(model.graph.node, names, strict=False):
        node.name = name
    save(model, path)
    return str(path)


def test_nodes_without_names(file, tmp_path):
    """Model Explorer's adapter numbers them, and Netron has lines at their tensors."""
    number = len(load(file).graph.node)
    path = renamed(file, tmp_path / "nameless.onnx", [""] * number)
    results = fs.overlay(path, "model-explorer").data["results"]
    assert set(results) == {f"<node_{place}>" for place in range(number)}
    assert results["<node_0>"] == {"value": 6912}
    written = load(path).graph.node[0].output[0]
    lines = fs.overlay(path, "netron", of="macs").data["metrics"]
    assert {"kind": "value", "target": written, "name": "MACs (macs)", "value": 6912} in lines


def test_a_node_that_is_called_results(file, tmp_path):
    """Model Explorer tells the files of one graph and of several apart by this word."""
    path = renamed(file, tmp_path / "named.onnx", ["results"])
    (data,) = fs.overlay(path, "model-explorer").data.values()
    assert is_graph_data(data)
    assert data["results"]["results"] == {"value": 6912}


def test_nodes_of_one_name_have_no_costs_of_their_own(file, tmp_path, capsys):
    path = renamed(file, tmp_path / "alike.onnx", ["same", "same"])
    assert main(["overlay", path, "--for", "netron", "--of", "macs"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["metrics"][0]["value"] == 6952
    assert said.err == (
        f"{path}: 2 nodes share their names with others, and have no costs of their own.\n"
        f"{path}: operators that stand at no node: 2.\n"
    )


def test_operators_in_the_body_of_a_node_stand_at_the_node(tmp_path):
    """The branches of an If whose condition data decide."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    c = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])
    weight = helper.make_tensor("w", TensorProto.FLOAT, [3, 4], [0.5] * 12)
    branches = [
        helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], [out], name=out)], out, [],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, [2, 4])],
        )
        for out in ("a", "b")
    ]  # fmt: skip
    node = helper.make_node(
        "If", ["c"], ["y"], name="choice", then_branch=branches[0], else_branch=branches[1]
    )
    graph = helper.make_graph([node], "g", [x, c], [y], [weight])
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "if.onnx")
    data = fs.overlay(str(tmp_path / "if.onnx"), "model-explorer").data
    assert data["results"] == {"choice": {"value": 24}}


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (
            {"target": "mobilenetv2"},
            BadInput,
            "an overlay is for the nodes of an ONNX file, and mobilenetv2 is none; export it with "
            "torch.onnx.export, and give the file",
        ),
        ({"viewer": "nitron"}, UnknownName, "unknown viewer 'nitron'; did you mean netron?"),
        (
            {"of": "latency"},
            BadInput,
            "a latency is of a device; name one, as in device='pixel1-cpu-tflite'",
        ),
        (
            {"viewer": "model-explorer", "of": ["macs", "params"]},
            BadInput,
            "Model Explorer colours nodes by one number, and macs, params are several; choose one, "
            "and write a file for each",
        ),
    ],
)
def test_what_is_refused(file, given, error, said):
    with pytest.raises(error) as refused:
        fs.overlay(**{"target": file, "viewer": "netron", **given})
    assert str(refused.value) == said


def test_a_network_that_has_none_of_it(tmp_path):
    export(tmp_path / "relu.onnx", nn.Sequential(nn.ReLU()), (1, 3))
    path = str(tmp_path / "relu.onnx")
    with pytest.raises(BadInput) as refused:
        fs.overlay(path, "model-explorer")
    assert str(refused.value) == (
        f"no node of {path} has any MACs (macs); give a network that does something, or another "
        "quantity"
    )


def test_free_sizes_need_values(tmp_path):
    export(tmp_path / "free.onnx", Net(), (1, 3, 8, 8), {0: "batch", 2: "h"})
    path = str(tmp_path / "free.onnx")
    with pytest.raises(BadInput) as refused:
        fs.overlay(path, "netron")
    assert str(refused.value) == (
        f"{path} has free sizes, h; give them numbers with example, such as example={{'h': 64}}"
    )
    data = fs.overlay(path, "model-explorer", example={"h": 8}, batch=2).data
    assert data["results"]["/head/Gemm"] == {"value": 80}


def test_a_large_count_is_text_for_netron(file):
    data = fs.overlay(file, "netron", of="macs", inputs=[(2**26, 3, 2**11, 2**11)]).data
    assert {
        "kind": "node",
        "target": "/stem/stem.0/Conv",
        "name": "MACs (macs)",
        "value": f"{2**48 * 108:,}",
    } in data["metrics"]


def test_the_file_is_written_whole_or_not_at_all(file, tmp_path):
    found = fs.overlay(file, "netron", device=device_of(PIXEL))
    assert repr(found) == f"OverlayFile({file} for netron)"
    saved = found.save(tmp_path / "costs.json")
    assert json.loads(saved.read_text()) == found.data
    with pytest.raises(BadInput) as refused:
        found.save(tmp_path / "none" / "costs.json")
    assert str(refused.value) == (
        f"cannot write '{tmp_path / 'none' / 'costs.json'}'; give a file in a folder that exists "
        "and is writable"
    )
