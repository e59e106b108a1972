"""An exported graph has the rows of the traced module, and of the closed form."""

from collections import Counter

import pytest
from graphs import INT, body_of, export, ledger_of, node, numbers, value, weight
from onnx import defs, helper
from torch import nn
from torch.nn import functional as F

from flopscope.catalog.variant import FREE, parse
from flopscope.errors import BadInput
from flopscope.facts import Function, Kind
from flopscope.onnxgraph import read
from flopscope.onnxgraph.costless import COSTLESS
from flopscope.onnxgraph.expansions.table import EXPANSIONS
from flopscope.onnxgraph.operators import OPERATORS
from flopscope.onnxgraph.productless import PRODUCTLESS
from flopscope.onnxgraph.recurrent import RECURRENT
from flopscope.onnxgraph.shapes.table import SHAPES
from flopscope.sizes import elements
from flopscope.symbolic import symbol
from flopscope.tracing import trace

B, H, W = FREE["B"], FREE["H"], FREE["W"]
IMAGE = {0: "B", 2: "H", 3: "W"}
MODELS = ["mobilenetv2", "mobilenetv3_small", "efficientnet_b0"]
PRODUCTS = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR, Kind.MATMUL)


def facts(row):
    """What a row is, without names; operands of sums and products in any order."""
    stored = [tuple(w.shape for w in held) for held in (row.weights, row.buffers)]
    inputs = sorted(row.inputs, key=str)
    return (
        row.kind, str(inputs), str(row.output), *stored, row.window, row.groups, row.function
    )  # fmt: skip


def swish_apart(row):
    """ONNX writes x·σ(x) as two operators until operator set 24."""
    if row.function is not Function.SILU:
        return [row]
    gate = row._replace(function=Function.SIGMOID)
    return [gate, row._replace(kind=Kind.MULTIPLY, inputs=row.inputs * 2, function=None)]


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory):
    """A reference model, its closed form, its graph with norms, and with norms folded."""
    variant = parse(request.param)
    folder, module = tmp_path_factory.mktemp("onnx"), variant.build()
    plain = export(folder / "plain.onnx", module, (1, 3, 64, 64), IMAGE)
    folded = export(folder / "folded.onnx", module, (1, 3, 64, 64), IMAGE, folded=True)
    return variant.ledger((H, W), B), read(plain).ledger, read(folded).ledger, plain


def test_the_graph_has_the_rows_of_the_closed_form(exported):
    closed, graph, _, _ = exported
    expected = [part for row in closed for part in swish_apart(row)]
    assert Counter(map(facts, graph)) == Counter(map(facts, expected))
    assert graph.complete
    assert graph.conditions == ()


def test_its_formulas_are_those_of_the_closed_form(exported):
    closed, graph, _, _ = exported
    assert graph.params().value == closed.params().value
    assert graph.macs().value == closed.macs().value
    assert graph.activations().value == closed.activations().value
    # σ and a product instead of x/(1 + exp(−x)): one act an element more
    swish = sum(elements(row.output) for row in closed if row.function is Function.SILU)
    assert graph.flops("all").value == closed.flops("all").value + swish


def test_folding_gives_every_convolution_its_norm_s_bias(exported):
    """γ and β, two numbers a channel, become one bias a channel: nothing else changes."""
    closed, graph, folded, _ = exported
    norms = [row for row in closed if row.kind is Kind.BATCH_NORM]
    channels = sum(row.output[1] for row in norms)
    assert folded.params().value == closed.params().value - 2 * channels + channels
    assert folded.macs().value == graph.macs().value
    assert not [row for row in folded if row.kind is Kind.BATCH_NORM]
    assert len(folded) == len(graph) - len(norms)


@pytest.mark.parametrize("shape", [(2, 3, 97, 65), (1, 3, 1, 1)])
def test_a_graph_at_other_sizes_is_its_formula_at_those(exported, shape):
    closed, graph, _, path = exported
    sizes = {"B": shape[0], "H": shape[2], "W": shape[3]}
    given = read(path, [shape])
    named = read(path, sizes=sizes)
    assert given.inputs == named.inputs == {"x": shape}
    assert given.ledger.rows == named.ledger.rows == graph.at(**sizes).rows
    assert given.ledger.macs().value == closed.macs().formula.at(**sizes)


def test_rows_read_what_came_before_them(exported):
    _, graph, _, _ = exported
    assert [row.id for row in graph] == list(range(len(graph)))
    assert all(source < row.id for row in graph for source in row.reads)
    read_later = {source for row in graph for source in row.reads}
    assert {row.id for row in graph} - read_later == {len(graph) - 1}


