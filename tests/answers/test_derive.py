"""Formulas in a module's own arguments: equal to modules built at numbers, in every piece."""

import json
import math
from functools import cache
from pathlib import Path

import blocks
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flopscope.answers.derive import derive
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.symbolic import symbol
from flopscope.tracing import derive as traced_constructor
from flopscope.tracing import trace
from flopscope.tracing.building.standins import standins

FILE = str(Path(blocks.__file__))


def at(derivation, quantity, **sizes):
    """The value of the piece whose domain has these sizes; there is exactly one."""
    (piece,) = [
        p for p in derivation.pieces if all(c.at(sizes).broken() is False for c in p.conditions)
    ]
    formula = piece.formulas[quantity]
    return formula.at(**{s.name: sizes[s.name] for s in formula.symbols})


def counted(make, shape, **arguments):
    with torch.device("meta"):
        module = make(**arguments)
    ledger = trace(module, shape).ledger
    return ledger.macs().value, sum(p.numel() for p in module.parameters())


def agree(derivation, make, shape, arguments, **sizes):
    macs, params = counted(make, shape, **arguments)
    assert at(derivation, "macs", **sizes) == macs
    assert at(derivation, "params", **sizes) == params


few = settings(max_examples=15)
sizes = st.integers(1, 70)


@cache
def separable():
    return derive(
        f"{FILE}:Separable", ("in_channels=C", "out_channels=N", "kernel_size=K", "stride=S")
    )


@few
@given(C=sizes, N=sizes, half=st.integers(0, 3), S=st.integers(1, 3), H=st.integers(7, 40))
def test_separable_convolution(C, N, half, S, H):
    K = 2 * half + 1
    arguments = {"in_channels": C, "out_channels": N, "kernel_size": K, "stride": S}
    agree(separable(), blocks.Separable, (2, C, H, H + 3), arguments,
          B=2, C=C, N=N, K=K, half_K=half, S=S, H=H, W=H + 3)  # fmt: skip


@cache
def squeeze():
    return derive(f"{FILE}:Squeeze", ("channels=C",))


@few
@given(C=st.integers(2, 90))
def test_a_piecewise_law_is_reported_as_pieces(C):
    assert len(squeeze().pieces) > 1
    agree(squeeze(), blocks.Squeeze, (3, C, 5, 6), {"channels": C}, B=3, C=C, H=5, W=6)


@cache
def inverted():
    return derive(f"{FILE}:Inverted", ("inp=C", "oup=N", "stride=1", "expand_ratio=t"))


@few
@given(C=sizes, N=sizes, t=st.integers(1, 6), same=st.booleans())
def test_branches_of_equal_cost_are_one_piece(C, N, t, same):
    assert len(inverted().pieces) == 2  # t = 1 and t ≥ 2; the shortcut has no multiplication
    N = C if same else N
    arguments = {"inp": C, "oup": N, "stride": 1, "expand_ratio": t}
    agree(inverted(), blocks.Inverted, (1, C, 8, 9), arguments, B=1, C=C, N=N, t=t, H=8, W=9)


@cache
def ghost():
    return derive(f"{FILE}:Ghost", ("inp=C", "oup=N", "ratio=s"))


@few
@given(C=sizes, N=st.integers(4, 70), s=st.integers(2, 4))
def test_ghost_ratio(C, N, s):
    (first, *_) = ghost().pieces
    params = first.formulas["params"].expression.evaluate({"C": C, "N": N, "s": s})
    primary = math.ceil(N / s)
    assert params == C * primary + 9 * primary * (s - 1)
    assert counted(blocks.Ghost, (1, C, 6, 6), inp=C, oup=N, ratio=s)[1] == params


@cache
def attention():
    return derive(f"{FILE}:Attention", ("dim=h*d", "num_heads=h"))


@few
@given(h=st.integers(1, 6), d=st.integers(1, 9), T=sizes)
def test_substitutions_are_constraints(h, d, T):
    assert [str(size) for size in attention().inputs[0]] == ["B", "T", "d·h"]
    arguments = {"dim": h * d, "num_heads": h}
    agree(attention(), blocks.Attention, (2, T, h * d), arguments, B=2, T=T, h=h, d=d)


@cache
def stack():
    return derive(f"{FILE}:Stack", ("channels=C", "depth=n", "norm='batch'"))


@few
@given(C=sizes, n=st.integers(1, 30))
def test_a_size_that_must_be_a_number_is_interpolated(C, n):
    agree(stack(), blocks.Stack, (1, C, 5, 5), {"channels": C, "depth": n}, B=1, C=C, n=n, H=5, W=5)


def test_what_was_interpolated_and_where_is_said():
    lines = Path(FILE).read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "range(depth)]" in text)
    where, how = stack().notes
    assert where.startswith("a size became a number: n = 2 at ")
    assert where.endswith(f"blocks.py:{line}")
    assert how.startswith("interpolated from n = 1, 2; equal at n = 3, 4, 5, 6, 7, ")
    assert how.endswith(", 256 and 521 too")


