"""ONNX graphs for the tests: exported from modules, or put together node by node."""

import warnings

import onnx
import torch
from onnx import TensorProto, helper

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


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


def outside(name, location, *shape):
    """A learnt tensor whose numbers lie in another file."""
    tensor = TensorProto(name=name, data_type=FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def model(nodes, inputs, outputs, stored=(), *, functions=(), opset=18):
    """The whole message."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(stored))
    sets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, functions=functions, opset_imports=sets, ir_version=9)


def write(path, *parts, **named):
    """The model of these parts in a file."""
    path.write_bytes(model(*parts, **named).SerializeToString())
    return path


node = helper.make_node


def checked(path):
    """The file's model, once onnx's checker has accepted it."""
    onnx.checker.check_model(str(path))
    return onnx.load(str(path))


def _product(shape):
    result = 1
    for size in shape:
        result *= size
    return result