# --- layers that other families need -------------------------------------------------------------


class Attention(nn.Module):
    """Fused attention, which the exporter takes apart."""

    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(32), nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, tokens, 3, 4, 8).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*qkv).transpose(1, 2)
        return x + self.out(mixed.reshape(batch, tokens, width))


class Mixed(nn.Module):
    """Convolutions down and up, norms over groups, pools, interpolation."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2)
        self.up = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool2d(self.conv(x), 3, 2, 1)
        x = self.up(F.hardswish(F.leaky_relu(F.pad(x, (1, 1, 1, 1)).repeat(1, 2, 1, 1))))
        x = F.avg_pool2d(self.instance(x), 2)
        x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        x = F.interpolate(F.interpolate(x, scale_factor=2, mode="bilinear"), scale_factor=3)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1)).softmax(-1)


class First(nn.Module):
    """A recurrent layer without its states."""

    def __init__(self, layer, **settings):
        super().__init__()
        self.layer = layer(6, 5, **settings)

    def forward(self, x):
        return self.layer(x)[0]


LAYERS = {
    "attention": (Attention, (2, 17, 32), {0: "B", 1: "n"}),
    "mixed": (Mixed, (1, 8, 32, 32), IMAGE),
    **{
        f"{layer.__name__} {settings}": (
            lambda layer=layer, settings=settings: First(layer, **settings),
            (7, 2, 6),
            {0: "n", 1: "B"},
        )
        for layer in (nn.LSTM, nn.GRU, nn.RNN)
        for settings in (
            {},
            {"bias": False},
            {"num_layers": 2, "bidirectional": True},
        )
    },
    "RNN with relu": (lambda: First(nn.RNN, nonlinearity="relu"), (7, 2, 6), {0: "n", 1: "B"}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_cost_what_the_traced_module_costs(tmp_path, name):
    build, shape, free = LAYERS[name]
    module = build()
    sizes = tuple(symbol(free[axis]) if axis in free else n for axis, n in enumerate(shape))
    traced = trace(module.eval(), sizes, example={"n": 17}).ledger
    graph = read(export(tmp_path / "layer.onnx", module, shape, free)).ledger
    assert graph.complete
    assert graph.params().value == sum(p.numel() for p in module.parameters())
    assert graph.params().value == traced.params().value
    for kind in PRODUCTS:
        assert of_kind(graph, kind).macs().value == of_kind(traced, kind).macs().value
    assert graph.activations().value == traced.activations().value
    # The exporter scales queries and keys, as does the tracer; nothing else differs.
    assert graph.flops("all").value == traced.flops("all").value


def of_kind(ledger, kind):
    return ledger.filter(lambda row: row.kind is kind)


def test_attention_in_its_formula(tmp_path):
    """Three matrices in, one out, and two products of all pairs of n tokens."""
    path = export(tmp_path / "a.onnx", Attention(), (2, 17, 32), {0: "B", 1: "n"})
    n, b = symbol("n"), symbol("B")
    assert read(path).ledger.macs().value == b * n * (4 * 32 * 32) + 2 * b * n * n * 32


def test_multi_head_attention_at_the_number_of_tokens_that_its_export_fixes(tmp_path):
    module = nn.MultiheadAttention(32, 4, batch_first=True)

    class Alone(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = module

        def forward(self, x):
            return self.attention(x, x, x, need_weights=False)[0]

    path = export(tmp_path / "a.onnx", Alone(), (2, 17, 32), {0: "B", 1: "n"})
    found = read(path, sizes={"n": 17}).ledger
    assert found.macs().value == symbol("B") * (17 * 4 * 32 * 32 + 2 * 17 * 17 * 32)
    assert found.params().value == sum(p.numel() for p in module.parameters())
    with pytest.raises(BadInput) as error:
        read(path, sizes={"n": 18, "B": 1})
    assert str(error.value) == (
        f"sizes {18 * 32} and {17 * 32} meet at elements of attention.Reshape_4, but must be equal"
    )


# --- operators by themselves ---------------------------------------------------------------------


@pytest.mark.parametrize("table", [OPERATORS, SHAPES, COSTLESS, RECURRENT, EXPANSIONS, PRODUCTLESS])
def test_the_tables_name_operators_of_onnx(table):
    known = {f"{s.domain}.{s.name}" if s.domain else s.name for s in defs.get_all_schemas()}
    elsewhere = ("com.microsoft.", "com.ms.internal.nhwc.")
    assert {op for op in table if not op.startswith(elsewhere)} - known <= {
        "SimplifiedLayerNormalization"  # onnxruntime's, in onnx's own domain
    }


def test_no_operator_is_free_and_counted_but_the_gather_that_looks_up_a_table():
    assert set(OPERATORS) & set(COSTLESS) == {"Gather"}
    assert not PRODUCTLESS & (set(OPERATORS) | set(COSTLESS) | set(EXPANSIONS))
    assert set(RECURRENT) & (set(OPERATORS) | set(COSTLESS)) == set()


def test_a_name_becomes_a_size_through_shape_arithmetic(tmp_path):
    """(B, 4, H, W) as (B, 4, H·W) by Shape, Slice, Gather, Mul and Concat; then a layer of 4."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Slice", ["shape", "zero", "two"], ["front"]),
        node("Gather", ["shape", "two"], ["height"]),
        node("Gather", ["shape", "three"], ["width"]),
        node("Mul", ["height", "width"], ["pixels"]),
        node("Concat", ["front", "pixels"], ["wanted"], axis=0),
        node("Reshape", ["x", "wanted"], ["flat"]),
        node("Transpose", ["flat"], ["tokens"], perm=[0, 2, 1]),
        node("MatMul", ["tokens", "w"], ["y"]),
    ]
    stored = [numbers("zero", 0), numbers("two", 2), numbers("three", 3), weight("w", 4, 6)]
    ledger = ledger_of(
        tmp_path, nodes, [value("x", "B", 4, "H", "W")], [value("y", *"BNC")], stored
    )
    move, row = ledger.rows
    assert (move.kind, move.output) == (Kind.MOVE, (B, H * W, 4))
    assert (row.kind, row.output) == (Kind.LINEAR, (B, H * W, 6))
    assert row.weights[0].shape == (6, 4)
    assert ledger.macs().value == 24 * B * H * W
    assert ledger.conditions == ()


