"""Which ONNX files are read, which are refused, in one sentence and without looking elsewhere."""

import json
import os
import sys
from itertools import pairwise

import pytest
from graphs import (
    BOOL,
    FLOAT,
    INT,
    INT8,
    MS,
    UINT8,
    body_of,
    held,
    model,
    node,
    number,
    numbers,
    outside,
    value,
    weight,
    write,
)
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, helper
from profiles import printed, run, words

from flopscope.errors import FlopscopeError
from flopscope.onnxgraph import read
from flopscope.onnxgraph.model import files
from flopscope.symbolic import symbol

ENDS = [value("x", "B", 3, "H", "W")], [value("y", "B", "C", "h", "w")]
CONV = node("Conv", ["x", "w"], ["y"], "stem", pads=[1, 1, 1, 1], strides=[2, 2])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    return tmp_path / "in"


def simple(path, kernel=None, **named):
    """One convolution, 8·27·⌈H/2⌉·⌈W/2⌉."""
    return write(path, [CONV], *ENDS, [kernel or weight("w", 8, 3, 3, 3)], **named)


# --- the command ---------------------------------------------------------------------------------


def test_named_sizes_are_free(capsys, folder):
    simple(folder / "net.onnx")
    out = printed(capsys, "net.onnx")
    assert out.startswith("net.onnx on (B, 3, H, W). MACs, convention macs:")
    assert "216·B·⌈H/2⌉·⌈W/2⌉" in out
    assert "domain: B, H, W ≥ 1" in out


def test_named_sizes_get_their_values(capsys, folder):
    simple(folder / "net.onnx")
    sizes = ("--example", "B=2", "--example", "H=32", "--example", "W=16")
    data = json.loads(printed(capsys, "net.onnx", *sizes, "--format", "json"))
    assert data["inputs"] == [[2, 3, 32, 16]]
    assert data["macs"] == 216 * 2 * 16 * 8
    given = json.loads(printed(capsys, "net.onnx", "--input", "2,3,32,16", "--format", "json"))
    assert given == data
    named = json.loads(printed(capsys, "net.onnx", "--input", "x=2,3,32,16", "--format", "json"))
    assert named == data


def test_an_operator_that_no_rule_knows_is_a_lower_bound(capsys, folder):
    nodes = [CONV, node("Det", ["y"], ["d"], "det")]
    write(folder / "net.onnx", nodes, ENDS[0], [value("d", "B", "C")], [weight("w", 8, 3, 3, 3)])
    status, out, _ = run(capsys, "net.onnx", "--res", "32", "--strict")
    assert status == 1
    assert "unknown and not counted: Det in det" in words(out)
    assert "≥ 55,296" in out


BAD = {
    (
        "net.onnx",
        "--arg",
        "a=1",
    ): "net.onnx is an ONNX file and takes no --arg, --rules or --backward; leave them out",
    ("net.onnx", "--example", "Q=1"): "unknown size 'Q'; known are B, H, W",
    ("net.onnx", "--input", "1,3,8,8", "--input", "1"): (
        "net.onnx has 1 inputs to give in order (x), but 2 shapes were given; "
        "give one for each, or none to take the file's own"
    ),
    ("net.onnx", "--input", "image=1,3,8,8"): "unknown input 'image'; the only one is x",
    ("net.onnx", "--input", "x=1,3,8,8:int64"): (
        "net.onnx states the types of its inputs; leave :int64 out"
    ),
    ("net.onnx", "--input", "3,8,8"): (
        "input 'x' of net.onnx has 4 sizes, but 3 were given; give it as B,3,H,W"
    ),
    ("net.onnx", "--input", "1,4,8,8"): "sizes 4 and 3 meet at stem, but must be equal",
    ("net.onnx", "--sort", "macs"): (
        "the order by macs depends on the free sizes; "
        "give numbers, or sort by params, or leave sort out"
    ),
    ("gone.onnx",): "there is no file gone.onnx; give the path of an ONNX model",
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_sentence(capsys, folder, arguments):
    simple(folder / "net.onnx")
    assert run(capsys, *arguments) == (2, "", f"flopscope: {BAD[arguments]}\n")


def test_without_onnx_the_sentence_says_how_to_get_it(capsys, folder, monkeypatch):
    simple(folder / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run(capsys, "net.onnx") == (
        2,
        "",
        "flopscope: this needs onnx, but onnx cannot be imported; "
        "install it with: pip install 'onnx>=1.19', or in a clone of flopscope with: make setup\n",
    )


# --- files that are refused ----------------------------------------------------------------------

NOT_WHOLE = "net.onnx is not a whole ONNX file; give one as torch.onnx.export and others write it"


@pytest.fixture
def refused(capsys, folder):
    """Asserts that net.onnx is refused with this sentence, and that no other file is opened."""

    def check(sentence):
        with opened() as paths:
            result = run(capsys, "net.onnx")
        assert result == (2, "", f"flopscope: {sentence}\n")
        assert [path for path in paths if str(folder.parent) in path] in (
            [],
            [str(folder / "net.onnx")],
        )

    return check


class opened:
    """Paths of the files that are opened in this context: an audit hook cannot be taken away."""

    watching: list[str] | None = None

    def __enter__(self):
        if not hasattr(opened, "hooked"):
            opened.hooked = True
            sys.addaudithook(opened.note)
        opened.watching = []
        return opened.watching

    def __exit__(self, *_):
        opened.watching = None

    @staticmethod
    def note(event, arguments):
        if event == "open" and opened.watching is not None and isinstance(arguments[0], str):
            opened.watching.append(os.path.abspath(arguments[0]))


def test_the_watch_sees_what_is_opened(folder):
    (folder / "a").write_text("")
    with opened() as paths:
        (folder / "a").read_text()
    assert paths == [str(folder / "a")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"import torch\n", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(64), id="image"),
        pytest.param(ModelProto(ir_version=9).SerializeToString(), id="no graph"),
    ],
)
def test_what_is_no_onnx_file(folder, refused, data):
    (folder / "net.onnx").write_bytes(data)
    refused(NOT_WHOLE)


