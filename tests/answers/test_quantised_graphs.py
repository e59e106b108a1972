"""ONNX files that ONNX Runtime quantises: old ones, those with weights in other files, and what is
refused of them."""

import onnx
import pytest
from graphs import FLOAT, model, node, value, weight

import flopscope as fs
from flopscope.cli import main
from flopscope.errors import BadInput

pytest.importorskip("onnxruntime")


def graph(*nodes, size=8, opset=17, form=9, kind=FLOAT):
    """A convolution, with what comes behind it; its weights are inputs too, as in old files."""
    stored = [weight("w", 4, 3, 3, 3), weight("b", 4)]
    first = node("Conv", ["x", "w", "b"], ["c"])
    inputs = [value("x", 1, 3, size, size, kind=kind), value("w", 4, 3, 3, 3), value("b", 4)]
    made = model([first, *nodes], inputs, [value("y", None)], stored)
    made.opset_import[0].version, made.ir_version = opset, form
    made.opset_import.add(domain="mine", version=1)
    return made


def saved(made, path, **how):
    onnx.save_model(made, str(path), **how)
    return str(path)


RELU = node("Relu", ["c"], ["y"])


def test_an_old_file_is_made_new(tmp_path):
    """Scales by channel came with version 13 of the operators."""
    report = fs.quantize(saved(graph(RELU, opset=7, form=3), tmp_path / "old.onnx"), runtime="ort")
    assert report.holds
    assert report.found.terms == report.found.run.stored


def test_a_network_is_not_written_over(tmp_path, capsys):
    path = saved(graph(RELU), tmp_path / "net.onnx")
    content = (tmp_path / "net.onnx").read_bytes()
    said = f"'{path}' is the network that is quantised; write the quantised one to another file"
    assert main(["quantize", path, "--runtime", "ort", "-o", path]) == 2
    assert capsys.readouterr().err == f"flopscope: {said}\n"
    with pytest.raises(BadInput) as refused:
        fs.quantize(path, runtime="ort").save(path)
    assert str(refused.value) == said
    assert (tmp_path / "net.onnx").read_bytes() == content


def test_external_data_is_read(tmp_path):
    how = {"save_as_external_data": True, "location": "net.data", "size_threshold": 0}
    path = saved(graph(RELU), tmp_path / "net.onnx", **how)
    assert fs.quantize(path, runtime="ort").holds
    (tmp_path / "net.data").unlink()
    with pytest.raises(BadInput) as refused:
        fs.quantize(path, runtime="ort")
    said = str(refused.value)
    assert said.startswith(
        f"the weights of {path} lie in other files, and one of them cannot be read (Data of "
        "TensorProto ( tensor name: w) should be stored in "
    )
    assert said.endswith("; put them beside it")


def test_a_file_of_another_size(tmp_path):
    path = saved(graph(RELU), tmp_path / "net.onnx")
    with pytest.raises(BadInput) as refused:
        fs.quantize(path, res=16, runtime="ort")
    assert str(refused.value) == (
        f"{path} takes an input of 1×3×8×8, and 1×3×16×16 was asked for; leave res, batch and "
        "an input out"
    )


def test_an_operator_that_the_runtime_does_not_have(tmp_path):
    path = saved(graph(node("Own", ["c"], ["y"], domain="mine")), tmp_path / "net.onnx")
    with pytest.raises(BadInput) as refused:
        fs.quantize(path, runtime="ort")
    assert str(refused.value) == (
        f"ONNX Runtime refuses {path}: Fatal error: mine:Own(-1) is not a registered function/op"
    )