def test_a_size_that_has_to_fit_becomes_a_condition(tmp_path):
    nodes = [node("Reshape", ["x", "shape"], ["y"])]
    ledger = ledger_of(
        tmp_path, nodes, [value("x", "B", "C")], [value("y", *"ab")], [numbers("shape", -1, 8)]
    )
    assert [str(condition.what) for condition in ledger.conditions] == [
        "number of elements of Reshape_0"
    ]


def test_a_branch_on_what_is_known_ahead_is_taken(tmp_path):
    """The rank of the input decides: Shape of Shape is 2 numbers long."""
    wide = body_of([node("MatMul", ["x", "w"], ["r"])], "r")
    other = body_of([node("Exp", ["x"], ["r"])], "r")
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Size", ["shape"], ["rank"]),
        node("Equal", ["rank", "two"], ["is_two"]),
        node("If", ["is_two"], ["y"], then_branch=wide, else_branch=other),
        node("Relu", ["y"], ["z"]),
    ]
    ends = [value("x", "B", 4)], [value("z", "B", "n")]
    two = numbers("two", 2)
    two.ClearField("dims")
    taken = ledger_of(tmp_path, nodes, *ends, [two, weight("w", 4, 6)])
    assert [row.kind for row in taken] == [Kind.LINEAR, Kind.ACTIVATION]
    assert taken.macs().value == 24 * B
    two.int64_data[0] = 3
    other = ledger_of(tmp_path, nodes, *ends, [two, weight("w", 4, 6)])
    assert [row.function for row in other] == [Function.EXP, Function.RELU]


def test_a_branch_on_data_a_loop_and_another_domain_are_unknown_by_name(tmp_path):
    body = body_of([node("MatMul", ["x", "w"], ["r"])], "r")
    other = body_of([node("Exp", ["x"], ["r"])], "r")
    nodes = [
        node("ReduceMax", ["x"], ["top"], keepdims=0),
        node("Cast", ["top"], ["truth"], to=9),
        node("If", ["truth"], ["y"], "choice", then_branch=body, else_branch=other),
        node("Magic", ["y"], ["z"], "trick", domain="local"),
        node("Det", ["square"], ["d"], "det"),
    ]
    inputs = [value("x", "B", 4), value("square", "B", 3, 3)]
    outputs = [value("z", "B", 4), value("d", "B")]
    ledger = ledger_of(tmp_path, nodes, inputs, outputs, [weight("w", 4, 4)])
    assert ledger.macs().missing == (
        "choice:If of 16·B or 0 MACs",
        "trick:Magic",
        "det:Det",
    )
    assert not ledger.complete
    assert ledger.params().value == 16