def test_a_file_that_ends_early(folder, refused):
    whole = simple(folder / "net.onnx").read_bytes()
    for end in (1, len(whole) // 2, len(whole) - 1):
        (folder / "net.onnx").write_bytes(whole[:end])
        refused(NOT_WHOLE)


def test_a_name_that_is_no_text(folder, refused):
    whole = simple(folder / "net.onnx").read_bytes()
    (folder / "net.onnx").write_bytes(whole.replace(b"stem", b"st\xffm"))
    refused(NOT_WHOLE)


def test_a_folder(folder, refused):
    (folder / "net.onnx").mkdir()
    refused("there is no file net.onnx; give the path of an ONNX model")


def test_a_file_larger_than_any_onnx_file_is_not_even_opened(folder, refused, capsys):
    with open(folder / "net.onnx", "wb") as file:
        file.truncate(2**31)  # a hole, which takes no room
    with opened() as paths:
        refused(
            "net.onnx has 2,147,483,648 bytes, but an ONNX file has at most 2,147,483,647; "
            "give a model that keeps its weights in external data"
        )
    assert str(folder / "net.onnx") not in (paths or [])


def elsewhere(location):
    return (
        f"tensor 'w' of net.onnx lies at '{location}', which is not inside the model's folder; "
        "give a model whose external data lie beside it"
    )


@pytest.mark.parametrize(
    "location",
    [
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "",
        "C:\\secret",
        "..\\secret",
        "link",
        "to/secret",
    ],
)
def test_weights_elsewhere(folder, refused, location):
    (folder.parent / "secret").write_text("secret")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "to").symlink_to(folder.parent)
    simple(folder / "net.onnx", outside("w", location, 8, 3, 3, 3))
    refused(elsewhere(location))


def test_weights_beside_the_model_are_not_read_either(capsys, folder):
    simple(folder / "net.onnx", outside("w", "data/weights.bin", 8, 3, 3, 3))
    with opened() as paths:
        out = printed(capsys, "net.onnx", "--res", "32", "--format", "json")
    data = json.loads(out)
    assert (data["params"], data["macs"]) == (216, 216 * 16 * 16)
    assert [path for path in paths if "weights.bin" in path] == []


def test_external_data_of_a_node(folder, refused):
    constant = node("Constant", [], ["w"], value=outside("k", "weights.bin", 8, 3, 3, 3))
    write(folder / "net.onnx", [constant, CONV], *ENDS)
    refused(
        "tensor 'k' of net.onnx is external data of a node, which cannot be left unread; "
        "give a model whose external data are initialisers of its main graph"
    )


def test_sparse_tensors_and_sizes_below_0(folder, refused):
    message = model([CONV], *ENDS, [weight("w", 8, 3, 3, 3)])
    message.graph.initializer[0].dims[0] = -8
    (folder / "net.onnx").write_bytes(message.SerializeToString())
    refused("tensor 'w' of net.onnx has a size of -8; sizes are integers from 0")
    del message.graph.initializer[:]
    sparse = message.graph.sparse_initializer.add()
    sparse.values.name = "w"
    (folder / "net.onnx").write_bytes(message.SerializeToString())
    refused(
        "tensor 'w' of net.onnx is stored sparse, which is not supported; "
        "give a model that stores it dense"
    )