def test_a_width_multiplier_is_exact_with_its_rounding():
    found = derive(f"{FILE}:Wide", ("width=width",), ("B,3,H,W",))
    conditions = found.pieces[0].conditions
    inside = [
        width
        for width in (0.75, 1.0, 1.3, 1.4, 1.75)
        if all(c.at({"width": width}).broken() is False for c in conditions)
    ]
    assert len(inside) > 2
    for width in inside:
        macs, _ = counted(blocks.Wide, (1, 3, 32, 32), width=width)
        assert found.formula().at(B=1, H=32, W=32, width=width) == macs


@pytest.mark.parametrize(
    ("make", "arguments", "inputs", "params"),
    [
        (nn.Linear, {"in_features": "C", "out_features": "N"}, 1, "C·N + N"),
        (nn.LSTM, {"input_size": "C", "hidden_size": "N"}, 1, "4·C·N + 4·N² + 8·N"),
        (nn.LayerNorm, {"normalized_shape": "C"}, 1, "2·C"),
        (nn.Conv1d, {"in_channels": "C", "out_channels": "N", "kernel_size": 5}, 0, "5·C·N + N"),
    ],
)
def test_torch_s_own_layers(make, arguments, inputs, params):
    values = {n: symbol(v) if isinstance(v, str) else v for n, v in arguments.items()}
    shapes = [("T", "B", symbol("C"))][:inputs]
    assert str(traced_constructor(make, values, *shapes).ledger.params().value) == params


def test_multi_head_attention_in_heads_and_their_width():
    h, d = symbol("h"), symbol("d")
    arguments = {"d_model": h * d, "nhead": h, "dim_feedforward": 4 * h * d, "batch_first": True}
    ledger = traced_constructor(nn.TransformerEncoderLayer, arguments).ledger
    assert not ledger.conditions
    assert str(ledger.macs().value) == "12·B·T·d²·h² + 2·B·T²·d·h"


def test_names_are_put_back():
    before = dict(vars(blocks))
    with standins(blocks.Inverted):
        assert blocks.int is not int
    with pytest.raises(TypeError), standins(blocks.Inverted):
        blocks.Inverted()
    assert vars(blocks) == before
    assert torch.nn.functional.math is math


def run(capsys, *arguments):
    status = main(["formula", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_prints_pieces_and_notes(capsys):
    status, out, _ = run(capsys, f"{FILE}:Squeeze", "--arg", "channels=C", "--of", "params")
    assert status == 0
    assert "piece 1 of" in out
    assert "domain: C ≥ 36" in out
    assert max(map(len, out.splitlines()[1:])) <= 80  # the first line is the target as given
    status, out, _ = run(capsys, f"{FILE}:Stack", "--arg", "channels=C", "--arg", "depth=n",
                         "--format", "json")  # fmt: skip
    data = json.loads(out)
    assert data["notes"] == list(stack().notes)
    assert data["formulas"][1]["text"].strip() == "C · (9·C·n + n + 2)"


BAD = {
    ("Squeeze", "--arg", "channels"): "'channels' is not an argument; write it as name=value",
    ("Squeeze", "--arg", "channels=C C"): (
        "'C C' in 'channels=C C' is neither a number, a text in quotes nor an expression in free "
        "sizes; write it like C, 2*C, h*d or 'text'"
    ),
    ("Squeeze", "--arg", "channels=C", "--free", "width"): (
        "FILE:Squeeze is a target and takes no --free, --assume or --ideal"
    ),
    ("Squeeze", "--arg", "channels=C", "--of", "cost"): "unknown quantity 'cost'",
    ("Squeeze", "--arg", "chanels=C"): "FILE:Squeeze cannot be derived with chanels=C: TypeError",
    ("not_a_module", "--arg", "size=C"): "not_a_module makes SymInt, which is not an nn.Module",
    ("Nothing",): "the module has no layer that tells its input's shape; give --input",
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_gets_one_sentence(capsys, arguments):
    name, *rest = arguments
    status, out, err = run(capsys, f"{FILE}:{name}", *rest)
    assert (status, out) == (2, "")
    assert err.startswith(f"flopscope: {BAD[arguments].replace('FILE', FILE)}")
    assert err.count("\n") == 1


def test_options_of_a_target_are_for_targets(capsys):
    assert run(capsys, "resnet50", "--arg", "c=C") == (
        2,
        "",
        "flopscope: resnet50 is not a target and takes no --arg, --input or --example; "
        "write a target as path/to/file.py:Name or package.module:Name\n",
    )


def test_errors_of_the_python_function():
    with pytest.raises(UnknownName) as unknown:
        derive(f"{FILE}:Squeeze", ("channels=C",), quantities=("cost",))
    assert str(unknown.value).partition("; known are params, ")[0] == "unknown quantity 'cost'"
    with pytest.raises(UnknownName) as underived:
        squeeze().formula("buffers")
    assert str(underived.value) == "unknown quantity 'buffers'; known are macs, params"
    with pytest.raises(BadInput) as unwritten:
        derive(f"{FILE}:Squeeze", ("channels",))
    assert str(unwritten.value) == BAD["Squeeze", "--arg", "channels"]
