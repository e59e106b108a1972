"""Operators that stand for several: onnxruntime's fused ones, attention, onnx's own functions."""

from collections import Counter

import pytest
from graphs import (
    FLOAT,
    INT,
    INT32,
    MS,
    NCHWC,
    ledger_of,
    model,
    node,
    number,
    numbers,
    value,
    weight,
)  # fmt: skip
from onnx import defs, inliner

from flopscope.facts import Kind
from flopscope.onnxgraph import read
from flopscope.onnxgraph.expansions.decomposed import DECOMPOSED
from flopscope.symbolic import symbol

B, T, N = map(symbol, "BTN")


def work(ledger):
    """What is done, without names and order. A fused operator moves nothing between its steps."""
    return Counter(
        (row.kind, row.function, str(row.output), str(row.groups), row.window,
         str([w.shape for w in row.weights]))
        for row in ledger
        if row.kind is not Kind.MOVE
    )  # fmt: skip


def ms(op, inputs, outputs=("y",), domain=MS, **settings):
    return node(op, inputs, list(outputs), op, domain=domain, **settings)


X, MAP = value("x", "B", "T", 8), value("x", "B", 4, "H", "W")
KERNEL = {"pads": [1, 1, 1, 1], "strides": [2, 2]}
LINE = [weight("g", 8), weight("b", 8), weight("c", 8)]
TURNED = {"perm": [0, 2, 1]}

FUSED = {
    "FusedConv": (
        [ms("FusedConv", ["x", "k", "kb", "z"], activation="LeakyRelu", activation_params=[0.1],
            **KERNEL)],
        [node("Conv", ["x", "k", "kb"], ["t"], **KERNEL), node("Add", ["t", "z"], ["s"]),
         node("LeakyRelu", ["s"], ["y"])],
        [MAP, value("z", "B", 6, "P", "Q")],
    ),
    "FusedConv with bounds": (
        [ms("FusedConv", ["x", "k"], activation="Clip", activation_params=[0.0, 6.0])],
        [node("Conv", ["x", "k"], ["t"]), node("Clip", ["t", "low", "high"], ["y"])],
        [MAP],
    ),
    "Conv of blocks": (
        [ms("Conv", ["x", "k", "kb"], domain=NCHWC, activation="Relu", **KERNEL)],
        [node("Conv", ["x", "k", "kb"], ["t"], **KERNEL), node("Relu", ["t"], ["y"])],
        [MAP],
    ),
    "NhwcMaxPool": (
        [ms("NhwcMaxPool", ["x"], kernel_shape=[2, 2])],
        [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
         node("MaxPool", ["t"], ["s"], kernel_shape=[2, 2]),
         node("Transpose", ["s"], ["y"], perm=[0, 2, 3, 1])],
        [value("x", "B", "H", "W", 4)],
    ),
    "SkipLayerNormalization": (
        [ms("SkipLayerNormalization", ["x", "u", "g", "b", "c"])],
        [node("Add", ["x", "u"], ["s"]), node("Add", ["s", "c"], ["t"]),
         node("LayerNormalization", ["t", "g", "b"], ["y"])],
        [X, value("u", "B", "T", 8)],
    ),
    "SkipSimplifiedLayerNormalization": (
        [ms("SkipSimplifiedLayerNormalization", ["x", "u", "g"])],
        [node("Add", ["x", "u"], ["s"]), node("RMSNormalization", ["s", "g"], ["y"])],
        [X, value("u", "B", "T", 8)],
    ),
    "BiasGelu": (
        [ms("BiasGelu", ["x", "b"])],
        [node("Add", ["x", "b"], ["s"]), node("Gelu", ["s"], ["y"])],
        [X],
    ),
    "FastGelu": (
        [ms("FastGelu", ["x", "b"])],
        [node("Add", ["x", "b"], ["s"]), node("Gelu", ["s"], ["y"], approximate="tanh")],
        [X],
    ),
    "QuickGelu": (
        [ms("QuickGelu", ["x"])],
        [node("Mul", ["x", "high"], ["t"]), node("Sigmoid", ["t"], ["s"]),
         node("Mul", ["x", "s"], ["y"])],
        [X],
    ),
    "FusedMatMul": (
        [ms("FusedMatMul", ["x", "u"], transB=1, alpha=0.5)],
        [node("Transpose", ["u"], ["t"], **TURNED), node("MatMul", ["x", "t"], ["s"]),
         node("Mul", ["s", "high"], ["y"])],
        [X, value("u", "B", "N", 8)],
    ),
    "TransposeMatMul": (
        [ms("TransposeMatMul", ["x", "u"], transA=1)],
        [node("Transpose", ["x"], ["t"], **TURNED), node("MatMul", ["t", "u"], ["y"])],
        [X, value("u", "B", "T", 5)],
    ),
    "FusedGemm": (
        [ms("FusedGemm", ["x", "w", "wb"], activation="Relu")],
        [node("Gemm", ["x", "w", "wb"], ["t"]), node("Relu", ["t"], ["y"])],
        [value("x", "N", 8)],
    ),
    "GroupNorm": (
        [ms("GroupNorm", ["x", "g", "b"], groups=2, activation=1)],
        [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
         node("GroupNormalization", ["t", "g", "b"], ["s"], num_groups=2),
         node("Swish", ["s"], ["r"]),
         node("Transpose", ["r"], ["y"], perm=[0, 2, 3, 1])],
        [value("x", "B", "H", "W", 8)],
    ),
    "EmbedLayerNormalization": (
        [ms("EmbedLayerNormalization", ["i", "", "words", "places", "", "g", "b"], ["y", "m"])],
        [node("Gather", ["words", "i"], ["t"]), node("Slice", ["places", "zero", "five"], ["p"]),
         node("Add", ["t", "p"], ["s"]), node("LayerNormalization", ["s", "g", "b"], ["y"])],
        [value("i", "B", 5, kind=INT32)],
    ),
}  # fmt: skip
STORED = [
    weight("k", 6, 4, 3, 3), weight("kb", 6), weight("w", 8, 5), weight("wb", 5), *LINE,
    weight("words", 30, 8), weight("places", 9, 8), numbers("zero", 0), numbers("five", 5),
]  # fmt: skip
BOUNDS = [node("Constant", [], ["low"], value_float=0.0), node("Constant", [], ["high"],
          value_float=6.0)]  # fmt: skip


