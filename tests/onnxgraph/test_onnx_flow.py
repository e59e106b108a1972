"""Choices, loops and recurrent layers of an ONNX graph."""

import numpy as np
import pytest
from graphs import (
    BOOL,
    FLOAT,
    INT,
    INT32,
    body_of,
    held,
    ledger_of,
    model,
    node,
    number,
    numbers,
    value,
    weight,
)  # fmt: skip
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from flopscope.facts import Function, Kind
from flopscope.onnxgraph import read
from flopscope.symbolic import symbol

B, N, T = symbol("B"), symbol("N"), symbol("T")
CHOICE = [node("ReduceMax", ["x"], ["top"], keepdims=0), node("Cast", ["top"], ["truth"], to=BOOL)]
LAYERS = [weight("w", 8, 4), weight("v", 8, 4), weight("u", 8, 6), weight("s", 6, 4)]


def chosen(tmp_path, then, other):
    """An If on data, and a sum of what it gives with itself."""
    nodes = [
        *CHOICE,
        node("If", ["truth"], ["r"], "choice", then_branch=body_of(then, "t"),
             else_branch=body_of(other, "t")),
        node("Add", ["r", "r"], ["y"], "sum"),
    ]  # fmt: skip
    used = {name for n in (*then, *other) for name in n.input}
    stored = [tensor for tensor in LAYERS if tensor.name in used]
    return ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", *"ab")], stored)


def output_of(ledger, path):
    (row,) = [row for row in ledger if row.path == path]
    return row.output


# --- If ------------------------------------------------------------------------------------------


def test_branches_of_equal_cost_cost_that(tmp_path):
    ledger = chosen(
        tmp_path, [node("MatMul", ["x", "w"], ["t"])], [node("MatMul", ["x", "v"], ["t"])]
    )
    assert ledger.complete
    assert ledger.macs().value == 32 * N
    assert ledger.params().value == 64
    assert output_of(ledger, "sum") == (N, 4)
    assert all(source < row.id for row in ledger for source in row.reads)


def test_branches_of_equal_products_leave_macs_exact(tmp_path):
    """One has an activation more."""
    ledger = chosen(
        tmp_path,
        [node("MatMul", ["x", "w"], ["t"])],
        [node("MatMul", ["x", "v"], ["p"]), node("Relu", ["p"], ["t"])],
    )
    assert ledger.macs().value == 32 * N
    assert ledger.macs().complete
    assert ledger.flops("all").missing == ("choice:If",)
    assert ledger.params().value == 64
    assert output_of(ledger, "sum") == (N, 4)


def test_branches_of_other_costs_are_both_said(tmp_path):
    ledger = chosen(
        tmp_path,
        [node("MatMul", ["x", "w"], ["t"])],
        [node("MatMul", ["x", "u"], ["p"]), node("MatMul", ["p", "s"], ["t"])],
    )
    assert ledger.macs().missing == ("choice:If of 32·N or 72·N MACs",)
    assert ledger.macs().value == 0
    assert ledger.params().value == 32 + 48 + 24
    assert output_of(ledger, "sum") == (N, 4)


def test_choices_in_choices(tmp_path):
    """A branch that is itself a choice between equals."""
    inner = node("If", ["truth"], ["t"], "inner",
                 then_branch=body_of([node("MatMul", ["x", "w"], ["a"])], "a"),
                 else_branch=body_of([node("MatMul", ["x", "v"], ["a"])], "a"))  # fmt: skip
    nodes = [
        *CHOICE,
        node("If", ["truth"], ["y"], "outer", then_branch=body_of([inner], "t"),
             else_branch=body_of([node("MatMul", ["x", "v"], ["b"])], "b")),
    ]  # fmt: skip
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", *"ab")], LAYERS[:2])
    assert ledger.macs().value == 32 * N
    assert ledger.complete


