"""fvcore 0.1.5: operators of a trace of torch.jit, by its table; others count nothing.

Gradients are asked for, so that attention is not one kernel. Its sources are nn/flop_count.py and
nn/jit_handles.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import floor, prod
from typing import Any, NamedTuple

from flopscope.reconciling.tools.counted import (
    STOPS,
    UNCERTAIN,
    Counted,
    NotModelled,
    hooked,
    optimised,
    tensor,
)
from flopscope.spelling import (
    FROZEN_ATTENTION,
    PASSED,
    PYTHON,
    Array,
    Called,
    Spelling,
)


class Handle(NamedTuple):
    """How fvcore counts an operator: by what, in words, and one call of it."""

    by: str
    amount: Callable[[Called], float]


def _convolution(call: Called, transposed: bool) -> int:
    given, weight, result = (tensor(call, x) for x in (*call.args[:2], call.result))
    if len(given.shape) < len(weight.shape):  # torch adds the axis of the batch
        positions = (given if transposed else result).shape[1:]
        return prod(weight.shape) * prod(positions)
    positions = (given if transposed else result).shape[2:]
    return given.shape[0] * prod(weight.shape) * prod(positions)


def _stack(call: Called) -> int:
    a, b = (tensor(call, x) for x in call.args[:2])
    return a.size * b.shape[-1]


def _matmul(call: Called) -> int:
    a, b = (tensor(call, x) for x in call.args[:2])
    if len(b.shape) < 2:
        raise NotModelled.of(call, STOPS)
    return a.size * b.shape[-1]


def _addmm(call: Called) -> int:
    a, b = (tensor(call, x) for x in call.args[1:3])
    return a.size * b.shape[-1]


def _linear(call: Called) -> int:
    given, weight = (tensor(call, x) for x in call.args[:2])
    return given.size * weight.shape[0]


def _einsum(call: Called) -> float:
    equation, operands = call.args[:2]
    return float(floor(optimised(equation, (x.shape for x in operands)) / 2))


def _norm(index: int, name: str) -> Handle:
    def count(call: Called) -> int:
        given = tensor(call, call.args[0])
        if not 2 <= len(given.shape) <= 5:
            raise NotModelled.of(call, STOPS)
        return given.size * (5 if isinstance(call.argument(index, name), Array) else 4)

    return Handle("4 × input element, 5 if scaled", count)


def _batch_norm(call: Called) -> int:
    given, scale, training = call.args[0], call.args[1], call.args[5]
    if training:
        return int(_norm(1, "weight").amount(call))
    return tensor(call, given).size * (2 if isinstance(scale, Array) else 1)


def _of_result(times: int) -> Handle:
    by = f"{times} × output element"
    return Handle(by, lambda call: times * tensor(call, call.result).size)


_PLAIN = Handle("1 × multiply-accumulate", lambda call: _convolution(call, transposed=False))
_TRANSPOSED = Handle("1 × multiply-accumulate", lambda call: _convolution(call, transposed=True))
_MATMUL = Handle("1 × multiply-accumulate", _matmul)

HANDLES: Mapping[str, Handle] = {
    **{f"aten::conv{n}d": _PLAIN for n in (1, 2, 3)},
    **{f"aten::conv_transpose{n}d": _TRANSPOSED for n in (1, 2, 3)},
    **dict.fromkeys(
        ["aten::convolution", "aten::_convolution"],
        Handle("1 × multiply-accumulate", lambda call: _convolution(call, call.args[6])),
    ),
    "aten::matmul": _MATMUL,
    "aten::mm": _MATMUL,
    "aten::bmm": Handle("1 × multiply-accumulate", _stack),
    "aten::addmm": Handle("1 × multiply-accumulate", _addmm),
    "aten::linear": Handle("1 × multiply-accumulate", _linear),
    "aten::einsum": Handle("½ × NumPy's operations", _einsum),
    "aten::batch_norm": Handle("1 × input element, 2 if scaled", _batch_norm),
    "aten::group_norm": _norm(2, "weight"),
    "aten::layer_norm": _norm(2, "weight"),
    "aten::instance_norm": _norm(1, "weight"),
    "aten::upsample_nearest2d": _of_result(1),
    "aten::upsample_bilinear2d": _of_result(4),
    "aten::grid_sampler": _of_result(4),
    "aten::adaptive_avg_pool2d": Handle(
        "1 × input element", lambda call: tensor(call, call.args[0]).size
    ),
}
"""Handles by operator. A convolution whose padding is a word, conv2d.padding here, is another
operator and counts nothing."""

CELLS: Mapping[str, tuple[int, ...]] = {
    "aten::lstm_cell": (2, 3),
    "aten::gru_cell": (2, 3),
    "aten::rnn_tanh_cell": (2, 3),
    "aten::rnn_relu_cell": (2, 3),
}
"""The indices of the weights of recurrent cells, which a trace shows as two linear layers."""


def fvcore(spelling: Spelling) -> Iterator[Counted]:
    """The answer of fvcore: the operators of the trace, without those on which no result depends.

    Raises NotModelled for calls that torch.jit shows differently from a run.
    """
    hooked(spelling)
    used = spelling.used
    for name, path in spelling.unseen:
        raise NotModelled(name, path, "it is traced in a form of its own")
    for call in spelling.operators:
        if call.name.startswith(PASSED):
            continue
        if call.inside & UNCERTAIN:
            raise NotModelled.of(call, "it depends on what learns and what is padded")
        if PYTHON in call.inside:
            raise NotModelled.of(call, "a trace shows an autograd function as one")
        if FROZEN_ATTENTION in call.inside:
            continue
        if not call.name.startswith("aten::"):
            raise NotModelled.of(call, "it is not known how a trace shows it")
        if not call.writes & used and (call.name in CELLS or call.name in HANDLES):
            if call.name in CELLS or any(
                other.reads & call.writes and other.reads & other.writes
                for other in spelling.operators
            ):
                raise NotModelled.of(call, "nothing that is returned depends on it")
            continue
        if call.name in CELLS:
            yield Counted(_name(call), "1 × multiply-accumulate", _cell(call))
        elif call.name in HANDLES:
            handle = HANDLES[call.name]
            yield Counted(_name(call), handle.by, handle.amount(call))


def _cell(call: Called) -> int:
    state: Any = call.args[1]
    hidden = state[0] if isinstance(state, tuple) else state
    weights = (tensor(call, call.args[index]) for index in CELLS[call.name])
    given = (tensor(call, call.args[0]), tensor(call, hidden))
    return sum(x.size * w.shape[0] for x, w in zip(given, weights, strict=True))


def _name(call: Called) -> str:
    return call.name.removeprefix("aten::")
