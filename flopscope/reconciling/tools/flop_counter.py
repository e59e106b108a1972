"""torch 2.13's FlopCounterMode: kernels of its table, as they run in evaluation, without gradients,
on a CPU of x86. Its source is torch/utils/flop_counter.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod

from flopscope.reconciling.tools.counted import Counted, NotModelled, tensor
from flopscope.spelling import ATTENTION, ENCODER, FLASH, NESTED, Called, Spelling


def _convolution(call: Called) -> int:
    given, weight, result = (tensor(call, x) for x in (*call.args[:2], call.result))
    positions = (given if call.args[6] else result).shape[2:]
    return 2 * given.shape[0] * weight.size * prod(positions)


def _product(first: int) -> Callable[[Called], int]:
    def count(call: Called) -> int:
        a, b = (tensor(call, x) for x in call.args[first : first + 2])
        return 2 * a.size * b.shape[-1]

    return count


FORMULAS: Mapping[str, Callable[[Called], int]] = {
    "aten::mm": _product(0),
    "aten::bmm": _product(0),
    "aten::_scaled_mm": _product(0),
    "aten::addmm": _product(1),
    "aten::baddbmm": _product(1),
    "aten::convolution": _convolution,
    "aten::_convolution": _convolution,
}
"""Formulas by kernel; a kernel that is not here counts nothing."""

RECURRENT = frozenset({"aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"})

FUSED = frozenset({ATTENTION, ENCODER, FLASH})
"""Layers and functions that run as one kernel which is not in the table."""


def flop_counter(spelling: Spelling) -> Iterator[Counted]:
    """The answer of FlopCounterMode. Raises NotModelled if the choice of a kernel depends on more
    than shapes."""
    for name, path in spelling.unseen:
        raise NotModelled(name, path, "it runs in a form of its own")
    for call in spelling.kernels:
        if NESTED in call.inside:
            raise NotModelled.of(call, "torch takes the padding out before it")
        if call.inside & FUSED:
            continue
        if call.name in RECURRENT:
            count = _recurrent(call)
        elif call.name in FORMULAS:
            count = FORMULAS[call.name](call)
        else:
            continue
        yield Counted(call.name.removeprefix("aten::"), "2 × multiply-accumulate", count)


def _recurrent(call: Called) -> int:
    """What a recurrent layer counts.

    An LSTM of single precision is one kernel of oneDNN, unless it is packed or has a projection.
    Others are products of all steps with one matrix and of each step with another.
    """
    packed = not isinstance(call.args[3], bool)
    given = tensor(call, call.args[0])
    state, weights = call.args[1 + packed : 3 + packed]
    states = state if isinstance(state, tuple) else (state,)
    projected = len({x.shape[-1] for x in states}) > 1
    if call.name == "aten::lstm" and not packed and not projected:
        if given.dtype == "float32":
            return 0
        if given.dtype != "float64":
            raise NotModelled.of(call, "its kernel depends on the processor")
    matrices = [weight for weight in weights if len(weight.shape) > 1]
    size: int = sum(matrix.size for matrix in matrices)
    return 2 * prod(given.shape[:-1]) * size
