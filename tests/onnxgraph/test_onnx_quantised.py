"""Quantised operators: their products, what they are by definition, their weights' bytes."""

from collections import Counter

import numpy as np
import pytest
from graphs import (
    FLOAT16,
    INT4,
    INT8,
    INT32,
    MS,
    UINT8,
    held,
    ledger_of,
    model,
    node,
    value,
    weight,
)  # fmt: skip
from onnx.reference import ReferenceEvaluator

from flopscope.facts import Kind
from flopscope.onnxgraph import read
from flopscope.symbolic import symbol

B, N = symbol("B"), symbol("N")
SCALES = [weight("s", 1), weight("t", 1), weight("u", 1)]
ZEROS = [held("z", UINT8, 1), held("c", INT8, 1), held("e", UINT8, 1)]


def work(ledger):
    """What is done, without names and order. A fused operator moves nothing between its steps."""
    computing = (row for row in ledger if row.kind is not Kind.MOVE)
    return Counter((row.kind, row.function, str(row.output)) for row in computing)


def ms(op, inputs, **settings):
    return node(op, inputs, ["y"], op, domain=MS, **settings)


def dequantised(name, scale, zero, to):
    return node("DequantizeLinear", [name, scale, zero] if zero else [name, scale], [to])


def quantised(name, scale, zero, to="y"):
    return node("QuantizeLinear", [name, scale, zero], [to])


MAP, ROWS = value("x", "B", 4, "H", "W", kind=UINT8), value("x", "N", 8, kind=UINT8)
LAST = value("x", "B", "H", "W", 4, kind=UINT8)
X = dequantised("x", "s", "z", "xf")
STORED = [
    *SCALES, *ZEROS, held("k", INT8, 6, 4, 3, 3), held("kb", INT32, 6), held("w", INT8, 8, 5),
    held("b", INT32, 5),
]  # fmt: skip
KERNEL = dequantised("k", "t", "c", "kf")
MATRIX = dequantised("w", "t", "c", "wf")