def both(tmp_path, fused, apart, inputs):
    """The ledgers of two graphs that do the same."""
    result = []
    for nodes in (fused, [*BOUNDS, *apart]):
        used = {name for n in nodes for name in n.input}
        stored = [tensor for tensor in STORED if tensor.name in used]
        rank = 4 if len(inputs[0].type.tensor_type.shape.dim) == 4 else 3
        rank = 2 if fused[0].op_type == "FusedGemm" else rank
        outputs = [value("y", *"pqrs"[:rank])]
        (tmp_path / "net.onnx").write_bytes(
            model(nodes, inputs, outputs, stored, opset=24).SerializeToString()
        )
        result.append(read(tmp_path / "net.onnx").ledger)
    return result


@pytest.mark.parametrize("name", FUSED)
def test_a_fused_operator_is_what_was_fused(tmp_path, name):
    fused, apart = both(tmp_path, *FUSED[name])
    assert work(fused) == work(apart)
    assert fused.complete
    assert fused.flops("all").complete
    assert fused.params().value == apart.params().value


def test_what_follows_a_fused_operator_is_known(tmp_path):
    nodes = [
        ms("FusedConv", ["x", "a"], ["t"], activation="Relu", pads=[1, 1, 1, 1]),
        node("Conv", ["t", "b"], ["y"], pads=[1, 1, 1, 1]),
    ]
    stored = [weight("a", 4, 3, 3, 3), weight("b", 4, 4, 3, 3)]
    ledger = ledger_of(tmp_path, nodes, [value("x", 1, 3, 8, 8)], [value("y", 1, 4, 8, 8)], stored)
    assert ledger.macs().value == 108 * 64 + 144 * 64
    assert ledger.complete


def test_operators_of_later_sets_that_onnxruntime_writes_into_older_ones(tmp_path):
    nodes = [
        node("LayerNormalization", ["x", "g", "b"], ["t"], "norm"),
        node("SimplifiedLayerNormalization", ["t", "c"], ["y"], "rms", axis=-1),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, [X], [value("y", *"abc")], LINE, opset=13).SerializeToString())
    ledger = read(path).ledger
    assert [row.kind for row in ledger] == [Kind.LAYER_NORM, Kind.RMS_NORM]
    assert ledger.params().value == 24


# --- attention -----------------------------------------------------------------------------------


def products(*triples):
    """Multiply-accumulates of so many products of (rows, inner) by (inner, columns)."""
    return sum(count * n * k * m for count, n, k, m in triples)