def test_local_functions_are_written_out(tmp_path):
    sets = [helper.make_opsetid("", 18)]
    layer = helper.make_function(
        "local", "Layer", ["x", "w"], ["y"],
        [node("MatMul", ["x", "w"], ["t"]), node("Relu", ["t"], ["y"])], sets
    )  # fmt: skip
    nodes = [
        node("Layer", ["x", "a"], ["t"], domain="local"),
        node("Layer", ["t", "b"], ["y"], domain="local"),
    ]
    ledger = ledger_of(
        tmp_path, nodes, [value("x", "B", 4)], [value("y", "B", 8)],
        [weight("a", 4, 6), weight("b", 6, 8)], functions=[layer],
    )  # fmt: skip
    assert [row.kind for row in ledger] == [Kind.LINEAR, Kind.ACTIVATION] * 2
    assert ledger.macs().value == (24 + 48) * B


ONE_LAYER = {
    "Gemm": node("Gemm", ["x", "w", "b"], ["y"], transB=1),
    "MatMul": node("MatMul", ["x", "turned"], ["y"]),
    "Einsum": node("Einsum", ["x", "w"], ["y"], equation="ni,oi->no"),
    "Conv": node("Conv", ["map", "kernel"], ["y"]),
}


@pytest.mark.parametrize("name", ONE_LAYER)
def test_one_layer_written_in_four_ways(tmp_path, name):
    stored = [
        weight("w", 6, 4),
        weight("b", 6),
        weight("turned", 4, 6),
        weight("kernel", 6, 4, 1, 1),
    ]
    rank = 4 if name == "Conv" else 2
    shape = [1] * (rank - 2)
    ends = [value("map" if rank == 4 else "x", "B", 4, *shape)], [value("y", "B", 6, *shape)]
    used = [t for t in stored if t.name in ONE_LAYER[name].input]
    ledger = ledger_of(tmp_path, [ONE_LAYER[name]], *ends, used)
    assert ledger.macs().value == 24 * B
    assert ledger.params().value == (30 if name == "Gemm" else 24)


def test_a_product_by_letters_is_the_product(tmp_path):
    heads = [value("q", "B", "h", "n", 8), value("k", "B", "h", "m", 8)]
    letters = node("Einsum", ["q", "k"], ["y"], equation="bhnd,bhmd->bhnm")
    ledger = ledger_of(tmp_path, [letters], heads, [value("y", *"bhnm")])
    h, n, m = map(symbol, "hnm")
    assert ledger.macs().value == 8 * B * h * n * m


NORMS = {
    "LayerNormalization": ({"axis": -1}, 6, B * 4 * 5),
    "GroupNormalization": ({"num_groups": 2}, 4, B * 2),
    "InstanceNormalization": ({}, 4, B * 4),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_know_their_groups(tmp_path, name):
    settings, size, groups = NORMS[name]
    ends = [value("x", "B", 4, 5, 6)], [value("y", "B", 4, 5, 6)]
    nodes = [node(name, ["x", "s", "s"], ["y"], **settings)]
    (row,) = ledger_of(tmp_path, nodes, *ends, [weight("s", size)], opset=21).rows
    assert row.groups == groups
    assert [w.shape for w in row.weights] == [(size,), (size,)]


def test_a_kernel_that_is_computed_is_no_parameter(tmp_path):
    nodes = [node("Conv", ["x", "k"], ["y"])]
    ends = [value("x", "B", 3, "H", "W"), value("k", 8, 3, 3, 3)], [value("y", *"bchw")]
    ledger = ledger_of(tmp_path, nodes, *ends)
    assert ledger.params().value == 0
    assert ledger.macs().value == 8 * 27 * B * (H - 2) * (W - 2)
    assert ledger.rows[0].reads == (-1, -2)


def test_parameters_that_no_row_reads_as_a_whole_count_too(tmp_path):
    """Half of a table is taken: the table is stored whole."""
    nodes = [
        node("Slice", ["table", "zero", "two"], ["half"]),
        node("Add", ["x", "half"], ["y"]),
    ]
    stored = [weight("table", 4, 6), weight("unused", 9), numbers("zero", 0), numbers("two", 2)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "B", 2, 6)], [value("y", *"abc")], stored)
    assert ledger.params().value == 24


def test_a_lookup_is_an_embedding(tmp_path):
    ends = [value("i", "B", "n", kind=INT)], [value("y", "B", "n", 8)]
    ledger = ledger_of(tmp_path, [node("Gather", ["t", "i"], ["y"])], *ends, [weight("t", 100, 8)])
    assert [row.kind for row in ledger] == [Kind.EMBEDDING]
    assert (ledger.params().value, ledger.macs().value) == (800, 0)