def test_thirty_choices_in_each_other(tmp_path):
    """Each branch is walked once, however deep it lies."""
    simple = body_of([node("MatMul", ["x", "w"], ["s"])], "s")
    body = body_of([node("MatMul", ["x", "w"], ["r0"])], "r0")
    for depth in range(1, 31):
        choice = node("If", ["truth"], [f"r{depth}"], then_branch=body, else_branch=simple)
        body = body_of([choice], f"r{depth}")
    nodes = [*CHOICE, node("If", ["truth"], ["y"], then_branch=body, else_branch=simple)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", *"ab")], LAYERS[:1])
    assert ledger.macs().value == 32 * N


# --- Loop and Scan -------------------------------------------------------------------------------


def looped(times, extra=(), kind=INT):
    """x → x·w so many times, and each of them kept."""
    body = body_of(
        [
            node("Identity", ["go"], ["on"]),
            node("MatMul", ["state", "w"], ["next"], "layer"),
            *extra,
            node("Relu", ["next"], ["kept"], "act"),
        ],
        [value("on", kind=BOOL), value("next", "N", 8), value("kept", "N", 8)],
        [value("i", kind=INT), value("go", kind=BOOL), value("state", "N", 8)],
    )
    return node("Loop", [times, "true", "x"], ["y", "all"], "loop", body=body)


TRUE = helper.make_tensor("true", BOOL, [], [True])
SQUARE = weight("w", 8, 8)


def test_a_loop_of_known_length_is_its_steps(tmp_path):
    ends = [value("x", "N", 8)], [value("y", "N", 8), value("all", "L", "N", 8)]
    stored = [number("five", 5), TRUE, SQUARE]
    ledger = ledger_of(tmp_path, [looped("five")], *ends, stored)
    assert ledger.macs().value == 5 * 64 * N
    assert ledger.params().value == 64
    assert ledger.complete
    assert len(ledger) == 10


def test_a_loop_as_long_as_an_input(tmp_path):
    """One step stands for all; its matrix is stored once."""
    nodes = [
        node("Shape", ["steps"], ["shape"]),
        node("Squeeze", ["shape"], ["times"]),
        looped("times"),
        node("Relu", ["all"], ["z"]),
    ]
    inputs = [value("x", "N", 8), value("steps", "T")]
    outputs = [value("y", "N", 8), value("z", *"abc")]
    ledger = ledger_of(tmp_path, nodes, inputs, outputs, [TRUE, SQUARE])
    assert ledger.macs().value == 64 * N * T
    assert ledger.params().value == 64
    assert ledger.complete
    assert ledger.rows[-1].output == (T, N, 8)
    at_numbers = read(tmp_path / "graph.onnx", sizes={"T": 7, "N": 3}).ledger
    assert ledger.at(T=7, N=3).macs().value == at_numbers.macs().value == 64 * 21
    for convention in ("all", "torch"):
        assert ledger.at(T=7, N=3).flops(convention).value == at_numbers.flops(convention).value


def test_a_very_long_loop_is_not_written_out(tmp_path):
    ends = [value("x", "N", 8)], [value("y", "N", 8), value("all", "L", "N", 8)]
    stored = [number("many", 10**9), TRUE, SQUARE]
    ledger = ledger_of(tmp_path, [looped("many")], *ends, stored)
    assert ledger.macs().value == 10**9 * 64 * N
    assert ledger.params().value == 64
    assert len(ledger) == 4


def test_loops_in_loops_that_would_be_endless(tmp_path):
    """A thousand times a thousand times a thousand steps."""
    body_nodes = [node("MatMul", ["state", "w"], ["next"], "layer")]
    for level in range(3):
        inner = body_of(
            [node("Identity", [f"go{level}"], [f"on{level}"]), *body_nodes],
            [value(f"on{level}", kind=BOOL), value("next" if not level else f"y{level - 1}", 4, 8)],
            [value(f"i{level}", kind=INT), value(f"go{level}", kind=BOOL),
             value("state" if not level else f"s{level}", 4, 8)],
        )  # fmt: skip
        outer = "x" if level == 2 else f"s{level + 1}"
        body_nodes = [node("Loop", ["k", "true", outer], [f"y{level}"], body=inner)]
    ends = [value("x", 4, 8)], [value("y2", 4, 8)]
    ledger = ledger_of(tmp_path, body_nodes, *ends, [number("k", 1000), TRUE, SQUARE])
    assert ledger.macs().value == 10**9 * 64 * 4
    assert ledger.params().value == 64


def test_a_loop_whose_values_grow(tmp_path):
    """Its steps are told apart: 1, 2, 3, 4 times N rows of 8 by a matrix of 8."""
    body = body_of(
        [
            node("Identity", ["go"], ["on"]),
            node("MatMul", ["state", "w"], ["p"], "layer"),
            node("Concat", ["p", "x"], ["next"], axis=0),
        ],
        [value("on", kind=BOOL), value("next", *"ab")],
        [value("i", kind=INT), value("go", kind=BOOL), value("state", *"ab")],
    )
    loop = node("Loop", ["four", "true", "x"], ["y"], "loop", body=body)
    ends = [value("x", "N", 8)], [value("y", *"ab")]
    ledger = ledger_of(tmp_path, [loop], *ends, [number("four", 4), TRUE, SQUARE])
    assert ledger.macs().value == (1 + 2 + 3 + 4) * 64 * N
    many = ledger_of(tmp_path, [loop], *ends, [number("four", 10**6), TRUE, SQUARE])
    assert many.macs().missing == ("loop:Loop",)


def test_a_loop_that_ends_when_data_say_so_is_unknown(tmp_path):
    body = body_of(
        [
            node("ReduceMax", ["state"], ["top"], keepdims=0),
            node("Cast", ["top"], ["on"], to=BOOL),
            node("MatMul", ["state", "w"], ["next"]),
        ],
        [value("on", kind=BOOL), value("next", "N", 8)],
        [value("i", kind=INT), value("go", kind=BOOL), value("state", "N", 8)],
    )
    loop = node("Loop", ["five", "true", "x"], ["y"], "loop", body=body)
    ends = [value("x", "N", 8)], [value("y", "N", 8)]
    ledger = ledger_of(tmp_path, [loop], *ends, [number("five", 5), TRUE, SQUARE])
    assert ledger.macs().missing == ("loop:Loop",)
    assert ledger.params().value == 64


def test_a_loop_that_counts_down(tmp_path):
    """The step's number is known: at the third one it ends."""
    body = body_of(
        [
            node("Less", ["i", "two"], ["on"]),
            node("MatMul", ["state", "w"], ["next"]),
        ],
        [value("on", kind=BOOL), value("next", "N", 8)],
        [value("i", kind=INT), value("go", kind=BOOL), value("state", "N", 8)],
    )
    loop = node("Loop", ["nine", "true", "x"], ["y"], body=body)
    ends = [value("x", "N", 8)], [value("y", "N", 8)]
    stored = [number("nine", 9), number("two", 2), TRUE, SQUARE]
    assert ledger_of(tmp_path, [loop], *ends, stored).macs().value == 3 * 64 * N


@pytest.mark.parametrize("length", ["T", 6])
def test_a_scan_runs_over_an_axis(tmp_path, length):
    """h → h·w + x_t, over axis 1 of (B, T, 8)."""
    body = body_of(
        [
            node("MatMul", ["h", "w"], ["p"], "layer"),
            node("Add", ["p", "x_t"], ["next"], "sum"),
            node("Identity", ["next"], ["out"]),
        ],
        [value("next", "B", 8), value("out", "B", 8)],
        [value("h", "B", 8), value("x_t", "B", 8)],
    )
    nodes = [
        node("Scan", ["h0", "x"], ["last", "all"], body=body, num_scan_inputs=1,
             scan_input_axes=[1], scan_output_axes=[1]),
        node("Relu", ["all"], ["y"]),
    ]  # fmt: skip
    inputs = [value("h0", "B", 8), value("x", "B", length, 8)]
    outputs = [value("last", "B", 8), value("y", *"abc")]
    ledger = ledger_of(tmp_path, nodes, inputs, outputs, [SQUARE])
    steps = symbol("T") if length == "T" else 6
    assert ledger.macs().value == 64 * B * steps
    assert ledger.params().value == 64
    assert ledger.rows[-1].output == (B, steps, 8)
    assert ledger.complete


# --- recurrent layers ----------------------------------------------------------------------------


def recurrent(op, gates, settings=(), **named):
    """A layer of width 6 and hidden width 5, weights as they are stored."""
    stored = [weight("w", 1, gates * 5, 6), weight("r", 1, gates * 5, 5)]
    stored += [weight("b", 1, gates * 10)]
    return [node(op, ["x", "w", "r", "b"], ["y"], "cell", hidden_size=5, **named)], stored


SEQUENCE = [value("x", "T", "B", 6)], [value("y", *"tdbh")]


def test_gates_in_another_order_are_multiplied_all_the_same(tmp_path):
    """torch's order i, f, g, o made onnx's i, o, f, g as the graph runs, as exporters do it."""

    def turned(name, bounds, joined):
        parts = [node("Slice", [name, f"n{a}", f"n{z}", "axis"], [f"{name}{a}"]) for a, z in bounds]
        inputs = [f"{name}{a}" for a, _ in bounds]
        whole = node("Concat", inputs, [f"{name}_turned"], axis=0)
        return [*parts, whole, node("Unsqueeze", [f"{name}_turned", "axis"], [joined])]

    order = [(0, 5), (15, 20), (5, 10), (10, 15)]
    nodes = [
        *turned("wi", order, "w"), *turned("wh", order, "r"),
        node("LSTM", ["x", "w", "r"], ["y"], "cell", hidden_size=5),
    ]  # fmt: skip
    stored = [weight("wi", 20, 6), weight("wh", 20, 5), numbers("axis", 0)]
    stored += [numbers(f"n{n}", n) for n in (0, 5, 10, 15, 20)]
    ledger = ledger_of(tmp_path, nodes, *SEQUENCE, stored)
    assert ledger.macs().value == T * B * (20 * 6 + 20 * 5)
    assert ledger.macs().complete
    assert ledger.params().value == 20 * 6 + 20 * 5


def test_both_directions_put_together(tmp_path):
    """One matrix a direction, joined as the graph runs."""
    nodes = [
        node("Concat", ["w1", "w2"], ["w"], axis=0), node("Concat", ["r1", "r2"], ["r"], axis=0),
        node("GRU", ["x", "w", "r"], ["y"], "cell", hidden_size=5, direction="bidirectional"),
    ]  # fmt: skip
    stored = [weight(f"w{n}", 1, 15, 6) for n in (1, 2)]
    stored += [weight(f"r{n}", 1, 15, 5) for n in (1, 2)]
    ledger = ledger_of(tmp_path, nodes, *SEQUENCE, stored)
    assert ledger.macs().value == T * B * 2 * (15 * 6 + 15 * 5)
    assert ledger.params().value == 2 * (15 * 6 + 15 * 5)
    assert [row.output for row in ledger if row.path == "cell"][-1] == (T, B, 10)


def test_peepholes_and_bounds_are_products_of_elements(tmp_path):
    nodes, stored = recurrent("LSTM", 4)
    plain = ledger_of(tmp_path, nodes, *SEQUENCE, stored)
    looks = [node("LSTM", ["x", "w", "r", "b", "", "", "", "p"], ["y"], hidden_size=5)]
    peeping = ledger_of(tmp_path, looks, *SEQUENCE, [*stored, weight("p", 1, 15)])
    assert peeping.macs().value == plain.macs().value == T * B * 20 * 11
    assert peeping.params().value == plain.params().value + 15
    # three gates look at the cell: a product and a sum each
    assert peeping.flops("all").value == plain.flops("all").value + 2 * 15 * T * B
    bounded, stored = recurrent("LSTM", 4, clip=3.0)
    # what goes into each of five functions is kept between two bounds
    assert ledger_of(tmp_path, bounded, *SEQUENCE, stored).flops("all").value == (
        plain.flops("all").value + 5 * 2 * 5 * T * B
    )


def test_functions_of_one_s_own(tmp_path):
    nodes, stored = recurrent("LSTM", 4, activations=["Relu", "Elu", "Tanh"])
    ledger = ledger_of(tmp_path, nodes, *SEQUENCE, stored)
    found = [row.function for row in ledger if row.kind is Kind.ACTIVATION]
    assert found == [Function.RELU] * 3 + [Function.ELU, Function.TANH]
    assert ledger.flops("all").complete
    odd, stored = recurrent("LSTM", 4, activations=["Affine", "Tanh", "Tanh"])
    ledger = ledger_of(tmp_path, odd, *SEQUENCE, stored)
    assert ledger.macs().value == T * B * 20 * 11
    assert ledger.macs().complete
    assert ledger.flops("all").missing == ("cell:LSTM",)


def test_the_batch_first(tmp_path):
    nodes, stored = recurrent("GRU", 3, layout=1)
    nodes += [node("Relu", ["y"], ["z"])]
    ends = [value("x", "B", "T", 6)], [value("z", *"bthd")]
    ledger = ledger_of(tmp_path, nodes, *ends, stored)
    assert ledger.macs().value == T * B * 15 * 11
    assert ledger.rows[-1].output == (B, T, 1, 5)


@pytest.mark.parametrize(("lengths", "known"), [((7, 7), True), ((7, 3), False)])
def test_sequences_that_are_all_as_long_as_the_input(tmp_path, lengths, known):
    stored = [weight("w", 1, 20, 6), weight("r", 1, 20, 5), weight("b", 1, 40)]
    stored += [helper.make_tensor("l", INT32, [2], lengths)]
    nodes = [node("LSTM", ["x", "w", "r", "b", "l"], ["y"], "cell", hidden_size=5)]
    ends = [value("x", 7, 2, 6)], [value("y", *"tdbh")]
    reading = ledger_of(tmp_path, nodes, *ends, stored).macs()
    assert reading.complete is known
    assert reading.value == (14 * 20 * 11 if known else 0)


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_shapes_are_those_of_onnx_s_reference(tmp_path, op):
    """Run by onnx's own evaluator."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    generator = np.random.default_rng(0)

    def array(name, *shape):
        return numpy_helper.from_array(generator.random(shape, dtype=np.float32), name)

    stored = [array("w", 1, gates * 5, 6), array("r", 1, gates * 5, 5)]
    nodes = [node(op, ["x", "w", "r"], ["y", "h"], hidden_size=5)]
    outputs = [value("y", *"tdbh"), value("h", *"dbh")]
    whole = model(nodes, [value("x", 7, 2, 6)], outputs, stored)
    shapes = [a.shape for a in ReferenceEvaluator(whole).run(None, {"x": np.ones((7, 2, 6), "f")})]
    after = [node("Abs", ["y"], ["a"]), node("Abs", ["h"], ["c"])]
    ends = [value("x", 7, 2, 6)], [value("a", *"tdbh"), value("c", *"dbh")]
    ledger = ledger_of(tmp_path, [*nodes, *after], *ends, stored)
    assert [row.output for row in ledger.rows[-2:]] == shapes
    assert held("z", FLOAT, 1).data_type == FLOAT


def test_branches_whose_own_tensors_have_the_same_names(tmp_path):
    """Each has a matrix w of its own, and both are stored."""
    then = body_of([node("MatMul", ["x", "w"], ["t"])], "t", stored=[weight("w", 8, 4)])
    other = body_of(
        [node("MatMul", ["x", "w"], ["p"]), node("MatMul", ["p", "u"], ["t"])],
        "t",
        stored=[weight("w", 8, 6), held("u", FLOAT, 6, 4)],
    )
    nodes = [*CHOICE, node("If", ["truth"], ["y"], then_branch=then, else_branch=other)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", *"ab")])
    assert ledger.macs().missing == ("If_2:If of 32·N or 72·N MACs",)
    assert ledger.params().value == 32 + 48 + 24


def test_a_loop_whose_body_holds_its_matrix(tmp_path):
    """Stored once, whether its steps are written out or not."""
    body = body_of(
        [node("Identity", ["go"], ["on"]), node("MatMul", ["state", "w"], ["next"])],
        [value("on", kind=BOOL), value("next", "N", 8)],
        [value("i", kind=INT), value("go", kind=BOOL), value("state", "N", 8)],
        [SQUARE],
    )
    loop = node("Loop", ["k", "true", "x"], ["y"], body=body)
    ends = [value("x", "N", 8)], [value("y", "N", 8)]
    for times in (3, 10**6):
        ledger = ledger_of(tmp_path, [loop], *ends, [number("k", times), TRUE])
        assert (ledger.macs().value, ledger.params().value) == (64 * times * N, 64)