def test_attention_of_one_matrix(tmp_path):
    """3·32 columns of 16 rows; then 4 heads of 8: T·(T + 3)·8, with a past of 3, twice."""
    past = value("p", 2, "B", 4, 3, 8)
    nodes = [ms("Attention", ["x", "w", "b", "", "p"], ["y", "z"], num_heads=4)]
    stored = [weight("w", 16, 96), weight("b", 96)]
    outputs = [value("y", "B", "T", 32), value("z", 2, "B", 4, "U", 8)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "B", "T", 16), past], outputs, stored)
    assert ledger.macs().value == B * products((1, T, 16, 96), (4, T, 8, T + 3), (4, T, T + 3, 8))
    assert ledger.params().value == 16 * 96 + 96
    assert ledger.flops("all").complete


def test_values_wider_than_keys(tmp_path):
    nodes = [ms("Attention", ["x", "w"], num_heads=4, qkv_hidden_sizes=[32, 32, 64])]
    ends = [value("x", "B", "T", 16)], [value("y", "B", "T", 64)]
    ledger = ledger_of(tmp_path, nodes, *ends, [weight("w", 16, 128)])
    assert ledger.macs().value == B * products((1, T, 16, 128), (4, T, 8, T), (4, T, T, 16))


QKV = [value("q", "B", "T", 32), value("k", "B", "N", 32), value("v", "B", "N", 32)]

