"""LSTM, GRU and plain recurrent layers as rows, with all steps of a layer together.

A step multiplies its input and its state by one matrix each. Over T steps these are two linear
layers on T·B positions, whether or not the steps can run at once. The equations of a step are those
in the documentation of torch.nn.LSTM, GRU and RNN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from flopscope.facts import Function, Kind
from flopscope.recurrent import GRU, LSTM, RecurrentCell, ungated
from flopscope.tracing.calls import Facts, shape_of
from flopscope.tracing.shapes.fitting import demand, is_size, like, text

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


RECURRENT: Mapping[Any, RecurrentCell] = {
    torch.lstm: LSTM,
    torch.gru: GRU,
    torch.rnn_tanh: ungated(Function.TANH),
    torch.rnn_relu: ungated(Function.RELU),
}
"""What a step of a layer does, by torch's function."""


def recurrent(recorder: Recorder, function: Any, args: Sequence[Any]) -> Any:
    """Record the layers and return their outputs: those of all steps, and the last states."""
    packed = isinstance(args[1], torch.Tensor) and not isinstance(args[2], list)
    x, (states, weights, has_bias, layers, _, _, both_ways) = args[0], args[1 + packed : 8 + packed]
    states = (states,) if isinstance(states, torch.Tensor) else tuple(states)
    directions = 2 if both_ways else 1
    each = len(weights) // (layers * directions)
    shape = (*x.shape[:-1], states[-1].shape[-1])  # before a projection narrows the output
    for number in range(layers):
        outputs = []
        for direction in range(directions):
            start = (number * directions + direction) * each
            own = list(weights[start : start + each])
            outputs.append(layer(recorder, function, x, own, has_bias, shape))
        x = outputs[0] if directions == 1 else torch.cat(outputs, -1)
    return (x, *(like(state, state.shape) for state in states))


def layer(
    recorder: Recorder,
    function: Any,
    x: torch.Tensor,
    weights: list[torch.Tensor],
    has_bias: bool,
    shape: tuple[Any, ...],
) -> torch.Tensor:
    """One layer of torch's function in one direction. Returns its output."""
    cell = RECURRENT[function]

    def append(facts: Facts, output: torch.Tensor) -> torch.Tensor:
        recorder.append(function.__name__, facts._replace(output=shape_of(output)), (), (output,))
        return output

    from_input, from_state, *rest = weights
    biases = rest[:2] if has_bias else [None, None]
    projection = rest[2 if has_bias else 0 :]
    state = like(x, (*shape[:-1], from_state.shape[1]))
    for operand, weight, bias in zip((x, state), (from_input, from_state), biases, strict=True):
        gates = like(x, (*shape[:-1], cell.gates * shape[-1]))
        append(Facts(Kind.LINEAR, (operand,), (weight.mT, bias)), gates)
    out = like(x, shape)
    for step in cell.acts:
        kind = step if isinstance(step, Kind) else Kind.ACTIVATION
        applied = step if isinstance(step, Function) else None
        append(Facts(kind, (out,), function=applied), out)
    for matrix in projection:
        narrow = like(x, (*shape[:-1], matrix.shape[0]))
        out = append(Facts(Kind.LINEAR, (out,), (matrix.mT,)), narrow)
    return out


# --- one step of a cell, as torch writes it out -------------------------------------------------


def lstm_cell(x: torch.Tensor, states: Sequence[torch.Tensor], *weights: Any) -> Any:
    """The new hidden state and the new cell state."""
    state, cell = states
    from_input, from_state = _both(x, state, *weights, state_first=True)
    gates = _parts(from_state.add_(from_input), 4)
    let_in, forget = gates[0].sigmoid_(), gates[1].sigmoid_()
    new, out = gates[2].tanh_(), gates[3].sigmoid_()
    cell = (forget * cell).add_(let_in * new)
    return out * cell.tanh(), cell


def gru_cell(x: torch.Tensor, state: torch.Tensor, *weights: Any) -> torch.Tensor:
    """The new state."""
    from_input, from_state = (_parts(gates, 3) for gates in _both(x, state, *weights))
    reset = from_state[0].add_(from_input[0]).sigmoid_()
    keep = from_state[1].add_(from_input[1]).sigmoid_()
    new = (from_input[2] + from_state[2].mul_(reset)).tanh_()
    return (state - new).mul_(keep).add_(new)


def _parts(gates: torch.Tensor, number: int) -> list[torch.Tensor]:
    """The gates, split as torch splits them. They are written to in place, so autograd must not see
    views."""
    split = torch.ops.aten.unsafe_split.Tensor
    return list(split(gates, gates.shape[1] // number, 1))


def _both(
    x: torch.Tensor,
    state: torch.Tensor,
    from_input: torch.Tensor,
    from_state: torch.Tensor,
    input_bias: torch.Tensor | None = None,
    state_bias: torch.Tensor | None = None,
    *,
    state_first: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The products of the input and of the state with their matrices."""
    demand(
        is_size(x.shape[0], state.shape[0]),
        lambda: (
            f"input batch size {text(x.shape[0])} doesn't match hidden batch size "
            f"{text(state.shape[0])}"
        ),
    )
    if state_first:
        gates = F.linear(state, from_state, state_bias)
        return F.linear(x, from_input, input_bias), gates
    return F.linear(x, from_input, input_bias), F.linear(state, from_state, state_bias)
