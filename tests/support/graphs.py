"""ONNX graphs for the tests: exported from modules, or put together node by node."""

import warnings

import onnx
import torch
from onnx import TensorProto, helper

from flopscope.onnxgraph import read

FLOAT, FLOAT16 = TensorProto.FLOAT, TensorProto.FLOAT16
INT, INT32, INT8, UINT8 = (
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.INT8,
    TensorProto.UINT8,
)
BOOL, INT4 = TensorProto.BOOL, TensorProto.INT4
MS, NCHWC = "com.microsoft", "com.microsoft.nchwc"


def export(path, module, shape, free=None, *, folded=False, opset=17):
    """The module as torch's exporter writes it; `free` names axes that stay free.

    Weights are drawn, since the exporter stores equal tensors once. Norms are folded into the
    convolutions before them only if asked.
    """
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5, generator=generator)
    mode = torch.onnx.TrainingMode
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own future, and of much else
        torch.onnx.export(
            module.eval(),
            (torch.zeros(*shape),),
            str(path),
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": free or {}},
            opset_version=opset,
            training=mode.EVAL if folded else mode.PRESERVE,
        )
    return path


def value(name, *shape, kind=FLOAT):
    """A stated tensor; sizes are numbers or names."""
    return helper.make_tensor_value_info(name, kind, list(shape))


def weight(name, *shape):
    """A learnt tensor, of zeros."""
    return helper.make_tensor(name, FLOAT, shape, bytes(4 * _product(shape)), raw=True)


def numbers(name, *values):
    """A stored vector of integers."""
    return helper.make_tensor(name, INT, [len(values)], values)


def held(name, kind, *shape):
    """A stored tensor of zeros, of any type; of types of 4 bits two elements in a byte."""
    count = _product(shape)
    width = {INT8: 8, UINT8: 8, INT32: 32, INT4: 4, FLOAT: 32, FLOAT16: 16}[kind]
    return helper.make_tensor(name, kind, shape, bytes(-(-count * width // 8)), raw=True)


def number(name, value, kind=INT):
    """A stored number."""
    return helper.make_tensor(name, kind, [], [value])


def outside(name, location, *shape):
    """A learnt tensor whose numbers lie in another file."""
    tensor = TensorProto(name=name, data_type=FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def model(nodes, inputs, outputs, stored=(), *, functions=(), opset=18):
    """The whole message."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(stored))
    sets = [helper.make_opsetid("", opset)]
    sets += [helper.make_opsetid(domain, 1) for domain in ("local", MS, NCHWC, "ai.onnx.ml")]
    return helper.make_model(graph, functions=functions, opset_imports=sets, ir_version=9)


def write(path, *parts, **named):
    """The model of these parts in a file."""
    path.write_bytes(model(*parts, **named).SerializeToString())
    return path


node = helper.make_node


def ledger_of(tmp_path, *parts, **named):
    """The ledger of the model of these parts, which onnx's checker accepts."""
    path = write(tmp_path / "graph.onnx", *parts, **named)
    checked(path)
    return read(path).ledger


def body_of(nodes, output, inputs=(), stored=()):
    """A graph inside a node; its outputs are named."""
    outputs = [output] if isinstance(output, str) else output
    given = [o if not isinstance(o, str) else value(o, *"ab") for o in outputs]
    return helper.make_graph(nodes, "body", list(inputs), given, list(stored))


def checked(path):
    """The file's model, once onnx's checker has accepted it."""
    onnx.checker.check_model(str(path))
    return onnx.load(str(path))


def _product(shape):
    result = 1
    for size in shape:
        result *= size
    return result