def test_numbers_that_are_not_there(folder, refused):
    wanted = numbers("shape", 1, 2)
    wanted.int64_data.pop()
    nodes = [node("Reshape", ["x", "shape"], ["y"])]
    write(folder / "net.onnx", nodes, [value("x", 2)], [value("y", "a", "b")], [wanted])
    refused("tensor 'shape' does not hold the (2,) numbers that it says; give a whole model")


def test_what_onnx_s_checker_refuses(folder, refused):
    write(folder / "net.onnx", [node("Relu", ["gone"], ["y"])], *ENDS)
    refused(
        "net.onnx breaks the rules of ONNX (Nodes in a graph must be topologically sorted, however "
        "input 'gone' of node:); give a model that onnx.checker accepts"
    )


def test_sizes_that_the_file_leaves_open(folder, refused):
    ends = [value("x", "B", 3, None, None)], ENDS[1]
    write(folder / "net.onnx", [CONV], *ends, [weight("w", 8, 3, 3, 3)])
    refused(
        "input 'x' of net.onnx is stated as B,3,?,?, which leaves sizes open; "
        "give its shape, as in --input 1,3,224,224 or --input B,3,H,W"
    )
    assert read("net.onnx", [(1, 3, 8, 8)]).ledger.macs().value == 216 * 16


def test_an_input_that_is_no_tensor(folder, refused):
    sequence = helper.make_tensor_sequence_value_info("x", FLOAT, None)
    write(
        folder / "net.onnx",
        [node("SequenceLength", ["x"], ["y"])],
        [sequence],
        [value("y", kind=7)],
    )
    refused("input 'x' of net.onnx is not a tensor; give a model that takes tensors")


def test_a_node_that_could_not_run(folder, refused):
    nodes = [node("Transpose", ["x"], ["t"], "turn", perm=[0, 1]), node("Relu", ["t"], ["y"])]
    write(folder / "net.onnx", nodes, [value("x", "B")], [value("y", "a")])
    refused("turn (Transpose) has attributes or inputs that do not fit together; "
            "give a model that onnx runs")  # fmt: skip


def functions(*bodies):
    """f0, f1, …: each of calls of others."""
    return [
        helper.make_function(
            "local", f"f{place}", ["x"], ["y"],
            [node(op, [a], [b], domain="local" if op[0] == "f" else "") for op, a, b in body],
            [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)],
        )
        for place, body in enumerate(bodies)
    ]  # fmt: skip


def calls(name):
    return [node(name, ["x"], ["y"], domain="local")], [value("x", "B")], [value("y", "B")]


def test_functions_that_call_themselves(folder, refused):
    round_trip = functions([("f1", "x", "y")], [("f0", "x", "y")])
    write(folder / "net.onnx", *calls("f0"), functions=round_trip)
    refused(
        "net.onnx has functions that call each other more than 100 deep; "
        "give a model without recursion"
    )


def test_functions_that_double_and_double(folder, refused):
    twice = [[(f"f{n}", "x", "t"), (f"f{n}", "t", "y")] for n in range(30)]
    write(folder / "net.onnx", *calls("f30"), functions=functions([("Relu", "x", "y")], *twice))
    refused(
        "net.onnx has 1,073,741,824 operators once its functions are written out, "
        f"but at most {files.NODES:,} are read; give a smaller model"
    )


def test_numbers_that_grow_without_end_are_left_alone(folder):
    """Squared sixty times, 10 would have as many digits as a computer has atoms."""
    names = [f"n{place}" for place in range(60)]
    nodes = [node("Mul", [a, a], [b]) for a, b in pairwise(names)]
    nodes += [node("Expand", ["x", names[-1]], ["y"])]
    path = write(
        folder / "net.onnx", nodes, [value("x", 1)], [value("y", "n")], [numbers("n0", 10)]
    )
    assert read(path).ledger.macs().value == 0


# --- any file at all -----------------------------------------------------------------------------


def everything():
    """A convolution, a recurrent layer and shape arithmetic between them, 1 kB."""
    nodes = [
        CONV,
        node("Relu", ["y"], ["r"]),
        node("Shape", ["r"], ["shape"]),
        node("Slice", ["shape", "zero", "two"], ["front"]),
        node("Concat", ["front", "rest"], ["wanted"], axis=0),
        node("Reshape", ["r", "wanted"], ["flat"]),
        node("Transpose", ["flat"], ["steps"], perm=[2, 0, 1]),
        node("GRU", ["steps", "gw", "gr"], ["states"], hidden_size=2),
        node("ReduceMean", ["states", "two"], ["mean"], keepdims=0),
        node("Softmax", ["mean"], ["out"], axis=-1),
    ]
    stored = [weight("w", 4, 3, 3, 3), weight("gw", 1, 6, 4), weight("gr", 1, 6, 2)]
    stored += [numbers("zero", 0), numbers("two", 2), numbers("rest", -1)]
    return model(nodes, ENDS[0], [value("out", *"abc")], stored).SerializeToString()


