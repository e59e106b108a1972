"""Sizes of an ONNX graph: their names, slices of them, where a formula holds."""

from operator import ge, le, ne

import pytest
from graphs import (
    INT,
    MS,
    body_of,
    held,
    ledger_of,
    model,
    node,
    number,
    numbers,
    value,
    weight,
    write,
)  # fmt: skip
from onnx import shape_inference
from profiles import printed, run

from flopscope.errors import BadInput
from flopscope.onnxgraph import read
from flopscope.symbolic import symbol

N = symbol("N")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(tmp_path, starts, ends, steps=1, size="N"):
    """MACs of a layer of 8 to 4 on what a slice takes of the rows of (N, 8), over 32."""
    nodes = [
        node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"], "cut"),
        node("MatMul", ["y", "w"], ["z"]),
    ]
    stored = [numbers("starts", starts), numbers("ends", ends), numbers("axes", 0)]
    stored += [numbers("steps", steps), weight("w", 8, 4)]
    ledger = ledger_of(tmp_path, nodes, [value("x", size, 8)], [value("z", "M", 4)], stored)
    return ledger.macs().value / 32, [str(c) for c in ledger.conditions]


LARGE, INT32, INT64 = 10**9, 2**31 - 1, 2**63 - 1

SLICES = {
    (0, INT64, 1): (N, []),
    (0, INT32, 1): (N, []),
    (0, LARGE, 1): (N, ["N ≤ 1000000000"]),
    (2, LARGE, 1): (N - 2, ["N ≠ 1", "N ≤ 1000000000"]),
    (2, INT64, 3): ((N - 2 + 2) // 3, ["N ≠ 1"]),
    (-3, INT64, 1): (3, ["N ≥ 3"]),
    (0, -1, 1): (N - 1, []),
    (0, 5, 1): (5, ["N ≥ 5"]),
    (-(2**63), INT64, 1): (N, []),
    (-1, -INT64, -1): (N, []),
    (-1, -(2**63), -1): (N, []),
    (INT64, -INT32, -1): (N, []),
    (-1, -INT32, -2): ((N + 1) // 2, []),
    (-2, -INT64, -1): (N - 1, []),
    (4, -INT64, -1): (5, ["N ≥ 5"]),
    (-1, 2, -1): (N - 3, ["N ≥ 3"]),
}


@pytest.mark.parametrize("cut", SLICES, ids=str)
def test_what_a_slice_takes_of_a_free_axis(tmp_path, cut):
    assert rows_of(tmp_path, *cut) == SLICES[cut]


@pytest.mark.parametrize("cut", SLICES, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_a_slice_at_numbers_is_python_s(tmp_path, cut, size):
    """And the formula's wherever its conditions hold."""
    taken, conditions = rows_of(tmp_path, *cut, size=size)
    assert (taken, conditions) == (len(range(size)[slice(*cut)]), [])
    formula, where = SLICES[cut]
    signs = {"≥": ge, "≤": le, "≠": ne}
    if all(signs[sign](size, int(n)) for _, sign, n in map(str.split, where)):
        assert taken == (formula if isinstance(formula, int) else formula.evaluate({"N": size}))


def conv(name="width", height="height"):
    kernel = weight("w", 4, 3, 3, 3)
    nodes = [node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])]
    ends = [value("x", "batch", 3, height, name)], [value("y", "batch", 4, height, name)]
    return nodes, *ends, [kernel]


def test_a_size_is_written_as_the_file_names_it(capsys, folder):
    write(folder / "net.onnx", *conv())
    out = printed(capsys, "net.onnx")
    assert out.startswith("net.onnx on (batch, 3, height, width).")
    assert "108·batch·height·width" in out
    assert "domain: batch, height, width ≥ 1" in out
    assert not any(text in out for text in ("α", "multiplier", "batch size"))
    latex = read("net.onnx").ledger.macs().formula.latex()
    assert latex == "108 batch height width"


@pytest.mark.parametrize("name", ["tokens", "heads", "depth", "rho", "K", "S", "t", "classes"])
def test_no_name_is_one_of_the_alphabet(capsys, folder, name):
    write(folder / "net.onnx", *conv(name))
    out = printed(capsys, "net.onnx")
    assert f"(batch, 3, height, {name})" in " ".join(out.split())
    domain = ", ".join(sorted(["batch", "height", name])) + " ≥ 1"
    assert f"domain: {domain}" in out
    assert "\n" + name + ": " not in out
    ledger = read("net.onnx", sizes={name: 5}).ledger
    assert ledger.macs().value == 108 * 5 * symbol("batch") * symbol("height")


def test_names_that_are_no_identifiers_become_ones(folder):
    write(folder / "net.onnx", *conv("seq len", "class"))
    graph = read("net.onnx")
    assert [str(n) for n in graph.inputs["x"]] == ["batch", "3", "size_class", "seq_len"]
    given = read("net.onnx", sizes={"seq_len": 7, "size_class": 2, "batch": 1})
    assert given.ledger.macs().value == 108 * 14
    write(folder / "net.onnx", *conv("seq len", "seq_len"))
    assert len(set(map(str, read("net.onnx").inputs["x"]))) == 4


def test_arithmetic_on_names_is_read_as_such(folder):
    write(folder / "net.onnx", *conv("2*height + 1"))
    assert read("net.onnx").ledger.macs().value == (
        108 * symbol("batch") * symbol("height") * (2 * symbol("height") + 1)
    )


@pytest.mark.parametrize("name", ["unk__0", "?", "None"])
def test_a_placeholder_is_no_size(capsys, folder, name):
    write(folder / "net.onnx", *conv(name))
    assert run(capsys, "net.onnx") == (
        2,
        "",
        "flopscope: input 'x' of net.onnx is stated as batch,3,height,"
        f"{name}, which leaves sizes open; give its shape, as in --input 1,3,224,224 or "
        "--input B,3,H,W\n",
    )


def test_inference_s_placeholders_inside_are_no_sizes(folder):
    """As other tools save them: what an operator that they do not know gives, and all behind it."""
    nodes = [
        node("NonZero", ["x"], ["places"]),
        node("Cast", ["places"], ["floats"], to=1),
        node("Transpose", ["floats"], ["rows"]),
        node("MatMul", ["rows", "w"], ["y"], "layer"),
    ]
    whole = model(nodes, [value("x", "N", 4)], [value("y", "k", 4)], [weight("w", 2, 4)])
    inferred = shape_inference.infer_shapes(whole)
    names = {d.dim_param for v in inferred.graph.value_info for d in v.type.tensor_type.shape.dim}
    assert any(name.startswith("unk__") for name in names)
    (folder / "net.onnx").write_bytes(inferred.SerializeToString())
    ledger = read("net.onnx").ledger
    assert {s.name for s in ledger.symbols()} <= {"N"}
    assert ledger.macs().missing == ("layer:MatMul",)


def test_what_has_to_hold_is_solved_as_in_traces(tmp_path):
    """(B, H, W, C) in windows of 7, and two inputs that have to be alike."""
    nodes = [
        node("Reshape", ["x", "windows"], ["t"], "windows"),
        node("Add", ["a", "b"], ["s"], "sum"),
        node("Slice", ["s", "one", "two"], ["y"], "cut"),
    ]
    inputs = [value("x", "B", "H", 8), value("a", "L", 4), value("b", "M", 4)]
    outputs = [value("t", *"abcd"), value("y", *"ef")]
    stored = [numbers("windows", 0, -1, 7, 8), numbers("one", 3), numbers("two", 9)]
    ledger = ledger_of(tmp_path, nodes, inputs, outputs, stored)
    assert [str(c) for c in ledger.conditions] == ["H multiple of 7", "M ≥ 9", "L = M"]


def test_sizes_that_are_never_equal_are_refused(tmp_path):
    double = [node("Concat", ["x", "x"], ["t"], axis=0), node("MatMul", ["x", "t"], ["y"], "layer")]
    with pytest.raises(BadInput) as error:
        ledger_of(tmp_path, double, [value("x", "N", "N")], [value("y", *"ab")])
    assert str(error.value) == "sizes N and 2·N meet at layer, and are equal at no size"


# --- shapes that the file states -----------------------------------------------------------------

FOREIGN = [node("Magic", ["x"], ["a"], "trick", domain="local"), node("MatMul", ["a", "w"], ["y"])]


def foreign(path, known):
    whole = model(FOREIGN, [value("x", "B", 4)], [value("y", "B", 6)], [weight("w", 8, 6)])
    whole.graph.value_info.extend(known)
    path.write_bytes(whole.SerializeToString())
    return path


def test_a_foreign_operator_does_not_lose_the_shapes_that_the_file_states(tmp_path):
    path = foreign(tmp_path / "net.onnx", [value("a", "B", 8)])
    ledger = read(path).ledger
    assert ledger.macs().missing == ("trick:Magic",)
    assert ledger.macs().value == 48 * symbol("B")
    assert read(path, sizes={"B": 3}).ledger.macs().value == 48 * 3
    assert read(path, [(5, 4)]).ledger.macs().value == 48 * 5
    assert read(path, [(N, 4)]).ledger.macs().value == 48 * N


def test_shapes_stated_for_other_numbers_are_not_taken(tmp_path):
    whole = model(FOREIGN, [value("x", 2, 4)], [value("y", 2, 6)], [weight("w", 8, 6)])
    whole.graph.value_info.extend([value("a", 2, 8)])
    path = tmp_path / "net.onnx"
    path.write_bytes(whole.SerializeToString())
    assert read(path, [(2, 4)]).ledger.macs().missing == ("trick:Magic",)
    assert read(path, [(3, 4)]).ledger.macs().missing == ("trick:Magic", "MatMul_1:MatMul")


LATER = {
    "MatMul": ([node("MatMul", ["a", "w"], ["y"], "l")], ("B", 5, 6), 240),
    "MatMul of something between": (
        [node("Relu", ["a"], ["b"]), node("MatMul", ["b", "w"], ["y"], "l")], ("B", 5, 6), 240
    ),
    "Gemm": ([node("Gemm", ["a", "v", "c"], ["y"], "l", transB=1)], ("B", 6), 48),
    "Transpose": (
        [node("Transpose", ["a"], ["t"], perm=[1, 0]), node("MatMul", ["t", "w"], ["y"], "l")],
        ("B", 6),
        48,
    ),
    "Conv": (
        [node("Conv", ["a", "k"], ["y"], "l", pads=[1, 1, 1, 1])], ("B", 4, "H", "W"), 108
    ),
    "Conv without padding": ([node("Conv", ["a", "k"], ["y"], "l")], ("B", 4, 5, 7), 108 * 35),
}  # fmt: skip


@pytest.mark.parametrize("name", LATER)
def test_what_a_foreign_operator_gives_follows_from_what_comes_later(tmp_path, name):
    """The file states its inputs and outputs alone."""
    layers, output, macs = LATER[name]
    nodes = [node("Magic", ["x", "z"], ["a"], "trick", domain="local"), *layers]
    stored = [weight("w", 8, 6), weight("v", 6, 8), weight("c", 6), weight("k", 4, 3, 3, 3)]
    used = {given for layer in layers for given in layer.input}
    inputs = [value("x", "B", "H"), value("z", "W")]
    ledger = ledger_of(
        tmp_path, nodes, inputs, [value("y", *output)], [t for t in stored if t.name in used]
    )
    assert ledger.macs().missing == ("trick:Magic",)
    free = symbol("H") * symbol("W") if "W" in output else 1
    assert ledger.macs().value == macs * symbol("B") * free


# --- questions about sizes -----------------------------------------------------------------------


def test_a_branch_on_a_free_size_is_the_one_of_large_sizes_and_held(tmp_path):
    """As torch writes squeeze: if the axis is 1, without it."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["first"]),
        node("Equal", ["first", "one"], ["alone"]),
        node("If", ["alone"], ["y"],
             then_branch=body_of([node("Squeeze", ["x", "axis"], ["r"])], "r"),
             else_branch=body_of([node("Identity", ["x"], ["r"])], "r")),
        node("MatMul", ["y", "w"], ["z"]),
    ]  # fmt: skip
    stored = [number("zero", 0), number("one", 1), numbers("axis", 0), weight("w", 8, 4)]
    ends = [value("x", "N", 3, 8)], [value("z", *"abc")]
    ledger = ledger_of(tmp_path, nodes, *ends, stored)
    assert ledger.macs().value == 96 * N
    assert [str(c) for c in ledger.conditions] == ["N ≠ 1"]
    assert read(tmp_path / "graph.onnx", sizes={"N": 1}).ledger.macs().value == 96


def test_branches_that_are_alike_need_no_answer(tmp_path):
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["first"]),
        node("Less", ["first", "bound"], ["short"]),
        node("If", ["short"], ["y"],
             then_branch=body_of([node("MatMul", ["x", "w"], ["r"])], "r"),
             else_branch=body_of([node("MatMul", ["x", "v"], ["r"])], "r")),
    ]  # fmt: skip
    stored = [number("zero", 0), number("bound", 9), weight("w", 8, 4), weight("v", 8, 4)]
    ledger = ledger_of(tmp_path, nodes, [value("x", "N", 8)], [value("y", *"ab")], stored)
    assert (ledger.macs().value, ledger.params().value) == (32 * N, 64)
    assert ledger.complete
    assert ledger.conditions == ()


def test_a_whole_number_is_held_in_its_type(tmp_path):
    ledger = ledger_of(
        tmp_path, [node("Gather", ["t", "i"], ["y"])], [value("i", "N", kind=INT)],
        [value("y", "N", 8)], [held("t", 10, 100, 8)],
    )  # fmt: skip
    assert ledger.weight_bytes().value == 100 * 8 * 2


def test_a_condition_is_said_once_and_without_common_factors(tmp_path):
    """8·B·H elements are 4·B·W, there and back."""
    nodes = [
        node("Shape", ["x"], ["first"]),
        node("Shape", ["z"], ["second"]),
        node("Reshape", ["x", "second"], ["a"], "there"),
        node("Reshape", ["z", "first"], ["b"], "back"),
    ]
    inputs = [value("x", "B", "H", 8), value("z", "B", "W", 4)]
    ledger = ledger_of(tmp_path, nodes, inputs, [value("a", *"abc"), value("b", *"abc")])
    assert [str(c) for c in ledger.conditions] == ["2·H = W"]


def test_an_output_of_no_stated_rank_is_read_too(tmp_path):
    """As onnxruntime writes what its own operators give."""
    nodes = [node("Gelu", ["x"], ["t"], domain=MS), node("MatMul", ["t", "w"], ["y"])]
    whole = model(nodes, [value("x", "N", 8)], [value("y", "N", 4)], [weight("w", 8, 4)])
    whole.graph.output[0].type.tensor_type.ClearField("shape")
    (tmp_path / "net.onnx").write_bytes(whole.SerializeToString())
    assert read(tmp_path / "net.onnx").ledger.macs().value == 32 * N