BY_DEFINITION = {  # operator → the same with numbers made floats and back, as onnx defines it
    "QLinearConv": (
        [node("QLinearConv", ["x", "s", "z", "k", "t", "c", "u", "e", "kb"], ["y"],
              pads=[1, 1, 1, 1])],
        [X, KERNEL, dequantised("kb", "t", "", "bf"),
         node("Conv", ["xf", "kf", "bf"], ["yf"], pads=[1, 1, 1, 1]), quantised("yf", "u", "e")],
        [MAP],
    ),
    "QLinearConv with channels last": (
        [ms("QLinearConv", ["x", "s", "z", "k", "t", "c", "u", "e"], channels_last=1)],
        [X, KERNEL, node("Transpose", ["xf"], ["xt"], perm=[0, 3, 1, 2]),
         node("Conv", ["xt", "kf"], ["yt"]),
         node("Transpose", ["yt"], ["yf"], perm=[0, 2, 3, 1]), quantised("yf", "u", "e")],
        [LAST],
    ),
    "QLinearMatMul": (
        [node("QLinearMatMul", ["x", "s", "z", "w", "t", "c", "u", "e"], ["y"])],
        [X, MATRIX, node("MatMul", ["xf", "wf"], ["yf"]), quantised("yf", "u", "e")],
        [ROWS],
    ),
    "QGemm": (
        [ms("QGemm", ["x", "s", "z", "w", "t", "c", "b", "u", "e"])],
        [X, MATRIX, dequantised("b", "t", "", "bf"), node("Gemm", ["xf", "wf", "bf"], ["yf"]),
         quantised("yf", "u", "e")],
        [ROWS],
    ),
    "QLinearAdd": (
        [ms("QLinearAdd", ["x", "s", "z", "v", "t", "e", "u", "e"])],
        [X, dequantised("v", "t", "e", "vf"), node("Add", ["xf", "vf"], ["yf"]),
         quantised("yf", "u", "e")],
        [ROWS, value("v", "N", 8, kind=UINT8)],
    ),
    "QLinearMul": (
        [ms("QLinearMul", ["x", "s", "z", "v", "t", "e", "u", "e"])],
        [X, dequantised("v", "t", "e", "vf"), node("Mul", ["xf", "vf"], ["yf"]),
         quantised("yf", "u", "e")],
        [ROWS, value("v", "N", 8, kind=UINT8)],
    ),
    "QLinearSigmoid": (
        [ms("QLinearSigmoid", ["x", "s", "z", "u", "e"])],
        [X, node("Sigmoid", ["xf"], ["yf"]), quantised("yf", "u", "e")],
        [ROWS],
    ),
    "QLinearSoftmax": (
        [ms("QLinearSoftmax", ["x", "s", "z", "u", "e"], axis=-1)],
        [X, node("Softmax", ["xf"], ["yf"], axis=-1), quantised("yf", "u", "e")],
        [ROWS],
    ),
    "QLinearGlobalAveragePool": (
        [ms("QLinearGlobalAveragePool", ["x", "s", "z", "u", "e"], channels_last=1)],
        [X, node("Transpose", ["xf"], ["xt"], perm=[0, 3, 1, 2]),
         node("GlobalAveragePool", ["xt"], ["yt"]),
         node("Transpose", ["yt"], ["yf"], perm=[0, 2, 3, 1]), quantised("yf", "u", "e")],
        [LAST],
    ),
    "QLinearConcat": (
        [ms("QLinearConcat", ["u", "e", "x", "s", "z", "v", "t", "e"], axis=1)],
        [X, dequantised("v", "t", "e", "vf"), node("Concat", ["xf", "vf"], ["yf"], axis=1),
         quantised("yf", "u", "e")],
        [ROWS, value("v", "N", 8, kind=UINT8)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_DEFINITION)
def test_both_forms_of_a_quantised_network_cost_the_same(tmp_path, name):
    fused, apart, inputs = BY_DEFINITION[name]
    rank = len(inputs[0].type.tensor_type.shape.dim)
    found = []
    for nodes in (fused, apart):
        used = {given for n in nodes for given in n.input}
        stored = [tensor for tensor in STORED if tensor.name in used]
        outputs = [value("y", *"pqrs"[:rank], kind=UINT8)]
        found.append(ledger_of(tmp_path, nodes, inputs, outputs, stored, opset=21))
    assert work(found[0]) == work(found[1])
    for ledger in found:
        assert ledger.flops("all").complete
    assert found[0].params().value == found[1].params().value
    assert found[0].weight_bytes().value == found[1].weight_bytes().value


def test_weights_by_their_bytes(tmp_path):
    """6·4·9 numbers of one byte and 6 of four; scales and zero points are no parameters."""
    fused, _, inputs = BY_DEFINITION["QLinearConv"]
    stored = [tensor for tensor in STORED if tensor.name not in ("w", "b")]
    outputs = [value("y", *"bchw", kind=UINT8)]
    ledger = ledger_of(tmp_path, fused, inputs, outputs, stored)
    h, w = symbol("H"), symbol("W")
    assert ledger.macs().value == 6 * 36 * B * h * w
    assert ledger.params().value == 6 * 36 + 6
    assert ledger.weight_bytes().value == 6 * 36 + 4 * 6
    assert ledger.buffers().value == 0
    # what a row reads and writes has its own type too
    (conv,) = [row for row in ledger if row.window is not None]
    assert conv.types == ()  # made floats before
    assert ledger.rows[0].input_types == ("uint8",)
    assert ledger.rows[-1].output_type == "uint8"


def test_weights_that_are_made_floats_are_no_activations(tmp_path):
    """The peak is of maps alone, in both forms."""
    fused, apart, inputs = BY_DEFINITION["QLinearConv"]
    stored = [tensor for tensor in STORED if tensor.name not in ("w", "b")]
    sizes = {"B": 1, "H": 8, "W": 8}
    for nodes in (fused, apart):
        outputs = [value("y", *"bchw", kind=UINT8)]
        ledger = ledger_of(tmp_path, nodes, inputs, outputs, stored, opset=21).at(**sizes)
        # the largest step divides 6 maps of floats into 6 others
        assert ledger.peak_activation_bytes().value == 4 * (6 + 6) * 64


@pytest.mark.parametrize("kind", [INT8, FLOAT16])
def test_a_layer_s_weight_has_the_type_in_which_it_is_stored(tmp_path, kind):
    """int8 made floats as the graph runs; halves multiplied as they are."""
    x = value("x", "N", 8, kind=1 if kind == INT8 else FLOAT16)
    nodes = [node("MatMul", ["x", "m"], ["y"])]
    matrix = held("m", kind, 8, 5)
    if kind == INT8:
        matrix.name = "w"
        nodes.insert(0, dequantised("w", "t", "c", "m"))
    y = value("y", "N", 5, kind=x.type.tensor_type.elem_type)
    stored = [matrix, SCALES[1], ZEROS[1]][: 3 if kind == INT8 else 1]
    ledger = ledger_of(tmp_path, nodes, [x], [y], stored, opset=21)
    assert (ledger.macs().value, ledger.params().value) == (40 * N, 40)
    assert ledger.weight_bytes().value == 40 * (1 if kind == INT8 else 2)


def test_four_bits_are_half_a_byte(tmp_path):
    nodes = [dequantised("q", "t", "", "m"), node("MatMul", ["x", "m"], ["y"])]
    stored = [held("q", INT4, 8, 5), SCALES[1]]
    ledger = ledger_of(
        tmp_path, nodes, [value("x", "N", 8)], [value("y", "N", 5)], stored, opset=21
    )
    assert (ledger.macs().value, ledger.params().value) == (40 * N, 40)
    assert ledger.weight_bytes().value == 20


@pytest.mark.parametrize(("bits", "stored_bytes"), [(2, 256), (4, 512), (8, 1024)])
def test_a_layer_of_packed_numbers(tmp_path, bits, stored_bytes):
    """16 rows of 64 numbers in two blocks, `bits` each."""
    packed = held("q", UINT8, 16, 2, 32 * bits // 8)
    nodes = [ms("MatMulNBits", ["x", "q", "s2"], K=64, N=16, bits=bits, block_size=32)]
    ends = [value("x", "B", "N", 64)], [value("y", "B", "N", 16)]
    ledger = ledger_of(tmp_path, nodes, *ends, [packed, weight("s2", 32)])
    assert ledger.macs().value == 64 * 16 * B * N
    assert ledger.params().value == 64 * 16
    assert ledger.weight_bytes().value == stored_bytes == int(np.prod(packed.dims))
    assert ledger.buffers().value == 0
    assert ledger.macs().complete
    assert ledger.flops("all").missing == ("MatMulNBits:MatMulNBits",)


def test_a_table_of_packed_numbers(tmp_path):
    nodes = [ms("GatherBlockQuantized", ["q", "i", "s2"], bits=4, block_size=32, quantize_axis=1)]
    ends = [value("i", "N", kind=7)], [value("y", "N", 64)]
    ledger = ledger_of(tmp_path, nodes, *ends, [held("q", UINT8, 10, 32), weight("s2", 10, 2)])
    assert (ledger.macs().value, ledger.params().value) == (0, 640)
    assert ledger.weight_bytes().value == 320
    assert ledger.rows[-1].output == (N, 64)


INTEGERS = {
    "MatMulInteger": ([node("MatMulInteger", ["x", "w", "z", "c"], ["y"])], 40 * N, 8 * N),
    "without zero points": ([node("MatMulInteger", ["x", "w"], ["y"])], 40 * N, 0),
    "to floats": (
        [ms("MatMulIntegerToFloat", ["x", "w", "s", "t", "z", "c"])],
        40 * N,
        8 * N + 5 * N,
    ),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integer_products(tmp_path, name):
    """A zero point is taken from each number, and products are as many as of floats."""
    nodes, macs, more = INTEGERS[name]
    stored = [t for t in STORED if t.name in nodes[0].input]
    kind = 1 if name == "to floats" else INT32
    ledger = ledger_of(tmp_path, nodes, [ROWS], [value("y", "N", 5, kind=kind)], stored)
    assert ledger.macs().value == macs
    assert ledger.flops("all").value == 15 * 5 * N + more
    assert ledger.weight_bytes().value == 40


def test_a_convolution_of_integers_by_a_loop(tmp_path):
    """Every product that a plain loop makes, and the shape of onnx's own evaluator."""
    nodes = [node("ConvInteger", ["x", "k"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2])]
    ends = [value("x", 2, 4, 7, 9, kind=INT8)], [value("y", *"bchw", kind=INT32)]
    stored = [held("k", INT8, 6, 4, 3, 3)]
    whole = model(nodes, *ends, stored)
    x = np.ones((2, 4, 7, 9), np.int8)
    (run,) = ReferenceEvaluator(whole).run(None, {"x": x})
    (tmp_path / "net.onnx").write_bytes(whole.SerializeToString())
    ledger = read(tmp_path / "net.onnx").ledger
    assert ledger.rows[-1].output == run.shape
    count = 0
    for _ in np.ndindex(run.shape):
        for _ in np.ndindex(4, 3, 3):
            count += 1
    assert ledger.macs().value == count


def test_dynamic_quantisation_is_onnx_s_function(tmp_path):
    """Two extrema over all numbers; then each is divided, rounded, moved and kept in bounds."""
    nodes = [node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])]
    outputs = [value("y", "N", 4, kind=UINT8), value("s"), value("z", kind=UINT8)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 4)], outputs)
    n = 4 * N
    single = 1 + 1 + 1 + 1 + 1 + 1 + 2 + 1  # two bounds by 0, range, /255, low/s, 0 −, clip, round
    assert ledger.flops("all").value == 2 * (n - 1) + single + n * (1 + 1 + 1 + 2)
    assert ledger.macs().value == 0