def fused():
    """A choice, a loop, quantised numbers, attention, packed numbers and a foreign operator."""
    kept = body_of([node("MatMul", ["a", "m"], ["t"])], "t")
    other = body_of([node("Relu", ["a"], ["t"])], "t")
    loop = body_of(
        [node("Identity", ["go"], ["on"]), node("MatMul", ["h", "m"], ["next"])],
        [value("on", kind=BOOL), value("next", *"BTW")],
        [value("i", kind=INT), value("go", kind=BOOL), value("h", *"BTW")],
    )
    nodes = [
        node("Attention", ["x", "w", "b"], ["a"], domain=MS, num_heads=2),
        node("ReduceMax", ["a"], ["top"], keepdims=0),
        node("Cast", ["top"], ["truth"], to=BOOL),
        node("If", ["truth"], ["c"], then_branch=kept, else_branch=other),
        node("Loop", ["three", "", "c"], ["l"], body=loop),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("MatMul", ["l", "d"], ["e"]),
        node("MatMulNBits", ["e", "p", "s"], ["f"], domain=MS, K=8, N=4, bits=4, block_size=16),
        node("Slice", ["f", "zero", "far", "one"], ["g"]),
        node("Magic", ["g"], ["h"], domain="local"),
        node("Gemm", ["h", "v", "k"], ["out"], alpha=0.5),
    ]
    stored = [weight("w", 8, 24), weight("b", 24), weight("m", 8, 8), number("three", 3)]
    stored += [held("q", INT8, 8, 8), weight("s", 1), held("z", INT8, 1), held("p", UINT8, 4, 1, 8)]
    stored += [numbers("zero", 0), numbers("far", 10**9), numbers("one", 1), weight("v", 4, 5)]
    ends = [value("x", "batch", "seq len", 8), value("k", "R", 5)], [value("out", "R", 5)]
    whole = model(nodes, *ends, stored)
    whole.graph.value_info.extend([value("h", "R", 4)])
    return whole.SerializeToString()


FILES = [everything(), fused()]
LONGEST = max(map(len, FILES))
CHANGE = st.tuples(st.integers(0, LONGEST - 1), st.integers(0, 255))


@pytest.mark.parametrize("whole", FILES, ids=["layers", "fused"])
@given(
    changes=st.lists(CHANGE, max_size=4),
    cut=st.none() | CHANGE,
    end=st.none() | st.integers(0, LONGEST),
)
def test_any_file_gives_a_ledger_or_a_sentence(tmp_path_factory, whole, changes, cut, end):
    data = bytearray(whole)
    for place, byte in changes:
        data[place % len(data)] = byte
    if cut is not None:
        del data[cut[0] : cut[0] + cut[1]]
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data[:end])
    try:
        ledger = read(path).ledger
    except FlopscopeError as error:
        said = str(error)
    else:
        said = f"{ledger.macs()} {ledger.params()} {ledger.flops('all')} {ledger.weight_bytes()}"
    assert said.isprintable()


def test_the_whole_of_it_is_known(folder):
    (folder / "net.onnx").write_bytes(FILES[0])
    ledger = read("net.onnx").ledger
    b, h, w = map(symbol, "BHW")
    pixels = b * -(-h // 2) * -(-w // 2)
    assert ledger.complete
    # 4 maps of 27 products each; then 6 rows of 4 inputs and 6 of 2 states for each pixel
    assert ledger.macs().value == pixels * (4 * 27 + 6 * 4 + 6 * 2)


def test_the_whole_of_the_other_is_known(folder):
    (folder / "net.onnx").write_bytes(FILES[1])
    reading = read("net.onnx").ledger.macs()
    b, t, r = symbol("batch"), symbol("seq_len"), symbol("R")
    assert reading.missing == (f"If_3:If of {64 * b * t} or 0 MACs", "Magic_9:Magic")
    attention = b * t * (8 * 24 + 2 * 8 * t)
    assert reading.value == attention + b * t * (3 * 64 + 64 + 32) + r * 20


def test_names_that_a_terminal_would_obey(capsys, folder):
    """Escape sequences in a name are shown as what they are: no letters."""
    kernel = weight("w\x1b[2J", 8, 3, 3, 3)
    layer = node("Conv", ["x", "w\x1b[2J"], ["y"], "st\x07em")
    write(folder / "net.onnx", [layer], *ENDS, [kernel])
    out = printed(capsys, "net.onnx")
    assert "st\ufffdem" in out
    assert out.replace("\n", "").isprintable()
    (row,) = read("net.onnx").ledger.rows
    assert row.weights[0].key == "w\ufffd[2J"