HEADS = {
    "apart": (["q", "k", "v", "b"], QKV, N),
    "keys and values of an encoder": (
        ["q", "k", "v"],
        [QKV[0], value("k", "B", 4, "N", 8), value("v", "B", 4, "N", 8)],
        N,
    ),
    "all packed": (["q"], [value("q", "B", "T", 4, 3, 8)], T),
    "keys and values packed": (["q", "k"], [QKV[0], value("k", "B", "N", 4, 2, 8)], N),
    "with a past": (
        ["q", "k", "v", "", "", "", "p", "o"],
        [*QKV, value("p", "B", 4, "M", 8), value("o", "B", 4, "M", 8)],
        N + symbol("M"),
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_attention_of_heads(tmp_path, name):
    given, inputs, keys = HEADS[name]
    nodes = [ms("MultiHeadAttention", given, num_heads=4)]
    stored = [weight("b", 96)] if "b" in given else []
    ledger = ledger_of(tmp_path, nodes, inputs, [value("y", "B", "T", 32)], stored)
    assert ledger.macs().value == B * products((4, T, 8, keys), (4, T, keys, 8))
    assert ledger.params().value == (96 if "b" in given else 0)


def test_heads_that_share_keys(tmp_path):
    """8 heads of 8 and 2 of keys: every head multiplies, two projections are stored once."""
    inputs = [value("q", "B", "T", 64), value("k", "B", "T", 16), value("v", "B", "T", 16)]
    inputs += [value("p", "B", 2, "M", 8), value("o", "B", 2, "M", 8)]
    inputs += [value("s", "B", kind=INT32), value("t", 1, kind=INT32)]
    nodes = [
        ms("GroupQueryAttention", ["q", "k", "v", "p", "o", "s", "t", "cos", "sin"],
           ["y", "pk", "pv"], num_heads=8, kv_num_heads=2, do_rotary=1),
        node("ReduceMax", ["pk"], ["z"], keepdims=0),
    ]  # fmt: skip
    stored = [weight("cos", 99, 4), weight("sin", 99, 4)]
    outputs = [value("y", "B", "T", 64), value("z")]
    ledger = ledger_of(tmp_path, nodes, inputs, outputs, stored)
    keys = T + symbol("M")
    assert ledger.macs().value == B * products((8, T, 8, keys), (8, T, keys, 8))
    assert ledger.params().value == 0
    assert ledger.buffers().value == 2 * 99 * 4
    assert ledger.rows[-1].inputs == ((B, 2, keys, 8),)
    # each of 8 + 2 heads of 8 turned: two products and a sum a number
    turned = [row for row in ledger.rows if row.path == "GroupQueryAttention" and row.buffers]
    assert sum(len(row.buffers) for row in turned) == 4


@pytest.mark.parametrize("flat", [True, False])
def test_onnx_s_own_attention_is_its_function(tmp_path, flat):
    """onnx's own body of the operator, written out by onnx."""
    heads = [value("q", 2, 4, 5, 8), value("k", 2, 2, 7, 8), value("v", 2, 2, 7, 6)]
    wide = [value("q", 2, 5, 32), value("k", 2, 7, 16), value("v", 2, 7, 12)]
    settings = {"q_num_heads": 4, "kv_num_heads": 2} if flat else {}
    whole = model(
        [node("Attention", ["q", "k", "v"], ["y"], "attention", is_causal=1, **settings)],
        wide if flat else heads,
        [value("y", *"abcd"[: 3 if flat else 4])],
        opset=23,
    )
    apart = inliner.inline_selected_functions(
        whole, [("", "Attention")], inline_schema_functions=True
    )
    assert len(apart.graph.node) > 20
    found = []
    for message in (whole, apart):
        (tmp_path / "net.onnx").write_bytes(message.SerializeToString())
        found.append(read(tmp_path / "net.onnx").ledger)
    assert found[0].macs().value == found[1].macs().value
    assert found[0].macs().value == 2 * products((4, 5, 8, 7), (4, 5, 7, 6))
    assert found[0].complete
    assert found[1].complete


# --- onnx's functions ----------------------------------------------------------------------------

FUNCTIONS = {
    "Celu": {"alpha": 2.0},
    "MeanVarianceNormalization": {"axes": [0, 2, 3]},
    "ReduceL1": {"keepdims": 0},
    "ReduceLogSum": {"keepdims": 1},
    "ReduceSumSquare": {"keepdims": 0},
    "Softsign": {},
    "Swish": {"alpha": 2.0},
    "HardSwish": {},
    "ThresholdedRelu": {"alpha": 2.0},
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes_are_those_of_onnx_s_functions(tmp_path, name):
    """And no product of matrices is in any: onnx writes them out itself."""
    ends = [value("x", 2, 4, 6, 6)], [value("y", *"abcd")]
    if FUNCTIONS[name].get("keepdims") == 0:
        ends[1][0].type.tensor_type.shape.ClearField("dim")
    whole = model([node(name, ["x"], ["y"], **FUNCTIONS[name])], *ends, opset=24)
    apart = inliner.inline_selected_functions(whole, [("", name)], inline_schema_functions=True)
    outputs = []
    for message in (whole, apart):
        (tmp_path / "net.onnx").write_bytes(message.SerializeToString())
        ledger = read(tmp_path / "net.onnx").ledger
        outputs.append(ledger.rows[-1].output)
        assert ledger.complete
        assert ledger.macs().value == 0
    assert outputs[0] == outputs[1]
    (tmp_path / "net.onnx").write_bytes(whole.SerializeToString())
    assert read(tmp_path / "net.onnx").ledger.flops("all").complete


ACTS = {  # scalar operations an element, as the operator's formula has them
    ("HardSigmoid", "alpha", 0.2): 4,  # α·x + β, two bounds
    ("HardSigmoid", "alpha", 1 / 6): 4,  # relu6(x + 3)/6
    ("HardSigmoid", "beta", 0.0): 3,
    ("Swish", "alpha", 2.0): 6,  # α·x, 1/(1 + exp(−1·α·x)), times x
    ("Softsign", None, None): 4,  # |x| is max(x, −1·x); 1 + |x|; the quotient
    ("Selu", None, None): 7,
    ("Celu", "alpha", 2.0): 7,
    ("Shrink", None, None): 2,
    ("Shrink", "bias", 0.5): 3,
    ("ThresholdedRelu", None, None): 1,
    ("IsNaN", None, None): 1,
    ("IsInf", None, None): 1,
    ("Tan", None, None): 1,
    ("Acosh", None, None): 1,
}


@pytest.mark.parametrize("case", ACTS, ids=str)
def test_functions_of_each_element(tmp_path, case):
    name, key, setting = case
    settings = {} if key is None else {key: setting}
    kind = 9 if name.startswith("Is") else FLOAT
    ends = [value("x", "N", 4)], [value("y", "N", 4, kind=kind)]
    ledger = ledger_of(tmp_path, [node(name, ["x"], ["y"], **settings)], *ends, opset=24)
    assert ledger.flops("all").complete
    assert ledger.flops("all").value == ACTS[case] * 4 * N


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("name", ["Sum", "Max", "Min", "Mean"])
def test_sums_of_several(tmp_path, name, count):
    """One act less than operands, and a mean's quotient."""
    inputs = [value(f"x{n}", "N", 4) for n in range(count)]
    nodes = [node(name, [f"x{n}" for n in range(count)], ["y"])]
    ledger = ledger_of(tmp_path, nodes, inputs, [value("y", "N", 4)])
    divided = name == "Mean" and count > 1
    assert ledger.flops("all").value == (count - 1 + divided) * 4 * N


def test_attention_with_softmax_that_is_asked_for_numbers(tmp_path):
    """As torch writes it: what is no number becomes 0."""
    nodes = [
        node("MatMul", ["q", "k"], ["s"]),
        node("Softmax", ["s"], ["p"]),
        node("IsNaN", ["p"], ["n"]),
        node("Where", ["n", "zero", "p"], ["t"]),
        node("MatMul", ["t", "v"], ["y"]),
    ]
    inputs = [value("q", "B", "T", 8), value("k", "B", 8, "T"), value("v", "B", "T", 8)]
    outputs, constant = [value("y", "B", "T", 8)], node("Constant", [], ["zero"], value_float=0.0)
    for more, stored in (([constant], []), ([], [number("zero", 0.0, FLOAT)])):
        ledger = ledger_of(tmp_path, [*more, *nodes], inputs, outputs, stored)
        assert ledger.macs().value == 16 * B * T * T
        assert ledger.flops("all").complete
        assert ledger.params().value == 0  # what is filled in is no parameter


def test_the_table_of_functions_is_tried_whole():
    tried = {case[0] for case in ACTS} | set(FUNCTIONS) | {"Sum", "Max", "Min", "Mean"}
    assert set(DECOMPOSED) - tried == {"AffineGrid", "LpNormalization", "SwiGLU"}


# --- products ------------------------------------------------------------------------------------


def test_a_computed_layer_of_a_bias(tmp_path):
    nodes = [
        node("ConstantOfShape", ["s"], ["w"]),
        node("Gemm", ["x", "w", "b"], ["y"], transB=1),
    ]
    stored = [numbers("s", 4, 8), weight("b", 4)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", "N", 4)], stored)
    assert (ledger.macs().value, ledger.params().value) == (32 * N, 4)
    assert ledger.flops("all").value == (32 + 28 + 4) * N


GEMMS = {  # acts beside the products' 2·k − 1
    (): 0,
    ("c",): 1,
    ("c", "alpha"): 2,
    ("c", "alpha", "beta"): 3,
    ("alpha",): 1,
    ("transA",): 0,
    ("transA", "transB", "c", "beta"): 2,
}


@pytest.mark.parametrize("case", GEMMS, ids=str)
def test_products_of_two_inputs_scaled_and_added(tmp_path, case):
    a = value("a", 8, "N") if "transA" in case else value("a", "N", 8)
    b = value("b", "M", 8) if "transB" in case else value("b", 8, "M")
    settings = {k: (1 if k.startswith("trans") else 0.5) for k in case if k != "c"}
    given, inputs = ["a", "b"], [a, b]
    if "c" in case:
        given, inputs = [*given, "c"], [*inputs, value("c", "N", "M")]
    nodes = [node("Gemm", given, ["y"], **settings)]
    ledger = ledger_of(tmp_path, nodes, inputs, [value("y", "N", "M")])
    outputs = N * symbol("M")
    assert ledger.macs().value == 8 * outputs
    assert ledger.flops("all").value == (15 + GEMMS[case]) * outputs


def test_a_grid_of_positions_is_a_product(tmp_path):
    """N·H·W positions (x, y, 1) by matrices of 2 rows."""
    nodes = [node("AffineGrid", ["t", "size"], ["y"])]
    ends = [value("t", 3, 2, 3)], [value("y", 3, 5, 7, 2)]
    ledger = ledger_of(tmp_path, nodes, *ends, [numbers("size", 3, 4, 5, 7)], opset=20)
    assert ledger.macs().value == 3 * 5 * 7 * 3 * 2


def test_a_deformable_convolution_multiplies_as_a_convolution(tmp_path):
    nodes = [node("DeformConv", ["x", "w", "o", "b", "m"], ["y"], pads=[1, 1, 1, 1])]
    inputs = [MAP, value("o", "B", 18, "H", "W"), value("m", "B", 9, "H", "W")]
    stored = [weight("w", 6, 4, 3, 3), weight("b", 6)]
    ledger = ledger_of(tmp_path, nodes, inputs, [value("y", *"bchw")], stored, opset=19)
    assert ledger.macs().value == 6 * 36 * B * symbol("H") * symbol("W")
    assert ledger.params().value == 6 * 36 + 6
    assert ledger.flops("all").complete


# --- operators without products ------------------------------------------------------------------

PRODUCTLESS = {
    "TopK": ([node("TopK", ["x", "two"], ["y", "i"])], [value("x", "N", 4)]),
    "LRN": ([node("LRN", ["x"], ["y"], size=3)], [MAP]),
    "NonZero": ([node("NonZero", ["x"], ["y"])], [value("x", "N", 4)]),
    "STFT": ([node("STFT", ["x", "step", "window"], ["y"])], [value("x", "B", "N", 1)]),
    "DFT": ([node("DFT", ["x"], ["y"], axis=1)], [value("x", "B", "N", 1)]),
    "GlobalLpPool": ([node("GlobalLpPool", ["x"], ["y"])], [MAP]),
    "ScatterND": (
        [node("ScatterND", ["x", "places", "u"], ["y"], reduction="add")],
        [value("x", "N", 4), value("places", 3, 1, kind=INT), value("u", 3, 4)],
    ),
    "Scaler": (
        [node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", scale=[1.0], offset=[0.0])],
        [value("x", "N", 4)],
    ),
}


@pytest.mark.parametrize("name", PRODUCTLESS)
def test_macs_stay_exact_and_all_is_a_lower_bound(tmp_path, name):
    nodes, inputs = PRODUCTLESS[name]
    stored = [numbers("two", 2), number("step", 5), weight("window", 16)]
    stored = [tensor for tensor in stored if tensor.name in nodes[0].input]
    whole = model(nodes, inputs, [value("y", *"abcd")], stored, opset=18)
    rank = {"TopK": 2, "NonZero": 2, "ScatterND": 2, "Scaler": 2, "DFT": 3}.get(name, 4)
    del whole.graph.output[0].type.tensor_type.shape.dim[rank:]
    if name == "NonZero":
        whole.graph.output[0].type.tensor_type.elem_type = INT
    (tmp_path / "net.onnx").write_bytes(whole.SerializeToString())
    ledger = read(tmp_path / "net.onnx").ledger
    assert ledger.macs().complete
    assert ledger.macs().value == 0
    assert ledger.flops("all").missing == (f"{name}_0:{name}",)


def test_a_spectrogram_s_frames(tmp_path):
    """Of 16 samples every 5, of which 9 frequencies are no mirror of others."""
    nodes = [
        node("STFT", ["x", "step", "window"], ["s"]),
        node("Relu", ["s"], ["y"]),
    ]
    stored = [number("step", 5), weight("window", 16)]
    ends = [value("x", "B", "N", 1)], [value("y", *"abcd")]
    ledger = ledger_of(tmp_path, nodes, *ends, stored)
    assert ledger.rows[1].output == (B, (N - 16) // 5 + 1, 9, 2)
    assert [str(c) for c in ledger.conditions] == ["N ≥ 16"]
    assert read(tmp_path / "graph.onnx", sizes={"N": 31, "B": 2}).ledger.rows[1].output == (
        2, 4, 9, 2
    )  # fmt: skip


def test_the_places_of_a_grid(tmp_path):
    nodes = [node("GridSample", ["x", "g"], ["y"])]
    ends = [MAP, value("g", "B", 5, 7, 2)], [value("y", *"bchw")]
    (row,) = ledger_of(tmp_path, nodes, *ends, opset=20).rows
    assert (row.kind, row.output) == (Kind.GRID_SAMPLE, (B, 4, 5, 7))


def test_every_operator_of_onnx_is_known_or_named_here():
    """So that a new release of onnx, or a gap, is seen."""
    from flopscope.onnxgraph.costless import COSTLESS
    from flopscope.onnxgraph.expansions.table import EXPANSIONS
    from flopscope.onnxgraph.flow import FLOW
    from flopscope.onnxgraph.operators import OPERATORS
    from flopscope.onnxgraph.productless import PRODUCTLESS
    from flopscope.onnxgraph.recurrent import RECURRENT

    known = {*EXPANSIONS, *FLOW, *COSTLESS, *OPERATORS, *PRODUCTLESS, *RECURRENT}
    every = {schema.name for schema in defs.get_all_schemas() if schema.domain == ""}
    assert every - known <= {"Det", "LinearAttention", "SequenceMap", "FlexAttention"}