def test_a_dynamic_layer(tmp_path):
    nodes = [ms("DynamicQuantizeMatMul", ["x", "w", "t", "c", "fb"])]
    stored = [t for t in STORED if t.name in ("w", "t", "c")] + [weight("fb", 5)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", "N", 5)], stored)
    assert (ledger.macs().value, ledger.params().value) == (40 * N, 45)
    assert ledger.weight_bytes().value == 40 + 4 * 5


def test_quantised_attention(tmp_path):
    nodes = [ms("QAttention", ["x", "w3", "b3", "s", "t", "", "z", "c"], num_heads=4)]
    stored = [held("w3", INT8, 16, 96), weight("b3", 96), *SCALES[:2], *ZEROS[:2]]
    ends = [value("x", "B", "N", 16, kind=UINT8)], [value("y", "B", "N", 32)]
    ledger = ledger_of(tmp_path, nodes, *ends, stored)
    assert ledger.macs().value == B * N * (16 * 96 + 2 * 32 * N)
    assert ledger.weight_bytes().value == 16 * 96 + 4 * 96


def test_a_dynamic_recurrent_layer(tmp_path):
    """Matrices (directions, in, 4·hidden); how steps round is not stated, products are."""
    inputs = ["x", "lw", "lr", "", "", "", "", "", "t", "c", "t", "c"]
    nodes = [node("DynamicQuantizeLSTM", inputs, ["y"], "cell", domain=MS, hidden_size=5)]
    stored = [held("lw", INT8, 1, 6, 20), held("lr", INT8, 1, 5, 20), SCALES[1], ZEROS[1]]
    ends = [value("x", "N", "B", 6)], [value("y", *"tdbh")]
    ledger = ledger_of(tmp_path, nodes, *ends, stored)
    assert ledger.macs().value == N * B * 20 * 11
    assert ledger.macs().complete
    assert ledger.flops("all").missing == ("cell:DynamicQuantizeLSTM",)
    assert ledger.weight_bytes().value == 220
